//! Running the program and reading what it says.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Settings that make a run on the embedded digits take a second: a small model and few steps.
pub const SMALL: &[&str] = &[
    "--set=model.hidden=[16]",
    "--set=model.classifier-hidden=[16]",
    "--set=model.latent=4",
    "--set=train.baseline-steps=20",
    "--steps=120",
];

/// The same for a latent energy-based model.
pub const SMALL_LATENT_EBM: &[&str] = &[
    "--model=latent-ebm",
    "--set=model.hidden=[16]",
    "--set=model.energy-hidden=[8]",
    "--set=model.latent=4",
    "--set=objective.latent-ebm.chains.steps=5",
    "--set=train.baseline-steps=20",
    "--steps=120",
];

/// The program under test.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
}

/// How a call ended.
#[derive(Clone, Debug)]
pub struct Said {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Program {
    /// The program at a path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// A call that has not been made yet, far from the user's own data.
    pub fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(&self.path);
        command.args(args).stdin(Stdio::null()).env_remove("GLEANER_DATA");
        command
    }

    /// Calls it and waits.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn call(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Said {
        Said::from(self.command(args).output().expect("the program starts"))
    }

    /// Trains a small model on the embedded digits into `dir`.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn train_small(&self, dir: &Path, more: &[&str]) -> Said {
        let out = dir.display().to_string();
        let args = ["train", "--json", "--out", &out];
        self.call(args.iter().chain(SMALL).chain(more))
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Said {
    /// The same, having checked that the call succeeded.
    ///
    /// # Panics
    /// If it did not.
    pub fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    /// The JSON object on the last line of standard output.
    ///
    /// # Panics
    /// If there is none.
    pub fn json(&self) -> Value {
        let line = self.stdout.lines().last().expect("a line on stdout");
        serde_json::from_str(line).expect("a JSON object on the last line")
    }

    /// The one `error:` line of a failed call, having checked that it is one line and the code is 1.
    ///
    /// # Panics
    /// If the call failed in another way, or not at all.
    pub fn error(&self) -> &str {
        assert_eq!(self.code, Some(1), "stdout {}\nstderr {}", self.stdout, self.stderr);
        let lines: Vec<&str> = self.stderr.lines().filter(|l| l.starts_with("error:")).collect();
        assert_eq!(lines.len(), 1, "{}", self.stderr);
        assert_eq!(self.stderr.lines().last(), Some(lines[0]), "the error comes last");
        assert!(!lines[0].contains("a bug in gleaner"), "{}", lines[0]);
        lines[0]
    }
}

/// The names of what lies in a folder, in the order of the alphabet.
///
/// # Panics
/// It cannot be read.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    names
}
