//! Measurements: a Gaussian whose standard deviation is learnt for the column, and not for each row, of which there are few.

use burn::tensor::Tensor;

use super::cells::{Cells, Luck, grouped};
use crate::dist::gaussian::LOG_TWO_PI;

/// Columns of measurements.
#[derive(Clone, Debug)]
pub(super) struct Measurements {
    /// `[rows, columns]`.
    pub mean: Tensor<2>,
    /// `[1, columns]`.
    pub log_var: Tensor<2>,
    /// What draws do not go below, `[1, columns]`.
    pub lowest: Tensor<2>,
}

impl Measurements {
    /// The variance is `least_sd² + exp(2 raw)` (E46): that of the rounding, and that of the rest. All but the mean are `[1, columns]`.
    pub fn new(mean: Tensor<2>, raw: Tensor<2>, least_sd: Tensor<2>, lowest: Tensor<2>) -> Self {
        Self { mean, log_var: ((raw * 2.0).exp() + least_sd.square()).log(), lowest }
    }
}

impl Cells for Measurements {
    fn log_probs(&self, x: Tensor<2>) -> Tensor<3> {
        let [batch, _] = x.dims();
        let log_var = self.log_var.clone().unsqueeze::<3>();
        let apart = x.unsqueeze::<3>() - grouped(self.mean.clone(), batch);
        (apart.square() * log_var.clone().neg().exp() + log_var + LOG_TWO_PI) * -0.5
    }

    fn mean(&self) -> Tensor<2> {
        self.mean.clone()
    }

    fn draw(&self, luck: Luck) -> Tensor<2> {
        let [normal, _] = luck.normal;
        (self.mean.clone() + normal * (self.log_var.clone() * 0.5).exp())
            .max_pair(self.lowest.clone())
    }
}
