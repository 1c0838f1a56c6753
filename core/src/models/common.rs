//! The settings that the configurations of the models share, and how a configuration takes them in.

use super::check::{example, layers, spread};
use super::observation::Likelihood;
use crate::dist::Column;
use crate::error::{Error, Result};
use crate::nets::Activation;

/// What most configurations say. In a file these settings stand beside a model's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Common {
    /// Shape of one example, such as `[28, 28, 1]`.
    pub shape: Vec<usize>,
    /// Number of classes.
    pub classes: usize,
    /// Widths of the hidden layers; of which networks, the configuration says.
    pub hidden: Vec<usize>,
    /// Nonlinearity of the hidden layers.
    pub activation: Activation,
    /// Distribution of `x`.
    pub likelihood: Likelihood,
    /// What describes each column, where the likelihood is mixed; empty of anything else.
    pub columns: Vec<Column>,
    /// Share of the cells of a table that training hides from the networks.
    pub masking: f64,
}

impl Common {
    /// Values in one example.
    pub fn features(&self) -> usize {
        self.shape.iter().product()
    }

    /// The hidden layers from the last to the first, as a decoder has them.
    pub(super) fn hidden_reversed(&self) -> Vec<usize> {
        self.hidden.iter().rev().copied().collect()
    }

    /// # Errors
    /// If an example has no values, there are fewer than two classes, there is no hidden layer, one is without
    /// units, a standard deviation is not positive, or columns do not fit the likelihood or the shape.
    pub(super) fn check(&self) -> Result<()> {
        example(&self.shape, self.classes)?;
        layers("model.hidden", &self.hidden)?;
        self.check_columns()?;
        spread(self.likelihood)
    }

    /// A table has a distribution for each column, and nothing else has columns.
    fn check_columns(&self) -> Result<()> {
        let Self { columns, masking, likelihood, .. } = self;
        let refuse = |field: &'static str, value: String, rule: String| {
            Err(Error::config(field, value, rule))
        };
        if !(0.0..1.0).contains(masking) {
            return refuse(
                "model.masking",
                masking.to_string(),
                "it must be at least 0 and below 1".into(),
            );
        }
        if *likelihood != Likelihood::Mixed {
            return match (columns.is_empty(), *masking) {
                (true, 0.0) => Ok(()),
                _ => {
                    let rule =
                        "columns and masking are for model.likelihood = \"mixed\"; leave them out";
                    refuse("model.likelihood", format!("{likelihood:?}"), rule.into())
                }
            };
        }
        columns.iter().try_for_each(Column::check)?;
        let width = columns.iter().map(Column::width).fold(0, usize::saturating_add);
        match width == self.features() {
            true => Ok(()),
            false => {
                let rule =
                    format!("the columns have {width} numbers, an example {}", self.features());
                refuse("model.columns", format!("{} columns", columns.len()), rule)
            }
        }
    }
}

/// Declares a configuration: a [`Common`] and settings of its own, which in a file stand side by side. Serde's own
/// `flatten` would do the same, but its errors say neither which setting is wrong nor which ones there are.
macro_rules! configuration {
    (
        $(#[$doc:meta])*
        pub struct $Config:ident {
            $(#[$of_common:meta])*
            pub common: Common,
            $($(#[$attribute:meta])* pub $field:ident: $Type:ty,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(from = "Flat", into = "Flat")]
        pub struct $Config {
            $(#[$of_common])*
            pub common: $crate::models::Common,
            $($(#[$attribute])* pub $field: $Type,)*
        }

        /// The configuration as a file has it.
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Flat {
            shape: Vec<usize>,
            classes: usize,
            hidden: Vec<usize>,
            activation: $crate::nets::Activation,
            likelihood: $crate::models::Likelihood,
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            columns: Vec<$crate::dist::Column>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            masking: Option<f64>,
            $($(#[$attribute])* $field: $Type,)*
        }

        impl From<Flat> for $Config {
            fn from(flat: Flat) -> Self {
                let Flat {
                    shape, classes, hidden, activation, likelihood, columns, masking, $($field),*
                } = flat;
                let masking = masking.unwrap_or_default();
                let common = $crate::models::Common {
                    shape, classes, hidden, activation, likelihood, columns, masking,
                };
                Self { common, $($field),* }
            }
        }

        impl From<$Config> for Flat {
            fn from(config: $Config) -> Self {
                let $Config { common, $($field),* } = config;
                let $crate::models::Common {
                    shape, classes, hidden, activation, likelihood, columns, masking,
                } = common;
                let masking = (masking != 0.0).then_some(masking);
                Self {
                    shape, classes, hidden, activation, likelihood, columns, masking, $($field),*
                }
            }
        }
    };
}
pub(super) use configuration;
