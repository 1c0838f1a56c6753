//! Which latent dimensions a model uses (E26): on the host, from the centres of the posterior.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A dimension whose posterior mean varies by no more than this over examples says nothing of them.
pub const ACTIVE_VARIANCE: f64 = 0.01;

/// How many latent dimensions are used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ActiveUnits {
    /// Used, in all layers.
    pub active: usize,
    /// All.
    pub of: usize,
    /// By layer, in the model's order.
    pub layers: Vec<ActiveLayer>,
}

/// How many of a layer's dimensions are used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActiveLayer {
    /// The layer.
    pub name: String,
    /// Used.
    pub active: usize,
    /// All.
    pub of: usize,
}

impl ActiveUnits {
    /// Counts by the variance of each dimension; `layers` names them with how many belong to each.
    pub fn count(variances: &[f64], layers: &[(&str, usize)]) -> Self {
        let mut rest = variances;
        let layer = |&(name, of): &(&str, usize)| {
            let (own, others) = rest.split_at(of.min(rest.len()));
            rest = others;
            ActiveLayer { name: name.to_owned(), active: active(own).len(), of }
        };
        let layers = layers.iter().map(layer).collect();
        Self { active: active(variances).len(), of: variances.len(), layers }
    }
}

/// Such as `9 of 14 (z1 8 of 10, z2 1 of 4)`.
impl fmt::Display for ActiveUnits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.active, self.of)?;
        if self.layers.len() > 1 {
            let layer = |l: &ActiveLayer| format!("{} {} of {}", l.name, l.active, l.of);
            write!(f, " ({})", self.layers.iter().map(layer).collect::<Vec<_>>().join(", "))?;
        }
        Ok(())
    }
}

/// The dimensions that are used.
pub fn active(variances: &[f64]) -> Vec<usize> {
    (0..variances.len()).filter(|&i| variances[i] > ACTIVE_VARIANCE).collect()
}

/// The variance of each column of `values [rows, width]`, row-major.
pub fn variances(values: &[f32], width: usize) -> Vec<f64> {
    let count = (values.len() / width) as f64;
    let variance = |column: usize| {
        let column = || values.iter().skip(column).step_by(width).map(|&v| f64::from(v));
        let mean = column().sum::<f64>() / count;
        column().map(|v| (v - mean).powi(2)).sum::<f64>() / count
    };
    (0..width).map(variance).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dimension_that_does_not_vary_is_not_active() {
        // Columns: constant; 0.1 apart from its mean, of variance 0.01, which is not more than that; 1 apart.
        let values = [7.0, 0.0, -1.0, 7.0, 0.2, 1.0];
        let variances = variances(&values, 3);
        assert!((variances[1] - 0.01).abs() < 1e-8 && variances[0] == 0.0, "{variances:?}");
        assert_eq!(active(&[0.0, 0.01, 1.0]), [2]);
    }

    #[test]
    fn layers_take_their_dimensions_in_order() {
        let units = ActiveUnits::count(&[1.0, 0.0, 2.0, 0.0, 0.0], &[("z1", 3), ("z2", 2)]);
        assert_eq!((units.active, units.of), (2, 5));
        let layers: Vec<_> = units.layers.iter().map(|l| (&*l.name, l.active, l.of)).collect();
        assert_eq!(layers, [("z1", 2, 3), ("z2", 0, 2)]);
        assert_eq!(units.to_string(), "2 of 5 (z1 2 of 3, z2 0 of 2)");
    }
}
