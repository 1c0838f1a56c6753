//! What came of a set of samples that a run was augmented by.

use serde::{Deserialize, Serialize};

use crate::data::table::shortened;

/// What a refresh came to: a line of `augmentation.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refresh {
    /// The step before which it happened.
    pub step: u64,
    /// Samples drawn.
    pub drawn: usize,
    /// Those that the filter kept.
    pub kept: usize,
    /// Classes of which the filter kept nothing.
    #[serde(default)]
    pub empty_classes: Vec<String>,
    /// Those of them that were chosen.
    pub chosen: usize,
    /// Share of the samples drawn whose most probable class is the one they were drawn for.
    pub agreement_drawn: f64,
    /// The same of those kept; absent if none were.
    pub agreement_kept: Option<f64>,
    /// The same of those chosen, looked at as examples: `x` alone is classified.
    pub agreement_chosen: Option<f64>,
    /// Share of the best possible objective that the coreset reaches at least.
    pub coreset_ratio: Option<f64>,
    /// Unlabelled examples that were given a class.
    pub pseudo_labelled: usize,
    /// Accuracy on the validation split before the set is trained on.
    pub validation_accuracy: Option<f64>,
    /// What that has risen by since the refresh before.
    pub validation_change: Option<f64>,
    /// What the refresh took.
    pub seconds: f64,
}

impl Refresh {
    /// In one line, for people.
    pub fn in_words(&self) -> String {
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let mut text = format!(
            "augmentation at step {}: {} drawn ({} agree with the classifier), {} kept, {} chosen",
            self.step,
            self.drawn,
            percent(self.agreement_drawn),
            self.kept,
            self.chosen
        );
        if !self.empty_classes.is_empty() {
            let names = shortened(self.empty_classes.iter().map(String::as_str));
            text += &format!(", none of class {names}");
        }
        if let Some(share) = self.agreement_chosen {
            text += &format!(" ({} agree if x alone is classified)", percent(share));
        }
        if self.pseudo_labelled > 0 {
            text += &format!(", {} pseudo-labelled", self.pseudo_labelled);
        }
        if let Some(accuracy) = self.validation_accuracy {
            text += &format!(", validation accuracy {}", percent(accuracy));
        }
        if let Some(change) = self.validation_change {
            text += &format!(" ({:+.2} points since the last augmentation)", 100.0 * change);
        }
        text + &format!(", {:.1} s", self.seconds)
    }
}
