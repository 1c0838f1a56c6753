//! Networks shared by the models: activations, initialised layers, perceptrons, split layers, convolutions.

mod activate;
mod activation;
mod batch_norm;
mod conditional;
mod convolution;
mod convolve;
mod deconvolution;
mod image;
mod linear;
mod maps;
mod mlp;
mod normalise;
#[cfg(feature = "flex")]
mod patches;
mod pool;
mod rows;
mod training;
mod wide_resnet;
mod window;

pub use activation::{Activation, softplus};
pub use batch_norm::{BatchNorm, Statistics};
pub use conditional::{Classes, ConditionalLinear, Fan, Inputs, Vectors};
pub use convolution::{ConvolutionalTrunk, PlainConvolution, Shrink};
pub use deconvolution::Deconvolution;
pub use image::{Convolution, Trunk};
pub use linear::{dense, glorot_linear, parameter};
pub use mlp::{Mlp, forward_hidden, linear_stack};
pub use training::Training;
pub use wide_resnet::{WideResnet, WideResnetConfig};
