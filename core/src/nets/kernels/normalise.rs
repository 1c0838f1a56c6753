//! Batch normalisation by a batch's own statistics and the nonlinearity after it, forward and backward in two
//! passes over memory each on the CPU back end, and composed elsewhere.

use burn::tensor::{Tensor, activation};

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
    if x.device() == burn::tensor::Device::flex() {
        return fused::normalise(x, scale, shift, leak);
    }
    composed(x, scale, shift, leak)
}

/// What [`normalise`] computes, in the back end's own operations.
pub fn composed(x: Tensor<2>, scale: Tensor<1>, shift: Tensor<1>, leak: f32) -> Tensor<2> {
    let [mean, variance] = statistics(x.clone());
    let factor = scale / (variance + EPSILON).sqrt();
    let offset = shift - mean * factor.clone();
    leaky(x * factor.unsqueeze() + offset.unsqueeze(), leak)
}

/// Mean and variance of each column, `[maps]`.
pub fn statistics(x: Tensor<2>) -> [Tensor<1>; 2] {
    let mean = x.clone().mean_dim(0);
    let variance = (x - mean.clone()).square().mean_dim(0);
    [mean.squeeze_dim::<1>(0), variance.squeeze_dim::<1>(0)]
}

/// `x` if positive, else this much of it.
pub fn leaky<const D: usize>(x: Tensor<D>, leak: f32) -> Tensor<D> {
    match leak {
        0.0 => activation::relu(x),
        leak => activation::leaky_relu(x, f64::from(leak)),
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
    use crate::nets::kernels::rows::abreast;
    use crate::simd::{dims, tensor, vectorised, whole};

    /// Rows that are summed before their sum is added to the others: sums of thousands of rows in single
    /// precision lose digits if each row is added to all before.
    const ROWS: usize = 128;

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
            line.apply(x, leak)
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
            let output = line.apply(x.clone(), leak);
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

    impl Line {
        fn of(x: &FlexTensor, scale: &FlexTensor, shift: &FlexTensor) -> Self {
            let ([cells, maps], values) = (dims(x), x.storage::<f32>());
            let wide = maps * abreast(cells, maps);
            let mut line = Self {
                maps,
                cells,
                mean: vec![0.0; wide],
                inverse: Vec::new(),
                factor: Vec::new(),
                offset: Vec::new(),
            };
            let mean = vectorised(
                #[inline(always)]
                || column_sums(values, &line.mean[..], |value, _| value),
            );
            line.mean = line.tiled(line.mean_of(&mean));
            let square = |value: f32, mean: f32| (value - mean) * (value - mean);
            let squares = vectorised(
                #[inline(always)]
                || column_sums(values, &line.mean[..], square),
            );
            let inverse = line.mean_of(&squares).into_iter();
            line.inverse = line.tiled(inverse.map(|v| 1.0 / (v + EPSILON as f32).sqrt()).collect());
            let tiled = |vector: &FlexTensor| line.tiled(whole(vector.clone()).storage().to_vec());
            let (scale, shift) = (tiled(scale), tiled(shift));
            line.factor = scale.iter().zip(&line.inverse).map(|(a, b)| a * b).collect();
            let shifts = shift.iter().zip(line.mean.iter().zip(&line.factor));
            line.offset = shifts.map(|(shift, (mean, factor))| shift - mean * factor).collect();
            line
        }

        fn wide(&self) -> usize {
            self.mean.len()
        }

        /// Sums of columns as means of maps.
        fn mean_of(&self, sums: &[f32]) -> Vec<f32> {
            self.folded(sums).into_iter().map(|sum| sum / self.cells as f32).collect()
        }

        /// Sums of columns as sums of maps.
        fn folded(&self, sums: &[f32]) -> Vec<f32> {
            let mut folded = vec![0.0; self.maps];
            for cell in sums.chunks_exact(self.maps) {
                for (folded, sum) in folded.iter_mut().zip(cell) {
                    *folded += sum;
                }
            }
            folded
        }

        /// One value for each map as one for each column.
        fn tiled(&self, maps: Vec<f32>) -> Vec<f32> {
            let wide = self.wide();
            maps.into_iter().cycle().take(wide).collect()
        }

        fn apply(&self, mut x: FlexTensor, leak: f32) -> FlexTensor {
            vectorised(
                #[inline(always)]
                || lines(x.storage_mut(), &self.factor[..], &self.offset[..], leak),
            );
            x
        }
    }

    #[inline(always)]
    fn lines(values: &mut [f32], factors: &[f32], offsets: &[f32], leak: f32) {
        for row in values.chunks_exact_mut(factors.len()) {
            for ((value, factor), offset) in row.iter_mut().zip(factors).zip(offsets) {
                let line = *value * factor + offset;
                *value = if line > 0.0 { line } else { leak * line };
            }
        }
    }

    /// Sums of `f(value, by column)` over rows.
    #[inline(always)]
    fn column_sums(values: &[f32], by: &[f32], f: impl Fn(f32, f32) -> f32) -> Vec<f32> {
        let mut all = vec![0.0; by.len()];
        let mut some = vec![0.0; by.len()];
        for rows in values.chunks(ROWS * by.len()) {
            some.fill(0.0);
            for row in rows.chunks_exact(by.len()) {
                for ((some, &value), &by) in some.iter_mut().zip(row).zip(by) {
                    *some += f(value, by);
                }
            }
            add(&mut all, &some);
        }
        all
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
        let [by_shift, by_scale] = sums.each_ref().map(|sums| line.folded(sums));
        let [of_g, of_gu] = sums.map(|sums| line.tiled(line.mean_of(&sums)));
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
}
