//! Products with a matrix that is used often: it is packed once, in panels of columns, and sums are finished while they are in
//! registers.

use aligned_vec::{AVec, avec};
use pulp::{Arch, Simd, WithSimd};

use super::tile::{FEWER_ROWS, ROWS, VECTORS, add_rows, panels_of, store, zeros};

/// A matrix `[inputs, outputs]` in panels: for each of them, for each input, the weights of its outputs. Missing outputs have
/// zeros.
#[derive(Clone, Debug)]
pub struct Packed {
    panels: AVec<f32>,
    inputs: usize,
    outputs: usize,
}

/// What becomes of sums on their way to memory.
pub trait Finish: Copy {
    /// `sums` are those of a row, the first one of column `at`.
    fn finish<S: Simd, const N: usize>(
        self,
        simd: S,
        row: usize,
        at: usize,
        sums: [S::f32s; N],
    ) -> [S::f32s; N];
}

/// They stay.
#[derive(Clone, Copy, Debug)]
pub struct AsTheyAre;

impl Finish for AsTheyAre {
    #[inline(always)]
    fn finish<S: Simd, const N: usize>(
        self,
        _: S,
        _: usize,
        _: usize,
        sums: [S::f32s; N],
    ) -> [S::f32s; N] {
        sums
    }
}

impl Packed {
    /// Of numbers that lie so far apart from one input, and from one output, to the next.
    pub fn of(
        values: &[f32],
        [inputs, outputs]: [usize; 2],
        [inputs_apart, outputs_apart]: [usize; 2],
    ) -> Self {
        let width: usize = panels_of(outputs, lanes()).map(|[_, width]| width).sum();
        let mut panels = avec![0.0; inputs * width];
        for [at, width] in panels_of(outputs, lanes()) {
            let rows = panels[at * inputs..][..width * inputs].chunks_exact_mut(width);
            for (input, row) in rows.enumerate() {
                for (output, weight) in (at..outputs).zip(row) {
                    *weight = values[input * inputs_apart + output * outputs_apart];
                }
            }
        }
        Self { panels, inputs, outputs }
    }

    /// Width of what goes in and of what comes out.
    pub fn widths(&self) -> [usize; 2] {
        [self.inputs, self.outputs]
    }

    /// `rows [count, inputs]` times the matrix, finished: `[count, outputs]`.
    pub fn product(&self, rows: &[f32], finish: impl Finish) -> Vec<f32> {
        Arch::new().dispatch(Product { rows, matrix: self, finish })
    }
}

/// Numbers of the longest vector that this processor has.
fn lanes() -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    Arch::new().dispatch(Lanes)
}

struct Product<'a, F> {
    rows: &'a [f32],
    matrix: &'a Packed,
    finish: F,
}

impl<F: Finish> WithSimd for Product<'_, F> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let Self { rows, matrix: Packed { panels, inputs, outputs }, finish } = self;
        let count = rows.len() / inputs.max(&1);
        let mut out = vec![0.0; count * outputs];
        let widths = [*inputs, *outputs];
        match S::F32_LANES {
            16.. => multiply::<S, ROWS>(simd, rows, panels, widths, &mut out, finish),
            _ => multiply::<S, FEWER_ROWS>(simd, rows, panels, widths, &mut out, finish),
        }
        out
    }
}

/// Rows `[count, inputs]` times panels, into `products` `[count, outputs]`.
#[inline(always)]
pub fn multiply<S: Simd, const M: usize>(
    simd: S,
    rows: &[f32],
    panels: &[f32],
    [inputs, outputs]: [usize; 2],
    products: &mut [f32],
    finish: impl Finish,
) {
    let mut rest = panels;
    for [at, width] in panels_of(outputs, S::F32_LANES) {
        let (panel, after) = rest.split_at(width * inputs);
        rest = after;
        let columns = [at, outputs.min(at + width), outputs];
        if width > S::F32_LANES {
            by_panel::<S, M, VECTORS>(simd, rows, inputs, panel, products, columns, finish);
        } else {
            by_panel::<S, M, 1>(simd, rows, inputs, panel, products, columns, finish);
        }
    }
}

/// All rows times one panel, into some of `outputs` columns.
#[inline(always)]
fn by_panel<S: Simd, const M: usize, const N: usize>(
    simd: S,
    rows: &[f32],
    inputs: usize,
    panel: &[f32],
    products: &mut [f32],
    columns: [usize; 3],
    finish: impl Finish,
) {
    let (panel, _) = S::as_simd_f32s(panel);
    let (panel, _) = panel.as_chunks::<N>();
    let [.., outputs] = columns;
    let count = products.len() / outputs.max(1);
    let mut row = 0;
    while row + M <= count {
        tile::<S, M, N>(simd, rows, inputs, panel, products, columns, row, finish);
        row += M;
    }
    while row < count {
        tile::<S, 1, N>(simd, rows, inputs, panel, products, columns, row, finish);
        row += 1;
    }
}

#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "a loop's body, inlined")]
fn tile<S: Simd, const M: usize, const N: usize>(
    simd: S,
    rows: &[f32],
    inputs: usize,
    panel: &[[S::f32s; N]],
    products: &mut [f32],
    [at, end, outputs]: [usize; 3],
    row: usize,
    finish: impl Finish,
) {
    let mut row_of = [rows; M];
    for m in 0..M {
        row_of[m] = &rows[(row + m) * inputs..][..inputs];
    }
    let mut sums = zeros::<S, M, N>(simd);
    add_rows(simd, &mut sums, row_of, panel);
    for m in 0..M {
        let sums = finish.finish(simd, row + m, at, sums[m]);
        let from = (row + m) * outputs;
        store(simd, &mut products[from + at..from + end], sums);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;

    #[test]
    fn a_packed_product_is_that_of_double_precision() {
        for [count, inputs, outputs] in [[1, 1, 1], [9, 5, 3], [17, 33, 48], [8, 20, 53]] {
            let draw = |purpose: &str, count| Noise::new(3).split(purpose).normal(count);
            let (rows, values) = (draw("rows", count * inputs), draw("weights", inputs * outputs));
            // Both orders of the weights.
            for apart in [[outputs, 1], [1, inputs]] {
                let matrix = Packed::of(&values, [inputs, outputs], apart);
                let product = matrix.product(&rows, AsTheyAre);
                assert_eq!(product.len(), count * outputs);
                for (at, &got) in product.iter().enumerate() {
                    let (row, output) = (at / outputs, at % outputs);
                    let exact: f64 = (0..inputs)
                        .map(|k| {
                            let weight = values[k * apart[0] + output * apart[1]];
                            f64::from(rows[row * inputs + k]) * f64::from(weight)
                        })
                        .sum();
                    assert!((f64::from(got) - exact).abs() < 1e-5, "{apart:?}: {got} {exact}");
                }
            }
        }
    }
}
