//! The three linear maps of F(2x2, 3x3) and their transposes, a vector of maps at a time (Lavin and Gray 2016, section 4.1).
//!
//! ```text
//! output = Aᵀ [(G weights Gᵀ) * (Bᵀ input B)] A      input 4x4, weights 3x3, output 2x2, the product elementwise
//! ```
//!
//! Every one is taken along one axis and then along the other. No closures: what a compiler does not inline here knows nothing of
//! long vectors.

use pulp::Simd;

/// A 4x4 square, row by row.
pub type Square<S> = [[<S as Simd>::f32s; 4]; 4];

/// A map of the rows of a square, and then of its columns.
macro_rules! both_ways {
    ($simd:ident, $square:ident, $along:ident: $from:literal to $to:literal) => {{
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

/// `Bᵀ d B`: what an input is multiplied as.
#[inline(always)]
pub fn of_input<S: Simd>(simd: S, d: Square<S>) -> Square<S> {
    both_ways!(simd, d, input_line: 4 to 4)
}

#[inline(always)]
fn input_line<S: Simd>(simd: S, d: [S::f32s; 4]) -> [S::f32s; 4] {
    [
        simd.sub_f32s(d[0], d[2]),
        simd.add_f32s(d[1], d[2]),
        simd.sub_f32s(d[2], d[1]),
        simd.sub_f32s(d[1], d[3]),
    ]
}

/// `G w Gᵀ`: what weights are multiplied as.
#[inline(always)]
pub fn of_weights<S: Simd>(simd: S, w: [[S::f32s; 3]; 3]) -> Square<S> {
    both_ways!(simd, w, weights_line: 3 to 4)
}

#[inline(always)]
fn weights_line<S: Simd>(simd: S, w: [S::f32s; 3]) -> [S::f32s; 4] {
    let half = simd.splat_f32s(0.5);
    let outer = simd.add_f32s(w[0], w[2]);
    let [sum, difference] = [simd.add_f32s(outer, w[1]), simd.sub_f32s(outer, w[1])];
    [w[0], simd.mul_f32s(half, sum), simd.mul_f32s(half, difference), w[2]]
}

/// `Aᵀ m A`: the output of a sum of products.
#[inline(always)]
pub fn to_output<S: Simd>(simd: S, m: Square<S>) -> [[S::f32s; 2]; 2] {
    both_ways!(simd, m, output_line: 4 to 2)
}

#[inline(always)]
fn output_line<S: Simd>(simd: S, m: [S::f32s; 4]) -> [S::f32s; 2] {
    [simd.add_f32s(simd.add_f32s(m[0], m[1]), m[2]), simd.sub_f32s(simd.sub_f32s(m[1], m[2]), m[3])]
}

/// `A g Aᵀ`: the gradient of a sum of products from that of its output.
#[inline(always)]
pub fn of_output_gradient<S: Simd>(simd: S, g: [[S::f32s; 2]; 2]) -> Square<S> {
    both_ways!(simd, g, output_gradient_line: 2 to 4)
}

#[inline(always)]
fn output_gradient_line<S: Simd>(simd: S, g: [S::f32s; 2]) -> [S::f32s; 4] {
    [g[0], simd.add_f32s(g[0], g[1]), simd.sub_f32s(g[0], g[1]), simd.neg_f32s(g[1])]
}

/// `Gᵀ s G`: the gradient of weights from that of what they are multiplied as.
#[inline(always)]
pub fn to_weight_gradient<S: Simd>(simd: S, s: Square<S>) -> [[S::f32s; 3]; 3] {
    both_ways!(simd, s, weight_gradient_line: 4 to 3)
}

#[inline(always)]
fn weight_gradient_line<S: Simd>(simd: S, s: [S::f32s; 4]) -> [S::f32s; 3] {
    let half = simd.splat_f32s(0.5);
    let sum = simd.mul_f32s(half, simd.add_f32s(s[1], s[2]));
    let difference = simd.mul_f32s(half, simd.sub_f32s(s[1], s[2]));
    [simd.add_f32s(s[0], sum), difference, simd.add_f32s(sum, s[3])]
}
