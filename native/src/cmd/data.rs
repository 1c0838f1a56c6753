//! `gleaner data`: show a file, list, fetch and verify data sets, and take out what a run saw of one.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use super::export;
use super::show;
use crate::data::dataset::default_data_dir;
use crate::data::fetch::fetch;
use crate::data::known_file::{check, wrong_size};
use crate::data::registry::{ENTRIES, Entry, File, find};
use crate::system::interrupt::Interrupt;
use crate::system::output::{Output, path_text};

/// Arguments of `gleaner data`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gleaner data show patients.csv
  gleaner data list
  gleaner data fetch mnist --data-dir ~/data
  gleaner data fetch cifar-10 --mirror http://localhost:8000
  gleaner data verify --all
  gleaner data export runs/digits-m2-seed0 --out labels.npz")]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// What `gleaner data` does.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Show what a file or folder of your own holds, and how it would be learnt from
    Show(Box<show::Args>),
    /// Show the known data sets and which are present
    List(ListArgs),
    /// Download a data set from its official address (resumes; checks every file before it gets its name)
    Fetch(FetchArgs),
    /// Read the files of a data set and check them: size and SHA-256, or number of examples
    Verify(VerifyArgs),
    /// Write the labelled and the test examples of a run to a file
    Export(export::Args),
}

/// Arguments of `gleaner data list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gleaner data list --json")]
pub struct ListArgs {
    /// Folder of the data sets [default: $GLEANER_DATA, else the user's cache folder]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Also read the files of which no checksum is known, as `gleaner data verify` does
    #[arg(long)]
    pub check: bool,
}

/// Arguments of `gleaner data fetch`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  gleaner data fetch fashion-mnist --mirror http://localhost:8000
  (downloads http://localhost:8000/fashion-mnist/train-images-idx3-ubyte.gz and the other files)"
)]
pub struct FetchArgs {
    /// Data set, for example mnist
    pub name: String,
    /// Server to use instead of the official address; it must have `<data set>/<file>`
    #[arg(long, value_name = "URL")]
    pub mirror: Option<String>,
    /// Folder of the data sets [default: $GLEANER_DATA, else the user's cache folder]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// Arguments of `gleaner data verify`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  gleaner data verify mnist\n  gleaner data verify --all --json"
)]
pub struct VerifyArgs {
    /// Data set, for example mnist
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub name: Option<String>,
    /// Every data set that is present
    #[arg(long)]
    pub all: bool,
    /// Folder of the data sets [default: $GLEANER_DATA, else the user's cache folder]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// State of one data set on this machine.
#[derive(Debug, Serialize)]
pub struct Status {
    /// Name on the command line.
    pub name: &'static str,
    /// All files of one variant are there.
    pub present: bool,
    /// `ok` (every checksum is right), `unverified` (nothing is wrong, but not all was compared with a checksum: none is
    /// known), `wrong size`, `bad` (a checksum or the content is wrong), or `absent`.
    pub verified: &'static str,
    /// Number of classes.
    pub classes: usize,
    /// Training examples.
    pub train: usize,
    /// Test examples.
    pub test: usize,
    /// What is there if it is not the whole: results on it are not comparable with published ones.
    pub subset: Option<&'static str>,
    /// Licence and citation.
    pub licence: &'static str,
    /// Files that are wrong.
    pub bad: Vec<String>,
    /// What is wrong with each of them.
    pub problems: Vec<String>,
}

/// Runs `gleaner data`.
///
/// # Errors
/// Unknown data set, failed download, wrong checksum, a run or file that fails, or a closed standard output.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    match &args.action {
        Action::Show(args) => show::run(args, out),
        Action::List(args) => list(args, out),
        Action::Fetch(args) => run_fetch(args, out),
        Action::Verify(args) => verify(args, out),
        Action::Export(args) => export::run(args, out),
    }
}

fn data_dir(given: Option<&PathBuf>) -> PathBuf {
    given.cloned().unwrap_or_else(default_data_dir)
}

fn known(name: &str) -> Result<&'static Entry> {
    find(name).ok_or_else(|| {
        let names: Vec<&str> = ENTRIES.iter().map(|entry| entry.name).collect();
        anyhow!(
            "there is no data set {name:?}; choose one of {} (digits is built in)",
            names.join(", ")
        )
    })
}

/// The folder of a data set (`fashion-mnist` or `fashion_mnist`) and its first complete variant.
fn present(entry: &Entry, data_dir: &Path) -> Option<(PathBuf, &'static [File])> {
    let folders = [data_dir.join(entry.name), data_dir.join(entry.name.replace('-', "_"))];
    folders.into_iter().find_map(|folder| {
        let complete = |files: &&[File]| files.iter().all(|file| folder.join(file.name).is_file());
        let of_subset = entry.subset.map(|subset| subset.files);
        let files =
            entry.variants.iter().copied().chain(of_subset).find(|files| complete(files))?;
        Some((folder, files))
    })
}

/// Adds what is wrong with the files. One without a known checksum is read only if its `content` is asked for, which may take long.
fn judge(entry: &Entry, folder: &Path, files: &[File], content: bool, status: &mut Status) {
    status.verified = "unverified";
    if files.iter().all(|file| file.sha256.is_some()) {
        status.verified = "ok";
    }
    for file in files {
        let path = folder.join(file.name);
        let size = wrong_size(file, &path).unwrap_or_else(|error| Some(format!("{error:#}")));
        let wrong = if size.is_some() { "wrong size" } else { "bad" };
        let problem = size.map(|problem| format!("{}: {problem}", file.name));
        let checked = || check(entry, file, &path).err().map(|error| format!("{error:#}"));
        let is_read = content || file.sha256.is_some();
        if let Some(problem) = problem.or_else(|| is_read.then(checked).flatten()) {
            status.verified = wrong;
            status.bad.push(path.display().to_string());
            status.problems.push(problem);
        }
    }
}

fn status(entry: &'static Entry, data_dir: &Path, content: bool) -> Status {
    let found = present(entry, data_dir);
    let Entry { name, classes, sizes: [train, test], licence, .. } = *entry;
    let subset = entry.subset.filter(|subset| {
        found.as_ref().is_some_and(|(_, files)| std::ptr::eq(*files, subset.files))
    });
    let mut status = Status {
        name,
        present: found.is_some(),
        verified: "absent",
        classes,
        train: subset.map_or(train, |subset| subset.train),
        test,
        subset: subset.map(|subset| subset.name),
        licence,
        bad: Vec::new(),
        problems: Vec::new(),
    };
    if let Some((folder, files)) = found {
        judge(entry, &folder, files, content, &mut status);
    }
    status
}

fn list(args: &ListArgs, out: &Output) -> Result<()> {
    let dir = data_dir(args.data_dir.as_ref());
    let mut sets = vec![Status {
        name: "digits",
        present: true,
        verified: "ok",
        classes: 10,
        train: 1437,
        test: 360,
        subset: None,
        licence: "CC BY 4.0; E. Alpaydin, C. Kaynak, UCI, doi:10.24432/C50P49 (built in)",
        bad: Vec::new(),
        problems: Vec::new(),
    }];
    for entry in ENTRIES {
        sets.push(status(entry, &dir, args.check));
    }
    out.line(format!(
        "{:14} {:8} {:11} {:>7} {:>7} {:>7}",
        "name", "present", "files", "classes", "train", "test"
    ));
    for Status { name, present, verified, classes, train, test, subset, .. } in &sets {
        let present = if *present { "yes" } else { "no" };
        let note = subset.map_or(String::new(), |name| {
            format!("   a subset, {name}: results are not comparable with published ones")
        });
        out.line(format!(
            "{name:14} {present:8} {:11} {classes:7} {train:7} {test:7}{note}",
            in_words(verified)
        ));
    }
    out.line(if args.check {
        "verified: the SHA-256 is the known one; unverified: none is known, but the file reads as it should"
    } else {
        "verified: the SHA-256 is the known one; unverified: none is known, and the size can be right; --check reads the file"
    });
    for (path, problem) in sets.iter().flat_map(|set| set.bad.iter().zip(&set.problems)) {
        out.line(format!("wrong: {problem} ({path})"));
    }
    out.line(format!("folder: {}", dir.display()));
    out.object(&json!({ "data_dir": path_text(&dir), "sets": sets }))
}

fn run_fetch(args: &FetchArgs, out: &Output) -> Result<()> {
    let dir = data_dir(args.data_dir.as_ref());
    let entry = known(&args.name)?;
    Interrupt::install()?.advise("what was downloaded is kept; continue with the same command");
    fetch(entry, args.mirror.as_deref(), &dir)?;
    let status = status(entry, &dir, true);
    let folder = dir.join(entry.name);
    out.line(format!("{}: {} in {}", entry.name, in_words(status.verified), folder.display()));
    out.object(&json!({ "data_dir": path_text(&dir), "set": status }))
}

fn verify(args: &VerifyArgs, out: &Output) -> Result<()> {
    let dir = data_dir(args.data_dir.as_ref());
    let mut sets = Vec::new();
    match &args.name {
        Some(name) => {
            let status = status(known(name)?, &dir, true);
            if !status.present {
                let name = status.name;
                bail!(
                    "\"{}\" is missing or incomplete; run `gleaner data fetch {name} --data-dir {}`",
                    dir.join(name).display(),
                    dir.display()
                );
            }
            sets.push(status);
        }
        None => {
            for entry in ENTRIES {
                sets.push(status(entry, &dir, true));
            }
            sets.retain(|status| status.present);
        }
    }
    for Status { name, verified, subset, .. } in &sets {
        let note = subset.map_or(String::new(), |name| format!("   (the subset {name})"));
        out.line(format!("{name:14} {}{note}", in_words(verified)));
    }
    out.object(&json!({ "data_dir": path_text(&dir), "sets": sets }))?;
    let wrong = sets.into_iter().flat_map(|set| set.bad.into_iter().zip(set.problems));
    let wrong: Vec<String> = wrong.map(|(path, problem)| format!("{problem} ({path})")).collect();
    if !wrong.is_empty() {
        bail!("{}; delete what is wrong and fetch it again", wrong.join("; "));
    }
    Ok(())
}

/// What the table says of the files.
fn in_words(verified: &str) -> &str {
    if verified == "ok" { "verified" } else { verified }
}
