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
    /// Examples without a label that the methods could look at.
    #[serde(default)]
    pub unlabelled: usize,
    /// Parts that these were divided into.
    pub parts: usize,
    /// How each candidate did.
    pub candidates: Vec<Row>,
    /// The best method that looks at labels alone.
    pub label_only: String,
    /// What the unlabelled examples added to it: a difference of accuracies with its 95 % interval.
    pub added: [f64; 3],
    /// Calibration error of the kept candidate before the probabilities of its methods were given a temperature, and after.
    pub ece: Option<[f64; 2]>,
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
            "methods on {} labels in {} parts, each part predicted by what was trained on the others:",
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
        lines.extend(self.gain());
        lines.extend(self.calibration());
        lines
    }

    /// What the unlabelled examples added, as a line; `None` where there are none.
    #[must_use]
    pub fn gain(&self) -> Option<String> {
        let [added, low, high] = self.added.map(|share| 100.0 * share);
        let Self { label_only, unlabelled, labels, .. } = self;
        let points = format!("{added:+.1} points, {low:+.1} to {high:+.1}");
        if *unlabelled == 0 {
            return None;
        }
        Some(match self.kept_in_words() {
            _ if low > 0.0 => {
                format!(
                    "the unlabelled examples help: {points} beside {label_only}, the best method on the labels alone"
                )
            }
            _ if self.kept == *label_only => format!(
                "on these {labels} labels, nothing beats the labels alone: {label_only}, which does not look at the unlabelled \
                 examples, is kept"
            ),
            kept if added <= 0.0 => format!(
                "on these {labels} labels, the unlabelled examples are not seen to help: {kept} is not better than \
                 {label_only}, the best method on the labels alone ({points})"
            ),
            kept => format!(
                "on these {labels} labels, {kept} is not clearly better than {label_only}, the best method on the labels alone \
                 ({points})"
            ),
        })
    }

    /// What calibrating did, as a line.
    #[must_use]
    pub fn calibration(&self) -> Option<String> {
        let [before, after] = self.ece?;
        let kept = self.kept_in_words();
        let comment = if after > before { " (no better; few labels say little of it)" } else { "" };
        Some(format!(
            "calibration error of {kept}: {before:.3} as the methods give it, {after:.3} after calibrating{comment}"
        ))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(unlabelled: usize, added: [f64; 3]) -> Verdict {
        Verdict {
            kept: AVERAGE.to_owned(),
            labels: 20,
            unlabelled,
            parts: 5,
            candidates: Vec::new(),
            label_only: "network".to_owned(),
            added,
            ece: Some([0.08, 0.03]),
        }
    }

    #[test]
    fn a_gain_is_claimed_where_chance_does_not_explain_it() {
        let gain = |added| verdict(100, added).gain().unwrap();
        assert!(
            gain([0.1, 0.02, 0.2]).starts_with("the unlabelled examples help: +10.0 points, +2.0")
        );
        assert!(gain([0.1, -0.02, 0.2]).contains("is not clearly better than network"));
        assert!(gain([0.0, -0.1, 0.1]).contains("the unlabelled examples are not seen to help"));
        let alone = Verdict { kept: "network".to_owned(), ..verdict(100, [0.0; 3]) };
        assert!(alone.gain().unwrap().contains("nothing beats the labels alone: network"));
        assert_eq!(verdict(0, [0.1, 0.02, 0.2]).gain(), None);
        let calibrated = verdict(0, [0.0; 3]);
        let said = calibrated.calibration().unwrap();
        assert!(
            said.contains("0.080 as the methods give it") && !said.contains("no better"),
            "{said}"
        );
        let worse = Verdict { ece: Some([0.03, 0.04]), ..calibrated };
        assert!(worse.calibration().unwrap().contains("0.040 after calibrating (no better"));
    }
}
