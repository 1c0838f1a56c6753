//! What a categorical distribution over few classes computes on GPUs: a launch each, forward and backward.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Cube, Dispatch, TensorMetadata as _, backend_extension};
use burn::tensor::{Device, Shape, Tensor};
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::ir::ElemType;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::cubecl::std::tensor::layout::linear::{LinearView, LinearViewMut};
use burn_cubecl::tensor::CubeTensor;
use serde::{Deserialize, Serialize};

use crate::gpu::{Elementwise, is_gpu, new};

/// A unit goes through the classes of a row by itself: with more of them, the framework's reductions are quicker.
const MOST_CLASSES: usize = 128;

/// Whether these operations are meant for a distribution over so many classes.
pub fn suits(classes: usize, device: &Device) -> bool {
    classes <= MOST_CLASSES && is_gpu(device)
}

/// What is summed over the classes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Term {
    /// `-exp(a) a`: `a` are logarithms of probabilities, `b` is not looked at.
    Entropy,
    /// `a b`.
    Product,
    /// `exp(a) b`.
    Expected,
}

/// `log_softmax` over the classes, `[rows, classes]`.
pub fn log_softmax(logits: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::log_probs(logits.into_dispatch()))
}

/// The sum of a term over the classes: `[rows, classes]` twice to `[rows]`.
pub fn sum(a: Tensor<2>, b: Tensor<2>, term: Term) -> Tensor<1> {
    let sum = Dispatch::summed(a.into_dispatch(), b.into_dispatch(), term);
    Tensor::<2>::from_dispatch(sum).squeeze_dim(1)
}

#[backend_extension(Cube, Autodiff, Fusion: cfg(feature = "fusion"))]
pub(crate) trait CategoricalOps: Backend {
    /// See [`log_softmax`].
    #[fusion(dtype = logits, shape = logits)]
    fn log_probs(logits: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The gradient over logits, `g - exp(l) Σ g` for log-probabilities `l`, shaped as these.
    #[fusion(dtype = log_probs, shape = log_probs)]
    fn log_probs_pulled_back(
        gradient: FloatTensor<Self>,
        log_probs: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// See [`sum`]; the output is `[rows, 1]`.
    #[fusion(dtype = a, shape = Shape::new([a[0], 1]))]
    fn summed(a: FloatTensor<Self>, b: FloatTensor<Self>, term: Term) -> FloatTensor<Self>;

    /// A row's gradient, `[rows, 1]`, times the slope of its term over `a`, or over `b`: `[rows, classes]`.
    #[fusion(dtype = a, shape = a)]
    fn summed_pulled_back(
        gradient: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        term: Term,
        over_b: bool,
    ) -> FloatTensor<Self>;
}

impl CategoricalOps for CubeBackend {
    fn log_probs(logits: CubeTensor) -> CubeTensor {
        let (shape, client) = (logits.shape(), logits.client.clone());
        let classes = shape[1];
        let output = new(shape.clone(), &logits);
        let launch = Elementwise::units(shape[0], &client, [&logits, &output]);
        log_softmax_kernel::launch(
            &client,
            launch.count,
            launch.dim,
            launch.address,
            logits.into_linear_view(),
            output.clone().into_linear_view(),
            shape[0],
            classes,
            launch.dtype,
        );
        output
    }

    fn log_probs_pulled_back(gradient: CubeTensor, log_probs: CubeTensor) -> CubeTensor {
        let (shape, client) = (log_probs.shape(), log_probs.client.clone());
        let output = new(shape.clone(), &log_probs);
        let launch = Elementwise::units(shape[0], &client, [&log_probs, &output]);
        log_softmax_back_kernel::launch(
            &client,
            launch.count,
            launch.dim,
            launch.address,
            gradient.into_linear_view(),
            log_probs.into_linear_view(),
            output.clone().into_linear_view(),
            shape[0],
            shape[1],
            launch.dtype,
        );
        output
    }

    fn summed(a: CubeTensor, b: CubeTensor, term: Term) -> CubeTensor {
        let (shape, client) = (a.shape(), a.client.clone());
        let output = new(Shape::new([shape[0], 1]), &a);
        let launch = Elementwise::units(shape[0], &client, [&a, &output]);
        sum_kernel::launch(
            &client,
            launch.count,
            launch.dim,
            launch.address,
            a.into_linear_view(),
            b.into_linear_view(),
            output.clone().into_linear_view(),
            shape[0],
            shape[1],
            term,
            launch.dtype,
        );
        output
    }

    fn summed_pulled_back(
        gradient: CubeTensor,
        a: CubeTensor,
        b: CubeTensor,
        term: Term,
        over_b: bool,
    ) -> CubeTensor {
        let client = a.client.clone();
        let output = new(a.shape(), &a);
        let launch = Elementwise::units(a.shape().num_elements(), &client, [&a, &output]);
        sum_back_kernel::launch(
            &client,
            launch.count,
            launch.dim,
            launch.address,
            gradient.into_linear_view_like(&output),
            a.into_linear_view(),
            b.into_linear_view(),
            output.clone().into_linear_view(),
            term,
            over_b,
            launch.dtype,
        );
        output
    }
}

#[cube(launch, address_type = "dynamic")]
fn log_softmax_kernel<F: Float>(
    logits: LinearView<'_, F>,
    mut output: LinearViewMut<'_, F>,
    rows: usize,
    classes: usize,
    #[define(F)] _dtype: ElemType,
) {
    if ABSOLUTE_POS >= rows {
        terminate!();
    }
    let start = ABSOLUTE_POS * classes;
    let mut largest = logits.read(start);
    for class in 1..classes {
        let logit = logits.read(start + class);
        largest = select(logit > largest, logit, largest);
    }
    let mut sum = F::new(0.0_f32);
    for class in 0..classes {
        sum += F::exp(logits.read(start + class) - largest);
    }
    let log_sum = F::ln(sum);
    for class in 0..classes {
        output.write(start + class, logits.read(start + class) - largest - log_sum);
    }
}

#[cube(launch, address_type = "dynamic")]
fn log_softmax_back_kernel<F: Float>(
    gradient: LinearView<'_, F>,
    log_probs: LinearView<'_, F>,
    mut output: LinearViewMut<'_, F>,
    rows: usize,
    classes: usize,
    #[define(F)] _dtype: ElemType,
) {
    if ABSOLUTE_POS >= rows {
        terminate!();
    }
    let start = ABSOLUTE_POS * classes;
    let mut sum = F::new(0.0_f32);
    for class in 0..classes {
        sum += gradient.read(start + class);
    }
    for class in 0..classes {
        let share = F::exp(log_probs.read(start + class)) * sum;
        output.write(start + class, gradient.read(start + class) - share);
    }
}

#[cube(launch, address_type = "dynamic")]
fn sum_kernel<F: Float>(
    a: LinearView<'_, F>,
    b: LinearView<'_, F>,
    mut output: LinearViewMut<'_, F>,
    rows: usize,
    classes: usize,
    #[comptime] term: Term,
    #[define(F)] _dtype: ElemType,
) {
    if ABSOLUTE_POS >= rows {
        terminate!();
    }
    let start = ABSOLUTE_POS * classes;
    let mut sum = F::new(0.0_f32);
    for class in 0..classes {
        let a = a.read(start + class);
        let b = b.read(start + class);
        match term {
            Term::Entropy => sum -= F::exp(a) * a,
            Term::Product => sum += a * b,
            Term::Expected => sum += F::exp(a) * b,
        }
    }
    output.write(ABSOLUTE_POS, sum);
}

#[cube(launch, address_type = "dynamic")]
fn sum_back_kernel<F: Float>(
    gradient: LinearView<'_, F>,
    a: LinearView<'_, F>,
    b: LinearView<'_, F>,
    mut output: LinearViewMut<'_, F>,
    #[comptime] term: Term,
    #[comptime] over_b: bool,
    #[define(F)] _dtype: ElemType,
) {
    if !output.is_in_bounds(ABSOLUTE_POS) {
        terminate!();
    }
    let gradient = gradient.read(ABSOLUTE_POS);
    let a = a.read(ABSOLUTE_POS);
    let b = b.read(ABSOLUTE_POS);
    let slope = if comptime![over_b] {
        match term {
            Term::Entropy => F::new(0.0_f32),
            Term::Product => a,
            Term::Expected => F::exp(a),
        }
    } else {
        match term {
            Term::Entropy => F::new(0.0_f32) - F::exp(a) * (a + F::new(1.0_f32)),
            Term::Product => b,
            Term::Expected => F::exp(a) * b,
        }
    };
    output.write(ABSOLUTE_POS, gradient * slope);
}

impl<C: CheckpointStrategy> CategoricalOps for Autodiff<Cube, C> {
    fn log_probs(logits: FloatTensor<Self>) -> FloatTensor<Self> {
        let (logits, node) = logits.into_parts();
        let output = Cube::log_probs(logits);
        match LogProbs.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(output.clone(), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn summed(a: FloatTensor<Self>, b: FloatTensor<Self>, term: Term) -> FloatTensor<Self> {
        let (a, a_node) = a.into_parts();
        let (b, b_node) = b.into_parts();
        let output = Cube::summed(a.clone(), b.clone(), term);
        match Summed.prepare::<C>([a_node, b_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((a, b, term), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }

    fn log_probs_pulled_back(
        _gradient: FloatTensor<Self>,
        _log_probs: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        unreachable!("a gradient is pulled back off the tape")
    }

    fn summed_pulled_back(
        _gradient: FloatTensor<Self>,
        _a: FloatTensor<Self>,
        _b: FloatTensor<Self>,
        _term: Term,
        _over_b: bool,
    ) -> FloatTensor<Self> {
        unreachable!("a gradient is pulled back off the tape")
    }
}

#[derive(Debug)]
struct LogProbs;

impl Backward<Cube, 1> for LogProbs {
    type State = FloatTensor<Cube>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Cube>(&ops.node);
        let [parent] = ops.parents;
        if let Some(parent) = parent {
            grads.register::<Cube>(parent.id, Cube::log_probs_pulled_back(gradient, ops.state));
        }
    }
}

#[derive(Debug)]
struct Summed;

impl Backward<Cube, 2> for Summed {
    type State = (FloatTensor<Cube>, FloatTensor<Cube>, Term);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Cube>(&ops.node);
        let (a, b, term) = ops.state;
        for (parent, over_b) in ops.parents.into_iter().zip([false, true]) {
            let looked_at = !(over_b && term == Term::Entropy);
            if let Some(parent) = parent.filter(|_| looked_at) {
                let (gradient, a, b) = (gradient.clone(), a.clone(), b.clone());
                let gradient = Cube::summed_pulled_back(gradient, a, b, term, over_b);
                grads.register::<Cube>(parent.id, gradient);
            }
        }
    }
}
