//! A normal distribution over rows with missing cells: densities of what is there, and the expectation of
//! what is not (Ghahramani and Jordan 1994).

use ndarray::{Array1, Array2, Axis, CowArray, Ix2};
use serde::{Deserialize, Serialize};

use super::rows::{Group, Rows};

/// Mean and covariance, positive definite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Gaussian {
    /// `[columns]`.
    pub mean: Array1<f64>,
    /// `[columns, columns]`.
    pub covariance: Array2<f64>,
}

/// Weighted first and second moments of rows.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    /// The sum of the weights.
    pub weight: f64,
    /// `[columns]`: the weighted mean.
    pub mean: Array1<f64>,
    /// `[columns, columns]`: the weighted sum of outer products around the mean.
    pub scatter: Array2<f64>,
}

/// What a group's rows are under one Gaussian.
struct Conditional {
    /// `[rows, seen]`: the differences to the mean, made uncorrelated and of variance 1.
    white: Array2<f64>,
    /// `[seen, seen]`: the lower triangle `L` of `L L^T`, the covariance of what is there, inverted.
    inverse: Array2<f64>,
}

impl Gaussian {
    /// Whether it is of so many columns.
    pub fn is_of(&self, columns: usize) -> bool {
        self.mean.len() == columns && self.covariance.dim() == (columns, columns)
    }

    /// `[rows]`: the log-density of the cells that are there, in nats; 0 for a row without any.
    pub fn log_density(&self, rows: &Rows) -> Array1<f64> {
        let mut found = Array1::zeros(rows.count);
        for group in &rows.groups {
            let Conditional { white, inverse } = self.conditional(group);
            let logs: f64 = inverse.diag().iter().map(|value| value.ln()).sum();
            let constant = logs - 0.5 * group.seen.len() as f64 * std::f64::consts::TAU.ln();
            for (&row, white) in group.rows.iter().zip(white.rows()) {
                found[row] = constant - 0.5 * white.dot(&white);
            }
        }
        found
    }

    /// The moments of all rows by their `weights` (one each), expected under this distribution where cells
    /// are missing. Rows without weight leave the mean at this distribution's.
    pub fn moments(&self, rows: &Rows, weights: &Array1<f64>) -> Moments {
        let weight = weights.sum();
        let mut mean = self.mean.clone();
        let mut scatter = Array2::zeros(self.covariance.raw_dim());
        if weight <= f64::MIN_POSITIVE {
            return Moments { weight: 0.0, mean, scatter };
        }
        mean.fill(0.0);
        let mut completed = Vec::with_capacity(rows.groups.len());
        for group in &rows.groups {
            let weights = weights.select(Axis(0), &group.rows);
            let (values, uncertain) = self.complete(group);
            mean += &weights.dot(&values);
            scatter.scaled_add(weights.sum(), &uncertain);
            completed.push((weights, values));
        }
        mean /= weight;
        for (weights, values) in completed {
            let apart = &values - &mean;
            let weighted = &apart * &weights.insert_axis(Axis(1));
            scatter += &weighted.t().dot(&apart);
        }
        Moments { weight, mean, scatter }
    }

    /// The rows of a group with the expectation in place of what is missing, `[rows, columns]`, and the
    /// covariance `[columns, columns]` that is left around it: 0 but for pairs of missing columns.
    fn complete<'a>(&self, group: &'a Group) -> (CowArray<'a, f64, Ix2>, Array2<f64>) {
        let mut uncertain = Array2::zeros(self.covariance.raw_dim());
        if group.missing.is_empty() {
            return (group.values.view().into(), uncertain);
        }
        let Conditional { white, inverse } = self.conditional(group);
        let loadings = inverse.dot(&self.block(&group.seen, &group.missing));
        let expected = white.dot(&loadings) + &self.mean.select(Axis(0), &group.missing);
        let left = self.block(&group.missing, &group.missing) - loadings.t().dot(&loadings);
        let mut values = Array2::zeros((group.rows.len(), self.mean.len()));
        for (at, &column) in group.seen.iter().enumerate() {
            values.column_mut(column).assign(&group.values.column(at));
        }
        for (at, &column) in group.missing.iter().enumerate() {
            values.column_mut(column).assign(&expected.column(at));
            for (beside, &other) in group.missing.iter().enumerate() {
                uncertain[[column, other]] = left[[at, beside]];
            }
        }
        (values.into(), uncertain)
    }

    fn conditional(&self, group: &Group) -> Conditional {
        let inverse = inverse_of_lower(&lower(&self.block(&group.seen, &group.seen)));
        let apart = &group.values - &self.mean.select(Axis(0), &group.seen);
        Conditional { white: apart.dot(&inverse.t()), inverse }
    }

    fn block(&self, rows: &[usize], columns: &[usize]) -> Array2<f64> {
        let shape = (rows.len(), columns.len());
        Array2::from_shape_fn(shape, |(i, j)| self.covariance[[rows[i], columns[j]]])
    }
}

/// The lower triangle `L` of `L L^T = matrix` (Cholesky). Pivots that rounding takes to 0 or below are
/// replaced by the smallest that still divide.
fn lower(matrix: &Array2<f64>) -> Array2<f64> {
    let dims = matrix.nrows();
    let mut lower = Array2::<f64>::zeros((dims, dims));
    for i in 0..dims {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| lower[[i, k]] * lower[[j, k]]).sum();
            let left = matrix[[i, j]] - known;
            lower[[i, j]] = if i == j {
                left.max(1e-12 * matrix[[i, i]].abs().max(f64::MIN_POSITIVE)).sqrt()
            } else {
                left / lower[[j, j]]
            };
        }
    }
    lower
}

/// The inverse of a lower triangle, itself one.
fn inverse_of_lower(lower: &Array2<f64>) -> Array2<f64> {
    let dims = lower.nrows();
    let mut inverse = Array2::<f64>::zeros((dims, dims));
    for column in 0..dims {
        inverse[[column, column]] = 1.0 / lower[[column, column]];
        for row in column + 1..dims {
            let known: f64 = (column..row).map(|k| lower[[row, k]] * inverse[[k, column]]).sum();
            inverse[[row, column]] = -known / lower[[row, row]];
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    const NAN: f64 = f64::NAN;

    fn example() -> Gaussian {
        Gaussian {
            mean: array![0.3, -0.5, 1.0],
            covariance: array![[1.0, 0.6, -0.2], [0.6, 2.0, 0.4], [-0.2, 0.4, 0.5]],
        }
    }

    fn rows(numbers: &Array2<f64>) -> Rows {
        Rows::new(numbers, &[], &[]).unwrap()
    }

    fn density(numbers: &Array2<f64>) -> Array1<f64> {
        example().log_density(&rows(numbers)).mapv(f64::exp)
    }

    #[test]
    fn a_density_matches_the_formula_of_one_dimension_and_integrates_to_one() {
        let one = density(&array![[0.8, NAN, NAN]])[0];
        let wanted = (-0.5_f64 * 0.25).exp() / std::f64::consts::TAU.sqrt();
        assert!((one - wanted).abs() < 1e-12, "{one} {wanted}");
        // The trapezoid rule is exact beyond its digits for a bell that has died away at both ends.
        let step = 0.25;
        let place = |at: usize| (at as f64 - 40.0) * step;
        let grid = Array2::from_shape_fn((81 * 81, 3), |(row, column)| match column {
            0 => place(row % 81),
            1 => place(row / 81),
            _ => NAN,
        });
        let total = density(&grid).sum() * step * step;
        assert!((total - 1.0).abs() < 1e-8, "{total}");
    }

    #[test]
    fn missing_cells_are_integrated_out() {
        let step = 0.05;
        let place = |at: usize| (at as f64 - 300.0) * step;
        for missing in 0..3 {
            let mut numbers = array![[0.9, 0.2, 0.4]];
            let along = Array2::from_shape_fn((601, 3), |(at, column)| {
                if column == missing { place(at) } else { numbers[[0, column]] }
            });
            let wanted = density(&along).sum() * step;
            numbers[[0, missing]] = NAN;
            let found = density(&numbers)[0];
            assert!((found / wanted - 1.0).abs() < 1e-9, "column {missing}: {found} {wanted}");
        }
        assert_eq!(density(&array![[NAN, NAN, NAN]])[0], 1.0);
    }

    #[test]
    fn expected_moments_match_numeric_integration() {
        let step = 0.05;
        let place = |at: usize| (at as f64 - 300.0) * step;
        let numbers = array![[0.9, NAN, 0.4], [1.0, 2.0, 3.0]];
        let weights = array![0.7, 0.4];
        let along = Array2::from_shape_fn((601, 3), |(at, column)| {
            if column == 1 { place(at) } else { numbers[[0, column]] }
        });
        let densities = density(&along);
        // The missing cell as 601 rows whose weights share out that of the row.
        let mut all = along;
        all.push_row(numbers.row(1)).unwrap();
        let mut shares: Vec<f64> = densities.iter().map(|d| 0.7 * d / densities.sum()).collect();
        shares.push(0.4);
        let wanted = example().moments(&rows(&all), &Array1::from_vec(shares));
        let found = example().moments(&rows(&numbers), &weights);
        assert!((found.weight - wanted.weight).abs() < 1e-9);
        assert!((found.mean - wanted.mean).iter().all(|error| error.abs() < 1e-8));
        assert!((found.scatter - wanted.scatter).iter().all(|error| error.abs() < 1e-8));
    }

    #[test]
    fn no_weight_leaves_the_mean_and_a_flat_covariance_stays_finite() {
        let found = example().moments(&rows(&array![[1.0, 2.0, 3.0]]), &array![0.0]);
        assert_eq!(found.mean, example().mean);
        assert_eq!(found.weight, 0.0);
        let flat = Gaussian { mean: array![0.0, 0.0], covariance: array![[1.0, 1.0], [1.0, 1.0]] };
        assert!(flat.log_density(&rows(&array![[1.0, 2.0]]))[0].is_finite());
    }
}
