//! The only place that reads tensors back, and the only asynchronous one: a browser cannot wait, so it
//! awaits; the command line blocks on the same functions.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};

use crate::checkpoint::Parameter;
use crate::data::{Examples, Resident, one_hot};
use crate::error::{Error, Result};
use crate::measures::estimate::{Estimate, log_mean_error};
use crate::measures::eval::arg_max;
use crate::models::{Classify, Generative, Look, SharedPart};
use crate::module_path::ModulePath;
use crate::nets::Classes;
use crate::noise::Noise;
use crate::objective::{importance_log_weights, unlabelled_bound};
use crate::sample::{SampleSet, Samples};

/// Rows that are put through a network at a time.
pub const ROWS: usize = 500;

/// The values of a tensor of any shape `[d_1, ..., d_D]`, row-major.
///
/// # Errors
/// If the device fails.
pub async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let data = tensor.into_data_async().await.map_err(|e| Error::ReadBack(e.to_string()))?;
    data.try_into_vec_as::<f32>().map_err(|e| Error::ReadBack(e.to_string()))
}

/// The values of a tensor that must be numbers, since they are shown or kept; `what` they are, for the error. That of an
/// [`Observation`](crate::models::Observation) is NaN where one of its parameters was.
///
/// # Errors
/// If one is NaN or infinite, or the device fails.
pub async fn finite<const D: usize>(what: &'static str, tensor: Tensor<D>) -> Result<Vec<f32>> {
    let values = read(tensor).await?;
    match values.iter().all(|value| value.is_finite()) {
        true => Ok(values),
        false => Err(Error::NotFinite(what)),
    }
}

/// Samples that `model` drew, brought to the host; `y` are the classes that they were drawn for, `shape` is that of one example.
///
/// # Errors
/// If chains diverged, something that was computed is no number, or the device fails.
pub async fn samples(
    model: &impl Generative,
    samples: Samples,
    shape: &[usize],
    y: Vec<i64>,
) -> Result<SampleSet> {
    let Samples { z, x, logits } = samples;
    let z = drawn(model, z).await?;
    let x = finite("the samples", x).await?;
    let logits = finite("the predictions for the samples", logits).await?;
    Ok(SampleSet { shape: shape.to_vec(), y, x, z, logits })
}

/// What `model` drew of its latent variables, `[rows, latent]`, row-major.
///
/// # Errors
/// If chains diverged, or the device fails.
pub async fn drawn(model: &impl Generative, z: Tensor<2>) -> Result<Vec<f32>> {
    let z = read(z).await?;
    model.check_drawn(&z)?;
    Ok(z)
}

/// Every parameter of a module by its path.
///
/// # Errors
/// If the device fails.
pub async fn parameters<M: Module>(module: &M) -> Result<BTreeMap<String, Parameter>> {
    let mut collector = Collector::default();
    module.visit(&mut collector);
    let mut parameters = BTreeMap::new();
    for (name, shape, flat) in collector.found {
        parameters.insert(name, Parameter { shape, values: read(flat).await? });
    }
    Ok(parameters)
}

#[derive(Default)]
struct Collector {
    path: ModulePath,
    found: Vec<(String, Vec<usize>, Tensor<1>)>,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.path.exit(container_type);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        let shape = value.dims().to_vec();
        let count = shape.iter().product::<usize>();
        self.found.push((self.path.name(), shape, value.reshape([count])));
    }
}

/// Logits of `q(y|x)` for the given rows, `[rows, classes]`, row-major.
///
/// # Errors
/// If the device fails.
pub async fn classify(
    model: &impl Classify,
    examples: &Examples,
    rows: &[usize],
    device: &Device,
) -> Result<Vec<f32>> {
    let mut logits = Vec::new();
    for rows in rows.chunks(ROWS) {
        logits.extend(read(model.classify(upload(examples, rows, device))).await?);
    }
    Ok(logits)
}

/// The same of rows of examples that are on the device: nothing but their numbers is uploaded, and all is read at once.
///
/// # Errors
/// If the device fails.
pub async fn classify_resident(
    model: &impl Classify,
    examples: &Resident,
    rows: &[usize],
) -> Result<Vec<f32>> {
    let logits: Vec<_> =
        rows.chunks(ROWS).map(|rows| model.classify(examples.rows(rows))).collect();
    match logits.is_empty() {
        true => Ok(Vec::new()),
        false => read(Tensor::cat(logits, 0)).await,
    }
}

/// What the classifier decides from (see [`Generative::features`]) for the given rows, `[rows, width]`,
/// row-major.
///
/// # Errors
/// If the device fails.
pub async fn features(
    model: &impl Generative,
    examples: &Examples,
    rows: &[usize],
    device: &Device,
) -> Result<Vec<f32>> {
    let mut features = Vec::new();
    for rows in rows.chunks(ROWS) {
        features.extend(read(model.features(upload(examples, rows, device))).await?);
    }
    Ok(features)
}

/// The most probable class of each example, one-hot: `[batch, features]` to `[batch, classes]`.
///
/// # Errors
/// If the device fails.
pub async fn predicted(model: &impl Generative, x: Tensor<2>) -> Result<Tensor<2>> {
    let (device, classes) = (x.device(), model.classes());
    let logits = read(model.classify(x)).await?;
    let predicted = logits.chunks_exact(classes).map(|row| arg_max(row) as i64);
    Ok(one_hot(predicted, classes, &device))
}

/// The centre of the posterior of the latent variables given each row and its most probable class,
/// `[rows, latent]`, row-major.
///
/// # Errors
/// If the device fails.
pub async fn encode(
    model: &impl Generative,
    examples: &Examples,
    rows: &[usize],
    device: &Device,
) -> Result<Vec<f32>> {
    let mut centres = Vec::with_capacity(rows.len() * model.latent());
    for rows in rows.chunks(ROWS) {
        let x = upload(examples, rows, device);
        let y = predicted(model, x.clone()).await?;
        centres.extend(read(model.encode(x, &Classes::Given(y))).await?);
    }
    Ok(centres)
}

/// The unlabelled bound `U(x)` (E2) of each row at one draw of the latent variables per class, in nats.
///
/// # Errors
/// If the device fails.
pub async fn evidence_lower_bound(
    model: &impl Generative,
    examples: &Examples,
    rows: &[usize],
    noise: &Noise,
    device: &Device,
) -> Result<Vec<f32>> {
    let mut bounds = Vec::with_capacity(rows.len());
    for (chunk, rows) in rows.chunks(ROWS).enumerate() {
        let (look, epsilon) = draw(model, rows.len(), &noise.at(chunk as u64), device);
        let x = upload(examples, rows, device);
        let value = unlabelled_bound(model, x.clone(), &look, epsilon, 1.0).value;
        bounds.extend(read(with_frozen(value, model, x, &look)).await?);
    }
    Ok(bounds)
}

/// The importance-weighted bound IWAE-K of each row (E12), in nats.
///
/// # Errors
/// If the device fails.
pub async fn importance_weighted_bound(
    model: &impl Generative,
    examples: &Examples,
    rows: &[usize],
    draws: usize,
    noise: &Noise,
    device: &Device,
) -> Result<Vec<f32>> {
    let mut bounds = Vec::with_capacity(rows.len());
    for (chunk, rows) in rows.chunks(ROWS).enumerate() {
        let x = upload(examples, rows, device);
        let noise = noise.at(chunk as u64);
        let mut log_weights = vec![Vec::with_capacity(draws); rows.len()];
        for number in 0..draws {
            let (look, epsilon) = draw(model, rows.len(), &noise.at(number as u64), device);
            let weights = importance_log_weights(model, x.clone(), &look, epsilon);
            for (row, weight) in read(weights).await?.into_iter().enumerate() {
                log_weights[row].push(f64::from(weight));
            }
        }
        bounds.extend(log_weights.iter().map(|w| log_mean_exp(w) as f32));
    }
    Ok(bounds)
}

/// The mean of the bounds of some rows. What all bounds have in common is estimated with more work first: `log Z` (E39). The standard
/// error has in it how examples and draws differ, and how well `log Z` is known; of that nothing is where few of its chains carry it.
///
/// # Errors
/// If the device fails.
pub async fn mean_bound(model: &impl Generative, bounds: &[f32]) -> Result<Estimate> {
    let mean = Estimate::mean(bounds);
    let Some(SharedPart { subtracted, log_weights }) = model.shared_part() else { return Ok(mean) };
    let log_weights = read(log_weights).await?;
    let weights: Vec<f64> = log_weights.iter().map(|&w| f64::from(w)).collect();
    let off: f32 = read(subtracted).await?.into_iter().sum();
    let mean = Estimate { value: mean.value + f64::from(off) - log_mean_exp(&weights), ..mean };
    Ok(mean.with_common(log_mean_error(&log_weights)))
}

/// The noise of the bounds of some rows with every class.
fn draw(model: &impl Generative, rows: usize, noise: &Noise, device: &Device) -> (Look, Tensor<2>) {
    let shape = [model.classes() * rows, model.widths().row];
    let look = Look::draw(model, 0, rows, &noise.split("look"), device);
    (look, noise.clone().normal_tensor(shape, device))
}

fn with_frozen(value: Tensor<1>, model: &impl Generative, x: Tensor<2>, look: &Look) -> Tensor<1> {
    match model.frozen(x, look) {
        Some(frozen) => value + frozen,
        None => value,
    }
}

/// `log(mean(exp(values)))`, the largest value taken out first.
fn log_mean_exp(values: &[f64]) -> f64 {
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mean = values.iter().map(|v| (v - max).exp()).sum::<f64>() / values.len() as f64;
    max + mean.ln()
}

/// Rows of a data set on a device, `[rows, features]`.
pub fn upload(examples: &Examples, rows: &[usize], device: &Device) -> Tensor<2> {
    let shape = [rows.len(), examples.features()];
    Tensor::from_data(TensorData::new(examples.gather(rows), shape), device)
}
