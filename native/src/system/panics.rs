//! Panics in other people's code that stand for an error: caught, without a word on the terminal.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Jobs under way whose panics are errors. All threads count: a panic comes from whichever has part of the work.
static EXPECTED: AtomicUsize = AtomicUsize::new(0);

/// Has every panic that nobody expects be told in one line.
pub fn tell(tell: impl Fn(&str) + Send + Sync + 'static) {
    set_hook(Box::new(move |panic| {
        if EXPECTED.load(Ordering::Relaxed) == 0 {
            tell(&panic.to_string());
        }
    }));
}

/// What a job returns; none if it panicked. What it has changed until then is the caller's to put right.
pub fn caught<T>(job: impl FnOnce() -> T) -> Option<T> {
    EXPECTED.fetch_add(1, Ordering::Relaxed);
    let done = catch_unwind(AssertUnwindSafe(job));
    EXPECTED.fetch_sub(1, Ordering::Relaxed);
    done.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_no_result() {
        assert_eq!(caught(|| 3), Some(3));
        assert_eq!(caught(|| -> u8 { panic!("expected") }), None);
        assert_eq!(EXPECTED.load(Ordering::Relaxed), 0);
    }
}
