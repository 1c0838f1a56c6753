//! The state of a run between steps, in one file, so that it is either all there or not at all.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::ledger::Ledger;
use super::refresh::Refresh;
use super::validation::Validation;
use crate::checkpoint::{Parameter, Precision, TensorFile, fill};
use crate::coreset::Curvature;
use crate::error::{Error, Result, refuse, unfit};
use crate::infer;
use crate::recipe::{MOST_STEPS, OF_THE_MACHINE, Recipe, parse_table};
use crate::train::{Adam, Moments, TrainState};

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
    /// Steps at the end of the last epoch that has a line; none before the first, and of a state that was saved before this was written
    /// down.
    #[serde(default)]
    pub ended: Option<u64>,
    /// Seconds of training before this process.
    pub seconds: f64,
    /// The run's settings, as TOML; empty of a state that was saved before this was written down.
    #[serde(default)]
    pub settings: String,
}

impl Progressed {
    /// That this is the progress of a run with such settings, from `source`.
    ///
    /// # Errors
    /// If it is not; the first difference is named.
    pub fn ensure_of(&self, recipe: &Recipe, source: &str) -> Result<()> {
        if self.settings.is_empty() {
            return Ok(());
        }
        let saved = parse_table(&self.settings, source).ok();
        let saved: Option<Recipe> = saved.and_then(|table| table.try_into().ok());
        let Some(saved) = saved else {
            refuse!(
                "{source} was saved with settings that this version does not know; start a new run in another --out"
            );
        };
        match saved.difference(recipe, &OF_THE_MACHINE)? {
            None => Ok(()),
            Some(difference) => refuse!(
                "{source} was saved by a run with {difference} as config.toml says; put that config.toml back, or start a new run in \
                 another --out"
            ),
        }
    }

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
    /// A run before its first step.
    pub fn fresh(model: M) -> Self {
        let progress = Progressed { rate_scale: 1.0, ..Progressed::default() };
        Self { train: TrainState::new(model), progress }
    }

    /// The whole state as one file.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn to_bytes(&self) -> Result<Vec<u8>> {
        let Self { train, progress } = self;
        let mut tensors = BTreeMap::new();
        for (name, value) in infer::parameters(&train.model.valid()).await? {
            tensors.insert(format!("model/{name}"), value);
        }
        for (name, moments) in &train.optimizer.moments {
            for (kind, moment) in [("first", &moments.first), ("second", &moments.second)] {
                let values = infer::read(moment.clone()).await?;
                let parameter = Parameter { shape: vec![values.len()], values };
                tensors.insert(format!("adam/{kind}/{name}"), parameter);
            }
        }
        if let Some(chains) = &train.chains {
            let shape = chains.dims().to_vec();
            let values = infer::read(chains.clone()).await?;
            tensors.insert("chains".to_owned(), Parameter { shape, values });
        }
        let config = serde_json::to_string(progress)
            .map_err(|e| unfit!("the run's progress cannot be written down: {e}"))?;
        TensorFile { config, tensors }.to_bytes(Precision::Single)
    }

    /// Reads the state in the bytes of `source` into a model of the right shape. `device` has no autodiff; the model is on its
    /// autodiff twin.
    ///
    /// # Errors
    /// If the bytes are broken, or the state of another model.
    pub fn from_bytes(bytes: &[u8], source: &str, model: M, device: &Device) -> Result<Self> {
        let of_file = |error: Error| unfit!("{source}: {error}");
        let TensorFile { config, tensors } = TensorFile::from_bytes(bytes).map_err(of_file)?;
        let progress: Progressed = serde_json::from_str(&config).map_err(|e| {
            unfit!("{source}: this is not the saved state of a run ({e}); start a new run from config.toml")
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
        let model = fill(model, weights).map_err(of_file)?;
        let foreign = |what: &str| {
            unfit!("{source}: {what} of another model; start a new run from config.toml")
        };
        let moments = moments(&sizes, first, second, device).map_err(|what| foreign(&what))?;
        if !progress.is_whole() {
            return Err(foreign("the progress is"));
        }
        let optimizer = Adam::new(progress.step, moments);
        let upload_chains = |Parameter { shape, values }: Parameter| {
            let shape: [usize; 2] = shape.try_into().map_err(|_| foreign("the chains are"))?;
            Ok::<_, Error>(Tensor::from_data(TensorData::new(values, shape), device))
        };
        let chains = chains.map(upload_chains).transpose()?;
        let train = TrainState { model, optimizer, step: progress.step, chains };
        Ok(Self { train, progress })
    }
}

/// Adam's moments of parameters of such sizes; the error says what is wrong.
fn moments(
    sizes: &BTreeMap<String, usize>,
    first: BTreeMap<String, Parameter>,
    mut second: BTreeMap<String, Parameter>,
    device: &Device,
) -> std::result::Result<BTreeMap<String, Moments>, String> {
    let upload = |name: &str, Parameter { values, .. }: Parameter| {
        let size = values.len();
        let fits = sizes.get(name) == Some(&size);
        let tensor = || Tensor::<1>::from_data(TensorData::new(values, [size]), device);
        fits.then(tensor).ok_or_else(|| format!("the optimiser's state of `{name}` is"))
    };
    let mut moments = BTreeMap::new();
    for (name, first) in first {
        let second = second.remove(&name).ok_or("the optimiser's state is")?;
        let (first, second) = (upload(&name, first)?, upload(&name, second)?);
        moments.insert(name, Moments { first, second });
    }
    match second.is_empty() {
        true => Ok(moments),
        false => Err("the optimiser's state is".to_owned()),
    }
}
