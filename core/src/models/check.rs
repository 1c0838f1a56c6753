//! Checks of the sizes in a configuration.

use super::observation::Likelihood;
use crate::error::{Error, Result};

/// An example has values, and there are classes to tell apart.
pub(super) fn example(shape: &[usize], classes: usize) -> Result<()> {
    if shape.iter().product::<usize>() == 0 {
        return Err(Error::config("model.shape", format!("{shape:?}"), "an example has no values"));
    }
    if classes < 2 {
        let rule = "a classifier needs at least 2 classes";
        return Err(Error::config("model.classes", classes, rule));
    }
    Ok(())
}

/// No layer is without units.
pub(super) fn widths(field: &'static str, hidden: &[usize]) -> Result<()> {
    match hidden.contains(&0) {
        true => {
            Err(Error::config(field, format!("{hidden:?}"), "every layer needs at least one unit"))
        }
        false => Ok(()),
    }
}

/// There is a layer, and none is without units.
pub(super) fn layers(field: &'static str, hidden: &[usize]) -> Result<()> {
    if hidden.is_empty() {
        return Err(Error::config(field, "[]", "these networks need at least one hidden layer"));
    }
    widths(field, hidden)
}

/// A latent variable has dimensions.
pub(super) fn at_least_one(field: &'static str, size: usize) -> Result<()> {
    match size {
        0 => Err(Error::config(field, 0, "it needs at least one dimension")),
        _ => Ok(()),
    }
}

/// A standard deviation that is given is one.
pub(super) fn spread(likelihood: Likelihood) -> Result<()> {
    match likelihood {
        Likelihood::IsotropicGaussian { sigma } if !(sigma.is_finite() && sigma > 0.0) => {
            let rule = "a standard deviation must be above 0; 0.3 is common for images";
            Err(Error::config("model.likelihood.isotropic-gaussian.sigma", sigma, rule))
        }
        _ => Ok(()),
    }
}
