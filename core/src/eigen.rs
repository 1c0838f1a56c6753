//! Eigenvalues and eigenvectors of small symmetric matrices, on the host, in double precision.

/// Eigenvalues of a symmetric matrix `[dims, dims]`, the largest first, and an eigenvector of length 1 for each, whose largest
/// coefficient is positive. Rotations each clear one entry beside the diagonal (Jacobi 1846), until none is left.
pub fn symmetric(mut matrix: Vec<f64>, dims: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
    let mut vectors = vec![0.0; dims * dims];
    (0..dims).for_each(|at| vectors[at * dims + at] = 1.0);
    let trace: f64 = (0..dims).map(|at| matrix[at * dims + at]).sum();
    // Each sweep squares what is left; ten are more than enough for any matrix of this size.
    for _ in 0..30 {
        if sweep(&mut matrix, &mut vectors, dims) <= 1e-15 * trace {
            break;
        }
    }
    let value = |at: usize| matrix[at * dims + at];
    let mut order: Vec<usize> = (0..dims).collect();
    order.sort_by(|&a, &b| value(b).total_cmp(&value(a)).then(a.cmp(&b)));
    let vector = |&column: &usize| {
        let vector: Vec<f64> = (0..dims).map(|at| vectors[at * dims + column]).collect();
        let most = vector.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()));
        let sign = if most.is_some_and(|most| most < 0.0) { -1.0 } else { 1.0 };
        vector.into_iter().map(|value| sign * value).collect()
    };
    (order.iter().map(|&at| value(at)).collect(), order.iter().map(vector).collect())
}

/// One rotation for each entry above the diagonal. Returns the largest of these before its rotation.
fn sweep(matrix: &mut [f64], vectors: &mut [f64], dims: usize) -> f64 {
    let mut largest = 0.0_f64;
    for p in 0..dims {
        for q in p + 1..dims {
            let beside = matrix[p * dims + q];
            largest = largest.max(beside.abs());
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
            (0..dims).for_each(|k| rotate(matrix, k * dims + p, k * dims + q));
            (0..dims).for_each(|k| rotate(matrix, p * dims + k, q * dims + k));
            (0..dims).for_each(|k| rotate(vectors, k * dims + p, k * dims + q));
        }
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;

    #[test]
    fn vectors_are_orthonormal_and_make_the_matrix_again() {
        for dims in [1, 2, 7, 40] {
            let half: Vec<f64> =
                Noise::new(dims as u64).normal(dims * dims).into_iter().map(f64::from).collect();
            let at = |i: usize, j: usize| {
                (0..dims).map(|k| half[i * dims + k] * half[j * dims + k]).sum::<f64>()
            };
            let matrix: Vec<f64> = (0..dims * dims).map(|n| at(n / dims, n % dims)).collect();
            let (values, vectors) = symmetric(matrix.clone(), dims);
            assert!(values.windows(2).all(|pair| pair[0] >= pair[1]), "{values:?}");
            for i in 0..dims {
                for j in 0..dims {
                    let dot: f64 = (0..dims).map(|k| vectors[i][k] * vectors[j][k]).sum();
                    let wanted = if i == j { 1.0 } else { 0.0 };
                    assert!((dot - wanted).abs() < 1e-12, "{i} {j}: {dot}");
                    let made: f64 =
                        (0..dims).map(|k| values[k] * vectors[k][i] * vectors[k][j]).sum();
                    assert!((made - matrix[i * dims + j]).abs() < 1e-10 * values[0], "{i} {j}");
                }
            }
        }
    }

    #[test]
    fn a_known_matrix() {
        let (values, vectors) = symmetric(vec![2.0, 1.0, 1.0, 2.0], 2);
        assert!((values[0] - 3.0).abs() < 1e-15 && (values[1] - 1.0).abs() < 1e-15, "{values:?}");
        assert!((vectors[0][0] - 0.5_f64.sqrt()).abs() < 1e-15, "{vectors:?}");
    }
}
