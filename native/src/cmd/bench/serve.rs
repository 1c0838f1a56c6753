//! How programs that are timed in turns talk: a line of JSON when ready, then one for each line read.

use std::io::{BufRead as _, Write as _};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::system::memory;

/// Says `ready`, then answers each number that stdin has a line of with the milliseconds of so many rounds of work, and the most bytes
/// of memory that the process has had until then.
///
/// # Errors
/// If a line is no number, the work fails, or nobody listens.
pub fn serve(ready: &Value, mut time: impl FnMut(usize) -> Result<Vec<f64>>) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{ready}")?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let rounds = line.trim().parse().with_context(|| {
            format!("{line:?} is not a number of rounds; write one whole number per line")
        })?;
        let milliseconds = time(rounds)?;
        let answer = json!({"milliseconds": milliseconds, "peak_bytes": memory::peak()});
        writeln!(stdout, "{answer}")?;
        stdout.flush()?;
    }
    Ok(())
}
