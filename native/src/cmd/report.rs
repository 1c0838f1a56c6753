//! `gleaner report`: a run as one page.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;

use super::opening::{Found, Opening};
use super::target::Format;
use crate::report::{Run, page};
use crate::system::files::write_atomic;
use crate::system::output::{Output, path_text};

/// Write a report on a run as one HTML page: results, settings, curves, pictures, calibration, diagnostics.
///
/// The page needs no network and no other file. If this machine does not have the data of the run, some sections are
/// left out, and the page says why.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner report runs/digits-m2-seed0\n  \
    gleaner report runs/digits-m2-seed0 --out digits.html")]
pub struct Args {
    #[command(flatten)]
    opening: Opening,
    /// Page to write [default: RUN/report.html]
    #[arg(long, value_name = "X.html")]
    out: Option<PathBuf>,
}

/// Writes the page.
///
/// # Errors
/// If there is no such run, its metrics are broken, or the file cannot be written.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    let Found { dir, recipe, device, out: path } =
        args.opening.find(args.out.as_deref(), "report.html", Format::Html)?;
    let page = page(&Run::read(dir, recipe, device)?);
    write_atomic(&path, page.html().as_bytes())?;
    let missing: Vec<&str> =
        page.sections.iter().filter(|s| s.body.is_err()).map(|s| s.title).collect();
    let without = match &missing[..] {
        [] => String::new(),
        titles => format!(", without {} (the page says why)", titles.join(", ")),
    };
    out.line(format!("{} sections in {}{without}", page.sections.len(), path.display()));
    out.object(
        &json!({ "out": path_text(&path), "sections": page.sections.len(), "missing": missing }),
    )
}
