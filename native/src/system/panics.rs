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

/// What a job returns. What it has changed until it panicked is the caller's to put right.
///
/// # Errors
/// The words of its panic.
pub fn caught<T>(job: impl FnOnce() -> T) -> Result<T, String> {
    EXPECTED.fetch_add(1, Ordering::Relaxed);
    let done = catch_unwind(AssertUnwindSafe(job));
    EXPECTED.fetch_sub(1, Ordering::Relaxed);
    done.map_err(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
        words.unwrap_or("without a word").to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_no_result() {
        assert_eq!(caught(|| 3), Ok(3));
        assert_eq!(caught(|| -> u8 { panic!("expected") }), Err("expected".to_owned()));
        assert_eq!(caught(|| -> u8 { panic!("expected {}", 1) }), Err("expected 1".to_owned()));
        assert_eq!(EXPECTED.load(Ordering::Relaxed), 0);
    }
}
