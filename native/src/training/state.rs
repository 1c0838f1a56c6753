//! The state of a run between steps, in one file, so that it is either all there or not at all.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use gleaner_core::checkpoint::{Parameter, Precision, TensorFile, fill};
use gleaner_core::coreset::Curvature;
use gleaner_core::infer;
use gleaner_core::train::{Adam, Moments, TrainState};
use serde::{Deserialize, Serialize};

use super::augmentation::Refresh;
use super::ledger::Ledger;
use super::validation::Validation;
use crate::run::recipe::{MOST_STEPS, OF_THE_MACHINE, Recipe};
use crate::system::files::write_atomic;

/// Everything about a run's progress that is not a tensor.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Progressed {
    /// Steps done.
    pub step: u64,
    /// Sums of the epoch in progress.
    pub ledger: Ledger,
    /// Objective of the first step, what divergence is measured by.
    pub first_objective: Option<f64>,
    /// Epoch with the best validation result, and that result.
    pub best: Option<(u64, Validation)>,
    /// Product of the halvings of the learning rate.
    pub rate_scale: f64,
    /// Times the run went back.
    pub roll_backs: u32,
    /// The last refresh of the set that the run is augmented by.
    #[serde(default)]
    pub refresh: Option<Refresh>,
    /// What AdaCore has averaged over refreshes.
    #[serde(default)]
    pub curvature: Curvature,
    /// Lines of `augmentation.jsonl` that belong to this state.
    #[serde(default)]
    pub refreshes: usize,
    /// Lines of `metrics.jsonl` that belong to this state.
    pub lines: usize,
    /// Seconds of training before this process.
    pub seconds: f64,
    /// The run's settings, as TOML; empty of a state that was saved before this was written down.
    #[serde(default)]
    pub settings: String,
}

impl Progressed {
    /// That this is the progress of a run with such settings.
    ///
    /// # Errors
    /// If it is not; the first difference is named.
    pub fn ensure_of(&self, recipe: &Recipe, path: &Path) -> Result<()> {
        if self.settings.is_empty() {
            return Ok(());
        }
        let path = path.display();
        let saved: Recipe = toml::from_str(&self.settings).map_err(|_| {
            anyhow!("{path} was saved with settings that this version does not know; start a new run in another --out")
        })?;
        match saved.difference(recipe, &OF_THE_MACHINE)? {
            None => Ok(()),
            Some(difference) => bail!(
                "{path} was saved by a run with {difference} as config.toml says; put that config.toml back, or start a new run in \
                 another --out"
            ),
        }
    }
}

impl Progressed {
    /// Whether a run can have come so far: what a damaged file says may be anything.
    fn is_whole(&self) -> bool {
        let scale = self.rate_scale > 0.0 && self.rate_scale <= 1.0;
        // JSON has no infinite number.
        scale && self.seconds >= 0.0 && self.step <= MOST_STEPS && self.ledger.is_whole()
    }
}

/// Weights, optimiser and progress of a run.
#[derive(Clone, Debug)]
pub struct SavedState<M> {
    /// The core's state.
    pub train: TrainState<M>,
    /// The loop's state.
    pub progress: Progressed,
}

impl<M: Module> SavedState<M> {
    /// Writes the state to one file, aside and renamed.
    ///
    /// # Errors
    /// If the device or the disk fails.
    pub fn save(&self, path: &Path) -> Result<()> {
        let Self { train, progress } = self;
        let mut tensors = BTreeMap::new();
        for (name, value) in pollster::block_on(infer::parameters(&train.model.valid()))? {
            tensors.insert(format!("model/{name}"), value);
        }
        for (name, moments) in &train.optimizer.moments {
            for (kind, moment) in [("first", &moments.first), ("second", &moments.second)] {
                let values = pollster::block_on(infer::read(moment.clone()))?;
                let parameter = Parameter { shape: vec![values.len()], values };
                tensors.insert(format!("adam/{kind}/{name}"), parameter);
            }
        }
        if let Some(chains) = &train.chains {
            let shape = chains.dims().to_vec();
            let values = pollster::block_on(infer::read(chains.clone()))?;
            tensors.insert("chains".to_owned(), Parameter { shape, values });
        }
        let config = serde_json::to_string(progress).context("the run's progress")?;
        write_atomic(path, &TensorFile { config, tensors }.to_bytes(Precision::Single)?)
    }

    /// Reads a state into a model of the right shape. `device` has no autodiff; the model is on its
    /// autodiff twin.
    ///
    /// # Errors
    /// If the file is missing, broken, or the state of another model.
    pub fn load(path: &Path, model: M, device: &Device) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| {
            format!(
                "cannot read the saved state {}; start a new run from config.toml",
                path.display()
            )
        })?;
        let TensorFile { config, tensors } =
            TensorFile::from_bytes(&bytes).with_context(|| path.display().to_string())?;
        let progress: Progressed = serde_json::from_str(&config).map_err(|e| {
            anyhow!(
                "{}: this is not the saved state of a run ({e}); start a new run from config.toml",
                path.display()
            )
        })?;
        let [mut weights, mut first, mut second] = [(); 3].map(|()| BTreeMap::new());
        let mut chains = None;
        for (name, value) in tensors {
            match name.split_once('/') {
                Some(("model", name)) => weights.insert(name.to_owned(), value),
                Some(("adam", rest)) => match rest.split_once('/') {
                    Some(("first", name)) => first.insert(name.to_owned(), value),
                    Some(("second", name)) => second.insert(name.to_owned(), value),
                    _ => None,
                },
                None if name == "chains" => chains.replace(value),
                _ => None,
            };
        }
        let sizes: BTreeMap<String, usize> =
            weights.iter().map(|(name, value)| (name.clone(), value.values.len())).collect();
        let model = fill(model, weights).with_context(|| path.display().to_string())?;
        let foreign = |what: &str| {
            let path = path.display();
            anyhow!("{path}: {what} of another model; start a new run from config.toml")
        };
        let upload = |name: &str, Parameter { values, .. }: Parameter| {
            let size = values.len();
            let fits = sizes.get(name) == Some(&size);
            let tensor = || Tensor::<1>::from_data(TensorData::new(values, [size]), device);
            fits.then(tensor)
                .ok_or_else(|| foreign(&format!("the optimiser's state of `{name}` is")))
        };
        let mut moments = BTreeMap::new();
        for (name, first) in first {
            let second = second.remove(&name).ok_or_else(|| foreign("the optimiser's state is"))?;
            let (first, second) = (upload(&name, first)?, upload(&name, second)?);
            moments.insert(name, Moments { first, second });
        }
        ensure!(second.is_empty(), foreign("the optimiser's state is"));
        ensure!(progress.is_whole(), foreign("the progress is"));
        let optimizer = Adam::new(progress.step, moments);
        let upload_chains = |Parameter { shape, values }: Parameter| {
            let shape: [usize; 2] = shape.try_into().map_err(|_| foreign("the chains are"))?;
            Ok::<_, anyhow::Error>(Tensor::from_data(TensorData::new(values, shape), device))
        };
        let chains = chains.map(upload_chains).transpose()?;
        let train = TrainState { model, optimizer, step: progress.step, chains };
        Ok(Self { train, progress })
    }
}
