//! The layout of one run's folder.
//!
//! ```text
//! config.toml  metrics.jsonl  summary.json  model.safetensors  state/state.safetensors  samples.png
//! curves.svg  reliability.svg
//! ```
//!
//! of data of the user's own also `profile.json` and, of a cross-validation, a run for each part,
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

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use burn::tensor::Device;
use gleaner_core::checkpoint::Checkpoint;
use gleaner_core::data::Vocabulary;
use gleaner_core::data::profile::Profile;
use gleaner_core::models::{Model, ModelConfig};
use serde_json::Value;

use super::recipe::Recipe;
use crate::system::files::{
    append_line, ensure_writable_dir, keep_lines, settle, write_atomic, write_folder,
};

/// What was seen of data of the user's own.
const PROFILE: &str = "profile.json";

/// The words of a run on texts.
const VOCABULARY: &str = "vocabulary.txt";

/// One run's folder.
#[derive(Clone, Debug)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// A new folder that may exist but must not hold a run.
    ///
    /// # Errors
    /// If it holds one, or cannot be written to.
    pub fn create(path: &Path) -> Result<Self> {
        Self::ensure_free(path)?;
        let dir = Self { path: path.to_owned() };
        dir.make_folders()?;
        Ok(dir)
    }

    /// That a folder holds no run.
    ///
    /// # Errors
    /// If it holds one.
    pub fn ensure_free(path: &Path) -> Result<()> {
        let dir = Self { path: path.to_owned() };
        if dir.config().exists() || dir.model().exists() {
            bail!(
                "\"{}\" already holds a run; continue it with --resume {0}, or choose another --out",
                path.display()
            );
        }
        Ok(())
    }

    /// A new folder for a finished run, which nobody will resume: whole, as `fill` writes it, or not at all.
    ///
    /// # Errors
    /// If it holds a run or anything else, or cannot be written to, and whatever `fill` returns.
    pub fn create_bare(path: &Path, fill: impl FnOnce(&Self) -> Result<()>) -> Result<()> {
        let dir = Self { path: path.to_owned() };
        if dir.config().exists() || dir.model().exists() {
            bail!("\"{}\" already holds a run; choose another --out", path.display());
        }
        if std::fs::read_dir(path).is_ok_and(|mut files| files.next().is_some()) {
            bail!("\"{}\" is not empty; choose another --out", path.display());
        }
        write_folder(path, |aside| fill(&Self { path: aside.to_owned() }))
    }

    /// An existing run that will be written to again.
    ///
    /// # Errors
    /// If the folder is not there, holds no run or one that cannot go on, or cannot be written to.
    pub fn reopen(path: &Path) -> Result<Self> {
        let dir = Self::open(path)?;
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

    fn make_folders(&self) -> Result<()> {
        ensure_writable_dir(&self.path)?;
        ensure_writable_dir(self.path.join("state"))
    }

    /// The first free folder of `runs/NAME`, `runs/NAME-2`, ...
    ///
    /// # Errors
    /// If it cannot be written to.
    pub fn create_named(name: &str) -> Result<Self> {
        let runs = Path::new("runs");
        let free = (1u32..)
            .map(|n| runs.join(if n == 1 { name.to_owned() } else { format!("{name}-{n}") }))
            .find(|path| !path.exists())
            .unwrap_or_else(|| runs.join(name));
        Self::create(&free)
    }

    /// An existing run that is only read.
    ///
    /// # Errors
    /// If the folder is not there or holds no run.
    pub fn open(path: &Path) -> Result<Self> {
        let dir = Self { path: path.to_owned() };
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
        self.path.join("state").join("state.safetensors")
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
        Recipe::of_run(&self.config())
    }

    /// Removes what a resumed run needs, of one that will not be resumed.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove_state(&self) -> Result<()> {
        let folder = self.path.join("state");
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

    /// The run's model and its configuration.
    ///
    /// # Errors
    /// If the checkpoint is missing, broken or of a model that is not known.
    pub fn load(&self, device: &Device) -> Result<(ModelConfig, Model)> {
        let checkpoint = self.checkpoint()?;
        let named = || self.model().display().to_string();
        let model = checkpoint.build(device).with_context(named)?;
        Ok((checkpoint.config, model))
    }

    /// The run's model as its file holds it.
    ///
    /// # Errors
    /// If the checkpoint is missing, broken or of a model that is not known.
    pub fn checkpoint(&self) -> Result<Checkpoint> {
        let path = self.model();
        let bytes = std::fs::read(&path).with_context(|| {
            let (model, run) = (path.display(), self.path.display());
            match self.summary().exists() {
                true => format!(
                    "cannot read {model}; copy the run again, or repeat it with gleaner train {} --out another-run",
                    self.config().display()
                ),
                false => format!("{run} has no model yet; go on with gleaner train --resume {run}"),
            }
        })?;
        let named = || path.display().to_string();
        Checkpoint::from_bytes(&bytes).with_context(named)
    }
}
