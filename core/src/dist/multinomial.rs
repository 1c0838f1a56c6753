//! Counts of words, given how many there are.

use burn::tensor::{Tensor, activation};

use super::log_gamma::log_factorial;
use super::{groups, log_sum_exp};

/// Counts of which each row's sum is given, `[rows, words]`.
#[derive(Clone, Debug)]
pub struct Multinomial {
    /// Unnormalised log-probabilities of a word, `[rows, words]`.
    pub logits: Tensor<2>,
    /// How many words an example has that is generated, `[1]`.
    pub length: Tensor<1>,
}

impl Multinomial {
    /// Log-probability of counts `x` with sum `n` (E34): `log n! - Σ_v log x_v! + Σ_v x_v log softmax(logits)_v`.
    ///
    /// # Shapes
    /// - `x`: `[batch, words]`, grouped against the rows of `logits` as in
    ///   [`Bernoulli::log_prob`](super::Bernoulli::log_prob); a constant
    /// - output: `[rows]`, nats
    pub fn log_prob(&self, x: Tensor<2>) -> Tensor<1> {
        let ([rows, _], [batch, _]) = (self.logits.dims(), x.dims());
        let total = log_sum_exp(self.logits.clone(), 1).reshape([rows / batch, batch]);
        let n = x.clone().sum_dim(1).reshape([1, batch]);
        let ways = log_ways(x.clone()).unsqueeze::<2>();
        let (logits, x) = groups(self.logits.clone(), x);
        let drawn = (logits * x).sum_dim(2).reshape([rows / batch, batch]);
        (drawn - total * n + ways).reshape([rows])
    }

    /// Expected counts of an example of [`Multinomial::length`] words, `[rows, words]`.
    pub fn mean(&self) -> Tensor<2> {
        activation::softmax(self.logits.clone(), 1) * self.length.clone().unsqueeze::<2>()
    }
}

/// `log (n! / Π_v x_v!)` of counts `[batch, words]`: in how many orders these words can stand, `[batch]`.
fn log_ways(x: Tensor<2>) -> Tensor<1> {
    let n = x.clone().sum_dim(1);
    (log_factorial(n) - log_factorial(x).sum_dim(1)).squeeze_dim::<1>(1)
}

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().try_into_vec_as().unwrap()
    }

    #[test]
    fn probabilities_of_all_counts_of_a_length_add_up_to_one() {
        let device = Device::flex();
        let logits = Tensor::<2>::from_floats([[0.3, -1.2, 0.9]], &device);
        let words = Multinomial { logits, length: Tensor::from_floats([4.0], &device) };
        let mut total = 0.0;
        for a in 0..=4 {
            for b in 0..=4 - a {
                let x = [[a as f32, b as f32, (4 - a - b) as f32]];
                total += read(words.log_prob(Tensor::from_floats(x, &device)))[0].exp();
            }
        }
        assert!((total - 1.0).abs() < 1e-5, "{total}");
        assert!((read(words.mean()).iter().sum::<f32>() - 4.0).abs() < 1e-5);
    }
}
