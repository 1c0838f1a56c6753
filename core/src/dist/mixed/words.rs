//! Yes or no, and one word of several.

use burn::tensor::{Tensor, activation};

use super::cells::{Cells, Luck, grouped};
use crate::nets::softplus;

/// Columns of yes and no.
#[derive(Clone, Debug)]
pub(super) struct YesNo {
    /// `[rows, columns]`.
    pub logits: Tensor<2>,
}

impl Cells for YesNo {
    fn log_probs(&self, x: Tensor<2>) -> Tensor<3> {
        let [batch, _] = x.dims();
        let logits = grouped(self.logits.clone(), batch);
        logits.clone() * x.unsqueeze::<3>() - softplus(logits)
    }

    fn mean(&self) -> Tensor<2> {
        activation::sigmoid(self.logits.clone())
    }

    fn draw(&self, luck: Luck) -> Tensor<2> {
        let [uniform, _] = luck.uniform;
        uniform.lower(self.mean()).float()
    }
}

/// A column of words.
#[derive(Clone, Debug)]
pub(super) struct Words {
    /// `[rows, words]`.
    pub logits: Tensor<2>,
}

impl Cells for Words {
    fn log_probs(&self, x: Tensor<2>) -> Tensor<3> {
        let [batch, _] = x.dims();
        let log_probs = grouped(activation::log_softmax(self.logits.clone(), 1), batch);
        (log_probs * x.unsqueeze::<3>()).sum_dim(2)
    }

    fn mean(&self) -> Tensor<2> {
        activation::softmax(self.logits.clone(), 1)
    }

    /// The word whose logit is largest once each has Gumbel noise (Gumbel 1954; Maddison et al. 2014).
    fn draw(&self, luck: Luck) -> Tensor<2> {
        let [uniform, _] = luck.uniform;
        let noisy = self.logits.clone() - uniform.log().neg().log();
        noisy.clone().greater_equal(noisy.max_dim(1)).float()
    }
}
