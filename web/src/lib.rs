//! The Gleaner core in a page: a checkpoint in, samples out, on the visitor's own GPU.
//!
//! Every export that computes on a device is asynchronous and every read-back awaited: a browser cannot block, and the
//! device's lazy constructor and synchronous reads panic there. Errors reach the page as one `Error` with one clear line. What
//! comes from JavaScript comes as a `JsValue` and goes through [`gleaner_border::asked`]: arguments of other types are converted in silence.
//!
//! Order to read: [`backend`] (where to compute) → [`gleaner_border::asked`] and [`exchange`] (what crosses the border) → [`paint`] (bitmaps) →
//! [`session`] (a loaded checkpoint) and what a page asks of it: [`generate`] → [`sift`] → [`pick`] → [`inside`] → [`take_away`].
//! [`Trainer`] is the one of the small program that trains in a page; here it has the GPU.

pub mod generate;
pub mod inside;
mod layer;
pub mod paint;
pub mod pick;
pub mod session;
pub mod sift;
pub mod take_away;

pub use gleaner_training::trainer::Trainer;

use wasm_bindgen::prelude::wasm_bindgen;

/// Runs once when the module is loaded: a panic is then a readable line in the console.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}
