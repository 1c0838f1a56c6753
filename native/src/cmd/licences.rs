//! `gleaner licences`: what the program is made of, and under which terms.

use anyhow::{Context as _, Result};
use flate2::read::GzDecoder;
use serde_json::json;

use crate::system::output::Output;

/// What `build.rs` made of `docs/third-party.txt`.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/third-party.txt.gz"));

/// Print the licences of the packages that are part of this program.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints them.
///
/// # Errors
/// If the program's own file is damaged.
pub fn run(_args: &Args, out: &Output) -> Result<()> {
    let text = std::io::read_to_string(GzDecoder::new(PACKED))
        .context("the licences in this program are damaged; install it again")?;
    // A tab would be shown as what it is.
    text.trim_end().lines().for_each(|line| out.line(line.replace('\t', "    ")));
    out.object(&json!({ "licences": text }))
}
