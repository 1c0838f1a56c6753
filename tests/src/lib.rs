//! What the end-to-end tests share: comparisons that say where they fail, and the golden numbers.

pub mod beside;
mod close;
mod golden;
pub mod goodness_of_fit;
pub mod latent_energy;
pub mod linear_gaussian;
pub mod modules;
pub mod naive;
pub mod program;
pub mod small;

pub use close::{Tolerance, assert_close};
pub use golden::Golden;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use burn::tensor::Tensor;

/// Values of a tensor, row-major.
///
/// # Panics
/// If the device fails.
pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec_as::<f32>().expect("a device that answers")
}

/// The one number that a tensor holds.
///
/// # Panics
/// If the device fails or there is not exactly one.
pub fn number(tensor: Tensor<1>) -> f32 {
    let values = values(tensor);
    assert_eq!(values.len(), 1, "a tensor of one number");
    values[0]
}

/// The result of a future, asked for again and again: read-backs take no time worth sleeping for.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::yield_now();
    }
}
