//! The layout of one run's folder.
//!
//! ```text
//! config.toml  metrics.jsonl  summary.json  model.safetensors  state/state.safetensors  samples.png
//! curves.svg  reliability.svg
//! ```
//!
//! and `data.json`, which says what it was trained on; of data of the user's own also `profile.json` and, of a cross-validation, a run for each part,
//!
//! ```text
//! folds/1/  folds/2/  ...
//! ```
//!
//! and of texts
//!
//! ```text
//! vocabulary.txt  samples.txt
//! ```

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use gleaner_core::data::Vocabulary;
use gleaner_core::data::profile::Profile;
use serde_json::Value;

use super::TrainedOn;
use super::recipe::{Recipe, of_run};
use crate::system::aside::is_temporary;
use crate::system::files::{
    append_line, ensure_writable_dir, keep_lines, settle, write_atomic, write_folder,
};
use crate::system::lock::{self, Lock};

/// What the run was trained on.
const DATA: &str = "data.json";

/// What was seen of data of the user's own.
const PROFILE: &str = "profile.json";

/// The folder of what a resumed run needs.
const STATE: &str = "state";

/// The words of a run on texts.
const VOCABULARY: &str = "vocabulary.txt";

/// One run's folder.
#[derive(Clone, Debug)]
pub struct RunDir {
    path: PathBuf,
    /// Of a run that is written to.
    _lock: Option<Arc<Lock>>,
}

impl RunDir {
    /// A new folder, which nobody else writes into as long as this value lives. It may exist, but must be empty.
    ///
    /// # Errors
    /// If it holds a run or anything else, is being written by another process, or cannot be written to.
    pub fn create(path: &Path) -> Result<Self> {
        ensure_writable_dir(path)?;
        let dir = Self::locked(path)?;
        dir.ensure_empty()?;
        dir.make_folders()?;
        Ok(dir)
    }

    /// A new folder for a finished run, which nobody will resume: whole, as `fill` writes it, or not at all.
    ///
    /// # Errors
    /// If it holds a run or anything else, or cannot be written to, and whatever `fill` returns.
    pub fn create_bare(path: &Path, fill: impl FnOnce(&Self) -> Result<()>) -> Result<()> {
        Self::ensure_free(path)?;
        write_folder(path, |aside| fill(&Self { path: aside.to_owned(), _lock: None }))
    }

    /// That [`RunDir::create`] will find a folder free; nothing is written.
    ///
    /// # Errors
    /// If it is not.
    pub fn ensure_free(path: &Path) -> Result<()> {
        if path.is_dir() {
            Self::locked(path)?.ensure_empty()?;
        }
        Ok(())
    }

    fn locked(path: &Path) -> Result<Self> {
        Ok(Self { path: path.to_owned(), _lock: Some(Arc::new(Lock::take(path)?)) })
    }

    fn ensure_empty(&self) -> Result<()> {
        let path = self.path.display();
        if self.config().exists() {
            bail!(
                "\"{path}\" already holds a run; choose another --out, or continue it with gleaner train --resume {path}"
            );
        }
        // What a run leaves that was stopped before its settings were written is nobody's.
        let is_left = |name: &OsStr| {
            name == lock::FILE || is_temporary(name) || name == STATE && !self.state().exists()
        };
        let found = std::fs::read_dir(&self.path).with_context(|| format!("cannot read {path}"))?;
        let names = found.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<Vec<_>>>();
        let names = names.with_context(|| format!("cannot read {path}"))?;
        if let Some(name) = names.iter().find(|name| !is_left(name)) {
            bail!(
                "\"{path}\" is neither empty nor a run: it holds {}; choose another --out",
                name.display()
            );
        }
        Ok(())
    }

    /// An existing run that will be written to again, by nobody else as long as this value lives.
    ///
    /// # Errors
    /// If the folder is not there, holds no run or one that cannot go on, is being written by another process, or cannot be written
    /// to.
    pub fn reopen(path: &Path) -> Result<Self> {
        Self::open(path)?;
        let dir = Self::locked(path)?;
        if dir.summary().exists() && !dir.state().exists() {
            bail!(
                "\"{0}\" has results, but no state/ to go on from, so it would be trained anew; to do that: gleaner train {1} --out \
                 another-run",
                path.display(),
                dir.config().display()
            );
        }
        dir.make_folders()?;
        Ok(dir)
    }

    /// A run that goes on, or begins, in a folder that nobody else writes into as long as this value lives.
    ///
    /// # Errors
    /// If the folder holds anything but a run, is being written by another process, or cannot be written to.
    pub fn enter(path: &Path) -> Result<Self> {
        ensure_writable_dir(path)?;
        let dir = Self::locked(path)?;
        if !dir.config().exists() {
            dir.ensure_empty()?;
        }
        dir.make_folders()?;
        Ok(dir)
    }

    fn make_folders(&self) -> Result<()> {
        ensure_writable_dir(&self.path)?;
        ensure_writable_dir(self.path.join(STATE))
    }

    /// The first free folder of `runs/NAME`, `runs/NAME-2`, ...
    ///
    /// # Errors
    /// If it cannot be written to.
    pub fn create_named(name: &str) -> Result<Self> {
        let runs = Path::new("runs");
        ensure_writable_dir(runs)?;
        for number in 1u32.. {
            let path = match number {
                1 => runs.join(name),
                _ => runs.join(format!("{name}-{number}")),
            };
            // Made by this process, not found there: another one may be looking for a name, too.
            match std::fs::create_dir(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot create {}", path.display()));
                }
                Ok(()) => return Self::create(&path),
            }
        }
        bail!("{} has no name left for a run; choose one with --out", runs.display())
    }

    /// An existing run that is only read.
    ///
    /// # Errors
    /// If the folder is not there or holds no run.
    pub fn open(path: &Path) -> Result<Self> {
        let dir = Self { path: path.to_owned(), _lock: None };
        if !dir.config().is_file() {
            bail!(
                "\"{}\" is not a run: it has no config.toml; give the folder that `gleaner train` made",
                path.display()
            );
        }
        Ok(dir)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The resolved recipe.
    pub fn config(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    /// The best model on the validation split.
    pub fn model(&self) -> PathBuf {
        self.path.join("model.safetensors")
    }

    /// What a resumed run needs.
    pub fn state(&self) -> PathBuf {
        self.path.join(STATE).join("state.safetensors")
    }

    /// One line per epoch.
    pub fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// One line per refresh of the set that the run is augmented by.
    pub fn augmentation(&self) -> PathBuf {
        self.path.join("augmentation.jsonl")
    }

    /// Results at the end.
    pub fn summary(&self) -> PathBuf {
        self.path.join("summary.json")
    }

    /// Writes a file of the run, aside and renamed.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        write_atomic(self.path.join(name), bytes)
    }

    /// Writes the words down that the columns of the examples count, one a line.
    ///
    /// # Errors
    /// If the disk does not take them.
    pub fn write_vocabulary(&self, words: &[String]) -> Result<()> {
        self.write(VOCABULARY, (words.join("\n") + "\n").as_bytes())
    }

    /// These words; `None` of a run on anything but texts.
    ///
    /// # Errors
    /// If they cannot be read, or one of them stands there twice.
    pub fn vocabulary(&self) -> Result<Option<Vocabulary>> {
        let path = self.path.join(VOCABULARY);
        if !path.exists() {
            return Ok(None);
        }
        let named = path.display().to_string();
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {named}"))?;
        let words = text.lines().map(str::to_owned).collect();
        Ok(Some(Vocabulary::from_words(words, &named)?))
    }

    /// Writes down what the run is trained on.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub fn write_trained_on(&self, data: &TrainedOn) -> Result<()> {
        let text = serde_json::to_string_pretty(data).context(DATA)? + "\n";
        self.write(DATA, text.as_bytes())
    }

    /// What the run was trained on; `None` of one that was made before this was written down.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    pub fn trained_on(&self) -> Result<Option<TrainedOn>> {
        let path = self.path.join(DATA);
        if !path.exists() {
            return Ok(None);
        }
        let broken = || format!("\"{}\" cannot be read; copy the run again", path.display());
        let text = std::fs::read_to_string(&path).with_context(broken)?;
        serde_json::from_str(&text).map(Some).with_context(broken)
    }

    /// Writes down what was seen of data of the user's own.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub fn write_profile(&self, profile: &Profile) -> Result<()> {
        let text = serde_json::to_string_pretty(profile).context(PROFILE)? + "\n";
        self.write(PROFILE, text.as_bytes())
    }

    /// What was seen of data of the user's own; `None` of a run on a known data set.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    pub fn read_profile(&self) -> Result<Option<Profile>> {
        let path = self.path.join(PROFILE);
        let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
        let broken =
            || format!("\"{}\" is not a valid profile; copy the run again", path.display());
        serde_json::from_str(&text).map(Some).with_context(broken)
    }

    /// The recipe that made the run.
    ///
    /// # Errors
    /// If it cannot be read or is incomplete.
    pub fn recipe(&self) -> Result<Recipe> {
        of_run(&self.config())
    }

    /// Removes what a resumed run needs, of one that will not be resumed.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove_state(&self) -> Result<()> {
        let folder = self.path.join(STATE);
        let context = || format!("cannot remove {}", folder.display());
        std::fs::remove_dir_all(&folder).with_context(context)
    }

    /// Adds an epoch's line.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub fn append_metrics(&self, line: &Value) -> Result<()> {
        append_line(self.metrics(), &line.to_string())
    }

    /// Adds a refresh's line.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub fn append_augmentation(&self, line: &Value) -> Result<()> {
        append_line(self.augmentation(), &line.to_string())
    }

    /// Waits until the lines are on the disk: before a state is saved that counts them.
    ///
    /// # Errors
    /// If the disk does not take them.
    pub fn settle_lines(&self) -> Result<()> {
        settle(self.metrics())?;
        settle(self.augmentation())
    }

    /// Forgets lines of epochs and refreshes after the saved state.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub fn keep_lines(&self, epochs: usize, refreshes: usize) -> Result<()> {
        keep_lines(self.metrics(), epochs)?;
        keep_lines(self.augmentation(), refreshes)
    }

    /// The epochs' lines.
    ///
    /// # Errors
    /// If a line is not JSON.
    pub fn read_metrics(&self) -> Result<Vec<Value>> {
        let path = self.metrics();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let broken =
            |line| format!("{}: line {line} is not valid JSON; copy the run again", path.display());
        text.lines()
            .enumerate()
            .map(|(at, line)| serde_json::from_str(line).with_context(|| broken(at + 1)))
            .collect()
    }

    /// The results at the end; `None` before it.
    ///
    /// # Errors
    /// If the file is not JSON.
    pub fn read_summary(&self) -> Result<Option<Value>> {
        let path = self.summary();
        let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
        let summary = serde_json::from_str(&text);
        summary
            .map(Some)
            .with_context(|| format!("\"{}\" is not a valid summary; delete it", path.display()))
    }
}
