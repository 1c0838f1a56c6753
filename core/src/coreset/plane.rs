//! Points of a coreset on a plane, to look at: their two principal components (Pearson 1901).

use crate::eigen::symmetric;

/// Coordinates of points on the plane in which they differ most.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// One for each point, in units of the features, their mean at the origin.
    pub points: Vec<[f64; 2]>,
    /// The share of the points' variance that the plane shows; 1 where they do not differ.
    pub shown: f64,
}

impl Plane {
    /// Projects points of `dims` coordinates, row-major.
    pub(super) fn of(values: &[f64], dims: usize) -> Self {
        let rows = || values.chunks_exact(dims);
        let count = rows().len().max(1) as f64;
        let mean: Vec<f64> =
            (0..dims).map(|at| rows().map(|row| row[at]).sum::<f64>() / count).collect();
        // Gradients of samples that a classifier is sure of are tiny: their squares must not vanish.
        let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let unit = if largest > 0.0 { largest } else { 1.0 };
        let centred: Vec<f64> = rows()
            .flat_map(|row| row.iter().zip(&mean).map(|(value, mean)| (value - mean) / unit))
            .collect();
        let mut covariance = vec![0.0; dims * dims];
        for row in centred.chunks_exact(dims) {
            for (at, sum) in covariance.iter_mut().enumerate() {
                *sum += row[at / dims] * row[at % dims];
            }
        }
        let (variances, axes) = symmetric(covariance, dims);
        let axis = |place: usize| -> Vec<f64> {
            let Some(axis) = axes.get(place) else { return vec![0.0; dims] };
            axis.iter().map(|value| unit * value).collect()
        };
        let axes = [axis(0), axis(1)];
        let place = |row: &[f64]| {
            axes.each_ref().map(|axis| row.iter().zip(axis).map(|(r, a)| r * a).sum())
        };
        let total: f64 = variances.iter().sum();
        let two: f64 = variances.iter().take(2).sum();
        Self {
            points: centred.chunks_exact(dims).map(place).collect(),
            shown: if total > 0.0 { two / total } else { 1.0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;

    /// An orthonormal basis, by Gram and Schmidt.
    fn basis(dims: usize) -> Vec<Vec<f64>> {
        let mut noise = Noise::new(3);
        let mut basis: Vec<Vec<f64>> = Vec::new();
        while basis.len() < dims {
            let mut next: Vec<f64> = noise.normal(dims).into_iter().map(f64::from).collect();
            for old in &basis {
                let dot: f64 = next.iter().zip(old).map(|(a, b)| a * b).sum();
                next.iter_mut().zip(old).for_each(|(a, b)| *a -= dot * b);
            }
            let length = next.iter().map(|a| a * a).sum::<f64>().sqrt();
            basis.push(next.into_iter().map(|a| a / length).collect());
        }
        basis
    }

    /// Points whose coordinates along a turned basis are known: an ellipse of half-axes 3 and 2, and what sticks out of it.
    fn turned(scale: f64) -> (Vec<f64>, Vec<[f64; 2]>) {
        let (dims, basis) = (6, basis(6));
        let count = 24;
        let (mut values, mut flat) = (Vec::new(), Vec::new());
        for point in 0..count {
            let angle = std::f64::consts::TAU * point as f64 / count as f64;
            let along =
                [3.0 * angle.cos(), 2.0 * angle.sin(), if point % 2 == 0 { 0.5 } else { -0.5 }];
            flat.push([scale * along[0], scale * along[1]]);
            values.extend((0..dims).map(|at| {
                let sum: f64 = (0..3).map(|axis| along[axis] * basis[axis][at]).sum();
                scale * (sum + 7.0)
            }));
        }
        (values, flat)
    }

    #[test]
    fn a_turned_ellipse_lies_flat_whatever_its_size() {
        for scale in [1.0, 1e-9, 1e-200] {
            let (values, flat) = turned(scale);
            let plane = Plane::of(&values, 6);
            // Variances 9/2, 4/2 and 1/4.
            assert!((plane.shown - 6.5 / 6.75).abs() < 1e-9, "{}", plane.shown);
            for axis in [0, 1] {
                let sign = (plane.points[1][axis] * flat[1][axis]).signum();
                for (found, wanted) in plane.points.iter().zip(&flat) {
                    let off = (sign * found[axis] - wanted[axis]).abs() / scale;
                    assert!(off < 1e-8, "{found:?} {wanted:?}");
                }
            }
        }
    }

    #[test]
    fn equal_points_lie_at_the_origin() {
        let plane = Plane::of(&[0.5, -0.5, 0.0, 0.5, -0.5, 0.0], 3);
        assert_eq!(plane, Plane { points: vec![[0.0; 2]; 2], shown: 1.0 });
        assert_eq!(Plane::of(&[1.0, 2.0], 1).points.len(), 2);
    }
}
