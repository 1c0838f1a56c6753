//! Learned augmentation (coreset, algorithm 1, steps 7 and 8): from some step on, and anew every so often, the model draws samples
//! of every class, those it is sure of are kept, a coreset of these is chosen, and the classifier trains on that too.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use burn::tensor::{Device, Tensor, TensorData};
use gleaner_core::coreset::{
    Balance, Curvature, Method, Optimizer, Rows, Samples, Settings, Space,
};
use gleaner_core::course::{Refresh, classify, measure};
use gleaner_core::data::{AugmentedSet, Examples, Values, one_hot};
use gleaner_core::filter::Filter;
use gleaner_core::infer;
use gleaner_core::measures::eval;
use gleaner_core::measures::predictions::{Predictions, Scale};
use gleaner_core::models::Generative;
use gleaner_core::nets::Classes;
use gleaner_core::noise::Noise;
use gleaner_core::sample::class_conditional;
use gleaner_core::workers::Workers;

use crate::run::Problem;
use crate::run::recipe::AugmentSettings;
use crate::system::interrupt::Interrupt;
use crate::system::threads::{Crew, Threads};

/// Samples of a class that are drawn at a time: of a pool, only what the filter leaves stays in memory, without `x`.
const DRAWN_AT_A_TIME: usize = 500;

/// Samples that are decoded at a time.
const DECODED_AT_A_TIME: usize = 1000;

/// Who makes the sets that a run is augmented by.
pub struct Augmenter<'a> {
    /// When, how many, and which.
    pub settings: &'a AugmentSettings,
    /// The data.
    pub problem: &'a Problem,
    /// Where to compute.
    pub device: &'a Device,
    /// Threads for what is computed on the host.
    pub workers: Arc<Threads>,
    /// Who works on the device.
    pub lent: Arc<dyn Workers>,
    /// Of all draws.
    pub noise: Noise,
    /// Whether the user has asked to stop.
    pub interrupt: &'a Interrupt,
}

/// Samples that the filter kept: what they are made of, and what is made of them.
#[derive(Default)]
struct Kept {
    z: Vec<f32>,
    /// What the classifier decides from, if they are compared by it.
    hidden: Vec<f32>,
    logits: Vec<f32>,
    labels: Vec<i64>,
    drawn: usize,
    agreed: usize,
}

impl Augmenter<'_> {
    /// Whether a set is made before this step.
    pub fn is_due(&self, step: u64) -> bool {
        let AugmentSettings { at, every, .. } = *self.settings;
        step >= at && (step - at).is_multiple_of(every)
    }

    /// Makes a set. `before` is the validation accuracy at the refresh before; `curvature`, what AdaCore averages over
    /// refreshes, takes this one in.
    ///
    /// # Errors
    /// If the device fails, or the user asks to stop.
    pub fn refresh(
        &self,
        model: &impl Generative,
        step: u64,
        before: Option<f64>,
        curvature: &mut Curvature,
    ) -> Result<(AugmentedSet, Refresh)> {
        let started = Instant::now();
        let validation =
            pollster::block_on(measure(model, self.problem, (self.device, None), &|| {
                self.interrupt.check()
            }))?;
        let accuracy = validation.map(|v| v.accuracy);
        let noise = self.noise.at(step);
        let kept = self.draw(model, &noise)?;
        let (rows, weights, ratio) = self.choose(&kept, &noise, curvature)?;
        let examples = self.decode(model, &kept, &rows, &noise.split("cells"))?;
        let pseudo =
            if self.settings.pseudo_label { self.pseudo_label(model)? } else { Vec::new() };
        let classes = model.classes();
        let share = |agreed: usize, of: usize| (of > 0).then(|| agreed as f64 / of as f64);
        let refresh = Refresh {
            step,
            drawn: kept.drawn,
            kept: kept.labels.len(),
            empty_classes: self.empty_classes(&kept, classes),
            chosen: rows.len(),
            agreement_drawn: share(kept.agreed, kept.drawn).unwrap_or_default(),
            agreement_kept: share(agreeing(&kept.logits, &kept.labels, classes), kept.labels.len()),
            agreement_chosen: match &examples {
                None => None,
                Some(examples) => {
                    let all: Vec<usize> = (0..examples.len()).collect();
                    let logits = self.classify(model, examples, &all)?;
                    share(agreeing(&logits, &examples.labels, classes), examples.len())
                }
            },
            coreset_ratio: ratio,
            pseudo_labelled: pseudo.len(),
            validation_accuracy: accuracy,
            validation_change: accuracy.zip(before).map(|(now, before)| now - before),
            seconds: started.elapsed().as_secs_f64(),
        };
        Ok((AugmentedSet { generated: examples, weights, pseudo }, refresh))
    }

    /// Names of the classes of which nothing was kept.
    fn empty_classes(&self, kept: &Kept, classes: usize) -> Vec<String> {
        let mut is_kept = vec![false; classes];
        kept.labels.iter().for_each(|&label| is_kept[label as usize] = true);
        let names = &self.problem.data.classes;
        let empty = (0..classes).filter(|&class| !is_kept[class]);
        empty.map(|class| names.get(class).cloned().unwrap_or_else(|| class.to_string())).collect()
    }

    fn filter(&self) -> Result<Filter> {
        let AugmentSettings { max_entropy, keep_agreeing, .. } = *self.settings;
        Ok(Filter::by_entropy(max_entropy.unwrap_or(f64::INFINITY), keep_agreeing)?)
    }

    /// Draws the pool, as many samples of every class, and keeps what passes the filter.
    fn draw(&self, model: &impl Generative, noise: &Noise) -> Result<Kept> {
        let (classes, latent) = (model.classes(), model.latent());
        let per_class = (self.settings.pool / classes).max(1);
        let filter = self.filter()?;
        let mut kept = Kept::default();
        for (turn, first) in (0..per_class).step_by(DRAWN_AT_A_TIME).enumerate() {
            self.interrupt.check()?;
            let count = DRAWN_AT_A_TIME.min(per_class - first);
            let mut noise = noise.split("draw").at(turn as u64);
            let samples = class_conditional(model, count, &mut noise, self.device, &*self.lent);
            let hidden = match self.settings.space {
                Space::Gradient | Space::Latent => None,
                Space::LastLayer | Space::Embedding | Space::Cosine => {
                    let layer = model.judged_by(samples.z.clone(), samples.x);
                    Some(pollster::block_on(infer::finite("the last hidden layer", layer))?)
                }
            };
            let z = pollster::block_on(infer::drawn(model, samples.z))
                .context("samples drawn to augment the labelled examples (model.langevin)")?;
            let logits = pollster::block_on(infer::read(samples.logits))?;
            let labels: Vec<i64> = (0..count * classes).map(|row| (row / count) as i64).collect();
            let predictions =
                Predictions::new(logits.clone(), Scale::Logits, classes, &labels, "the model")
                    .context("samples drawn to augment the labelled examples")?;
            let filtered = filter.apply(&predictions, None);
            kept.drawn += labels.len();
            kept.agreed += filtered.classes.iter().map(|class| class.agreed).sum::<usize>();
            for row in filtered.kept {
                kept.z.extend_from_slice(&z[row * latent..(row + 1) * latent]);
                if let Some(hidden) = &hidden {
                    let width = hidden.len() / labels.len();
                    kept.hidden.extend_from_slice(&hidden[row * width..(row + 1) * width]);
                }
                kept.logits.extend_from_slice(&logits[row * classes..(row + 1) * classes]);
                kept.labels.push(labels[row]);
            }
        }
        Ok(kept)
    }

    /// Which of the samples kept are trained on, how much each counts, 1 on average, and how good a choice that is.
    fn choose(
        &self,
        kept: &Kept,
        noise: &Noise,
        curvature: &mut Curvature,
    ) -> Result<(Vec<usize>, Vec<f32>, Option<f64>)> {
        let count = kept.labels.len();
        let AugmentSettings { coreset, at_most, method, space, weigh, .. } = *self.settings;
        if at_most == Some(0) {
            return Ok((Vec::new(), Vec::new(), None));
        }
        if count == 0 || (coreset.is_none() && at_most.is_none_or(|most| most >= count)) {
            return Ok(((0..count).collect(), vec![1.0; count], None));
        }
        let size = coreset.map_or(count, |share| (share * count as f64).round() as usize);
        let size = size.min(at_most.unwrap_or(count));
        let classes = kept.logits.len() / count;
        let predictions = Predictions::new(
            kept.logits.clone(),
            Scale::Logits,
            classes,
            &kept.labels,
            "samples of the model",
        )?;
        let present = (0..classes).filter(|&y| !predictions.rows_of(y).is_empty()).count();
        let settings = Settings {
            method,
            space,
            optimizer: Optimizer::Auto,
            size: size.clamp(present, count),
            balance: Balance::Proportional,
        };
        let crew = Crew::start(self.workers.count())?;
        let past = curvature.clone();
        let (name, values) = match space {
            Space::Latent => ("z", &kept.z),
            _ => ("the last hidden layer", &kept.hidden),
        };
        let rows = match space.needs_rows() {
            true => Some(Rows::new(name, values, values.len() / count, count)?),
            false => None,
        };
        let samples = Samples { predictions: &predictions, rows, weights: None };
        let chosen = crew.lead(|| settings.select(&samples, past, noise, &crew, &mut || ()))?;
        let mean = count as f64 / chosen.picks.len() as f64;
        // Random and top-confidence choices stand for nobody: each counts alike.
        let by_cluster = matches!(method, Method::Craig | Method::Adacore);
        let weight =
            |size: u64| if by_cluster && weigh { (size as f64 / mean) as f32 } else { 1.0 };
        let rows = chosen.picks.iter().map(|pick| pick.row).collect();
        let weights = chosen.picks.iter().map(|pick| weight(pick.weight)).collect();
        let ratio = by_cluster.then(|| chosen.ratio());
        *curvature = chosen.curvature;
        Ok((rows, weights, ratio))
    }

    /// Examples of the samples chosen, expected or, of a table, drawn; `None` if there are none.
    fn decode(
        &self,
        model: &impl Generative,
        kept: &Kept,
        rows: &[usize],
        noise: &Noise,
    ) -> Result<Option<Examples>> {
        let latent = model.latent();
        let mut values = Vec::new();
        for rows in rows.chunks(DECODED_AT_A_TIME) {
            self.interrupt.check()?;
            let z: Vec<f32> = rows
                .iter()
                .flat_map(|&row| kept.z[row * latent..(row + 1) * latent].iter().copied())
                .collect();
            let z = Tensor::from_data(TensorData::new(z, [rows.len(), latent]), self.device);
            let y = one_hot(rows.iter().map(|&row| kept.labels[row]), model.classes(), self.device);
            let x = model.decode(z, &Classes::Given(y)).shown(&mut noise.streams_of(rows));
            values.extend(pollster::block_on(infer::finite("the chosen samples", x))?);
        }
        if rows.is_empty() {
            return Ok(None);
        }
        let labels = rows.iter().map(|&row| kept.labels[row]).collect();
        let shape = self.problem.data.train.shape.clone();
        let examples = Examples::new(Values::F32(values), shape, labels, "samples of the model");
        Ok(Some(examples?))
    }

    /// Logits of rows, unless the user asks to stop.
    fn classify(
        &self,
        model: &impl Generative,
        examples: &Examples,
        rows: &[usize],
    ) -> Result<Vec<f32>> {
        let go_on = || self.interrupt.check();
        Ok(pollster::block_on(classify(model, examples, rows, self.device, &go_on))?)
    }

    /// Unlabelled examples that the model is sure of by the same threshold, with their most probable class.
    fn pseudo_label(&self, model: &impl Generative) -> Result<Vec<(usize, i64)>> {
        let rows = &self.problem.split.unlabelled;
        let train = &self.problem.data.train;
        let logits = self.classify(model, train, rows)?;
        let most = self.settings.max_entropy.unwrap_or(f64::INFINITY);
        let sure = rows.iter().zip(logits.chunks_exact(model.classes()));
        let sure = sure.filter(|(_, row)| eval::entropy_of_logits(row) < most);
        Ok(sure.map(|(&row, logits)| (row, eval::arg_max(logits) as i64)).collect())
    }
}

fn agreeing(logits: &[f32], labels: &[i64], classes: usize) -> usize {
    let rows = logits.chunks_exact(classes).zip(labels);
    rows.filter(|(row, label)| eval::arg_max(row) as i64 == **label).count()
}
