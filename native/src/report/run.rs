//! A run, and what of it this machine has.

use std::cell::OnceCell;
use std::path::Path;

use anyhow::{Result, anyhow, ensure};
use burn::tensor::Device;
use gleaner_core::data::schema::Schema;
use gleaner_core::models::{Architecture as _, Likelihood, Model, ModelConfig};
use serde_json::Value;

use super::figures::{Origin, Predictions, Subject};
use crate::data::rows::{evenly, every};
use crate::pictures::picture::image_shape;
use crate::run::measure::latent_variances;
use crate::run::recipe::Recipe;
use crate::run::source::problem_of_run;
use crate::run::verdict::Verdict;
use crate::run::{Problem, RunDir};

/// A run, and what of it this machine has.
#[derive(Debug)]
pub struct Run {
    pub(super) dir: RunDir,
    pub(super) recipe: Recipe,
    pub(super) device: Device,
    pub(super) metrics: Vec<Value>,
    pub(super) summary: Option<Value>,
    trained: Result<(ModelConfig, Model)>,
    /// Names of the classes, as the checkpoint or the data have them.
    names: Option<Vec<String>>,
    /// How its examples come from rows of the data.
    pub(super) schema: Option<Schema>,
    problem: Result<Problem>,
    /// What its classifier says of examples that it had not seen: measured once, when a section asks for it.
    predictions: OnceCell<Result<Predictions>>,
}

impl Run {
    /// Reads what there is of a run.
    ///
    /// # Errors
    /// If its metrics or its summary are there and broken.
    pub fn read(dir: RunDir, recipe: Recipe, device: Device) -> Result<Self> {
        let schema = dir.checkpoint().ok().and_then(|checkpoint| checkpoint.data);
        Ok(Self {
            metrics: dir.read_metrics()?,
            summary: dir.read_summary()?,
            trained: dir.load(&device),
            names: schema.as_ref().map(|schema| schema.classes.clone()),
            schema,
            problem: problem_of_run(&dir, &recipe),
            dir,
            recipe,
            device,
            predictions: OnceCell::new(),
        })
    }

    pub(super) fn subject(&self) -> Result<Subject<'_>> {
        let (config, model) = self.trained.as_ref().map_err(said)?;
        Ok(Subject { config, model, device: &self.device })
    }

    /// What its classifier says of examples that it had not seen.
    pub(super) fn predictions(&self) -> Result<&Predictions> {
        let measured = || {
            ensure!(self.subject()?.classifies(), "m1 has no classifier");
            Predictions::of_run(&self.dir, &self.recipe, self.problem()?, &self.device)
        };
        self.predictions.get_or_init(measured).as_ref().map_err(said)
    }

    pub(super) fn problem(&self) -> Result<&Problem> {
        self.problem.as_ref().map_err(said)
    }

    /// How methods were compared, if they were.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        let written = self.summary.as_ref().map(|summary| summary["choice"].clone());
        serde_json::from_value(written?).ok()
    }

    /// What tells classes apart: the method that is kept or, where none was compared with it, the model.
    pub(super) fn classifier(&self) -> String {
        let model = self.recipe.model.kind();
        match self.verdict() {
            Some(verdict) if verdict.kept != model => {
                format!("{model} and {}", verdict.kept_in_words())
            }
            _ => model.to_owned(),
        }
    }

    /// What the data are called: not their whole path.
    pub(super) fn data_name(&self) -> String {
        let path = Path::new(&self.recipe.data.name);
        path.file_stem().map_or_else(
            || self.recipe.data.name.clone(),
            |stem| stem.to_string_lossy().into_owned(),
        )
    }

    /// Names of the classes, or else their numbers.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        if let Some(names) = &self.names {
            return Ok(names.clone());
        }
        Ok(match self.problem() {
            Ok(problem) => problem.data.classes.clone(),
            Err(_) => numbered(self.subject()?.config.classes()),
        })
    }

    /// What the examples that are shown are called: those of the test split, or of the training split where a cross-validation
    /// takes its place.
    pub(super) fn split(&self) -> &'static str {
        self.problem().map_or("test", |problem| problem.shown().1)
    }

    /// The model, if what it generates can be looked at.
    pub(super) fn of_images(&self) -> Result<Subject<'_>> {
        let subject = self.subject()?;
        let shape = subject.config.shape();
        ensure!(
            subject.config.likelihood() != Likelihood::Multinomial,
            "the examples are texts; the section Samples shows them as words"
        );
        ensure!(
            image_shape(shape).is_ok(),
            "the examples are not images; their shape is {shape:?}"
        );
        Ok(subject)
    }

    /// Whether there is any use in pictures of what the model makes: it is of images, or nothing here says of what it is.
    pub(super) fn may_have_images(&self) -> bool {
        match (self.subject(), self.problem()) {
            (Ok(_), _) => self.of_images().is_ok(),
            (_, Ok(problem)) => {
                problem.data.words.is_none() && image_shape(&problem.data.train.shape).is_ok()
            }
            (Err(_), Err(_)) => true,
        }
    }

    /// Test images, or the prior on a machine that lacks them.
    pub(super) fn origin(&self) -> Origin<'_> {
        match &self.problem {
            Ok(problem) => Origin::Examples(problem.shown().0),
            Err(_) => Origin::Prior(self.recipe.train.seed),
        }
    }

    /// How much each latent dimension varies over test examples.
    pub(super) fn variances(&self) -> Result<Vec<f64>> {
        let (subject, problem) = (self.subject()?, self.problem()?);
        let (shown, _) = problem.shown();
        let rows = evenly(&every(shown), 2000);
        latent_variances(subject.model, shown, &rows, subject.device)
    }
}

fn said(error: &anyhow::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}
/// Names of classes where the data that name them are not there.
fn numbered(classes: usize) -> Vec<String> {
    (0..classes).map(|class| format!("class {class}")).collect()
}
