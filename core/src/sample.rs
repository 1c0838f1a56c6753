//! Class-conditional samples: `y` given, `z` from its prior, then the expected `x` under `p(x|y,z)` or, of a table, a draw of it
//! (E15). Where `z` depends on `y`, as in an energy, chains draw it (E22).

use std::iter::once;

use burn::tensor::{Device, Tensor};

use crate::data::formats::npy::NpyArray;
use crate::data::schema::{Scaling, Schema};
use crate::measures::eval::entropy_of_logits;
use crate::models::{Generative, Shard};
use crate::nets::Classes;
use crate::noise::Noise;
use crate::workers::Workers;

/// Class-conditional samples on a device, class-major: `per_class` rows of class 0, then of class 1, and
/// so on.
#[derive(Clone, Debug)]
pub struct Samples {
    /// Latent vectors, `[rows, latent]`.
    pub z: Tensor<2>,
    /// Observations, expected or, of a table, drawn: `[rows, features]`.
    pub x: Tensor<2>,
    /// Logits of `q(y|x)` at `x`, or of `p(y|z)` for a model that has it, `[rows, classes]`.
    pub logits: Tensor<2>,
}

/// What the noise of cells of tables is split off by.
pub(crate) const CELLS: &str = "cells";

/// Draws `per_class` samples of every class.
pub fn class_conditional(
    model: &impl Generative,
    per_class: usize,
    noise: &mut Noise,
    device: &Device,
    workers: &dyn Workers,
) -> Samples {
    Drawn::new(model, &Shard::whole(per_class), noise, device, workers).into_samples()
}

/// The samples of a shard of a draw, among what had to be computed for them. On the CPU, each has the bits that
/// [`class_conditional`] gives it among all samples.
#[derive(Clone, Debug)]
pub struct Drawn {
    shard: Shard,
    computed: Shard,
    /// Of the latter.
    samples: Samples,
}

impl Drawn {
    /// Draws them.
    pub fn new(
        model: &impl Generative,
        shard: &Shard,
        noise: &mut Noise,
        device: &Device,
        workers: &dyn Workers,
    ) -> Self {
        let computed = shard.computed(model.classes());
        let z = model.prior_by_class(&computed, noise, device, workers);
        let mut cells = noise.split(CELLS).streams_of(&computed.numbers(model.classes()));
        let x = model.decode(z.clone(), &Classes::Every).shown(&mut cells);
        let logits = model.judge(z.clone(), x.clone());
        Self { shard: shard.clone(), computed, samples: Samples { z, x, logits } }
    }

    /// What [`Samples::logits`] were decided from, the last hidden layer: `[rows, width]`.
    pub fn judged_by(&self, model: &impl Generative) -> Tensor<2> {
        let Samples { z, x, .. } = &self.samples;
        self.shard.out_of(&self.computed, model.judged_by(z.clone(), x.clone()))
    }

    /// The latent vectors of all that was computed, `[computed rows, latent]`, and their numbers in the whole draw.
    pub fn computed(&self, model: &impl Generative) -> (Tensor<2>, Vec<usize>) {
        (self.samples.z.clone(), self.computed.numbers(model.classes()))
    }

    /// The samples, class-major.
    pub fn into_samples(self) -> Samples {
        let Self { shard, computed, samples: Samples { z, x, logits } } = self;
        let [z, x, logits] = [z, x, logits].map(|rows| shard.out_of(&computed, rows));
        Samples { z, x, logits }
    }
}

/// Samples on the host, as a file of samples holds them.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleSet {
    /// Shape of one example.
    pub shape: Vec<usize>,
    /// The class that each was drawn for; -1 where the model has no classes.
    pub y: Vec<i64>,
    /// `[n, features]`.
    pub x: Vec<f32>,
    /// `[n, latent]`.
    pub z: Vec<f32>,
    /// `[n, classes]`.
    pub logits: Vec<f32>,
}

impl SampleSet {
    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.y.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.y.is_empty()
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.logits.len() / self.len().max(1)
    }

    /// Entropy of each prediction, nats (E9).
    pub fn entropy(&self) -> Vec<f64> {
        self.logits.chunks_exact(self.classes().max(1)).map(entropy_of_logits).collect()
    }

    /// Some of the samples, in the order asked for.
    #[must_use]
    pub fn pick(&self, rows: &[usize]) -> Self {
        let picked = |values: &[f32]| {
            let width = values.len() / self.len().max(1);
            rows.iter().flat_map(|row| &values[row * width..][..width]).copied().collect()
        };
        Self {
            shape: self.shape.clone(),
            y: rows.iter().map(|&row| self.y[row]).collect(),
            x: picked(&self.x),
            z: picked(&self.z),
            logits: picked(&self.logits),
        }
    }

    /// The arrays of a file, with `x` in the units of the training data, and the names of `classes` and, of tables, of the
    /// `columns` of `x`. With `standardised`, `x` stays as the model has it; an array of this name says so.
    pub fn into_named_arrays(
        mut self,
        schema: &Schema,
        standardised: bool,
    ) -> Vec<(&'static str, NpyArray)> {
        if !standardised {
            schema.scaling.undo(&mut self.x);
        }
        let mut arrays = self.into_arrays();
        arrays.push(("classes", NpyArray::texts(&schema.classes)));
        arrays.extend(schema.number_names().map(|names| ("columns", NpyArray::texts(names))));
        if standardised && schema.scaling != Scaling::None {
            arrays.push(("standardised", NpyArray::i64(&[1], vec![1])));
        }
        arrays
    }

    /// The arrays of a file: `x`, `y`, `z`, `logits`, `entropy`.
    pub fn into_arrays(self) -> Vec<(&'static str, NpyArray)> {
        let (rows, classes) = (self.len(), self.classes());
        let entropy = self.entropy().into_iter().map(|entropy| entropy as f32).collect();
        let latent = self.z.len() / rows.max(1);
        let shape: Vec<usize> = once(rows).chain(self.shape).collect();
        vec![
            ("x", NpyArray::f32(&shape, self.x)),
            ("y", NpyArray::i64(&[rows], self.y)),
            ("z", NpyArray::f32(&[rows, latent], self.z)),
            ("logits", NpyArray::f32(&[rows, classes], self.logits)),
            ("entropy", NpyArray::f32(&[rows], entropy)),
        ]
    }
}
