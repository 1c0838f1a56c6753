//! Small matrix products whose sums stay in registers: what convolutions on the CPU are made of.
//!
//! A tile is a few rows by a few vectors of columns. Rows are multiplied one number at a time, columns a vector at a time. With
//! so many sums under way, a processor with two units for multiply-and-add has work for both while the first sums finish.

#![expect(
    clippy::needless_range_loop,
    clippy::manual_memcpy,
    reason = "loops of known length over arrays stay in registers"
)]

use pulp::Simd;

/// Rows of a tile where vectors are long and there are 32 of them; the sums take half.
pub const ROWS: usize = 8;

/// Rows of a tile where there are 16 vectors.
pub const FEWER_ROWS: usize = 6;

/// Vectors of a tile's columns.
pub const VECTORS: usize = 2;

/// The panels that outputs are divided into: where each begins, and its width.
pub fn panels_of(outputs: usize, lanes: usize) -> impl Iterator<Item = [usize; 2]> {
    let whole = VECTORS * lanes;
    (0..outputs).step_by(whole).map(move |at| {
        let left = outputs - at;
        [at, if left > lanes { whole } else { lanes }]
    })
}

/// The sums of a tile of `M` rows and `N` vectors of columns.
pub type Sums<S, const M: usize, const N: usize> = [[<S as Simd>::f32s; N]; M];

/// A tile of zeros.
#[inline(always)]
pub fn zeros<S: Simd, const M: usize, const N: usize>(simd: S) -> Sums<S, M, N> {
    [[simd.splat_f32s(0.0); N]; M]
}

/// Adds, for every `k`, row `m`'s number `k` times weights `k` to row `m`.
///
/// # Panics
/// If a row is shorter than the weights.
#[inline(always)]
pub fn add_rows<S: Simd, const M: usize, const N: usize>(
    simd: S,
    sums: &mut Sums<S, M, N>,
    rows: [&[f32]; M],
    weights: &[[S::f32s; N]],
) {
    let mut rows = rows;
    for m in 0..M {
        rows[m] = &rows[m][..weights.len()];
    }
    for (k, weights) in weights.iter().enumerate() {
        for m in 0..M {
            let factor = simd.splat_f32s(rows[m][k]);
            for n in 0..N {
                sums[m][n] = simd.mul_add_e_f32s(factor, weights[n], sums[m][n]);
            }
        }
    }
}

/// Adds the product of one column of `M` numbers and one row of `N` vectors.
#[inline(always)]
pub fn add_outer<S: Simd, const M: usize, const N: usize>(
    simd: S,
    sums: &mut Sums<S, M, N>,
    column: &[f32; M],
    row: [S::f32s; N],
) {
    for m in 0..M {
        let factor = simd.splat_f32s(column[m]);
        for n in 0..N {
            sums[m][n] = simd.mul_add_e_f32s(factor, row[n], sums[m][n]);
        }
    }
}

/// The first vector of some values.
#[inline(always)]
pub fn vector<S: Simd>(values: &[f32]) -> S::f32s {
    let (vectors, _) = S::as_simd_f32s(&values[..S::F32_LANES]);
    vectors[0]
}

/// `N` vectors of `values`; what there is too little of is zero.
#[inline(always)]
pub fn load<S: Simd, const N: usize>(simd: S, values: &[f32]) -> [S::f32s; N] {
    let lanes = S::F32_LANES;
    if values.len() >= N * lanes {
        let (vectors, _) = S::as_simd_f32s(&values[..N * lanes]);
        let mut all = [vectors[0]; N];
        for n in 1..N {
            all[n] = vectors[n];
        }
        return all;
    }
    let mut all = [simd.splat_f32s(0.0); N];
    for (vector, values) in all.iter_mut().zip(values.chunks(lanes)) {
        *vector = simd.partial_load_f32s(values);
    }
    all
}

/// Stores as much of `N` vectors as `values` has room for.
#[inline(always)]
pub fn store<S: Simd, const N: usize>(simd: S, values: &mut [f32], vectors: [S::f32s; N]) {
    let lanes = S::F32_LANES;
    if values.len() >= N * lanes {
        let (places, _) = S::as_mut_simd_f32s(&mut values[..N * lanes]);
        for n in 0..N {
            places[n] = vectors[n];
        }
        return;
    }
    for (vector, values) in vectors.into_iter().zip(values.chunks_mut(lanes)) {
        simd.partial_store_f32s(values, vector);
    }
}
