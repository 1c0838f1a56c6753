//! What only training does to networks.

use crate::noise::Noise;

/// The randomness that networks themselves have in training.
#[derive(Clone, Debug)]
pub struct Training {
    /// The root of their streams.
    pub noise: Noise,
    /// Place in its batch of the first example.
    pub first: usize,
}
