//! A recipe's model, objective and a batch of random examples.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use gleaner_core::data::{Examples, Labelled, SemiBatch, Values, one_hot};
use gleaner_core::infer::ROWS;
use gleaner_core::models::{Generative, Model, ModelConfig};
use gleaner_core::noise::Noise;
use gleaner_core::objective::{
    LatentEbmObjective, Objective, Ramp, SemiSupervised, SemiSupervisedConfig, Unsupervised,
    UntappedObjective,
};
use gleaner_core::train::away::Aim;
use gleaner_core::train::{Learner, TrainState};

use super::args::Args;
use super::subject::{Subject, Training};
use crate::cmd::ceilings::{MOST_WIDE, at_most, ensure_room};
use crate::data::registry;
use crate::run::recipe::Recipe;
use crate::system::device;
use crate::system::threads::Threads;
use crate::training::Places;
use gleaner_core::course::{default_parts, semi_supervised};

/// Everything that is timed.
pub struct Prepared {
    pub recipe: Recipe,
    pub config: ModelConfig,
    pub family: SemiSupervisedConfig,
    pub subject: Box<dyn Subject>,
    pub batch: SemiBatch,
    /// Classes of the labelled examples.
    pub labels: Vec<i64>,
    /// What is to be predicted, if that is timed.
    pub examples: Option<Examples>,
    pub classes: usize,
    pub device: Device,
}

impl Prepared {
    /// Does some rounds of what is timed; a step's objective is still on the device.
    ///
    /// # Errors
    /// If the device fails.
    pub fn take(&mut self, count: usize) -> Result<Option<Tensor<1>>> {
        let Some(examples) = &self.examples else { return self.subject.steps(count) };
        for _ in 0..count {
            self.subject.predict(examples, self.classes, &self.device)?;
        }
        Ok(None)
    }
}

/// Builds it.
///
/// # Errors
/// If nobody says what examples are like, or there is no memory for them.
pub fn prepare(args: &Args, mut recipe: Recipe) -> Result<Prepared> {
    let (shape, classes) = examples_of(args, &recipe)?;
    device::set_threads(recipe.train.threads)?;
    if recipe.train.parts == 0 {
        recipe.train.parts = default_parts(&recipe);
    }
    let device = device::parse(&recipe.train.device)?;
    let features: usize = shape.iter().product();
    let [unlabelled, labelled] = [recipe.train.batch_size, recipe.train.labelled_batch_size];
    let rows = args.predict.unwrap_or(0).saturating_add(unlabelled).saturating_add(labelled);
    ensure_room("--predict and the batch sizes", &[&[rows, features]])?;
    let config = recipe.model.config(&shape, classes, &[])?;
    // What the cross-entropy weighs takes no time, so there is no pool of examples to share it out over.
    let family = semi_supervised(&recipe, &shape, recipe.objective.alpha)?;
    let noise = Noise::new(recipe.train.seed);
    let pixels =
        |purpose: &str, rows| noise.split(purpose).uniform_tensor([rows, features], &device);
    let labels = |rows: usize| (0..rows).map(|row| (row % classes) as i64).collect::<Vec<_>>();
    let batch = SemiBatch {
        labelled: Labelled {
            x: pixels("labelled", labelled),
            y: one_hot(labels(labelled).into_iter(), classes, &device),
        },
        unlabelled: pixels("unlabelled", unlabelled),
        augmented: None,
    };
    let mut subject = subject(&recipe, &config, family, &batch, &device, &noise)?;
    let examples = match args.predict {
        Some(count) => {
            subject.measure(pixels("measured", ROWS))?;
            let values = noise.split("examples").uniform(count * features);
            Some(Examples::new(Values::F32(values), shape, labels(count), "random examples")?)
        }
        None => None,
    };
    let labels = labels(labelled);
    Ok(Prepared { recipe, config, family, subject, batch, labels, examples, classes, device })
}

/// Shape of an example and number of classes: as asked for, else those of the recipe's data set.
fn examples_of(args: &Args, recipe: &Recipe) -> Result<(Vec<usize>, usize)> {
    let name = &recipe.data.name;
    let known = registry::images(name);
    let of_set = known.map(|([height, width, channels], _)| {
        vec![height, width, if recipe.data.grey { 1 } else { channels }]
    });
    let shape = match (args.shape.is_empty(), of_set) {
        (false, _) => args.shape.clone(),
        (true, Some(shape)) => shape,
        (true, None) => bail!(
            "{}: examples of {name} are no images that gleaner knows; say what they are like, for example --shape 50",
            args.recipe.display()
        ),
    };
    let classes = args.classes.or(known.map(|(_, classes)| classes)).unwrap_or(10);
    at_most("--classes", classes, MOST_WIDE, "no machine has memory for a layer on more")?;
    let sizes = shape.iter().try_fold(1_usize, |all, &size| all.checked_mul(size));
    let features = sizes.filter(|&features| features > 0);
    let features = features.with_context(|| {
        format!("--shape {shape:?} is not valid; give sizes of at least 1, for example 28,28,1")
    })?;
    at_most("--shape", features, MOST_WIDE, "no machine has memory for a layer on more")?;
    Ok((shape, classes))
}

/// The model in training, with the objective that a run would give it.
fn subject(
    recipe: &Recipe,
    config: &ModelConfig,
    family: SemiSupervisedConfig,
    batch: &SemiBatch,
    device: &Device,
    noise: &Noise,
) -> Result<Box<dyn Subject>> {
    let build = Build { config, recipe, batch, noise };
    let shared = SemiSupervised::new(family);
    Ok(match config.init(&noise.split("model"), &device.clone().autodiff())? {
        Model::Untapped(model) => {
            let weights = recipe.objective.untapped.unwrap_or_default();
            let noise = noise.split("labels without examples");
            build.training(model, UntappedObjective { weights, noise })?
        }
        Model::LatentEbm(model) => {
            let settings = recipe.objective.latent_ebm.unwrap_or_default();
            build.training(model, LatentEbmObjective { family: shared, settings })?
        }
        model @ Model::M1(_) => {
            let shift = family.augmentation.shift;
            build.training(model, Unsupervised { kl: Ramp::constant(1.0), shift })?
        }
        Model::M2(model) => build.training(model, shared)?,
        model => build.training(model, shared)?,
    })
}

struct Build<'a> {
    config: &'a ModelConfig,
    recipe: &'a Recipe,
    batch: &'a SemiBatch,
    noise: &'a Noise,
}

impl Build<'_> {
    fn training<M: Module + Generative + 'static, O: Objective<M> + Clone + Into<Aim> + 'static>(
        &self,
        model: M,
        objective: O,
    ) -> Result<Box<dyn Subject>> {
        let train = &self.recipe.train;
        let workers = Arc::new(Threads::start(train.threads)?);
        let noise = self.noise.split("training").drawn_on(train.noise);
        let learner = Learner {
            adam: train.adam,
            parts: train.parts,
            workers: device::workers(&train.device, &workers),
            ..Learner::whole(objective, train.clip_norm, noise)
        };
        let learner = Places::of(&train.device)?.given(learner, self.config, Path::new("bench"))?;
        let (state, batch) = (Some(TrainState::new(model)), self.batch.clone());
        Ok(Box::new(Training { learner, state, batch, rate: train.lr, workers, measured: None }))
    }
}
