//! Missing cells filled in by the mean of that cell in the nearest rows that have it (KNNimpute, Troyanskaya et al. 2001).

use ndarray::{Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

use super::distance::BLOCK;

/// Distances that differ by less are equal but for rounding.
const AS_NEAR: f64 = 1e-9;

/// Rows that others take missing cells from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Donors {
    /// `[rows, columns]`, nothing where a cell is missing.
    rows: Array2<Option<f32>>,
}

/// Rows as distances need them: all `[rows, columns]`, 0 where a cell is missing.
struct Observed {
    values: Array2<f64>,
    squares: Array2<f64>,
    /// 1 where a cell is there.
    there: Array2<f64>,
}

impl Observed {
    fn of(rows: &Array2<f64>) -> Self {
        let values = rows.mapv(|value| if value.is_nan() { 0.0 } else { value });
        Self {
            squares: values.mapv(|value| value * value),
            values,
            there: rows.mapv(|value| f64::from(!value.is_nan())),
        }
    }

    /// `[rows, others]`: mean squared differences over the cells that both have; infinite where there are none.
    fn apart(&self, others: &Self) -> Array2<f64> {
        let shared = self.there.dot(&others.there.t());
        let sum = self.squares.dot(&others.there.t()) + self.there.dot(&others.squares.t())
            - self.values.dot(&others.values.t()) * 2.0;
        let mut apart = sum / &shared;
        apart.zip_mut_with(&shared, |apart, &shared| {
            if shared == 0.0 {
                *apart = f64::INFINITY;
            }
        });
        apart
    }
}

impl Donors {
    /// These rows, `[rows, columns]`, NaN where a cell is missing, on scales that can be compared.
    #[must_use]
    pub fn new(rows: &Array2<f64>) -> Self {
        Self { rows: rows.mapv(|value| (!value.is_nan()).then_some(value as f32)) }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.rows.nrows()
    }

    /// Number of columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.rows.ncols()
    }

    /// Fills the missing cells of rows `[rows, columns]` by the mean of the `nearest` donors that have them. What no donor has, and all
    /// of a row without any cell, stays NaN.
    pub fn fill(&self, rows: &mut Array2<f64>, nearest: usize) {
        let incomplete: Vec<usize> = (0..rows.nrows())
            .filter(|&row| rows.row(row).iter().any(|value| value.is_nan()))
            .collect();
        let donors = self.rows.mapv(|value| value.map_or(f64::NAN, f64::from));
        let observed = Observed::of(&donors);
        for block in incomplete.chunks(BLOCK) {
            let queries = Observed::of(&rows.select(Axis(0), block));
            for (&row, apart) in block.iter().zip(queries.apart(&observed).rows()) {
                let order = from_near_to_far(apart);
                for (column, value) in rows.row_mut(row).iter_mut().enumerate() {
                    if value.is_nan() {
                        *value = mean_of_nearest(&order, apart, donors.column(column), nearest);
                    }
                }
            }
        }
    }
}

/// Donors that share a cell with the row, the nearest first, equally near ones by their number.
fn from_near_to_far(apart: ArrayView1<f64>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..apart.len()).filter(|&row| apart[row].is_finite()).collect();
    order.sort_unstable_by(|&a, &b| apart[a].total_cmp(&apart[b]).then(a.cmp(&b)));
    order
}

/// The mean of the first so many cells that are there, and of those that are as near as the last of them: rows of words are often equally
/// near, and files are often sorted by class. NaN without any.
fn mean_of_nearest(
    order: &[usize],
    apart: ArrayView1<f64>,
    column: ArrayView1<f64>,
    count: usize,
) -> f64 {
    let (mut sum, mut found, mut farthest) = (0.0, 0, f64::NEG_INFINITY);
    for &row in order.iter().filter(|&&row| !column[row].is_nan()) {
        if found >= count && apart[row] > farthest + AS_NEAR {
            break;
        }
        sum += column[row];
        found += 1;
        farthest = farthest.max(apart[row]);
    }
    sum / found as f64
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    const N: f64 = f64::NAN;

    fn donors() -> Array2<f64> {
        array![
            [1.0, 2.0, N],
            [3.0, 4.0, 3.0],
            [N, 6.0, 5.0],
            [8.0, 8.0, 7.0],
            [2.0, N, 1.0],
            [9.0, 1.0, 4.0]
        ]
    }

    #[test]
    fn cells_are_filled_as_by_scikit_learn() {
        // KNNImputer(n_neighbors=2) of scikit-learn 1.9.1, fitted to these rows.
        let mut own = donors();
        Donors::new(&own.clone()).fill(&mut own, 2);
        assert_eq!(own[[0, 2]], 2.0);
        assert_eq!(own[[2, 0]], 5.5);
        assert_eq!(own[[4, 1]], 3.0);
        let mut others = array![[N, 3.0, 2.0], [7.0, N, N], [N, N, 4.5], [1.0, 2.0, 3.0]];
        Donors::new(&donors()).fill(&mut others, 2);
        let wanted = array![[2.0, 3.0, 2.0], [7.0, 4.5, 5.5], [6.0, 3.5, 4.5], [1.0, 2.0, 3.0]];
        assert_eq!(others, wanted);
    }

    #[test]
    fn donors_that_are_equally_near_all_count() {
        // Sorted: of the rows with a 1, the first two have a 10.
        let donors = Donors::new(&array![[1.0, 10.0], [1.0, 10.0], [1.0, 40.0], [0.0, 7.0]]);
        let mut rows = array![[1.0, N], [0.0, N]];
        donors.fill(&mut rows, 2);
        assert_eq!(rows, array![[1.0, 20.0], [0.0, (7.0 + 60.0) / 4.0]]);
    }

    #[test]
    fn what_nobody_can_tell_stays_missing() {
        let donors = Donors::new(&array![[1.0, N], [2.0, N]]);
        let mut rows = array![[N, N], [1.5, N]];
        donors.fill(&mut rows, 2);
        assert!(rows.iter().filter(|value| value.is_nan()).count() == 3 && rows[[1, 0]] == 1.5);
        let written = serde_json::to_string(&donors).unwrap();
        assert_eq!(serde_json::from_str::<Donors>(&written).unwrap(), donors);
    }
}
