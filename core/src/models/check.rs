//! Checks of the sizes in a configuration.

use super::observation::Likelihood;
use crate::error::{Error, Result};

/// Values of an example at most: a colour picture of 4,096 by 4,096 has fewer. One layer on more takes more memory than machines have.
const MOST_VALUES: usize = 1 << 26;

/// Units of a layer, dimensions of a latent variable and classes, at most: two layers of so many are 4 TB of weights.
const MOST_UNITS: usize = 1 << 20;

/// Hidden layers of a network at most.
const MOST_LAYERS: usize = 1000;

/// An example has values, and there are classes to tell apart.
pub(super) fn example(shape: &[usize], classes: usize) -> Result<()> {
    let values = shape.iter().fold(1, |values: usize, &size| values.saturating_mul(size));
    if values == 0 {
        return Err(Error::config("model.shape", format!("{shape:?}"), "an example has no values"));
    }
    if values > MOST_VALUES {
        let rule = format!("an example has at most {MOST_VALUES} values");
        return Err(Error::config("model.shape", format!("{shape:?}"), rule));
    }
    at_most("model.classes", classes, "classes")?;
    if classes < 2 {
        let rule = "a classifier needs at least 2 classes";
        return Err(Error::config("model.classes", classes, rule));
    }
    Ok(())
}

/// No layer is without units.
pub(super) fn widths(field: &'static str, hidden: &[usize]) -> Result<()> {
    if hidden.len() > MOST_LAYERS {
        let rule = format!("a network has at most {MOST_LAYERS} hidden layers");
        return Err(Error::config(field, format!("{} layers", hidden.len()), rule));
    }
    if hidden.contains(&0) {
        let rule = "every layer needs at least one unit";
        return Err(Error::config(field, format!("{hidden:?}"), rule));
    }
    hidden.iter().try_for_each(|&width| at_most(field, width, "units in a layer"))
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
        _ => at_most(field, size, "dimensions"),
    }
}

/// A size is one that a machine can hold.
fn at_most(field: &'static str, size: usize, of: &str) -> Result<()> {
    match size > MOST_UNITS {
        true => Err(Error::config(field, size, format!("there are at most {MOST_UNITS} {of}"))),
        false => Ok(()),
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
