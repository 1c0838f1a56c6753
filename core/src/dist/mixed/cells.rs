//! What the columns of one kind have in common, whichever kind it is.

use burn::tensor::{Device, Tensor, TensorData};

use crate::noise::Streams;

/// The distribution of the cells of some columns.
pub(super) trait Cells {
    /// Log-probability of each cell, `[groups, batch, columns]`, nats.
    ///
    /// # Shapes
    /// - `x`: `[batch, numbers]` of these columns, a constant in which nothing is missing
    fn log_probs(&self, x: Tensor<2>) -> Tensor<3>;

    /// What is expected, as a model sees it, `[rows, numbers]`.
    fn mean(&self) -> Tensor<2>;

    /// A draw of each cell, as a model sees it, `[rows, numbers]`.
    fn draw(&self, luck: Luck) -> Tensor<2>;
}

/// The randomness of a draw, `[rows, numbers]` each: as much as the kind that takes most.
#[derive(Clone, Debug)]
pub(super) struct Luck {
    /// Standard normal.
    pub normal: [Tensor<2>; 2],
    /// Uniform on (0, 1).
    pub uniform: [Tensor<2>; 2],
}

impl Luck {
    /// For rows of so many numbers, a stream for each row.
    pub fn draw(streams: &mut Streams, numbers: usize, device: &Device) -> Self {
        let normal = [(); 2].map(|()| streams.normal(numbers, device));
        let uniform = [(); 2].map(|()| {
            let columns = (0..numbers).map(|_| streams.uniform(device).unsqueeze_dim::<2>(1));
            // Neither 0 nor 1, whose logarithms are infinite.
            Tensor::cat(columns.collect(), 1).clamp(1e-6, 1.0 - 1e-6)
        });
        Self { normal, uniform }
    }

    /// Of some numbers of each row.
    pub fn of(&self, pick: impl Fn(Tensor<2>) -> Tensor<2>) -> Self {
        let Self { normal, uniform } = self.clone();
        Self { normal: normal.map(&pick), uniform: uniform.map(&pick) }
    }
}

/// Parameters `[rows, columns]` as they stand beside a batch: `[groups, batch, columns]`.
pub(super) fn grouped(parameters: Tensor<2>, batch: usize) -> Tensor<3> {
    let [rows, columns] = parameters.dims();
    parameters.reshape([rows / batch, batch, columns])
}

/// A constant for each column, `[1, columns]`.
pub(super) fn constant(values: Vec<f32>, device: &Device) -> Tensor<2> {
    let columns = values.len();
    Tensor::from_data(TensorData::new(values, [1, columns]), device)
}
