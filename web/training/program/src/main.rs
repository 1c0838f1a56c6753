//! The small program of the pages that train: nothing but [`gleaner_training`], on the CPU.

// What JavaScript calls lies in the library; without its name here, nothing of it would be linked.
use gleaner_training as _;

/// Runs once when the module is loaded: a panic is then a readable line in the console.
fn main() {
    console_error_panic_hook::set_once();
}
