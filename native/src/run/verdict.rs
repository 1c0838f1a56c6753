//! Which classifier a run keeps, and how the methods did that it was chosen from: a table to print, and to keep in `summary.json`.

use serde::{Deserialize, Serialize};

/// What the average of methods is called.
pub const AVERAGE: &str = "average";

/// The comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The candidate that is kept.
    pub kept: String,
    /// Labels that it was decided on.
    pub labels: usize,
    /// Parts that these were divided into.
    pub parts: usize,
    /// How each candidate did.
    pub candidates: Vec<Row>,
    /// The best method that looks at labels alone.
    pub label_only: String,
    /// What the unlabelled examples added to it: a difference of accuracies with its 95 % interval.
    pub added: [f64; 3],
    /// Calibration error of the kept candidate before its probabilities were given a temperature, and after.
    pub ece: Option<[f64; 2]>,
    /// One over that temperature, of the average of methods.
    pub power: f64,
}

/// How a candidate did on labels that it had not seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Share of labels that it told right.
    pub accuracy: f64,
    /// The 95 % interval of it.
    pub interval: [f64; 2],
    /// Mean negative log-probability of a label, nats.
    pub log_loss: f64,
    /// Share in the average.
    pub weight: f64,
}

impl Verdict {
    /// As lines to print.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let percent = |share: f64| format!("{:.1}", 100.0 * share);
        let mut lines = vec![format!(
            "methods on {} labels in {} parts, each told by what was trained on the others:",
            self.labels, self.parts
        )];
        let width = self.candidates.iter().map(|row| row.name.len()).max().unwrap_or(0);
        for Row { name, accuracy, interval: [low, high], log_loss, weight } in &self.candidates {
            let share = if *weight > 0.0 {
                format!("   {:.0} % of the average", 100.0 * weight)
            } else {
                String::new()
            };
            let kept = if *name == self.kept { "   <- kept" } else { "" };
            lines.push(format!(
                "  {name:width$}  {:>5} % ({} to {} %)   log loss {log_loss:.3}{share}{kept}",
                percent(*accuracy),
                percent(*low),
                percent(*high)
            ));
        }
        lines.push(self.gain());
        lines
    }

    /// What the unlabelled examples added, as a line.
    #[must_use]
    pub fn gain(&self) -> String {
        let [added, low, high] = self.added.map(|share| 100.0 * share);
        match self.kept == self.label_only || added <= 0.0 {
            true => format!(
                "on these {} labels, nothing that looks at the unlabelled examples does better than the labels alone ({}: {added:+.1} points, {low:+.1} to {high:+.1})",
                self.labels, self.label_only
            ),
            false => format!(
                "the unlabelled examples add {added:+.1} points ({low:+.1} to {high:+.1}) to {}, the best of the labels alone",
                self.label_only
            ),
        }
    }

    /// What is kept, within a sentence.
    #[must_use]
    pub fn kept_in_words(&self) -> &str {
        match self.kept.as_str() {
            AVERAGE => "the average of methods",
            kept => kept,
        }
    }
}
