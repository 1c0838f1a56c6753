//! Functions of numbers for kernels, good to a few units in the last place wherever they are finite.

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

/// `log(1 + exp(x))`.
#[cube]
pub fn softplus<F: Float, N: Size>(x: Vector<F, N>) -> Vector<F, N> {
    let zero = Vector::new(F::new(0.0_f32));
    let one = Vector::new(F::new(1.0_f32));
    let t = Vector::exp(zero - Vector::abs(x));
    // Below 1/32, four terms of the series are nearer than the logarithm of a rounded sum.
    let series = t
        * (one
            - t * (Vector::new(F::new(0.5_f32))
                - t * (Vector::new(F::new(1.0_f32 / 3.0_f32))
                    - t * Vector::new(F::new(0.25_f32)))));
    let small = t.less_than(&Vector::new(F::new(0.03125_f32)));
    let above = select_many(x.greater_than(&zero), x, zero);
    above + select_many(small, series, Vector::ln(one + t))
}

/// The slope of [`softplus`] where its value is `y`: `1 - exp(-y)`.
#[cube]
pub fn softplus_slope<F: Float, N: Size>(y: Vector<F, N>) -> Vector<F, N> {
    let one = Vector::new(F::new(1.0_f32));
    // Below 1/4, six terms of the series are nearer than the difference of nearly equal numbers.
    let mut series = one - y * Vector::new(F::new(1.0_f32 / 6.0_f32));
    series = one - y * Vector::new(F::new(0.2_f32)) * series;
    series = one - y * Vector::new(F::new(0.25_f32)) * series;
    series = one - y * Vector::new(F::new(1.0_f32 / 3.0_f32)) * series;
    series = one - y * Vector::new(F::new(0.5_f32)) * series;
    let small = y.less_than(&Vector::new(F::new(0.25_f32)));
    select_many(small, y * series, one - Vector::exp(Vector::new(F::new(0.0_f32)) - y))
}

/// `1 / (1 + exp(-x))`, without an exponential that overflows.
#[cube]
pub fn sigmoid<F: Float, N: Size>(x: Vector<F, N>) -> Vector<F, N> {
    let zero = Vector::new(F::new(0.0_f32));
    let one = Vector::new(F::new(1.0_f32));
    let t = Vector::exp(zero - Vector::abs(x));
    let share = one / (one + t);
    select_many(x.less_than(&zero), t * share, share)
}
