//! Points of a coreset on a plane, to look at: their two principal components (Pearson 1901).

use crate::eigen::symmetric;
use crate::noise::Noise;

/// Of more dimensions the first two axes are found without the others.
const MOST_ROTATED: usize = 64;

/// Turns of two axes at most.
const MOST_TURNS: usize = 300;

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
        let (variances, axes) = match dims <= MOST_ROTATED {
            true => all_axes(&centred, dims),
            false => two_axes(&centred, dims),
        };
        let axis = |place: usize| -> Vec<f64> {
            let Some(axis) = axes.get(place) else { return vec![0.0; dims] };
            axis.iter().map(|value| unit * value).collect()
        };
        let axes = [axis(0), axis(1)];
        let place = |row: &[f64]| {
            axes.each_ref().map(|axis| row.iter().zip(axis).map(|(r, a)| r * a).sum())
        };
        let total: f64 = centred.iter().map(|value| value * value).sum();
        let two: f64 = variances.iter().take(2).sum();
        Self {
            points: centred.chunks_exact(dims).map(place).collect(),
            shown: if total > 0.0 { two / total } else { 1.0 },
        }
    }
}

/// All principal axes of centred rows, with the sums of squares along them, the largest first.
fn all_axes(centred: &[f64], dims: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
    let mut covariance = vec![0.0; dims * dims];
    for row in centred.chunks_exact(dims) {
        for (at, sum) in covariance.iter_mut().enumerate() {
            *sum += row[at / dims] * row[at % dims];
        }
    }
    symmetric(covariance, dims)
}

/// The first two of many, by turning two axes again and again towards where the rows vary (orthogonal iteration).
fn two_axes(centred: &[f64], dims: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
    let start = Noise::new(0).split("axes").normal(2 * dims);
    let mut axes: Vec<Vec<f64>> =
        start.chunks(dims).map(|axis| axis.iter().copied().map(f64::from).collect()).collect();
    let mut squares = Vec::new();
    for _ in 0..MOST_TURNS {
        orthonormalise(&mut axes);
        let mut turned = vec![vec![0.0; dims]; 2];
        let mut products = vec![0.0; 4];
        for row in centred.chunks_exact(dims) {
            let along = [dot(row, &axes[0]), dot(row, &axes[1])];
            for (turned, along) in turned.iter_mut().zip(along) {
                turned.iter_mut().zip(row).for_each(|(sum, value)| *sum += along * value);
            }
            (0..4).for_each(|at| products[at] += along[at / 2] * along[at % 2]);
        }
        // Within their plane the axes are where they should be.
        let (now, inside) = symmetric(products, 2);
        let turn = |all: &[Vec<f64>], by: &[f64]| -> Vec<f64> {
            all[0].iter().zip(&all[1]).map(|(a, b)| by[0] * a + by[1] * b).collect()
        };
        let settled = squares == now;
        let found: Vec<Vec<f64>> = inside.iter().map(|by| turn(&axes, by)).collect();
        if settled || now[0] == 0.0 {
            return (now, found);
        }
        axes = inside.iter().map(|by| turn(&turned, by)).collect();
        squares = now;
    }
    orthonormalise(&mut axes);
    (squares, axes)
}

/// Makes two axes of length 1 and right-angled; one of length 0 stays.
fn orthonormalise(axes: &mut [Vec<f64>]) {
    for at in 0..axes.len() {
        let (before, rest) = axes.split_at_mut(at);
        for other in before {
            let along = dot(&rest[0], other);
            rest[0].iter_mut().zip(other.iter()).for_each(|(value, o)| *value -= along * o);
        }
        let length = dot(&rest[0], &rest[0]).sqrt();
        if length > 0.0 {
            rest[0].iter_mut().for_each(|value| *value /= length);
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn two_axes_alone_are_the_first_of_all() {
        let (values, _) = turned(1.0);
        let mean: Vec<f64> =
            (0..6).map(|at| values.iter().skip(at).step_by(6).sum::<f64>() / 24.0).collect();
        let centred: Vec<f64> =
            values.iter().enumerate().map(|(at, value)| value - mean[at % 6]).collect();
        let ((all, first), (two, found)) = (all_axes(&centred, 6), two_axes(&centred, 6));
        for axis in [0, 1] {
            assert!((all[axis] / two[axis] - 1.0).abs() < 1e-9, "{all:?} {two:?}");
            assert!((dot(&first[axis], &found[axis]).abs() - 1.0).abs() < 1e-9);
        }
        let flat = two_axes(&[0.0; 140], 70);
        assert_eq!(flat.0, [0.0; 2]);
    }

    #[test]
    fn equal_points_lie_at_the_origin() {
        let plane = Plane::of(&[0.5, -0.5, 0.0, 0.5, -0.5, 0.0], 3);
        assert_eq!(plane, Plane { points: vec![[0.0; 2]; 2], shown: 1.0 });
        assert_eq!(Plane::of(&[1.0, 2.0], 1).points.len(), 2);
    }
}
