//! One cell of a table at one label draw: a run, or another method on the same labels.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use burn::tensor::Device;
use gleaner_core::coreset::Curvature;
use gleaner_core::data::AugmentedSet;
use gleaner_core::noise::Noise;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::table::{Column, Row, RowMethod, Table, Trained};
use crate::classical::Task;
use crate::data::dataset;
use crate::report::figures;
use crate::run::Problem;
use crate::run::RunDir;
use crate::run::measure::measure_baseline;
use crate::run::recipe::{Recipe, merge, nested};
use crate::run::source;
use crate::system::device;
use crate::system::files::{ensure_writable_dir, write_atomic};
use crate::system::interrupt::Interrupt;
use crate::system::lock::{self, Held, Lock};
use crate::system::threads::Threads;
use crate::training::{Augmenter, Session, train, train_classifier};

/// Between two looks at a run that somebody else trains.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Values by column, row and metric, each with the seeds of their draws.
pub type Results = BTreeMap<(String, String, String), Vec<(u64, f64)>>;

/// A row at a column with a seed.
#[derive(Clone, Debug)]
pub struct Cell<'a> {
    /// The model.
    pub row: &'a Row,
    /// The data set.
    pub column: &'a Column,
    /// Seed of the label draw and everything else.
    pub seed: u64,
    /// Its settings.
    pub recipe: Recipe,
    /// Where its run, or its result, is kept.
    pub path: PathBuf,
    /// The model that its samples are chosen from, if they are: its settings, and where its run is kept.
    pub generator: Option<(Recipe, PathBuf)>,
}

impl<'a> Cell<'a> {
    /// A cell of a table, its settings laid over each other: the table's, the budget's, the column's, the
    /// row's, the user's.
    ///
    /// # Errors
    /// If they are no recipe.
    pub fn new(
        table: &Table,
        (row, column, seed): (&'a Row, &'a Column, u64),
        quick: bool,
        user: &toml::Table,
        out: &Path,
    ) -> Result<Self> {
        let mut settings = table.settings.clone();
        let budget = if quick { &table.quick } else { &table.full };
        let own = nested("train.seed", (seed as i64).into());
        for layer in [budget, &column.settings, &row.settings, user, &own] {
            merge(&mut settings, layer.clone());
        }
        let recipe = Recipe::of_table(settings)?;
        let budget_name = if quick { "quick" } else { "full" };
        let path = |of: &str| {
            let of_column = file_name(&column.name);
            let name = format!("{budget_name}-{of_column}-{of}-seed{seed}");
            out.join(&table.runs).join(name)
        };
        let generator = match row.method {
            Some(RowMethod::Network(Trained::Chosen | Trained::Generator)) => {
                let mut settings = table.settings.clone();
                for layer in [budget, &column.settings, user, &own] {
                    merge(&mut settings, layer.clone());
                }
                // It draws no samples while it is trained, and has no baseline.
                settings.remove("augment");
                merge(&mut settings, nested("train.baseline-steps", 0.into()));
                Some((Recipe::of_table(settings)?, path("generator")))
            }
            _ => None,
        };
        let path = path(&file_name(&row.name));
        Ok(match generator {
            Some((recipe, path)) if row.method == Some(RowMethod::Network(Trained::Generator)) => {
                Self { row, column, seed, recipe, path, generator: None }
            }
            generator => Self { row, column, seed, recipe, path, generator },
        })
    }

    /// The method that it is measured by, if it is no run.
    pub(super) fn other_method(&self) -> Option<RowMethod> {
        self.row.method.filter(|method| *method != RowMethod::Network(Trained::Generator))
    }

    /// The file that holds the result of another method than a run.
    fn result(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".json");
        name.into()
    }

    /// The folder of its run, or the file of its result.
    pub fn place(&self) -> PathBuf {
        self.other_method().map_or_else(|| self.path.clone(), |_| self.result())
    }

    /// The file that is locked while this result is made.
    pub(super) fn result_lock(&self) -> PathBuf {
        let mut name = self.result().into_os_string();
        name.push(lock::FILE);
        name.into()
    }

    /// What it came to, if it is done.
    ///
    /// # Errors
    /// If it was begun with other settings, or what is kept of it cannot be read.
    pub fn finished(&self) -> Result<Option<Value>> {
        if self.other_method().is_none() {
            let begun = RunDir::open(&self.path).ok();
            return begun.map_or(Ok(None), |dir| finished(&dir, &self.recipe));
        }
        let path = self.result();
        let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
        let found: Finished = serde_json::from_str(&text)
            .with_context(|| format!("\"{}\" is not a valid result; delete it", path.display()))?;
        same_settings(&found.settings, &self.recipe, &path)?;
        Ok(Some(found.values()))
    }

    /// Whether it was begun.
    pub fn exists(&self) -> bool {
        RunDir::open(&self.path).is_ok() || self.result().exists()
    }

    /// Why there is nothing to run on: a known data set whose folder is not there. Anything else that is wrong with
    /// data or settings is an error.
    pub fn missing(&self) -> Option<String> {
        let data = &self.recipe.data;
        let dir = data.dir.clone().unwrap_or_else(dataset::default_data_dir);
        let name = &data.name;
        (!dataset::is_there(name, &dir))
            .then(|| format!("\"{}\" has no {name}; run: gleaner data fetch {name}", dir.display()))
    }
}

impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, seed {}", self.column.name, self.row.name, self.seed)
    }
}

/// What a cell came to.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Measured now, or found measured: values by key.
    Measured(Value),
    /// Its data are not there.
    Skipped(String),
}

/// Runs a cell, goes on with it, or finds it done.
///
/// # Errors
/// If it fails, is stopped, or was begun with other settings.
pub fn measure(cell: &Cell, interrupt: &Interrupt) -> Result<Outcome> {
    if let Some(values) = cell.finished()? {
        return Ok(Outcome::Measured(values));
    }
    if let Some(reason) = cell.missing() {
        return Ok(Outcome::Skipped(reason));
    }
    let values = match cell.other_method() {
        Some(method) => other_method(cell, method, interrupt),
        // Its model is what other cells choose from: one of them may be training it.
        None if cell.row.method.is_some() => run_once(&cell.recipe, &cell.path, interrupt),
        None => run(&cell.recipe, &cell.path, interrupt),
    };
    values.map(Outcome::Measured)
}

/// What a run came to, if it is done.
fn finished(dir: &RunDir, wanted: &Recipe) -> Result<Option<Value>> {
    same_settings(&dir.recipe()?, wanted, dir.path())?;
    dir.read_summary()
}

/// Trains, goes on with what was begun, or finds that it is done by now.
fn run(recipe: &Recipe, path: &Path, interrupt: &Interrupt) -> Result<Value> {
    // What is there stays as it is from here on.
    let dir = RunDir::enter(path)?;
    let mut recipe = recipe.clone();
    if dir.config().exists() {
        if let Some(values) = finished(&dir, &recipe)? {
            return Ok(values);
        }
        recipe.train.parts = dir.recipe()?.train.parts;
    }
    let session = Session::prepare(recipe)?;
    session.begin_or_go_on(&dir)?;
    let summary = train(&session, &dir, interrupt, &figures::draw)?;
    Ok(serde_json::to_value(summary)?)
}

/// The same of a run that several cells need: whoever comes second waits.
fn run_once(recipe: &Recipe, path: &Path, interrupt: &Interrupt) -> Result<Value> {
    let mut told = false;
    loop {
        // Without the lock: many may find it done at a time.
        if let Ok(dir) = RunDir::open(path)
            && let Some(values) = finished(&dir, recipe)?
        {
            return Ok(values);
        }
        match run(recipe, path, interrupt) {
            Err(error) if error.is::<Held>() => {
                if !std::mem::replace(&mut told, true) {
                    let holder = error.downcast_ref::<Held>().map_or("", |held| &held.holder);
                    eprintln!("waiting for {}, which is trained by {holder}", path.display());
                }
                interrupt.check()?;
                std::thread::sleep(LOOK_AGAIN);
            }
            done => return done,
        }
    }
}

/// The number of parts is filled in when a run begins, and matters only to a model that normalises over them; where
/// the data lie and what computes is of no consequence. Nothing else may differ.
fn same_settings(found: &Recipe, wanted: &Recipe, path: &Path) -> Result<()> {
    let of_parts = match wanted.train.parts == 0 || !wanted.model.normalises() {
        true => "train.parts",
        false => "",
    };
    match found.difference(wanted, &["train.threads", "train.device", "data.dir", of_parts])? {
        None => Ok(()),
        Some(difference) => bail!(
            "\"{}\" was started with other settings ({difference}); choose another --out, or delete it",
            path.display()
        ),
    }
}

/// What is kept of another method.
#[derive(Serialize, Deserialize)]
struct Finished {
    test_accuracy: f64,
    /// What the data are called, as in the summary of a run.
    #[serde(default)]
    data: String,
    settings: Recipe,
}

impl Finished {
    fn values(&self) -> Value {
        json!({ "test_accuracy": self.test_accuracy, "data": self.data })
    }
}

fn other_method(cell: &Cell, method: RowMethod, interrupt: &Interrupt) -> Result<Value> {
    let path = cell.result();
    path.parent().map_or(Ok(()), ensure_writable_dir)?;
    let is_held = format!("\"{}\" is being made", path.display());
    let _lock = Lock::of_file(cell.result_lock(), &is_held)?;
    if let Some(values) = cell.finished()? {
        return Ok(values);
    }
    device::set_threads(cell.recipe.train.threads)?;
    let problem = Problem::of(&source::open(&cell.recipe, None)?, &cell.recipe)?;
    let accuracy = match method {
        RowMethod::Classical(method) => method.measure(&Task::of(&problem))?.accuracy,
        RowMethod::Network(_) => {
            let device = device::parse(&cell.recipe.train.device)?;
            let noise = Noise::new(cell.seed);
            let added = chosen(cell, &problem, &device, interrupt)?;
            let model = train_classifier(&cell.recipe, &problem, added, &noise, &device)?;
            measure_baseline(&model, &problem, &device)?.measured.accuracy
        }
    };
    let (data, settings) = (problem.data.name, cell.recipe.clone());
    let finished = Finished { test_accuracy: accuracy, data, settings };
    write_atomic(&path, serde_json::to_string_pretty(&finished)?.as_bytes())?;
    Ok(finished.values())
}

/// The samples of the column's generator that a row chooses, which is trained first if it is not; `None` of a row that chooses none.
fn chosen(
    cell: &Cell,
    problem: &Problem,
    device: &Device,
    interrupt: &Interrupt,
) -> Result<Option<Arc<AugmentedSet>>> {
    let Some((recipe, path)) = &cell.generator else { return Ok(None) };
    let settings = cell.recipe.augment.as_ref();
    let settings = settings.with_context(|| format!("row `{}` has no augment", cell.row.name))?;
    run_once(recipe, path, interrupt)?;
    let (_, model) = RunDir::open(path)?.load(device)?;
    let workers = Arc::new(Threads::start(recipe.train.threads)?);
    let augmenter = Augmenter {
        settings,
        problem,
        device,
        lent: device::workers(&recipe.train.device, &workers),
        workers,
        noise: Noise::new(cell.seed).split("choose"),
        interrupt,
    };
    let (set, refresh) = augmenter.refresh(&model, 0, None, &mut Curvature::default())?;
    eprintln!("{}", refresh.in_words());
    Ok(Some(Arc::new(set)))
}

/// A row's name as part of a folder's.
fn file_name(row: &str) -> String {
    let plain = row.to_lowercase().replace('+', "-");
    let words: Vec<&str> =
        plain.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    words.join("-")
}
