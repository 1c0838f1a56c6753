//! Logarithms of the gamma function and of factorials, as tensors.

use burn::tensor::Tensor;

/// `log(2 π) / 2`.
const HALF_LOG_TWO_PI: f64 = 0.918_938_533_204_672_7;

/// `log Γ(w)` by Stirling's series, relative error below 1e-6 for `w` from 3 on.
fn stirling<const D: usize>(w: Tensor<D>) -> Tensor<D> {
    let u = w.clone().recip();
    let square = u.clone().square();
    // 1/12 w - 1/360 w³ + 1/1260 w⁵ - 1/1680 w⁷
    let tail = (((square.clone() * (-1.0 / 1680.0) + 1.0 / 1260.0) * square.clone() - 1.0 / 360.0)
        * square
        + 1.0 / 12.0)
        * u;
    (w.clone() - 0.5) * w.clone().log() - w + HALF_LOG_TWO_PI + tail
}

/// `log Γ(a)` of positive numbers.
pub(super) fn log_gamma<const D: usize>(a: Tensor<D>) -> Tensor<D> {
    // Γ(a + 3) = Γ(a) a (a + 1) (a + 2)
    let below = a.clone() * (a.clone() + 1.0) * (a.clone() + 2.0);
    stirling(a + 3.0) - below.log()
}

/// `log x!` of whole numbers, relative error below 1e-6 from 2 on; exactly 0 for 0 and 1, which most counts are.
pub(super) fn log_factorial<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let above_one = x.clone().greater_elem(1.5).float();
    stirling(x + 1.0) * above_one
}

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn read(tensor: Tensor<1>) -> Vec<f32> {
        tensor.into_data().try_into_vec_as().unwrap()
    }

    #[test]
    fn factorials_are_those_of_whole_numbers() {
        let device = Device::flex();
        let numbers: Vec<f32> = (0..200).map(|n| n as f32).collect();
        let values = read(log_factorial(Tensor::from_floats(&*numbers, &device)));
        let mut expected = 0f64;
        for (n, value) in values.iter().enumerate() {
            expected += (n.max(1) as f64).ln();
            let error = (f64::from(*value) - expected).abs();
            assert!(error <= 1e-6 * expected, "log {n}! = {expected}, not {value}");
        }
    }

    #[test]
    fn the_gamma_function_of_halves_is_known() {
        // Γ(1/2) = √π, Γ(a + 1) = a Γ(a).
        let halves: Vec<f32> = (0..40).map(|n| n as f32 + 0.5).collect();
        let values = read(log_gamma(Tensor::from_floats(&*halves, &Device::flex())));
        let mut expected = std::f64::consts::PI.sqrt().ln();
        for (half, value) in halves.iter().zip(values) {
            let error = (f64::from(value) - expected).abs();
            assert!(
                error <= 2e-6 * (1.0 + expected.abs()),
                "log Γ({half}) = {expected}, not {value}"
            );
            expected += f64::from(*half).ln();
        }
    }
}
