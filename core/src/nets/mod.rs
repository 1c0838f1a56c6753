//! Networks shared by the models: activations, initialised layers, perceptrons, split layers.

mod activate;
mod activation;
mod batch_norm;
mod conditional;
mod convolution;
mod deconvolution;
mod linear;
mod mlp;
mod training;

pub use activation::{Activation, softplus};
pub use batch_norm::BatchNorm;
pub use conditional::{Classes, ConditionalLinear, Fan, Inputs, Vectors};
pub use convolution::{Convolution, ConvolutionalTrunk, Shrink};
pub use deconvolution::Deconvolution;
pub use linear::{dense, glorot_linear, parameter};
pub use mlp::{Mlp, forward_hidden, linear_stack};
pub use training::Training;
