//! The largest counts that options take, each with its reason, and memory that counts would fill.

use anyhow::{Result, bail};

use crate::system::memory;

/// Repetitions at most: a time or a result is kept of each.
pub const MOST_REPEATED: usize = 1_000_000;

/// Numbers in a row at most, of anything that is computed: as many as a layer may have.
pub const MOST_WIDE: usize = 1 << 20;

/// Refuses a count that is too large, and says why.
///
/// # Errors
/// If `found` is more than `most`.
pub fn at_most(option: &str, found: usize, most: usize, why: &str) -> Result<()> {
    if found > most {
        bail!("{option} {found} is not valid: it must be at most {most}: {why}");
    }
    Ok(())
}

/// Refuses counts that multiply to more numbers in single precision than there is memory for.
///
/// # Errors
/// If there is less.
pub fn ensure_room(options: &str, sizes: &[&[usize]]) -> Result<()> {
    let product =
        |sizes: &[usize]| sizes.iter().fold(4, |all: u64, &n| all.saturating_mul(n as u64));
    let needed = sizes.iter().map(|sizes| product(sizes)).fold(0, u64::saturating_add);
    memory::ensure_free(needed, options, "give smaller numbers")
}
