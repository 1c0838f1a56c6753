//! The linear maps of F(2x2, 3x3) and F(2x2, 2x2) and their transposes, a vector of maps at a time (Lavin and Gray 2016, section 4.1).
//!
//! ```text
//! output = Aᵀ [(G weights Gᵀ) * (Bᵀ input B)] A      input PxP, weights RxR, output 2x2, the product elementwise
//! ```
//!
//! Every one is taken along one axis and then along the other. No closures: what a compiler does not inline here knows nothing of
//! long vectors.

use pulp::Simd;

/// `N` by `N` vectors, row by row.
pub type Square<S, const N: usize> = [[<S as Simd>::f32s; N]; N];

/// The maps along one axis, for kernels of `R` cells and squares of `P = R + 1`.
pub trait Lines<const P: usize, const R: usize> {
    /// `Bᵀ d`.
    fn input<S: Simd>(simd: S, d: [S::f32s; P]) -> [S::f32s; P];
    /// `G w`.
    fn weights<S: Simd>(simd: S, w: [S::f32s; R]) -> [S::f32s; P];
    /// `Aᵀ m`.
    fn output<S: Simd>(simd: S, m: [S::f32s; P]) -> [S::f32s; 2];
    /// `A g`: the transpose of [`Self::output`].
    fn output_gradient<S: Simd>(simd: S, g: [S::f32s; 2]) -> [S::f32s; P];
    /// `Gᵀ s`: the transpose of [`Self::weights`].
    fn weight_gradient<S: Simd>(simd: S, s: [S::f32s; P]) -> [S::f32s; R];
}

/// Of kernels of three cells.
#[derive(Debug)]
pub struct Three;

impl Lines<4, 3> for Three {
    #[inline(always)]
    fn input<S: Simd>(simd: S, d: [S::f32s; 4]) -> [S::f32s; 4] {
        [
            simd.sub_f32s(d[0], d[2]),
            simd.add_f32s(d[1], d[2]),
            simd.sub_f32s(d[2], d[1]),
            simd.sub_f32s(d[1], d[3]),
        ]
    }

    #[inline(always)]
    fn weights<S: Simd>(simd: S, w: [S::f32s; 3]) -> [S::f32s; 4] {
        let half = simd.splat_f32s(0.5);
        let outer = simd.add_f32s(w[0], w[2]);
        let [sum, difference] = [simd.add_f32s(outer, w[1]), simd.sub_f32s(outer, w[1])];
        [w[0], simd.mul_f32s(half, sum), simd.mul_f32s(half, difference), w[2]]
    }

    #[inline(always)]
    fn output<S: Simd>(simd: S, m: [S::f32s; 4]) -> [S::f32s; 2] {
        let [sum, difference] = [simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2])];
        [simd.add_f32s(m[0], sum), simd.sub_f32s(difference, m[3])]
    }

    #[inline(always)]
    fn output_gradient<S: Simd>(simd: S, g: [S::f32s; 2]) -> [S::f32s; 4] {
        [g[0], simd.add_f32s(g[0], g[1]), simd.sub_f32s(g[0], g[1]), simd.neg_f32s(g[1])]
    }

    #[inline(always)]
    fn weight_gradient<S: Simd>(simd: S, s: [S::f32s; 4]) -> [S::f32s; 3] {
        let half = simd.splat_f32s(0.5);
        let sum = simd.mul_f32s(half, simd.add_f32s(s[1], s[2]));
        let difference = simd.mul_f32s(half, simd.sub_f32s(s[1], s[2]));
        [simd.add_f32s(s[0], sum), difference, simd.add_f32s(sum, s[3])]
    }
}

/// Of kernels of two cells.
#[derive(Debug)]
pub struct Two;

impl Lines<3, 2> for Two {
    #[inline(always)]
    fn input<S: Simd>(simd: S, d: [S::f32s; 3]) -> [S::f32s; 3] {
        [simd.sub_f32s(d[0], d[1]), d[1], simd.sub_f32s(d[2], d[1])]
    }

    #[inline(always)]
    fn weights<S: Simd>(simd: S, w: [S::f32s; 2]) -> [S::f32s; 3] {
        [w[0], simd.add_f32s(w[0], w[1]), w[1]]
    }

    #[inline(always)]
    fn output<S: Simd>(simd: S, m: [S::f32s; 3]) -> [S::f32s; 2] {
        [simd.add_f32s(m[0], m[1]), simd.add_f32s(m[1], m[2])]
    }

    #[inline(always)]
    fn output_gradient<S: Simd>(simd: S, g: [S::f32s; 2]) -> [S::f32s; 3] {
        [g[0], simd.add_f32s(g[0], g[1]), g[1]]
    }

    #[inline(always)]
    fn weight_gradient<S: Simd>(simd: S, s: [S::f32s; 3]) -> [S::f32s; 2] {
        [simd.add_f32s(s[0], s[1]), simd.add_f32s(s[1], s[2])]
    }
}

/// A map of the rows of a square, and then of its columns.
macro_rules! both_ways {
    ($simd:ident, $square:ident, $along:path: $from:expr => $to:expr) => {{
        let zero = $simd.splat_f32s(0.0);
        let mut half_way = [[zero; $from]; $to];
        for row in 0..$from {
            let line = $along($simd, $square[row]);
            for column in 0..$to {
                half_way[column][row] = line[column];
            }
        }
        let mut out = [[zero; $to]; $to];
        for column in 0..$to {
            let line = $along($simd, half_way[column]);
            for row in 0..$to {
                out[row][column] = line[row];
            }
        }
        out
    }};
}

/// `(Bᵀ d) B` from the columns of `Bᵀ d`: what an input is multiplied as.
#[inline(always)]
pub fn of_columns<S: Simd, L: Lines<P, R>, const P: usize, const R: usize>(
    simd: S,
    columns: Square<S, P>,
) -> Square<S, P> {
    let mut out = columns;
    for row in 0..P {
        let mut line = columns[0];
        for column in 0..P {
            line[column] = columns[column][row];
        }
        out[row] = L::input(simd, line);
    }
    out
}

/// `G w Gᵀ`: what weights are multiplied as.
#[inline(always)]
pub fn of_weights<S: Simd, L: Lines<P, R>, const P: usize, const R: usize>(
    simd: S,
    w: Square<S, R>,
) -> Square<S, P> {
    both_ways!(simd, w, L::weights: R => P)
}

/// `Aᵀ m A`: the output of a sum of products.
#[inline(always)]
pub fn to_output<S: Simd, L: Lines<P, R>, const P: usize, const R: usize>(
    simd: S,
    m: Square<S, P>,
) -> Square<S, 2> {
    both_ways!(simd, m, L::output: P => 2)
}

/// `A g Aᵀ`: the gradient of a sum of products from that of its output.
#[inline(always)]
pub fn of_output_gradient<S: Simd, L: Lines<P, R>, const P: usize, const R: usize>(
    simd: S,
    g: Square<S, 2>,
) -> Square<S, P> {
    both_ways!(simd, g, L::output_gradient: 2 => P)
}

/// `Gᵀ s G`: the gradient of weights from that of what they are multiplied as.
#[inline(always)]
pub fn to_weight_gradient<S: Simd, L: Lines<P, R>, const P: usize, const R: usize>(
    simd: S,
    s: Square<S, P>,
) -> Square<S, R> {
    both_ways!(simd, s, L::weight_gradient: P => R)
}
