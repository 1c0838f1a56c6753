//! Tables with few labels: `gleaner train` as it comes, and the classifiers of scikit-learn, on the same draws.

use std::path::PathBuf;

use super::environment::python;
use super::options::Options;
use crate::shell::{Shell, target};

/// The other side's program and the packages that it needs.
const PEER: &str = "benches/peers/tables.py";
const PACKAGES: &str = "benches/peers/requirements-tables.txt";

/// Where the report goes.
const REPORT: &str = "docs/results/tables";

/// Runs both on every table in `$GLEANER_DATA/own`, and writes the report. The sizes are options of the script: `--draws`, `--labels`,
/// `--tables`, `--missing`, `--out`.
///
/// # Errors
/// When there are no tables, or a side fails.
pub fn run(options: &Options) -> Result<(), String> {
    let data = std::env::var_os("GLEANER_DATA").map(|folder| PathBuf::from(folder).join("own"));
    let data = data.filter(|folder| folder.is_dir()).ok_or(
        "GLEANER_DATA must name a folder in which own/ has tables, one .csv each, the label in the last column",
    )?;
    let python = python("peers-tables", PACKAGES)?;
    Shell::cargo(["build", "--release", "--package", "gleaner"]).run()?;
    let gleaner = target().join("release/gleaner").display().to_string();
    let (data, threads) = (data.display().to_string(), options.threads.to_string());
    let given = ["--gleaner", &gleaner, "--data", &data, "--out", REPORT, "--threads", &threads];
    let sizes = options.sizes.iter().map(String::as_str);
    Shell::program(&python).args([PEER]).args(given).args(sizes).run()
}
