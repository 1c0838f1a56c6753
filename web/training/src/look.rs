//! What can be seen of a run while it learns: classes of any examples, the plane, samples, how it does on examples with a known class.

use burn::tensor::Tensor;
use gleaner_core::data::schema::Scaling;
use gleaner_core::data::{Examples, Values};
use gleaner_core::error::{Error, Result};
use gleaner_core::infer;
use gleaner_core::measures::eval::{arg_max, entropy_of_probabilities as entropy};
use gleaner_core::models::{Architecture as _, Classify, Generative as _, Model, Shard};
use gleaner_core::nets::Classes;
use gleaner_core::noise::Noise;

use crate::training::Training;

/// Draws of the latent variables for the density at a point (E12).
const DRAWS: usize = 8;

/// What both networks make of examples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Probabilities of the model, `[rows, classes]`, row-major.
    pub model: Vec<f32>,
    /// The same of the labels-only network.
    pub labels_only: Vec<f32>,
}

/// How a network does on examples whose class is known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Examples that it is right about.
    pub right: usize,
    /// Examples.
    pub count: usize,
    /// Mean entropy of its answers, nats: `H(y|x)`.
    pub entropy: f64,
    /// Entropy of the mean answer less that: `I(y;x)`, nats (E10).
    pub information: f64,
}

/// A grid of places in the plane, row by row from below.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Left, right, below, above.
    pub frame: [f32; 4],
    /// Cells of a side.
    pub cells: usize,
}

impl Grid {
    /// The centres of the cells, `[cells * cells, 2]`.
    pub fn centres(self) -> Vec<f32> {
        let Self { frame: [left, right, below, above], cells } = self;
        let at = |low: f32, high: f32, cell: usize| {
            low + (high - low) * (cell as f32 + 0.5) / cells as f32
        };
        let rows = (0..cells).flat_map(|row| (0..cells).map(move |column| (row, column)));
        rows.flat_map(|(row, column)| [at(left, right, column), at(below, above, row)]).collect()
    }
}

impl Training {
    /// Examples in the units of the data, `[rows, features]`, as the model sees them.
    fn examples(&self, x: Vec<f32>) -> Result<Examples> {
        let problem = &self.outline.problem;
        let features = problem.data.train.features();
        if x.is_empty() || !x.len().is_multiple_of(features) {
            return Err(Error::Settings(format!(
                "{} values are no examples of {features} features each",
                x.len()
            )));
        }
        let labels = vec![-1; x.len() / features];
        let shape = problem.data.train.shape.clone();
        let raw = Examples::new(Values::F32(x), shape, labels, "the examples")?;
        Ok(problem.schema.scaling.apply(&raw))
    }

    /// What both networks make of examples in the units of the data.
    ///
    /// # Errors
    /// If these are no examples, or the device fails.
    pub async fn classify(&self, x: Vec<f32>) -> Result<Seen> {
        self.seen(&self.examples(x)?, &self.now()).await
    }

    /// What both make of every row of the file, in its order.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn answers(&self) -> Result<Seen> {
        let examples = self.outline.problem.schema.scaling.apply(&self.own()?.raw);
        self.seen(&examples, &self.now()).await
    }

    async fn seen(&self, examples: &Examples, model: &Model) -> Result<Seen> {
        Ok(Seen {
            model: self.probabilities(model, examples).await?,
            labels_only: self.probabilities(&self.labels_only(), examples).await?,
        })
    }

    async fn probabilities(&self, model: &impl Classify, examples: &Examples) -> Result<Vec<f32>> {
        let rows: Vec<usize> = (0..examples.len()).collect();
        let mut values = infer::classify(model, examples, &rows, &self.device).await?;
        values.chunks_exact_mut(self.outline.problem.classes()).for_each(softmax);
        Ok(values)
    }

    /// What both networks make of the places of a grid; with `density`, an estimate of `log p(x)` there from below, nats, but for a
    /// constant.
    ///
    /// # Errors
    /// If the examples are no points in the plane, or the device fails.
    pub async fn plane(&self, grid: Grid, density: Option<Grid>) -> Result<(Seen, Vec<f32>)> {
        let features = self.outline.problem.data.train.features();
        if features != 2 {
            return Err(Error::Settings(format!(
                "plane: an example has {features} numbers; only points, with two, lie in a plane"
            )));
        }
        let model = self.now();
        let seen = self.seen(&self.examples(grid.centres())?, &model).await?;
        let log_density = match density {
            None => Vec::new(),
            Some(grid) => {
                let examples = self.examples(grid.centres())?;
                let rows: Vec<usize> = (0..examples.len()).collect();
                let noise = Noise::new(0).split("plane");
                let (model, device) = (&model, &self.device);
                infer::importance_weighted_bound(model, &examples, &rows, DRAWS, &noise, device)
                    .await?
            }
        };
        Ok((seen, log_density))
    }

    /// How both do on the examples of the test split, which no training sees.
    ///
    /// # Errors
    /// If the data have none, or the device fails.
    pub async fn score_held_out(&self) -> Result<[Score; 2]> {
        let test = &self.outline.problem.data.test;
        if test.is_empty() {
            return Err(Error::Settings("the data have no examples that are held out".to_owned()));
        }
        let seen = self.seen(test, &self.now()).await?;
        let y: Vec<usize> = test.labels.iter().map(|&label| label.max(0) as usize).collect();
        let classes = self.outline.problem.classes();
        Ok([&seen.model, &seen.labels_only].map(|answers| Score::of(answers, &y, classes)))
    }

    /// How both do on examples with their classes.
    ///
    /// # Errors
    /// If there are not as many classes as examples, or the device fails.
    pub async fn score(&self, x: Vec<f32>, y: &[usize]) -> Result<[Score; 2]> {
        let seen = self.classify(x).await?;
        let classes = self.outline.problem.classes();
        if seen.model.len() != y.len() * classes {
            let rows = seen.model.len() / classes;
            return Err(Error::Settings(format!(
                "there are {} classes for {rows} examples; give a class for each",
                y.len()
            )));
        }
        Ok([&seen.model, &seen.labels_only].map(|answers| Score::of(answers, y, classes)))
    }

    /// Samples of every class, class by class, in the units of the data: `[classes * per_class, features]`. The same seed draws the same
    /// latent variables from the same prior: as the model learns, the samples move.
    ///
    /// # Errors
    /// If chains diverged, or the device fails.
    pub async fn samples(&self, per_class: usize, seed: u64) -> Result<Vec<f32>> {
        let model = self.now();
        let mut noise = Noise::new(seed).split("samples");
        let workers = gleaner_core::workers::InTurn;
        let z = model.prior_by_class(&Shard::whole(per_class), &mut noise, &self.device, &workers);
        model.check_drawn(&infer::read(z.clone()).await?)?;
        self.shown(&model, z, &Classes::Every, &noise).await
    }

    /// What latent variables look like, in the units of the data.
    pub(crate) async fn shown(
        &self,
        model: &Model,
        z: Tensor<2>,
        y: &Classes,
        noise: &Noise,
    ) -> Result<Vec<f32>> {
        let mut cells = noise.split("cells").streams(0, z.dims()[0]);
        let x = model.decode(z, y).shown(&mut cells);
        let mut x = infer::finite("the samples", x).await?;
        self.outline.problem.schema.scaling.undo(&mut x);
        Ok(x)
    }

    /// The largest value that a pixel has in the units of the data.
    pub fn white(&self) -> f32 {
        match self.outline.problem.schema.scaling {
            Scaling::Range { high, .. } => high,
            _ => 1.0,
        }
    }

    /// Shape of an example.
    pub fn shape(&self) -> &[usize] {
        self.outline.config.shape()
    }
}

impl Score {
    /// Of probabilities `[rows, classes]`.
    pub fn of(answers: &[f32], y: &[usize], classes: usize) -> Self {
        let rows = || answers.chunks_exact(classes);
        let count = y.len();
        let right = rows().zip(y).filter(|(row, y)| arg_max(row) == **y).count();
        let each = rows().map(entropy).sum::<f64>() / count.max(1) as f64;
        let mean = |class: usize| rows().map(|row| row[class]).sum::<f32>() / count.max(1) as f32;
        let of_mean = entropy(&(0..classes).map(mean).collect::<Vec<_>>());
        Self { right, count, entropy: each, information: of_mean - each }
    }
}

/// Logits to probabilities, in single precision and in place: a picture asks for thousands of rows many times a second.
fn softmax(row: &mut [f32]) {
    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    row.iter_mut().for_each(|value| *value = (*value - most).exp());
    let sum: f32 = row.iter().sum();
    row.iter_mut().for_each(|value| *value /= sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_begins_below_on_the_left_and_has_the_centres_of_its_cells() {
        let centres = Grid { frame: [0.0, 4.0, 10.0, 12.0], cells: 2 }.centres();
        assert_eq!(centres, [1.0, 10.5, 3.0, 10.5, 1.0, 11.5, 3.0, 11.5]);
    }

    #[test]
    fn sure_answers_of_both_classes_have_no_entropy_and_all_information() {
        let two = 2.0_f64.ln();
        let sure = Score::of(&[1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0], &[0, 1, 0, 0], 2);
        assert_eq!((sure.right, sure.count), (3, 4));
        assert!(sure.entropy.abs() < 1e-9 && (sure.information - two).abs() < 1e-6, "{sure:?}");
        let unsure = Score::of(&[0.5, 0.5, 0.5, 0.5], &[0, 1], 2);
        assert!((unsure.entropy - two).abs() < 1e-6 && unsure.information.abs() < 1e-6);
        // Always the same class: sure, and nothing is told apart.
        let same = Score::of(&[1.0, 0.0, 1.0, 0.0], &[0, 1], 2);
        assert!(same.entropy.abs() < 1e-9 && same.information.abs() < 1e-9 && same.right == 1);
    }

    #[test]
    fn probabilities_add_up_however_large_the_logits_are() {
        let mut row = [1000.0, 999.0, -1000.0];
        softmax(&mut row);
        assert!((row[0] - 0.731_058_6).abs() < 1e-6 && row[2] == 0.0, "{row:?}");
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }
}
