//! `gleaner data show`: what a file or folder of the user's own holds, and what would be made of it.

use std::path::PathBuf;

use anyhow::{Result, bail};
use serde_json::json;

use super::own_options::OwnOptions;
use crate::data::registry::is_known;
use crate::run::recipe::{draft, merge, nested};
use crate::run::source::settle;
use crate::system::output::Output;

/// Show what a file or folder of your own holds: rows, label, classes, features, what is left out and why, and the likelihood
/// and the scaling that follow.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner data show patients.csv\n  \
    gleaner data show patients.csv --label diagnosis --leave-out id\n  \
    gleaner data show photos/ --json")]
pub struct Args {
    /// A table (.csv, .tsv, .jsonl, .parquet), arrays (.npz, .npy, IDX), or a folder with a folder of pictures for each class
    path: PathBuf,
    #[command(flatten)]
    options: OwnOptions,
    /// Change any setting of the data, for example data.minus-one=class
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    set: Vec<String>,
}

/// Shows.
///
/// # Errors
/// If the path cannot be read, or an option does not fit it.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    let Some(path) = args.path.to_str().map(str::to_owned) else {
        bail!("{}: this path is not valid text; rename it", args.path.display());
    };
    if is_known(&path) {
        bail!("{path} is a known data set; see `gleaner data list`");
    }
    let mut flags = args.options.flags()?;
    merge(&mut flags, nested("data.name", path.into()));
    let (recipe, source) = settle(&draft(None, flags, &args.set)?)?;
    let Some(profile) = source.profile(&recipe)? else { return Ok(()) };
    profile.lines().iter().for_each(|line| out.line(line));
    out.object(&json!(profile))
}
