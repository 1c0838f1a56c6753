//! Networks shared by the models: activations, initialised layers, perceptrons, split layers, convolutions.
//!
//! `gleaner_kernels` does the work of a layer. From the bottom up: layers, what is made of them, and which
//! convolutional networks a model has.

mod batch_norm;
mod conditional;
mod convolution;
mod deconvolution;
mod image;
mod input_gradient;
mod linear;
mod maps;
mod mlp;
mod training;
mod wide_resnet;

pub use batch_norm::{BatchNorm, Statistics};
pub use conditional::{Classes, ConditionalLinear, Fan, Inputs, Vectors};
pub use convolution::{ConvolutionalTrunk, PlainConvolution, Shrink};
pub use deconvolution::Deconvolution;
pub use gleaner_kernels::activation::{Activation, soft_clamp, softplus, tanh};
pub use image::{Convolution, Trunk};
pub use input_gradient::InputGradient;
pub use linear::{constant, dense, glorot_linear};
pub use mlp::{Mlp, forward_hidden, linear_stack};
pub use training::Training;
pub use wide_resnet::{WideResnet, WideResnetConfig};
