//! Latent variables moved over the classes, along a dimension or over a plane, and decoded.
//!
//! Each function gives expected examples, `[rows, features]`, in the order of a picture's tiles, row by row.

use burn::tensor::{Device, Tensor, TensorData};

use crate::data::one_hot;
use crate::models::Generative;
use crate::nets::Classes;

/// The ends of a walk along a dimension, as shares of its prior.
const ENDS: [f64; 2] = [0.005, 0.995];

/// The same `z` in every class: a row for each of `z [count, latent]`, a column for each class.
pub fn over_classes(model: &impl Generative, z: Tensor<2>) -> Tensor<2> {
    let ([count, _], classes) = (z.dims(), model.classes());
    let x = model.decode(model.in_every_class(z), &Classes::Every).mean();
    let [rows, features] = x.dims();
    x.reshape([classes, count, features]).swap_dims(0, 1).reshape([rows, features])
}

/// One `z [1, latent]` with one of its dimensions at each of some values: a row for each class, a column for
/// each value.
pub fn along(model: &impl Generative, z: Tensor<2>, dimension: usize, values: &[f64]) -> Tensor<2> {
    let ([_, latent], classes) = (z.dims(), model.classes());
    let column: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    let column = TensorData::new(column, [values.len(), 1]);
    let column = Tensor::<2>::from_data(column, &z.device()).repeat_dim(0, classes);
    let rows = classes * values.len();
    let still = model.in_every_class(z).reshape([classes, 1, latent]);
    let still = still.repeat_dim(1, values.len()).reshape([rows, latent]);
    let moved = still.slice_assign([0..rows, dimension..dimension + 1], column);
    model.decode(moved, &Classes::Every).mean()
}

/// Values at even distances that cover nearly all of a dimension's prior, from low to high.
pub fn walk(model: &impl Generative, count: usize) -> Vec<f64> {
    let [low, high] = ENDS.map(|share| model.quantile(share));
    let step = (high - low) / count.saturating_sub(1).max(1) as f64;
    (0..count).map(|i| low + i as f64 * step).collect()
}

/// How the example of `class` changes with `z [1, latent]`: the products of the changes along any two dimensions, `[latent, latent]`.
/// Its eigenvectors are directions, of which the first changes an example most. Changes are central differences of expected values
/// over half a standard deviation to each side.
pub fn responses(model: &impl Generative, z: Tensor<2>, class: usize) -> Tensor<2> {
    let ([_, latent], device) = (z.dims(), z.device());
    let still = z.repeat_dim(0, latent);
    let step = Tensor::<2>::eye(latent, &device) * 0.5;
    let changes = decode_as(model, still.clone() + step.clone(), class)
        - decode_as(model, still - step, class);
    changes.clone().matmul(changes.transpose())
}

/// One `z [1, latent]` as `class`, moved along two directions `[2, latent]` by each of some distances: the first to the right, the
/// second upwards, a row of tiles for each.
pub fn around(
    model: &impl Generative,
    z: Tensor<2>,
    class: usize,
    directions: Tensor<2>,
    distances: &[f64],
) -> Tensor<2> {
    let (side, device) = (distances.len(), z.device());
    let rows = side * side;
    let place = |row: usize| [distances[row % side], distances[side - 1 - row / side]];
    let places: Vec<f32> = (0..rows).flat_map(place).map(|distance| distance as f32).collect();
    let places = Tensor::<2>::from_data(TensorData::new(places, [rows, 2]), &device);
    decode_as(model, z.repeat_dim(0, rows) + places.matmul(directions), class)
}

fn decode_as(model: &impl Generative, z: Tensor<2>, class: usize) -> Tensor<2> {
    let ([rows, _], device) = (z.dims(), z.device());
    let y = one_hot(std::iter::repeat_n(class as i64, rows), model.classes(), &device);
    model.decode(z, &Classes::Given(y)).mean()
}

/// One class over the whole prior of a model with two latent dimensions: `side` rows and columns, each for an
/// equal share of the prior. The first dimension grows to the right, the second upwards:
/// `[side * side, features]`, row by row from the top.
///
/// # Panics
/// If the model has not two of them.
pub fn plane(model: &impl Generative, class: usize, side: usize, device: &Device) -> Tensor<2> {
    assert_eq!(model.latent(), 2, "a plane has two dimensions");
    let at = |place: usize| model.quantile((place as f64 + 0.5) / side as f64) as f32;
    let points: Vec<f32> = (0..side)
        .rev()
        .flat_map(|up| (0..side).map(move |right| [right, up]))
        .flat_map(|point| point.map(at))
        .collect();
    decode_as(model, Tensor::from_data(TensorData::new(points, [side * side, 2]), device), class)
}
