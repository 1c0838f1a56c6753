//! Conjugate gradients (Hestenes and Stiefel 1952) for many right-hand sides at once.

use ndarray::{Array1, Array2, Axis, Zip};

/// Residual length, relative to the right-hand side, at which a column is solved. Small, because
/// beliefs far from every label are small too and only their ratios count.
const TOLERANCE: f64 = 1e-12;
/// Rounds at most. The residual shrinks by `(sqrt(c) - 1) / (sqrt(c) + 1)` a round at condition number
/// `c`; an alpha of 0.99 (condition at most 199) needs some 200.
const ROUNDS: usize = 2_000;

/// Solves `A x = b` for each column of `right`, both `[rows, columns]`; `product(x, out)` writes `A x`
/// for a symmetric positive definite `A`.
///
/// Starting from nothing, rows that `A` does not connect to a right-hand side stay exactly 0 in it.
pub(super) fn solve(
    right: &Array2<f64>,
    product: impl Fn(&Array2<f64>, &mut Array2<f64>),
) -> Array2<f64> {
    let mut solution = Array2::zeros(right.raw_dim());
    let mut residual = right.clone();
    let mut direction = right.clone();
    let mut image = Array2::zeros(right.raw_dim());
    let mut left = column_products(&residual, &residual);
    let enough = left.mapv(|length| length * TOLERANCE * TOLERANCE);
    for _ in 0..ROUNDS {
        if Zip::from(&left).and(&enough).all(|length, enough| length <= enough) {
            break;
        }
        product(&direction, &mut image);
        let steps = ratios(&left, &column_products(&direction, &image));
        add(&mut solution, &steps, &direction);
        add(&mut residual, &steps.mapv(|step| -step), &image);
        let next = column_products(&residual, &residual);
        let turns = ratios(&next, &left);
        left = next;
        for (mut to, from) in direction.rows_mut().into_iter().zip(residual.rows()) {
            Zip::from(&mut to)
                .and(&from)
                .and(&turns)
                .for_each(|to, from, turn| *to = from + turn * *to);
        }
    }
    solution
}

/// The inner product of each column of `a` with that of `b`.
fn column_products(a: &Array2<f64>, b: &Array2<f64>) -> Array1<f64> {
    let mut sums = Array1::zeros(a.ncols());
    for (a, b) in a.axis_iter(Axis(0)).zip(b.axis_iter(Axis(0))) {
        Zip::from(&mut sums).and(&a).and(&b).for_each(|sum, a, b| *sum += a * b);
    }
    sums
}

/// Quotients, 0 over 0 being 0: a column that is solved exactly takes no more steps.
fn ratios(above: &Array1<f64>, below: &Array1<f64>) -> Array1<f64> {
    Zip::from(above).and(below).map_collect(|a, b| if *b > 0.0 { a / b } else { 0.0 })
}

/// Adds each column of `what` to that of `to`, times its factor.
fn add(to: &mut Array2<f64>, factors: &Array1<f64>, what: &Array2<f64>) {
    for (mut to, what) in to.rows_mut().into_iter().zip(what.rows()) {
        Zip::from(&mut to)
            .and(factors)
            .and(&what)
            .for_each(|to, factor, what| *to += factor * what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_known_system_and_an_empty_column() {
        let matrix = array![[4.0, 1.0], [1.0, 3.0]];
        let found = solve(&array![[1.0, 0.0], [2.0, 0.0]], |x, out| out.assign(&matrix.dot(x)));
        let wanted = array![[1.0 / 11.0, 0.0], [7.0 / 11.0, 0.0]];
        assert!((found - wanted).iter().all(|error| error.abs() < 1e-12));
    }
}
