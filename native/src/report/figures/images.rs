//! Image grids of a model: `samples.png`, reconstructions, classes and latent dimensions varied.

use anyhow::{Context as _, Result, bail, ensure};
use burn::tensor::{Tensor, TensorData};
use gleaner_core::data::Examples;
use gleaner_core::infer;
use gleaner_core::models::{Architecture as _, Generative as _, Model, Target};
use gleaner_core::nets::Classes;
use gleaner_core::noise::Noise;
use gleaner_core::sampler::Chains;
use gleaner_core::workers::InTurn;
use gleaner_core::{sample, traverse};

use super::Subject;
use crate::data::rows::{evenly, every};
use crate::pictures::picture::{comfortable_scale, grid_png, image_shape, pairs_png};

/// Samples of each class in `samples.png`.
const PER_CLASS: usize = 10;

/// Samples of every class, a row for each.
///
/// # Errors
/// If the examples are no images, or the device fails.
pub fn samples(subject: &Subject<'_>, seed: u64) -> Result<Vec<u8>> {
    let mut noise = Noise::new(seed).split("pictures");
    let Subject { model, device, .. } = *subject;
    let samples = sample::class_conditional(model, PER_CLASS, &mut noise, device, &InTurn);
    pollster::block_on(infer::drawn(model, samples.z)).context("samples")?;
    subject.grid(samples.x, PER_CLASS).context("samples")
}

/// Originals above their reconstructions.
#[derive(Clone, Debug)]
pub struct Pairs {
    /// The picture.
    pub png: Vec<u8>,
    /// Images in it.
    pub count: usize,
    /// Mean squared error of an image.
    pub squared_error: f64,
}

/// At most `count` examples, taken evenly, above what the model makes of them.
///
/// # Errors
/// If there are none, they are no images, or the device fails.
pub fn reconstructions(subject: &Subject<'_>, examples: &Examples, count: usize) -> Result<Pairs> {
    let inferred = Inferred::of(subject, examples, count)?;
    inferred.pairs(subject, inferred.z.clone())
}

/// Reconstructions from where chains in the posterior end that start where the encoder puts an example.
#[derive(Clone, Debug)]
pub struct Refined {
    /// The picture, and the error of what it shows.
    pub pairs: Pairs,
    /// Mean squared error of an image before the first step.
    pub before: f64,
    /// Share of the moves that were accepted.
    pub accepted: f64,
}

/// The same as [`reconstructions`], with `z` refined by chains in `p(z|x)`, whose noise is fixed by the seed.
///
/// # Errors
/// If the model knows no such posterior, there are no examples, they are no images, or the device fails.
pub fn refined(
    subject: &Subject<'_>,
    examples: &Examples,
    count: usize,
    chains: &Chains,
    seed: u64,
) -> Result<Refined> {
    let Model::LatentEbm(model) = subject.model else {
        let name = subject.config.name();
        bail!(
            "--posterior-steps needs a latent-ebm, and this run is another model ({name}); leave the option out"
        );
    };
    let inferred = Inferred::of(subject, examples, count)?;
    let [rows, _] = inferred.z.dims();
    let density = model.posterior_density(inferred.x.clone(), Target::Marginal);
    let mut streams = Noise::new(seed).split("posterior").streams(0, rows);
    let mut accepted = Tensor::<1>::zeros([rows], subject.device);
    let start = inferred.z.clone();
    let end = chains.run_block(&density, start, 0..rows, &mut streams, |_, info| {
        accepted = accepted.clone() + info.accepted();
    });
    let accepted = pollster::block_on(infer::read(accepted))?;
    let accepted: f64 = accepted.into_iter().map(f64::from).sum();
    Ok(Refined {
        pairs: inferred.pairs(subject, end.z)?,
        before: inferred.pairs(subject, inferred.z.clone())?.squared_error,
        accepted: accepted / (rows * chains.steps) as f64,
    })
}

/// Examples on a device, and what the encoder makes of them.
struct Inferred {
    originals: Vec<f32>,
    x: Tensor<2>,
    y: Classes,
    /// The posterior mean: a reconstruction is no draw.
    z: Tensor<2>,
}

impl Inferred {
    fn of(subject: &Subject<'_>, examples: &Examples, count: usize) -> Result<Self> {
        let Subject { model, device, .. } = *subject;
        let rows = evenly(&every(examples), count);
        ensure!(!rows.is_empty(), "there are no examples to reconstruct");
        let x = infer::upload(examples, &rows, device);
        let y = Classes::Given(pollster::block_on(infer::predicted(model, x.clone()))?);
        let z = model.encode(x.clone(), &y);
        Ok(Self { originals: examples.gather(&rows), x, y, z })
    }

    /// The originals above what the model makes of `z`.
    fn pairs(&self, subject: &Subject<'_>, z: Tensor<2>) -> Result<Pairs> {
        let shape = image_shape(subject.config.shape())?;
        let [count, _] = z.dims();
        let x_hat = subject.model.decode(z, &self.y).mean();
        let x_hat = pollster::block_on(infer::finite("the reconstructions", x_hat))?;
        let both = self.originals.iter().zip(&x_hat);
        let squared = both.map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
        let scale = comfortable_scale(shape);
        let png = pairs_png(&self.originals, &x_hat, shape, count.min(10), scale)?;
        Ok(Pairs { png, count, squared_error: squared / count as f64 })
    }
}

/// Where the latent variables of a traversal come from.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// Inferred from examples, taken evenly.
    Examples(&'a Examples),
    /// Drawn from their prior with this seed.
    Prior(u64),
}

/// A row for each of `count` latent vectors, a column for each class; if they are those of examples, these come
/// first.
///
/// # Errors
/// If the model does not tell classes apart, the examples are no images, or the device fails.
pub fn over_classes(subject: &Subject<'_>, origin: Origin<'_>, count: usize) -> Result<Vec<u8>> {
    let Subject { config, model, device } = *subject;
    if !subject.classifies() {
        bail!("m1 has no classes to vary; vary a dimension of z");
    }
    let shape = image_shape(config.shape())?;
    let (z, originals) = subject.start(origin, count)?;
    let [rows, latent] = [z.len() / model.latent(), model.latent()];
    let z = Tensor::from_data(TensorData::new(z, [rows, latent]), device);
    let made = infer::finite("the pictures", traverse::over_classes(model, z));
    let made = pollster::block_on(made)?;
    let row = config.features() * config.classes();
    let mut tiles = Vec::with_capacity(made.len() + originals.len());
    for (number, row) in made.chunks_exact(row).enumerate() {
        let original = originals.chunks_exact(config.features()).nth(number);
        tiles.extend_from_slice(original.unwrap_or_default());
        tiles.extend_from_slice(row);
    }
    let columns = config.classes() + usize::from(!originals.is_empty());
    grid_png(&tiles, shape, columns, comfortable_scale(shape))
}

/// A row for each class, and one of the latent dimensions from low to high in `columns` steps.
///
/// # Errors
/// If there is no such dimension, the examples are no images, or the device fails.
pub fn along(
    subject: &Subject<'_>,
    origin: Origin<'_>,
    dimension: usize,
    columns: usize,
) -> Result<Vec<u8>> {
    let Subject { config, model, device } = *subject;
    let latent = model.latent();
    ensure!(
        dimension < latent,
        "there is no dimension {dimension}: z has {latent} dimensions, 0 to {}",
        latent - 1
    );
    let (z, _) = subject.start(origin, 1)?;
    let z = Tensor::from_data(TensorData::new(z, [1, latent]), device);
    let x = traverse::along(model, z, dimension, &traverse::walk(model, columns));
    // Rows that could not differ are drawn once.
    let rows = if subject.classifies() { config.classes() } else { 1 };
    subject.grid(x.slice_dim(0, 0..rows * columns), columns)
}

/// One class over the plane of a model with two latent dimensions, `side` by `side`.
///
/// # Errors
/// If the model has another number of them, there is no such class, the examples are no images, or the device
/// fails.
pub fn plane(subject: &Subject<'_>, class: usize, side: usize) -> Result<Vec<u8>> {
    let Subject { config, model, device } = *subject;
    let (latent, classes) = (model.latent(), config.classes());
    ensure!(
        latent == 2,
        "a plane needs a model with two latent dimensions, and this one has {latent}; train one with \
         --set model.latent=2"
    );
    ensure!(class < classes, "there is no class {class}: the classes are 0 to {}", classes - 1);
    subject.grid(traverse::plane(model, class, side, device), side)
}

impl Subject<'_> {
    fn grid(&self, x: Tensor<2>, columns: usize) -> Result<Vec<u8>> {
        let shape = image_shape(self.config.shape())?;
        let x = pollster::block_on(infer::finite("the pictures", x))?;
        grid_png(&x, shape, columns, comfortable_scale(shape))
    }

    /// At most `count` latent vectors, and the examples that they come from, row-major.
    fn start(&self, origin: Origin<'_>, count: usize) -> Result<(Vec<f32>, Vec<f32>)> {
        match origin {
            Origin::Examples(examples) => {
                let rows = evenly(&every(examples), count);
                ensure!(!rows.is_empty(), "there are no examples to start from");
                let z = infer::encode(self.model, examples, &rows, self.device);
                Ok((pollster::block_on(z)?, examples.gather(&rows)))
            }
            Origin::Prior(seed) => {
                let mut noise = Noise::new(seed).split("traversal");
                let z = self.model.prior(count, &mut noise, self.device);
                Ok((pollster::block_on(infer::drawn(self.model, z))?, Vec::new()))
            }
        }
    }
}
