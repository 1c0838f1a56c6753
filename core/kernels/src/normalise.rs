//! Batch normalisation by a batch's own statistics and the nonlinearity after it, forward and backward in two
//! passes over memory each on the CPU back end, and composed elsewhere.

use burn::tensor::{Tensor, activation};

use super::activation::leaky_relu;
#[cfg(feature = "flex")]
use crate::simd::on_cpu;

/// Added to a variance.
pub const EPSILON: f64 = 1e-5;

/// `leaky((x - mean) / sqrt(variance + ε) * scale + shift)` with mean and variance over the rows (E28).
///
/// # Shapes
/// - `x`, output: `[rows, maps]`
/// - `scale`, `shift`: `[maps]`
/// - `leak`: what is left of negative values; 0 makes the nonlinearity a ReLU
pub fn normalise(x: Tensor<2>, scale: Tensor<1>, shift: Tensor<1>, leak: f32) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if on_cpu(&x.device()) {
        return fused::normalise(x, scale, shift, leak);
    }
    composed(x, scale, shift, leak)
}

/// What [`normalise`] computes, in the back end's own operations.
pub fn composed(x: Tensor<2>, scale: Tensor<1>, shift: Tensor<1>, leak: f32) -> Tensor<2> {
    let [mean, variance] = composed_statistics(x.clone());
    let factor = scale / (variance + EPSILON).sqrt();
    let offset = shift - mean * factor.clone();
    leaky(x * factor.unsqueeze() + offset.unsqueeze(), leak)
}

/// Mean and variance of each column of `x [rows, maps]`, `[maps]`, to normalise by in evaluation: no gradient passes.
pub fn statistics(x: Tensor<2>) -> [Tensor<1>; 2] {
    #[cfg(feature = "flex")]
    if on_cpu(&x.device()) {
        return fused::statistics(x);
    }
    composed_statistics(x)
}

/// The same in the back end's own operations. Those of the CPU back end add one row after the other to one sum, which over a hundred
/// thousand rows drifts away.
fn composed_statistics(x: Tensor<2>) -> [Tensor<1>; 2] {
    let mean = x.clone().mean_dim(0);
    let variance = (x - mean.clone()).square().mean_dim(0);
    [mean.squeeze_dim::<1>(0), variance.squeeze_dim::<1>(0)]
}

/// `leaky(x * factor + offset)`, what evaluation normalises by: `x` `[rows, maps]`, the others `[maps]`.
pub fn scaled(x: Tensor<2>, factor: Tensor<1>, offset: Tensor<1>, leak: f32) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if let Some(output) = fused::scaled(&x, &factor, &offset, leak) {
        return output;
    }
    leaky(x * factor.unsqueeze() + offset.unsqueeze(), leak)
}

/// `x` if positive, else this much of it.
pub fn leaky<const D: usize>(x: Tensor<D>, leak: f32) -> Tensor<D> {
    match leak {
        0.0 => activation::relu(x),
        leak => leaky_relu(x, leak),
    }
}

#[cfg(feature = "flex")]
mod fused {
    use burn::backend::autodiff::checkpoint::base::Checkpointer;
    use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
    use burn::backend::autodiff::grads::Gradients;
    use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
    use burn::backend::flex::FlexTensor;
    use burn::backend::tensor::FloatTensor;
    use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
    use burn::tensor::Tensor;

    use super::EPSILON;
    use crate::rows::abreast;
    use crate::simd::{dims, tensor, vectorised, whole};

    /// Rows that are summed before their sum is added to the others: sums of thousands of rows in single
    /// precision lose digits if each row is added to all before.
    const ROWS: usize = 128;

    /// Mean and variance of each column, in blocks of rows.
    pub fn statistics(x: Tensor<2>) -> [Tensor<1>; 2] {
        let x = match x.try_into_primitive::<Flex>() {
            Ok(x) => whole(x),
            Err(error) => unreachable!("statistics are measured without autodiff: {error:?}"),
        };
        let [_, maps] = dims(&x);
        let Moments { mean, variance } = Moments::of(&x);
        [mean, variance].map(|values| Tensor::from_primitive::<Flex>(tensor(values, [maps])))
    }

    /// The same in one pass, where it is on the CPU and no gradient is asked for.
    pub fn scaled(
        x: &Tensor<2>,
        factor: &Tensor<1>,
        offset: &Tensor<1>,
        leak: f32,
    ) -> Option<Tensor<2>> {
        let x = whole(x.clone().try_into_primitive::<Flex>().ok()?);
        let [factor, offset] = [factor, offset].map(|of_maps| {
            let of_maps = of_maps.clone().try_into_primitive::<Flex>().ok()?;
            let [cells, maps] = dims(&x);
            Some(tiled(whole(of_maps).storage::<f32>(), maps * abreast(cells, maps)))
        });
        Some(Tensor::from_primitive::<Flex>(on_lines(&x, &factor?, &offset?, leak)))
    }

    pub fn normalise(x: Tensor<2>, scale: Tensor<1>, shift: Tensor<1>, leak: f32) -> Tensor<2> {
        let (x, scale, shift) = (x.into_dispatch(), scale.into_dispatch(), shift.into_dispatch());
        Tensor::from_dispatch(Dispatch::normalise(x, scale, shift, leak))
    }

    #[backend_extension(Flex, Autodiff)]
    pub trait NormaliseOps: Backend {
        fn normalise(
            x: FloatTensor<Self>,
            scale: FloatTensor<Self>,
            shift: FloatTensor<Self>,
            leak: f32,
        ) -> FloatTensor<Self>;
    }

    impl NormaliseOps for Flex {
        fn normalise(x: FlexTensor, scale: FlexTensor, shift: FlexTensor, leak: f32) -> FlexTensor {
            let x = whole(x);
            let line = Line::of(&x, &scale, &shift);
            line.apply(&x, leak)
        }
    }

    impl<C: CheckpointStrategy> NormaliseOps for Autodiff<Flex, C> {
        fn normalise(
            x: FloatTensor<Self>,
            scale: FloatTensor<Self>,
            shift: FloatTensor<Self>,
            leak: f32,
        ) -> FloatTensor<Self> {
            let (x, x_node) = x.into_parts();
            let (scale, scale_node) = scale.into_parts();
            let (shift, shift_node) = shift.into_parts();
            let x = whole(x);
            let line = Line::of(&x, &scale, &shift);
            let output = line.apply(&x, leak);
            let nodes = [x_node, scale_node, shift_node];
            match Normalise.prepare::<C>(nodes).compute_bound().stateful() {
                OpsKind::Tracked(prep) => prep.finish(Taken { x, line, leak }, output),
                OpsKind::UnTracked(prep) => prep.finish(output),
            }
        }
    }

    /// Normalisation as one line for each map: `x * factor + offset`. Every vector holds its maps several times, for
    /// cells that lie side by side in a row.
    #[derive(Clone, Debug)]
    struct Line {
        maps: usize,
        /// Cells that the statistics are over.
        cells: usize,
        mean: Vec<f32>,
        /// `1 / sqrt(variance + ε)`.
        inverse: Vec<f32>,
        factor: Vec<f32>,
        offset: Vec<f32>,
    }

    /// Mean and variance of each map.
    struct Moments {
        mean: Vec<f32>,
        variance: Vec<f32>,
    }

    impl Moments {
        fn of(x: &FlexTensor) -> Self {
            let ([cells, maps], values) = (dims(x), x.storage::<f32>());
            let wide = maps * abreast(cells, maps);
            let [mean, square] = vectorised(
                #[inline(always)]
                || by_block(values, wide),
            );
            // The columns of a map were summed apart: their means differ.
            let of_map = means(&mean, maps, wide / maps);
            let apart = mean.iter().zip(tiled(&of_map, wide)).map(|(a, b)| (a - b) * (a - b));
            let rows = (cells * maps / wide.max(1)) as f32;
            let square: Vec<f32> = square.iter().zip(apart).map(|(a, b)| a + rows * b).collect();
            Self { variance: means(&square, maps, cells), mean: of_map }
        }
    }

    /// Mean of every column, and the sum of the squares of what is away from it: a block of rows at a time, while it is in the
    /// cache, each put together with those before (Chan, Golub and LeVeque 1983).
    #[inline(always)]
    fn by_block(values: &[f32], wide: usize) -> [Vec<f32>; 2] {
        let [mut mean, mut square] = [(); 2].map(|()| vec![0.0; wide]);
        let [mut of_block, mut away] = [(); 2].map(|()| vec![0.0; wide]);
        let mut before = 0.0;
        for rows in values.chunks(ROWS * wide) {
            let count = (rows.len() / wide) as f32;
            of_block.fill(0.0);
            for row in rows.chunks_exact(wide) {
                add(&mut of_block, row);
            }
            for sum in &mut of_block {
                *sum /= count;
            }
            away.fill(0.0);
            for row in rows.chunks_exact(wide) {
                for ((away, value), mean) in away.iter_mut().zip(row).zip(&of_block) {
                    *away += (value - mean) * (value - mean);
                }
            }
            let (share, weight) = (count / (before + count), before * count / (before + count));
            let sums = mean.iter_mut().zip(&mut square);
            for ((mean, square), (of_block, away)) in sums.zip(of_block.iter().zip(&away)) {
                let apart = of_block - *mean;
                *square += away + apart * apart * weight;
                *mean += apart * share;
            }
            before += count;
        }
        [mean, square]
    }

    /// Sums of columns as means of maps.
    fn means(sums: &[f32], maps: usize, cells: usize) -> Vec<f32> {
        folded(sums, maps).into_iter().map(|sum| sum / cells as f32).collect()
    }

    /// Sums of columns as sums of maps.
    fn folded(sums: &[f32], maps: usize) -> Vec<f32> {
        let mut folded = vec![0.0; maps];
        for cell in sums.chunks_exact(maps) {
            for (folded, sum) in folded.iter_mut().zip(cell) {
                *folded += sum;
            }
        }
        folded
    }

    /// One value for each map as one for each of `wide` columns.
    fn tiled(maps: &[f32], wide: usize) -> Vec<f32> {
        maps.iter().copied().cycle().take(wide).collect()
    }

    impl Line {
        fn of(x: &FlexTensor, scale: &FlexTensor, shift: &FlexTensor) -> Self {
            let [cells, maps] = dims(x);
            let wide = maps * abreast(cells, maps);
            let Moments { mean, variance } = Moments::of(x);
            let inverse: Vec<f32> =
                variance.iter().map(|v| 1.0 / (v + EPSILON as f32).sqrt()).collect();
            let (scale, shift) = (whole(scale.clone()), whole(shift.clone()));
            let by_map = mean
                .iter()
                .zip(&inverse)
                .zip(scale.storage::<f32>().iter().zip(shift.storage::<f32>()));
            let (factor, offset): (Vec<f32>, Vec<f32>) = by_map
                .map(|((mean, inverse), (scale, shift))| {
                    let factor = scale * inverse;
                    (factor, shift - mean * factor)
                })
                .unzip();
            let [mean, inverse, factor, offset] =
                [mean, inverse, factor, offset].map(|maps| tiled(&maps, wide));
            Self { maps, cells, mean, inverse, factor, offset }
        }

        fn wide(&self) -> usize {
            self.mean.len()
        }

        /// Leaves `x` as it is: the backward pass needs it.
        fn apply(&self, x: &FlexTensor, leak: f32) -> FlexTensor {
            on_lines(x, &self.factor, &self.offset, leak)
        }
    }

    fn on_lines(x: &FlexTensor, factor: &[f32], offset: &[f32], leak: f32) -> FlexTensor {
        let (values, shape) = (x.storage::<f32>(), dims::<2>(x));
        let out = vectorised(
            #[inline(always)]
            || lines(values, factor, offset, leak),
        );
        tensor(out, shape)
    }

    #[inline(always)]
    fn lines(values: &[f32], factors: &[f32], offsets: &[f32], leak: f32) -> Vec<f32> {
        let mut out = Vec::with_capacity(values.len());
        for row in values.chunks_exact(factors.len()) {
            let lines = row.iter().zip(factors).zip(offsets);
            out.extend(lines.map(|((value, factor), offset)| {
                let line = value * factor + offset;
                if line > 0.0 { line } else { leak * line }
            }));
        }
        out
    }

    #[inline(always)]
    fn add(all: &mut [f32], some: &[f32]) {
        for (all, some) in all.iter_mut().zip(some) {
            *all += some;
        }
    }

    #[derive(Debug)]
    struct Normalise;

    /// What the backward pass is told.
    #[derive(Clone, Debug)]
    struct Taken {
        x: FlexTensor,
        line: Line,
        leak: f32,
    }

    impl Backward<Flex, 3> for Normalise {
        type State = Taken;

        fn backward(self, ops: Ops<Taken, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
            let gradient = whole(grads.consume::<Flex>(&ops.node));
            let gradients = backward(&ops.state, gradient);
            for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
                if let Some(parent) = parent {
                    grads.register::<Flex>(parent.id, gradient);
                }
            }
        }
    }

    /// Gradients of `x`, scale and shift (Ioffe and Szegedy 2015, section 3): with `g` before the nonlinearity and
    /// `u` the normalised `x`, that of `x` is `factor (g - mean g - u mean(g u))`.
    fn backward(taken: &Taken, mut gradient: FlexTensor) -> [FlexTensor; 3] {
        let Taken { x, line, leak } = taken;
        let (x, g) = (x.storage::<f32>(), gradient.storage_mut::<f32>());
        let sums = vectorised(
            #[inline(always)]
            || by_column(x, &mut *g, line, *leak),
        );
        let [by_shift, by_scale] = sums.each_ref().map(|sums| folded(sums, line.maps));
        let mean_of = |sums: Vec<f32>| means(&sums, line.maps, line.cells);
        let [of_g, of_gu] = sums.map(|sums| tiled(&mean_of(sums), line.wide()));
        vectorised(
            #[inline(always)]
            || of_x(x, g, line, [&of_g[..], &of_gu]),
        );
        let maps = line.maps;
        [gradient, tensor(by_scale, [maps]), tensor(by_shift, [maps])]
    }

    /// Turns `g` before the nonlinearity into the gradient of `x`, given its means and those of `g u`.
    #[inline(always)]
    fn of_x(x: &[f32], g: &mut [f32], line: &Line, [of_g, of_gu]: [&[f32]; 2]) {
        let wide = line.wide();
        for (x, g) in x.chunks_exact(wide).zip(g.chunks_exact_mut(wide)) {
            let line = line.mean.iter().zip(&line.inverse).zip(&line.factor);
            let means = of_g.iter().zip(of_gu);
            for (((&x, g), ((mean, inverse), factor)), (of_g, of_gu)) in
                x.iter().zip(g).zip(line).zip(means)
            {
                *g = factor * (*g - of_g - (x - mean) * inverse * of_gu);
            }
        }
    }

    /// Turns `g` into the gradient before the nonlinearity; its sums over rows, and those of `g u`.
    #[inline(always)]
    fn by_column(x: &[f32], g: &mut [f32], line: &Line, leak: f32) -> [Vec<f32>; 2] {
        let wide = line.wide();
        let [mut all, mut all_scaled] = [(); 2].map(|()| vec![0.0; wide]);
        let [mut some, mut some_scaled] = [(); 2].map(|()| vec![0.0; wide]);
        for (x, g) in x.chunks(ROWS * wide).zip(g.chunks_mut(ROWS * wide)) {
            some.fill(0.0);
            some_scaled.fill(0.0);
            for (x, g) in x.chunks_exact(wide).zip(g.chunks_exact_mut(wide)) {
                let lines = line.factor.iter().zip(&line.offset);
                let normals = line.mean.iter().zip(&line.inverse);
                let sums = some.iter_mut().zip(&mut some_scaled);
                for ((((&x, g), (factor, offset)), (mean, inverse)), (sum, scaled)) in
                    x.iter().zip(g).zip(lines).zip(normals).zip(sums)
                {
                    let before = if x * factor + offset > 0.0 { *g } else { leak * *g };
                    *g = before;
                    *sum += before;
                    *scaled += before * ((x - mean) * inverse);
                }
            }
            add(&mut all, &some);
            add(&mut all_scaled, &some_scaled);
        }
        [all, all_scaled]
    }
}

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::noise::Noise;

    type Layer = fn(Tensor<2>, Tensor<1>, Tensor<1>, f32) -> Tensor<2>;

    /// Output and the three gradients of `Σ cost * layer(x, scale, shift)`.
    fn run(layer: Layer, [rows, maps]: [usize; 2], leak: f32) -> [Vec<f32>; 4] {
        let device = Device::flex().autodiff();
        let noise = Noise::new(6);
        let values = |purpose: &str, count| noise.split(purpose).normal(count);
        let matrix = |purpose| {
            let data = TensorData::new(values(purpose, rows * maps), [rows, maps]);
            Tensor::<2>::from_data(data, &device)
        };
        let vector = |purpose| {
            let data = TensorData::new(values(purpose, maps), [maps]);
            Tensor::<1>::from_data(data, &device).require_grad()
        };
        let x = matrix("x").require_grad();
        let (scale, shift) = (vector("scale"), vector("shift"));
        let output = layer(x.clone() * 2.0 + 3.0, scale.clone(), shift.clone(), leak);
        let grads = (output.clone() * matrix("cost")).sum().backward();
        let read = |tensor: Tensor<2>| tensor.into_data().try_into_vec_as::<f32>().unwrap();
        [
            read(output.inner()),
            read(x.grad(&grads).unwrap()),
            read(scale.grad(&grads).unwrap().unsqueeze()),
            read(shift.grad(&grads).unwrap().unsqueeze()),
        ]
    }

    #[test]
    fn the_fused_normalisation_is_the_composed_one() {
        for (shape, leak) in [([7, 3], 0.0), ([300, 17], 0.1), ([12, 33], 0.2)] {
            let (fused, composed) = (run(normalise, shape, leak), run(composed, shape, leak));
            for (what, (fused, composed)) in
                ["output", "x", "scale", "shift"].into_iter().zip(fused.iter().zip(&composed))
            {
                assert_eq!(fused.len(), composed.len());
                let scale = composed.iter().map(|v| v.abs()).fold(1.0, f32::max);
                for (a, b) in fused.iter().zip(composed) {
                    assert!((a - b).abs() <= 2e-5 * scale, "{what}, {shape:?}, {leak}: {a} {b}");
                }
            }
        }
    }

    #[test]
    fn what_evaluation_normalises_by_is_one_line_for_each_map() {
        for (rows, maps, leak) in [(1, 5, 0.0), (7, 3, 0.1), (64, 16, 0.2)] {
            let draw = |purpose: &str, count| Noise::new(4).split(purpose).normal(count);
            let (x, factor, offset) =
                (draw("x", rows * maps), draw("factor", maps), draw("offset", maps));
            let device = Device::flex();
            let of_maps = |values: &[f32]| Tensor::<1>::from_floats(values, &device);
            let rows_of_x = Tensor::from_data(TensorData::new(x.clone(), [rows, maps]), &device);
            let found = scaled(rows_of_x, of_maps(&factor), of_maps(&offset), leak);
            let found = found.into_data().try_into_vec_as::<f32>().unwrap();
            for (at, (&found, &x)) in found.iter().zip(&x).enumerate() {
                let map = at % maps;
                let line = f64::from(x) * f64::from(factor[map]) + f64::from(offset[map]);
                let expected = if line > 0.0 { line } else { f64::from(leak) * line };
                assert!((f64::from(found) - expected).abs() < 1e-6, "{at}: {found} {expected}");
            }
        }
    }

    /// 400,000 rows around a mean far from zero: one running sum in single precision is off in the fourth digit.
    #[test]
    fn measured_statistics_are_those_of_double_precision() {
        let (rows, maps) = (400_000, 3);
        let noise = Noise::new(9).normal(rows * maps);
        let values: Vec<f32> =
            noise.iter().enumerate().map(|(at, v)| 5.0 + v * (1 + at % maps) as f32).collect();
        let x = TensorData::new(values.clone(), [rows, maps]);
        let measured = statistics(Tensor::from_data(x, &Device::flex()));
        let [mean, variance] =
            measured.map(|values| values.into_data().try_into_vec_as::<f32>().unwrap());
        for map in 0..maps {
            let column = || values.iter().skip(map).step_by(maps).map(|&v| f64::from(v));
            let exact = column().sum::<f64>() / rows as f64;
            let spread = column().map(|v| (v - exact).powi(2)).sum::<f64>() / rows as f64;
            assert!((f64::from(mean[map]) / exact - 1.0).abs() < 2e-6, "{mean:?} {exact}");
            assert!(
                (f64::from(variance[map]) / spread - 1.0).abs() < 2e-6,
                "{variance:?} {spread}"
            );
        }
    }
}
