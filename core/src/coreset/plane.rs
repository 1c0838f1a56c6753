//! Points of a coreset on a plane, to look at: their two principal components (Pearson 1901).

/// Coordinates of points on the plane in which they differ most.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// One for each point, in units of the features, their mean at the origin.
    pub points: Vec<[f64; 2]>,
    /// The share of the points' variance that the plane shows; 1 where they do not differ.
    pub shown: f64,
}

impl Plane {
    /// Projects points of `dims` coordinates, row-major. An axis points to where its largest coefficient is positive.
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
        let (variances, axes) = eigen(covariance, dims);
        let mut order: Vec<usize> = (0..dims).collect();
        order.sort_by(|&a, &b| variances[b].total_cmp(&variances[a]).then(a.cmp(&b)));
        let axis = |place: usize| -> Vec<f64> {
            let Some(&column) = order.get(place) else { return vec![0.0; dims] };
            let axis: Vec<f64> = (0..dims).map(|at| axes[at * dims + column]).collect();
            let most = axis.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()));
            let sign = if most.is_some_and(|most| most < 0.0) { -unit } else { unit };
            axis.into_iter().map(|value| sign * value).collect()
        };
        let axes = [axis(0), axis(1)];
        let place = |row: &[f64]| {
            axes.each_ref().map(|axis| row.iter().zip(axis).map(|(r, a)| r * a).sum())
        };
        let total: f64 = variances.iter().sum();
        let two: f64 = order.iter().take(2).map(|&at| variances[at]).sum();
        Self {
            points: centred.chunks_exact(dims).map(place).collect(),
            shown: if total > 0.0 { two / total } else { 1.0 },
        }
    }
}

/// Eigenvalues of a symmetric matrix, and its eigenvectors as columns: rotations that each clear one entry beside the diagonal
/// (Jacobi 1846), until none is left.
fn eigen(mut matrix: Vec<f64>, dims: usize) -> (Vec<f64>, Vec<f64>) {
    let mut vectors = vec![0.0; dims * dims];
    (0..dims).for_each(|at| vectors[at * dims + at] = 1.0);
    let trace: f64 = (0..dims).map(|at| matrix[at * dims + at]).sum();
    // Each sweep squares what is left; ten are more than enough for any matrix of this size.
    for _ in 0..30 {
        let mut left = 0.0_f64;
        for p in 0..dims {
            for q in p + 1..dims {
                let beside = matrix[p * dims + q];
                left = left.max(beside.abs());
                if beside == 0.0 {
                    continue;
                }
                let turn = (matrix[q * dims + q] - matrix[p * dims + p]) / (2.0 * beside);
                let tangent = turn.signum() / (turn.abs() + turn.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                let sine = tangent * cosine;
                let rotate = |values: &mut [f64], a: usize, b: usize| {
                    let (x, y) = (values[a], values[b]);
                    values[a] = cosine * x - sine * y;
                    values[b] = sine * x + cosine * y;
                };
                (0..dims).for_each(|k| rotate(&mut matrix, k * dims + p, k * dims + q));
                (0..dims).for_each(|k| rotate(&mut matrix, p * dims + k, q * dims + k));
                (0..dims).for_each(|k| rotate(&mut vectors, k * dims + p, k * dims + q));
            }
        }
        if left <= 1e-15 * trace {
            break;
        }
    }
    ((0..dims).map(|at| matrix[at * dims + at]).collect(), vectors)
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
