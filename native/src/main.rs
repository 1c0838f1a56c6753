//! The `gleaner` binary: everything is in the library, so that the tests can run it too. Only the allocator is chosen here.

use std::process::ExitCode;

use libmimalloc_sys::mi_option_t;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` in mimalloc 3's `mimalloc.h`; its bindings leave it out.
const PURGE_DELAY: mi_option_t = 15;

fn main() -> ExitCode {
    keep_freed_memory();
    gleaner::main()
}

/// Has freed memory stay with the process, where it would go back to the system after a second: a training step asks for the
/// same blocks again, and the system fills every page with zeros anew. That was a tenth of the time of a step on images.
fn keep_freed_memory() {
    #[expect(
        unsafe_code,
        reason = "sets one number, before there is a second thread; no safe binding does"
    )]
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, -1);
    }
}
