//! The methods that are compared.

use serde::{Deserialize, Serialize};

/// A method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Logistic regression on the labelled rows.
    Logistic,
    /// Networks on the labelled rows.
    Network,
    /// Logistic regression that labels rows by itself.
    SelfTraining,
    /// Label spreading over a graph of neighbours.
    LabelSpreading,
    /// A mixture of Gaussians and words for each class.
    Mixture,
    /// The generative model of the run.
    Model,
}

impl Method {
    /// All of them, the simplest first.
    pub const ALL: [Self; 6] = [
        Self::Logistic,
        Self::Network,
        Self::SelfTraining,
        Self::LabelSpreading,
        Self::Mixture,
        Self::Model,
    ];

    /// How probable it is to be the best before labels are seen; 0 of a method that is not averaged with the others, because another one is
    /// of its kind. What mixtures count for was chosen on five tables (docs/decisions.md).
    #[must_use]
    pub fn prior(self) -> f64 {
        match self {
            Self::Logistic | Self::SelfTraining => 0.0,
            Self::Network | Self::LabelSpreading | Self::Model => 1.0,
            Self::Mixture => 4.0,
        }
    }

    /// What a table calls it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Logistic => "logistic regression",
            Self::Network => "network",
            Self::SelfTraining => "self-training",
            Self::LabelSpreading => "label spreading",
            Self::Mixture => "mixture",
            Self::Model => "model",
        }
    }

    /// Whether it looks at labelled rows alone.
    #[must_use]
    pub fn is_label_only(self) -> bool {
        matches!(self, Self::Logistic | Self::Network)
    }
}
