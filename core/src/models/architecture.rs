//! The trait of model configurations: shape, classes, likelihood, baseline.

use super::classifier::ClassifierConfig;
use super::observation::Likelihood;

/// What every model's configuration tells of it.
pub trait Architecture {
    /// Shape of one example.
    fn shape(&self) -> &[usize];

    /// Values in one example.
    fn features(&self) -> usize {
        self.shape().iter().product()
    }

    /// Number of classes.
    fn classes(&self) -> usize;

    /// Distribution of `x`.
    fn likelihood(&self) -> Likelihood;

    /// The same classifier network by itself: the supervised baseline.
    fn baseline(&self) -> ClassifierConfig;
}

/// [`Architecture`] of a configuration that holds a [`Common`](super::Common); the baseline's hidden layers are those
/// of the field named.
macro_rules! architecture {
    ($Config:ty, baseline: $($hidden:ident).+ $(, $convolution:ident)?) => {
        impl $crate::models::Architecture for $Config {
            fn shape(&self) -> &[usize] {
                &self.common.shape
            }

            fn classes(&self) -> usize {
                self.common.classes
            }

            fn likelihood(&self) -> $crate::models::Likelihood {
                self.common.likelihood
            }

            fn baseline(&self) -> $crate::models::ClassifierConfig {
                let hidden = self.$($hidden).+.clone();
                $crate::models::ClassifierConfig {
                    common: $crate::models::Common { hidden, ..self.common.clone() },
                    convolution: None$(.or_else(|| self.$convolution.clone()))?,
                }
            }
        }
    };
}
pub(super) use architecture;
