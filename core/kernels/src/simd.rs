//! Elementwise arithmetic on the CPU, written so that a compiler turns loops over it into vector code:
//! no calls, no branches. Errors are relative to the exact value and hold for every finite input; NaN in,
//! NaN out.

#[cfg(feature = "flex")]
use burn::backend::flex::FlexTensor;
use burn::tensor::Device;
#[cfg(feature = "flex")]
use burn::tensor::TensorData;

/// Runs a closure of plain loops, compiled for the widest vectors that this processor has.
///
/// Mark a large closure `#[inline(always)]`, and functions that it calls: else it may be compiled by itself, and then
/// knows nothing of wide vectors. What it needs in a loop it should own: a choice between two numbers of which one lies
/// behind a reference is a branch.
#[inline(always)]
pub fn vectorised<R>(loops: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(loops)
}

/// `a * b + c`, rounded once. Where processors have no such instruction, twice as many bits come to the same but for one
/// number in hundreds of millions.
#[inline(always)]
pub fn fused(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
        a.mul_add(b, c)
    } else {
        (f64::from(a) * f64::from(b) + f64::from(c)) as f32
    }
}

/// Adding this to a number of moderate size rounds it to an integer, which the low bits then hold.
const ROUNDER: f32 = 12_582_912.0;

/// `ln 2` in two parts: the first has few bits, so that its multiples are exact (Cody and Waite 1980).
const LN_2_HIGH: f32 = 355.0 / 512.0;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// Below this `exp` underflows.
const LOWEST: f32 = -87.0;

/// `x <= 89` as `n` and `exp(r) - 1`, where `x = n ln 2 + r` and `|r| <= ln(2) / 2`.
#[inline(always)]
fn reduce(x: f32) -> (i32, f32) {
    let x = if x < LOWEST { LOWEST } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUNDER;
    let n = shifted - ROUNDER;
    let power = (shifted.to_bits() as i32).wrapping_sub(ROUNDER.to_bits() as i32);
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    // Minimax polynomial of the Cephes library's expf.
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    (power, p * r * r + r)
}

/// `2^n` for `-127 < n < 128`.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) << 23) as u32)
}

/// `exp(x)` for `x <= 0`, within 2e-7; never below `exp(-87)`.
#[inline(always)]
pub fn exp_of_negative(x: f32) -> f32 {
    let (n, less_one) = reduce(x);
    let scale = power_of_two(n);
    scale * less_one + scale
}

/// `exp(x)`, within 2e-7; never below `exp(-87)`, and infinite from 89 on.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let (n, less_one) = reduce(if x > 89.0 { 89.0 } else { x });
    // In two steps: near the end, the power of two is out of reach and the number is not.
    let half = n >> 1;
    let scale = power_of_two(half);
    (scale * less_one + scale) * power_of_two(n - half)
}

/// `1 - exp(-x)` for `x >= 0`, within 3e-7: the slope of softplus at the point where its value is `x`.
#[inline(always)]
pub fn one_minus_exp_of_negative(x: f32) -> f32 {
    let (n, less_one) = reduce(-x);
    let scale = power_of_two(n);
    (1.0 - scale) - scale * less_one
}

/// `log(1 + t)` for `0 <= t <= 1`, within 3e-7: `2 atanh(t / (2 + t))` by its series.
#[inline(always)]
fn ln_1p_up_to_one(t: f32) -> f32 {
    let s = t / (2.0 + t);
    let square = s * s;
    let mut p = 1.0 / 15.0;
    p = p * square + 1.0 / 13.0;
    p = p * square + 1.0 / 11.0;
    p = p * square + 1.0 / 9.0;
    p = p * square + 1.0 / 7.0;
    p = p * square + 1.0 / 5.0;
    p = p * square + 1.0 / 3.0;
    p = p * square + 1.0;
    2.0 * s * p
}

/// `log(1 + exp(x))`, within 4e-7.
#[inline(always)]
pub fn softplus(x: f32) -> f32 {
    let positive = if x > 0.0 { x } else { 0.0 };
    positive + ln_1p_up_to_one(exp_of_negative(-x.abs()))
}

/// `1 / (1 + exp(-x))`, within 4e-7.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    let e = exp_of_negative(-x.abs());
    (if x >= 0.0 { 1.0 } else { e }) / (1.0 + e)
}

/// `tanh(x)`, within 4e-7.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let magnitude = x.abs();
    // (1 - e) / (1 + e) with e = exp(-2 |x|).
    let less = one_minus_exp_of_negative(2.0 * magnitude);
    (less / (2.0 - less)).copysign(x)
}

/// `log(x)` for normal `x > 0`, within 2e-7 of the larger of 1 and the value.
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    // x = 2^n m with m from 1/sqrt(2) to sqrt(2).
    let shifted = x.to_bits().wrapping_sub(0x3f35_04f3);
    let n = (shifted as i32) >> 23;
    let m = f32::from_bits((shifted & 0x007f_ffff).wrapping_add(0x3f35_04f3));
    let s = (m - 1.0) / (m + 1.0);
    let square = s * s;
    let mut p = 2.0 / 9.0;
    p = p * square + 2.0 / 7.0;
    p = p * square + 2.0 / 5.0;
    p = p * square + 2.0 / 3.0;
    let of_mantissa = s * square * p + 2.0 * s;
    n as f32 * LN_2_HIGH + (n as f32 * LN_2_LOW + of_mantissa)
}

/// `sin(2 π t)` for `|t| <= 1/4`, within 2e-7.
#[inline(always)]
pub fn sin_of_turns(t: f32) -> f32 {
    let x = t * std::f32::consts::TAU;
    let square = x * x;
    // Taylor's series: the next term is below 6e-8 at a quarter of a turn.
    let mut p = -1.0 / 39_916_800.0;
    p = p * square + 1.0 / 362_880.0;
    p = p * square - 1.0 / 5_040.0;
    p = p * square + 1.0 / 120.0;
    p = p * square - 1.0 / 6.0;
    x * square * p + x
}

/// Number of partial sums that a loop over a row keeps: one vector of the widest kind.
const LANES: usize = 16;

/// `Σ f(a_i, b_i)` over two rows of one length, in partial sums that do not depend on the processor.
#[inline(always)]
pub fn sum_of(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            lanes[lane] += f(a[lane], b[lane]);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(&a, &b)| f(a, b)).sum();
    lanes.iter().sum::<f32>() + rest
}

/// Whether a device is the CPU back end of this process. A build without others has no other: there, what they would need is left out.
pub fn on_cpu(device: &Device) -> bool {
    #[cfg(all(feature = "flex", any(feature = "cube", feature = "remote")))]
    return *device == Device::flex();
    #[cfg(not(all(feature = "flex", any(feature = "cube", feature = "remote"))))]
    return {
        let _ = device;
        cfg!(feature = "flex")
    };
}

/// A CPU tensor as one run of values in row-major order.
#[cfg(feature = "flex")]
pub fn whole(tensor: FlexTensor) -> FlexTensor {
    let covers_its_buffer =
        tensor.is_contiguous() && tensor.storage::<f32>().len() == tensor.layout().num_elements();
    if covers_its_buffer { tensor } else { tensor.to_contiguous() }
}

/// Rows and columns of a CPU matrix.
#[cfg(feature = "flex")]
pub fn dims<const D: usize>(tensor: &FlexTensor) -> [usize; D] {
    tensor.layout().shape().dims()
}

/// A CPU tensor from its values.
#[cfg(feature = "flex")]
pub fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A dense sweep and the special places, both signs.
    fn points() -> Vec<f32> {
        let sweep = (0..200_000).map(|i| i as f32 * 5e-4);
        let tiny = (-38..3).flat_map(|e| [1.0, 1.7, 3.3].map(|m| m * 10f32.powi(e)));
        sweep.chain(tiny).chain([0.0, 86.9, 87.0, 1e3, 1e30]).flat_map(|x| [x, -x]).collect()
    }

    fn assert_within(
        name: &str,
        bound: f64,
        range: impl Fn(f32) -> bool,
        got: impl Fn(f32) -> f32,
        exact: impl Fn(f64) -> f64,
    ) {
        for x in points().into_iter().filter(|&x| range(x)) {
            let (got, exact) = (f64::from(got(x)), exact(f64::from(x)));
            // Below the smallest normal number there are no relative errors to speak of.
            let error = (got - exact).abs() / exact.abs().max(2e-38);
            assert!(error <= bound, "{name}({x}): {got}, exactly {exact}, off by {error:e}");
        }
    }

    #[test]
    fn every_function_is_as_close_as_it_says() {
        assert_within("exp", 2e-7, |x| (-87.0..=0.0).contains(&x), exp_of_negative, f64::exp);
        assert_within("exp", 2e-7, |x| (-87.0..=88.5).contains(&x), exp, f64::exp);
        assert_within("1 - exp", 3e-7, |x| x >= 0.0, one_minus_exp_of_negative, |x| -(-x).exp_m1());
        let softplus_exactly = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
        assert_within("softplus", 4e-7, |x| x >= -87.0, softplus, softplus_exactly);
        let sigmoid_exactly =
            |x: f64| if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) };
        assert_within("sigmoid", 4e-7, |x| x >= -87.0, sigmoid, sigmoid_exactly);
        assert_within("tanh", 4e-7, |_| true, tanh, f64::tanh);
    }

    #[test]
    fn logarithms_and_sines_are_as_close_as_they_say() {
        for x in points().into_iter().filter(|x| x.is_normal() && *x > 0.0) {
            let (got, exact) = (f64::from(ln(x)), f64::from(x).ln());
            assert!((got - exact).abs() <= 2e-7 * exact.abs().max(1.0), "{x}: {got} {exact}");
        }
        for step in -50_000..=50_000 {
            let t = step as f32 / 200_000.0;
            let exact = (f64::from(t) * std::f64::consts::TAU).sin();
            let got = f64::from(sin_of_turns(t));
            assert!((got - exact).abs() <= 2e-7, "{t}: {got} {exact}");
        }
    }

    #[test]
    fn far_out_nothing_overflows_and_nan_stays() {
        for x in [-1e30, f32::NEG_INFINITY] {
            assert!((0.0..1e-37).contains(&softplus(x)) && (0.0..1e-37).contains(&sigmoid(x)));
        }
        assert_eq!(softplus(f32::INFINITY), f32::INFINITY);
        assert_eq!(sigmoid(f32::INFINITY), 1.0);
        assert_eq!([exp(f32::INFINITY), exp(89.0)], [f32::INFINITY; 2]);
        assert!((0.0..2e-38).contains(&exp(-200.0)));
        let nan = f32::NAN;
        assert!(
            [softplus(nan), sigmoid(nan), tanh(nan), exp(nan), exp_of_negative(nan)]
                .iter()
                .all(|v| v.is_nan())
        );
        assert!(one_minus_exp_of_negative(nan).is_nan());
    }

    #[test]
    fn a_sum_takes_every_element_once() {
        for length in [0, 1, 15, 16, 17, 100] {
            let a: Vec<f32> = (0..length).map(|i| i as f32).collect();
            let sum = vectorised(|| sum_of(&a, &a, |a, b| a + b));
            assert_eq!(sum, (length * length) as f32 - length as f32, "{length}");
        }
    }
}
