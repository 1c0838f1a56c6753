//! A run in a page: a model and the labels-only network beside it, step by step.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use gleaner_core::course::{LabelsOnly, Ledger, Outline};
use gleaner_core::data::Resident;
use gleaner_core::data::own::OwnData;
use gleaner_core::error::{Error, Result};
use gleaner_core::models::{Classifier, Model};
use gleaner_core::problem::{Problem, Source};
use gleaner_core::recipe::Recipe;
use serde_json::{Map, Value};

use crate::course::{AnyCourse, READ_EVERY};
use crate::file::File;
use crate::settings::{change, settle};

/// Steps of the labels-only network for one of the model, at most, until it has caught up: after a run was opened again.
const CATCH_UP: u64 = 50;

/// A run.
#[derive(Debug)]
pub struct Training {
    pub(crate) file: File,
    pub(crate) source: Source,
    pub(crate) outline: Outline,
    pub(crate) device: Device,
    pub(crate) course: AnyCourse,
    pub(crate) labels_only: LabelsOnly,
    /// The best model so far, or the last one without a validation split; none before the end of the first epoch.
    pub(crate) best: Option<Model>,
    /// Lines of `metrics.jsonl`, one for each epoch.
    pub(crate) lines: Vec<Map<String, Value>>,
    /// Particles that go on from where they were.
    pub(crate) particles: Option<Particles>,
    resident: Option<Resident>,
}

/// Chains in the energy of the model, as it changes.
#[derive(Debug)]
pub(crate) struct Particles {
    /// Where they are, `[particles, latent]`.
    pub z: Tensor<2>,
    /// Times that they were moved.
    pub moved: u64,
}

/// What came of some steps.
#[derive(Clone, Debug, Default)]
pub struct Advanced {
    /// Steps taken.
    pub steps: u64,
    /// Means of the terms over these steps, the objective first.
    pub terms: Vec<(String, f64)>,
    /// Lines of the epochs that ended.
    pub lines: Vec<Map<String, Value>>,
    /// What there is to say, such as of a roll-back.
    pub notes: Vec<String>,
}

impl Training {
    /// A run before its first step.
    ///
    /// # Errors
    /// If the file cannot be read, or the settings do not fit it.
    pub fn new(file: File, settings: &Map<String, Value>, device: &Device) -> Result<Self> {
        let (recipe, own) = settle(&file, settings)?;
        file.check_name()?;
        Self::begin(file, own, recipe, device, None)
    }

    /// A run with settings that are complete, new or from its saved state.
    pub(crate) fn begin(
        file: File,
        own: OwnData,
        recipe: Recipe,
        device: &Device,
        saved: Option<&[u8]>,
    ) -> Result<Self> {
        let source = Source::Own(Box::new(own));
        let problem = Arc::new(Problem::of(&source, &recipe)?);
        let outline = Outline::new(recipe, problem)?;
        let resident = Resident::new(&outline.problem.data.train, device);
        let steps_per_epoch = outline.batches()?.steps_per_epoch();
        let place = (device, resident.clone());
        let course = AnyCourse::new(&outline, place.clone(), steps_per_epoch, saved)?;
        let labels_only =
            LabelsOnly::new(&outline.recipe, &outline.problem, &outline.noise, place)?;
        Ok(Self {
            file,
            source,
            outline,
            device: device.clone(),
            course,
            labels_only,
            best: None,
            lines: Vec::new(),
            particles: None,
            resident,
        })
    }

    /// Takes steps as long as `go_on` says so, one at least, unless all are done; the labels-only network takes as many.
    ///
    /// # Errors
    /// If the device fails, or the run keeps diverging.
    pub async fn advance(&mut self, go_on: &dyn Fn() -> bool) -> Result<Advanced> {
        let Self { outline, course, labels_only, resident, .. } = self;
        let Outline { recipe, problem, .. } = &*outline;
        let mut batches = outline.batches()?.from_resident(resident.clone());
        let mut labelled = labels_only.batches(recipe, problem, None)?;
        let mut recent = Ledger::default();
        let mut advanced = Advanced::default();
        while !course.is_done() {
            if !course.has_epoch_to_end() {
                let stepped = course.step(&mut batches).await?;
                advanced.steps += 1;
                if stepped.diverged {
                    advanced.notes.push(course.roll_back()?);
                } else {
                    recent.add(&stepped.terms, READ_EVERY).await?;
                }
            }
            if course.has_epoch_to_end() {
                let (model, validation) = course.measured(problem).await?;
                if validation.is_some_and(|v| !v.is_finite()) {
                    advanced.notes.push(course.roll_back()?);
                } else {
                    let epoch = course.end_epoch(validation);
                    if epoch.is_best {
                        self.best = Some(model);
                    }
                    self.lines.push(epoch.line.clone());
                    advanced.lines.push(epoch.line);
                }
            }
            let (done, _) = course.steps();
            for _ in 0..CATCH_UP {
                if labels_only.steps() >= done || labels_only.is_done() {
                    break;
                }
                labels_only.step(&mut labelled, problem).await?;
            }
            if !go_on() {
                break;
            }
        }
        // The last steps of the model may be its last: the other one may have some left.
        while course.is_done() && !labels_only.is_done() && go_on() {
            labels_only.step(&mut labelled, problem).await?;
        }
        recent.settle().await?;
        advanced.terms = recent.means();
        Ok(advanced)
    }

    /// Whether both are done.
    pub fn is_done(&self) -> bool {
        self.course.is_done() && self.labels_only.is_done()
    }

    /// Goes on with other weights of the objective.
    ///
    /// # Errors
    /// If a setting is none of the objective's, or none that a run can have.
    pub fn change(&mut self, settings: &Map<String, Value>) -> Result<()> {
        let recipe = change(&self.outline.recipe, settings)?;
        let outline = Outline::new(recipe, self.outline.problem.clone())?;
        self.course.follow(&outline, self.resident.clone())?;
        self.outline = outline;
        Ok(())
    }

    /// Goes on with other labels: the file with them, which has the same rows. The labels-only network starts anew.
    ///
    /// # Errors
    /// If the file does not fit the run.
    pub fn relabel(&mut self, file: File) -> Result<()> {
        let own = file.read(&self.outline.recipe.data)?;
        let before = &self.own()?.raw;
        if (&own.raw.shape, &own.raw.values) != (&before.shape, &before.values) {
            return Err(Error::Settings(format!(
                "{} has other examples than the run was trained on; give the same rows with other labels",
                file.name
            )));
        }
        if own.schema.classes != self.outline.problem.schema.classes {
            return Err(Error::Settings(
                "every class needs a label, as before; start a new training for other classes"
                    .to_owned(),
            ));
        }
        let source = Source::Own(Box::new(own));
        let problem = Arc::new(Problem::of(&source, &self.outline.recipe)?);
        let outline = Outline::new(self.outline.recipe.clone(), problem)?;
        let resident = Resident::new(&outline.problem.data.train, &self.device);
        self.course.follow(&outline, resident.clone())?;
        let place = (&self.device, resident.clone());
        self.labels_only =
            LabelsOnly::new(&outline.recipe, &outline.problem, &outline.noise, place)?;
        (self.file, self.source, self.outline, self.resident) = (file, source, outline, resident);
        Ok(())
    }

    /// The model as it is now.
    pub fn now(&self) -> Model {
        self.course.now()
    }

    /// The labels-only network as it is now.
    pub fn labels_only(&self) -> Classifier {
        self.labels_only.measured()
    }

    /// The user's own data.
    pub(crate) fn own(&self) -> Result<&OwnData> {
        match &self.source {
            Source::Own(own) => Ok(own),
            Source::Known(_) => {
                Err(Error::Settings("these data are not the visitor's own".to_owned()))
            }
        }
    }

    /// Steps, and of how many examples: done and in all, of the model and of the labels-only network.
    pub fn described(&self) -> BTreeMap<&'static str, u64> {
        let (done, all) = self.course.steps();
        let Problem { split, .. } = &*self.outline.problem;
        BTreeMap::from([
            ("steps", all),
            ("step", done),
            ("stepsPerEpoch", self.course.steps_per_epoch()),
            ("labelled", split.labelled.len() as u64),
            ("pool", split.unlabelled.len() as u64),
            ("baselineSteps", self.outline.recipe.train.baseline_steps),
            ("baselineStep", self.labels_only.steps()),
        ])
    }
}
