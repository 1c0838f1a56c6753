//! `gleaner report`: a run as one page.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;

use super::opening::{Found, Opening};
use crate::files::write_atomic;
use crate::output::Output;
use crate::report::{Run, page};

/// Gather a run in one HTML page: results, settings, curves, pictures, calibration, diagnostics.
///
/// The page needs no network and no other file. What needs data that this machine lacks is left out, and the page
/// says so.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gleaner report runs/digits-m2-seed0 --out report.html")]
pub struct Args {
    #[command(flatten)]
    opening: Opening,
    /// Page to write
    #[arg(long, value_name = "X.html")]
    out: PathBuf,
}

/// Writes the page.
///
/// # Errors
/// If there is no such run, its metrics are broken, or the file cannot be written.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    let Found { dir, recipe, device } = args.opening.find(&args.out)?;
    let page = page(&Run::read(dir, recipe, device)?);
    write_atomic(&args.out, page.html().as_bytes())?;
    let missing: Vec<&str> =
        page.sections.iter().filter(|s| s.body.is_err()).map(|s| s.title).collect();
    let without = match &missing[..] {
        [] => String::new(),
        titles => format!(", without {} (the page says why)", titles.join(", ")),
    };
    out.line(format!("{} sections in {}{without}", page.sections.len(), args.out.display()));
    out.object(&json!({ "out": args.out, "sections": page.sections.len(), "missing": missing }))
}
