//! The first layer of a network of vectors and a class, split by input.
//!
//! A layer over the concatenation `[v; y]` with one-hot `y` is `W_v v + W_y e_y` (E4). Split, the costly
//! product `W_v v` is taken once per example, and enumerating `K` classes only adds `K` columns. So is the
//! product with whatever else the classes of an example share.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Int, Tensor};

use super::Activation;
use super::linear::{glorot, glorot_linear};
use crate::noise::Noise;
use gleaner_kernels::activate::{Rows, activate};

/// Which classes the examples of a batch are put together with. Rows are class-major: row `g * batch + i` is
/// example `i` with its `g`-th class.
#[derive(Clone, Debug)]
pub enum Classes {
    /// One for each example, `[batch, classes]`, one-hot or a point of the simplex.
    Given(Tensor<2>),
    /// Every class for each example, in order.
    Every,
    /// Several for each example, `[groups * batch]`, class-major.
    Picked(Tensor<1, Int>),
}

/// An input of a [`ConditionalLinear`].
#[derive(Clone, Debug)]
pub enum Vectors {
    /// One vector for each example, `[batch, inputs]`, which its classes share.
    Shared(Tensor<2>),
    /// One for each row, `[rows, inputs]`, class-major.
    Own(Tensor<2>),
}

/// What goes into a [`ConditionalLinear`].
#[derive(Clone, Debug)]
pub struct Inputs<'a> {
    /// The vectors that `features` takes.
    pub features: Vectors,
    /// The vectors that `beside` takes, if the layer has it: shared where `features` has its own, and the
    /// other way round.
    pub beside: Option<Tensor<2>>,
    /// The classes. A layer without classes only repeats what is shared.
    pub classes: &'a Classes,
}

impl<'a> Inputs<'a> {
    /// Vectors that the classes share, `[batch, width]`.
    pub fn shared(v: Tensor<2>, classes: &'a Classes) -> Self {
        Self { features: Vectors::Shared(v), beside: None, classes }
    }

    /// Vectors of each row, `[rows, width]`.
    pub fn own(v: Tensor<2>, classes: &'a Classes) -> Self {
        Self { features: Vectors::Own(v), beside: None, classes }
    }

    /// With a second vector, `[rows, width]`, or `[batch, width]` where the classes share it.
    #[must_use]
    pub fn beside(self, v: Tensor<2>) -> Self {
        Self { beside: Some(v), ..self }
    }
}

/// Sizes of what goes into a [`ConditionalLinear`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fan {
    /// Of the first vector.
    pub features: usize,
    /// Of the second one; 0 if there is none.
    pub beside: usize,
    /// Number of classes; 0 if the layer does not see them.
    pub classes: usize,
}

/// The split layer `v -> W_v v + b + W_y e_y`, with a second vector `+ W_u u`.
#[derive(Module, Debug)]
pub struct ConditionalLinear {
    /// `W_v` and `b`.
    pub features: Linear,
    /// `W_u`, `[inputs, outputs]`.
    pub beside: Option<Param<Tensor<2>>>,
    /// `W_y`, one row per class: `[classes, outputs]`.
    pub classes: Option<Param<Tensor<2>>>,
}

impl ConditionalLinear {
    /// A layer with Glorot weights, the fan-in counting all inputs but for the first matrix, which is the
    /// one of a plain layer.
    pub fn new(fan: Fan, outputs: usize, noise: &mut Noise, device: &Device) -> Self {
        let fans = fan.features + fan.beside + fan.classes + outputs;
        let features = glorot_linear(fan.features, outputs, noise, device);
        let mut part = |rows| (rows > 0).then(|| glorot(rows, fans, outputs, noise, device));
        let classes = part(fan.classes);
        Self { features, beside: part(fan.beside), classes }
    }

    /// The layer and its nonlinearity: `[rows, outputs]`.
    pub fn forward(&self, inputs: Inputs, activation: Activation) -> Tensor<2> {
        let bias = self.features.bias.as_ref().map(|bias| bias.val().unsqueeze::<2>());
        let product = |v: &Tensor<2>| v.clone().matmul(self.features.weight.val());
        if let (None, Some(by_class), Classes::Every) =
            (&inputs.beside, &self.classes, inputs.classes)
        {
            let bias = bias.map_or(by_class.val(), |bias| by_class.val() + bias);
            let (product, rows) = match &inputs.features {
                Vectors::Shared(v) => (product(v), Rows::Shared),
                Vectors::Own(v) => (product(v), Rows::Own),
            };
            return activate(product, bias, Some(activation), rows);
        }
        let sum = self.sum(inputs);
        match bias {
            Some(bias) => activate(sum, bias, Some(activation), Rows::Own),
            None => activation.forward(sum),
        }
    }

    /// Everything but the bias, `[rows, outputs]`; without classes, a row for each vector.
    fn sum(&self, Inputs { features, beside, classes }: Inputs) -> Tensor<2> {
        let product = |v: Tensor<2>| v.matmul(self.features.weight.val());
        let beside = beside.zip(self.beside.as_ref()).map(|(u, w)| u.matmul(w.val()));
        let sum = match (features, beside, &self.classes) {
            (Vectors::Shared(v), Some(own), _) => beside_each(product(v), own),
            (Vectors::Own(v), Some(shared), _) => beside_each(shared, product(v)),
            (Vectors::Shared(v), None, Some(w)) => classes.spread(product(v), w.dims()[0]),
            (Vectors::Shared(v) | Vectors::Own(v), None, _) => product(v),
        };
        match &self.classes {
            Some(by_class) => classes.add(sum, by_class.val()),
            None => sum,
        }
    }
}

/// What the classes share, `[batch, width]`, added to each row's own, `[groups * batch, width]`.
fn beside_each(shared: Tensor<2>, own: Tensor<2>) -> Tensor<2> {
    let ([batch, _], [rows, width]) = (shared.dims(), own.dims());
    let sum = own.reshape([rows / batch, batch, width]) + shared.unsqueeze::<3>();
    sum.reshape([rows, width])
}

impl Classes {
    /// Rows of each example.
    fn groups(&self, batch: usize, classes: usize) -> usize {
        match self {
            Self::Given(_) => 1,
            Self::Every => classes,
            Self::Picked(picked) => picked.dims()[0] / batch.max(1),
        }
    }

    /// What the classes of an example share, once for each of them: `[batch, width]` to `[rows, width]`.
    /// `classes` is how many there are in all.
    pub fn spread(&self, shared: Tensor<2>, classes: usize) -> Tensor<2> {
        let [batch, width] = shared.dims();
        match self.groups(batch, classes) {
            1 => shared,
            groups => {
                let every = shared.unsqueeze::<3>().expand([groups, batch, width]);
                every.reshape([groups * batch, width])
            }
        }
    }

    /// What each row's class has of its example's values by class: `[batch, classes]` to `[rows]`.
    pub fn pick(&self, by_class: Tensor<2>) -> Tensor<1> {
        let [batch, classes] = by_class.dims();
        match self {
            Self::Given(y) => (by_class * y.clone()).sum_dim(1).squeeze_dim::<1>(1),
            Self::Every => by_class.transpose().reshape([classes * batch]),
            Self::Picked(picked) => {
                let groups = self.groups(batch, classes);
                let columns = picked.clone().reshape([groups, batch]).transpose();
                by_class.gather(1, columns).transpose().reshape([groups * batch])
            }
        }
    }

    /// Adds the row of each row's class to it.
    fn add(&self, rows: Tensor<2>, by_class: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Given(y) => rows + y.clone().matmul(by_class),
            Self::Picked(classes) => rows + by_class.select(0, classes.clone()),
            Self::Every => {
                let ([count, units], [classes, _]) = (rows.dims(), by_class.dims());
                let sum = rows.reshape([classes, count / classes, units])
                    + by_class.unsqueeze_dim::<3>(1);
                sum.reshape([count, units])
            }
        }
    }
}
