//! Few values in an order, such as years or grades: a logistic variable that is seen through thresholds (McCullagh 1980;
//! the ordinal likelihood of HI-VAE, Nazabal et al. 2020).

use burn::tensor::{Device, Tensor, TensorData, activation};
use serde::{Deserialize, Serialize};

use super::cells::{Cells, Luck, constant, grouped};
use crate::nets::softplus;

/// Stands for no threshold: so far out that no logistic variable gets there.
const OUTERMOST: f32 = 1e4;

/// The values of a column in increasing order, and the thresholds between them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Levels {
    /// As a model sees them, at least two.
    pub values: Vec<f32>,
    /// `logit P(x <= value)` of each value but the last, over the rows that are trained on: with location 0 and scale 1, every
    /// value is as frequent as there.
    pub thresholds: Vec<f32>,
}

impl Levels {
    /// Of values in increasing order, and how often each occurs (at least once).
    #[must_use]
    pub fn of(values: Vec<f32>, counts: &[usize]) -> Self {
        let total: usize = counts.iter().sum();
        let below = counts.iter().scan(0, |sum, &count| {
            *sum += count;
            Some(*sum)
        });
        let logit = |below: usize| (below as f64 / (total - below) as f64).ln() as f32;
        let thresholds = below.take(values.len().saturating_sub(1)).map(logit).collect();
        Self { values, thresholds }
    }

    /// Whether values and thresholds increase, and there is one between any two values.
    pub(super) fn are_in_order(&self) -> bool {
        let Self { values, thresholds } = self;
        let grow = |numbers: &[f32]| numbers.windows(2).all(|pair| pair[0] < pair[1]);
        let finite = values.iter().chain(thresholds).all(|number| number.is_finite());
        values.len() > 1
            && thresholds.len() + 1 == values.len()
            && grow(values)
            && grow(thresholds)
            && finite
    }

    /// Half-way between each value and the next one.
    fn middles(&self) -> Vec<f32> {
        self.values.windows(2).map(|pair| f32::midpoint(pair[0], pair[1])).collect()
    }

    /// From each value to the next one.
    fn steps(&self) -> Vec<f32> {
        self.values.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}

/// Columns of such values, each with the location and the scale of its logistic variable.
#[derive(Clone, Debug)]
pub(super) struct Ordinal<'a> {
    /// The values of each column.
    pub levels: Vec<&'a Levels>,
    /// Location `h`, `[rows, columns]`.
    pub location: Tensor<2>,
    /// `log s`, where `s` is one over the scale, `[1, columns]`.
    pub log_precision: Tensor<2>,
}

impl Cells for Ordinal<'_> {
    /// `log (σ(s (b - h)) - σ(s (a - h)))` (E47), where `a` and `b` are the thresholds below and above the value that is
    /// nearest to a number.
    fn log_probs(&self, x: Tensor<2>) -> Tensor<3> {
        let [batch, _] = x.dims();
        let [low, high] = self.around(x);
        let precision = self.log_precision.clone().exp().unsqueeze::<3>();
        let location = grouped(self.location.clone(), batch);
        // σ(u) - σ(v) = σ(u) σ(-v) (1 - exp(v - u))
        let upper = (high.clone() - location.clone()) * precision.clone();
        let lower = (low.clone() - location) * precision.clone();
        let apart = ((high - low) * precision).neg().exp().neg().log1p();
        apart - softplus(upper.neg()) - softplus(lower)
    }

    fn mean(&self) -> Tensor<2> {
        let precision = self.log_precision.clone().exp().unsqueeze_dim::<3>(2);
        let apart = self.location.clone().unsqueeze_dim::<3>(2) - self.thresholds();
        self.climbed(activation::sigmoid(apart * precision))
    }

    fn draw(&self, luck: Luck) -> Tensor<2> {
        let [uniform, _] = luck.uniform;
        let logit = uniform.clone().log() - uniform.neg().log1p();
        let variable = self.location.clone() + logit * self.log_precision.clone().neg().exp();
        self.climbed(variable.unsqueeze_dim::<3>(2).greater(self.thresholds()).float())
    }
}

impl Ordinal<'_> {
    /// The lowest value, and the share of each step above it: `[rows, columns, steps]` to `[rows, columns]`.
    fn climbed(&self, shares: Tensor<3>) -> Tensor<2> {
        let device = shares.device();
        let lowest = self.levels.iter().map(|levels| levels.values[0]).collect();
        let steps = self.padded(Levels::steps, 0.0, &device);
        (shares * steps).sum_dim(2).squeeze_dim::<2>(2) + constant(lowest, &device)
    }

    /// The thresholds below and above each number, `[1, batch, columns]`.
    fn around(&self, x: Tensor<2>) -> [Tensor<3>; 2] {
        let ([batch, columns], device) = (x.dims(), x.device());
        let middles = self.padded(Levels::middles, f32::MAX, &device);
        let thresholds = self.thresholds().expand([batch, columns, self.most()]);
        let above = x.unsqueeze_dim::<3>(2).greater(middles);
        let low = thresholds.clone().mask_fill(above.clone().bool_not(), -OUTERMOST).max_dim(2);
        let high = thresholds.mask_fill(above, OUTERMOST).min_dim(2);
        [low, high].map(|side| side.reshape([1, batch, columns]))
    }

    /// `[1, columns, thresholds]`.
    fn thresholds(&self) -> Tensor<3> {
        self.padded(|levels| levels.thresholds.clone(), OUTERMOST, &self.location.device())
    }

    /// Thresholds of the column that has the most.
    fn most(&self) -> usize {
        self.levels.iter().map(|levels| levels.thresholds.len()).max().unwrap_or(0)
    }

    /// Something of each threshold, `[1, columns, thresholds]`; where a column has fewer, `rest`.
    fn padded(&self, of: impl Fn(&Levels) -> Vec<f32>, rest: f32, device: &Device) -> Tensor<3> {
        let most = self.most();
        let row = |levels: &&Levels| {
            let mut row = of(levels);
            row.resize(most, rest);
            row
        };
        let values: Vec<f32> = self.levels.iter().flat_map(row).collect();
        Tensor::from_data(TensorData::new(values, [1, self.levels.len(), most]), device)
    }
}
