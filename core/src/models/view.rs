//! What networks are given of examples. Of a table, that is where cells are missing, too; and in training some more are hidden, so
//! that the networks learn to do without (a denoising bound: that of a recognition model that sees less is a bound, too; E50).

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::common::Common;
use super::observation::Likelihood;
use crate::dist::{Column, places};
use crate::nets::Training;

/// What networks are given of examples.
#[derive(Clone, Debug)]
pub struct View {
    likelihood: Likelihood,
    columns: Vec<Column>,
    masking: f64,
}

impl View {
    /// Of the examples of a model.
    pub fn new(common: &Common) -> Self {
        let Common { likelihood, columns, masking, .. } = common;
        Self { likelihood: *likelihood, columns: columns.clone(), masking: *masking }
    }

    /// How many numbers that is, of examples of `features`.
    pub fn width(&self, features: usize) -> usize {
        features + self.told().len()
    }

    /// Whether examples may be images.
    pub(super) fn is_of_images(&self) -> bool {
        !matches!(self.likelihood, Likelihood::Multinomial | Likelihood::Mixed)
    }

    /// Of counts of words `log(1 + x)`, where a word that is repeated counts for less than twice (E34). Of a table its numbers, 0
    /// where one is missing, and whether it is, 1 or 0, of every column in which 0 is a value like others. Of anything else the
    /// examples themselves.
    ///
    /// # Shapes
    /// - `x`: `[batch, features]`
    /// - output: `[batch, width]`
    pub fn of(&self, x: Tensor<2>, training: Option<&Training>) -> Tensor<2> {
        match self.likelihood {
            Likelihood::Bernoulli | Likelihood::Gaussian | Likelihood::IsotropicGaussian { .. } => {
                x
            }
            Likelihood::Multinomial => x.log1p(),
            Likelihood::Mixed => self.of_table(&x, training),
        }
    }

    fn of_table(&self, x: &Tensor<2>, training: Option<&Training>) -> Tensor<2> {
        let mut missing = x.clone().is_nan();
        if let Some(training) = training.filter(|_| self.masking > 0.0) {
            missing = missing.bool_or(self.hidden(x, training).greater_elem(0.5));
        }
        let told = self.told();
        let values = x.clone().mask_fill(missing.clone(), 0.0);
        match told.is_empty() {
            true => values,
            false => {
                Tensor::cat(vec![values, missing.float().select(1, indices(told, &x.device()))], 1)
            }
        }
    }

    /// 1 for the numbers of cells that are hidden, drawn anew for each row and column, `[batch, features]`.
    fn hidden(&self, x: &Tensor<2>, training: &Training) -> Tensor<2> {
        let ([batch, _], device) = (x.dims(), x.device());
        let noise = training.noise.split("masking");
        let uniform =
            noise.uniform_by_example(training.first, [batch, self.columns.len()], &device);
        let of_number = self.columns.iter().enumerate();
        let of_number = of_number.flat_map(|(at, column)| std::iter::repeat_n(at, column.width()));
        uniform.lower_elem(self.masking).float().select(1, indices(of_number.collect(), &device))
    }

    /// The numbers of columns that must be told apart from 0 where they are missing: words are not, of which one is 1.
    fn told(&self) -> Vec<usize> {
        let columns = places(&self.columns);
        let told = columns.filter(|(column, _)| !matches!(column, Column::Categorical { .. }));
        told.map(|(_, place)| place.start).collect()
    }
}

fn indices(columns: Vec<usize>, device: &Device) -> Tensor<1, Int> {
    let columns: Vec<i32> = columns.into_iter().map(|column| column as i32).collect();
    let count = columns.len();
    Tensor::from_data(TensorData::new(columns, [count]), device)
}
