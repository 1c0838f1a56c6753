//! What a model makes of latent variables that are moved: over the classes, along a dimension, over a plane.
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

/// How much each dimension of `z [1, latent]` changes the example of `class`: the mean square of what expected values change by
/// between the ends of its prior, `[latent]`.
pub fn effects(model: &impl Generative, z: Tensor<2>, class: usize) -> Tensor<1> {
    let ([_, latent], device) = (z.dims(), z.device());
    let ends = ENDS.map(|share| model.quantile(share) as f32);
    let still = z.repeat_dim(0, latent);
    let diagonal = Tensor::<2>::eye(latent, &device);
    let at = |value: f32| {
        let moved = still.clone() * (diagonal.clone() * -1.0 + 1.0) + diagonal.clone() * value;
        decode_as(model, moved, class)
    };
    (at(ends[1]) - at(ends[0])).square().mean_dim(1).squeeze_dim(1)
}

/// One `z [1, latent]` as `class` with two of its dimensions at each of some values: the first grows to the right, the second
/// upwards, a row of tiles for each value.
pub fn around(
    model: &impl Generative,
    z: Tensor<2>,
    class: usize,
    dimensions: [usize; 2],
    values: &[f64],
) -> Tensor<2> {
    let (side, device) = (values.len(), z.device());
    let rows = side * side;
    let mut moved = z.repeat_dim(0, rows);
    let place = |row: usize| [values[row % side], values[side - 1 - row / side]];
    for (axis, dimension) in dimensions.into_iter().enumerate() {
        let column: Vec<f32> = (0..rows).map(|row| place(row)[axis] as f32).collect();
        let column = Tensor::<2>::from_data(TensorData::new(column, [rows, 1]), &device);
        moved = moved.slice_assign([0..rows, dimension..dimension + 1], column);
    }
    decode_as(model, moved, class)
}

fn decode_as(model: &impl Generative, z: Tensor<2>, class: usize) -> Tensor<2> {
    let ([rows, _], device) = (z.dims(), z.device());
    let y = one_hot(std::iter::repeat_n(class as i64, rows), model.classes(), &device);
    model.decode(z, &Classes::Given(y)).mean()
}

/// One class over the whole prior of a model with two latent dimensions: `side` rows and columns, each for an
/// equal share of the prior. The first dimension grows to the right, the second upwards.
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
