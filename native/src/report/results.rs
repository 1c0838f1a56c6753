//! The section of the report with the figures that a run came to.

use anyhow::{Context as _, Result};
use gleaner_core::measures::estimate::Estimate;
use serde_json::Value;

use super::{run::Run, table};
use crate::run::measure::{bound_in_words, mean_in_words};
use crate::run::summary::{self, share_in_words};
use crate::run::verdict::Verdict;

/// How a number is written.
type Shown = fn(f64) -> String;

/// What a run came to, and how that was measured.
pub(super) fn results(run: &Run) -> Result<String> {
    let summary = run
        .summary
        .as_ref()
        .context("the run has not finished; continue it with gleaner train --resume")?;
    Ok(table(&rows(summary, run.verdict().as_ref(), run.recipe.model.kind())))
}

/// The numbers that the summary has of some keys, with their names.
fn shown(summary: &Value, rows: &[(&str, &str, Shown)]) -> Vec<(String, String)> {
    let found = |(key, name, shown): &(&str, &str, Shown)| {
        Some(((*name).to_owned(), shown(summary[*key].as_f64()?)))
    };
    rows.iter().filter_map(found).collect()
}

/// The same of means over the examples that were tested, with their units.
fn means(summary: &Value, rows: &[(&str, &str, &str)]) -> Vec<(String, String)> {
    // Of an older run that does not say how many they were, few.
    let tested = summary["tested"].as_u64().unwrap_or(0) as usize;
    let found = |(key, name, unit): &(&str, &str, &str)| {
        Some(((*name).to_owned(), mean_in_words(summary[*key].as_f64()?, tested) + unit))
    };
    rows.iter().filter_map(found).collect()
}

/// Accuracies, and how far they can be trusted.
fn accuracies(summary: &Value, verdict: Option<&Verdict>, model: &str) -> Vec<(String, String)> {
    let accuracy = match summary["folds"].is_null() {
        true => "Test accuracy",
        false => "Accuracy",
    };
    let kept = verdict.map_or(accuracy.to_owned(), |verdict| {
        format!("{accuracy} of {}", verdict.kept_in_words())
    });
    let by_itself = format!("Accuracy of {model} by itself");
    let baseline = verdict
        .map_or("Supervised baseline with the same labels".to_owned(), |verdict| {
            format!("The best of the labels alone: {}", verdict.label_only)
        });
    let mut accuracies: Vec<(_, _, Shown)> = vec![
        ("test_accuracy", kept.as_str(), percent),
        ("model_accuracy", by_itself.as_str(), percent),
        ("baseline_accuracy", baseline.as_str(), percent),
    ];
    // A model that is kept has its accuracy above.
    accuracies.retain(|(key, ..)| {
        *key != "model_accuracy" || verdict.is_none_or(|verdict| verdict.kept != model)
    });
    let mut rows = shown(summary, &accuracies);
    let bounded =
        [(kept, "test_accuracy", "interval"), (baseline, "baseline_accuracy", "baseline_interval")];
    for (name, share, bounds) in bounded {
        let Some(row) = rows.iter_mut().find(|row| row.0 == name) else { continue };
        let bounds = serde_json::from_value(summary[bounds].clone()).ok();
        if let (Some(share), Some(count), Some(bounds)) =
            (summary[share].as_f64(), summary["tested"].as_u64(), bounds)
        {
            row.1 = share_in_words(share, count as usize, Some(bounds));
        }
    }
    rows
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

fn rows(summary: &Value, verdict: Option<&Verdict>, model: &str) -> Vec<(String, String)> {
    let whole: Shown = |value| format!("{value:.0}");
    let seconds: Shown = |value| format!("{value:.1} s");
    let mut rows = accuracies(summary, verdict, model);
    rows.extend(measured_by(summary).map(|how| ("Measured by".to_owned(), how)));
    rows.extend(shown(summary, &[("validation_accuracy", "Validation accuracy", percent)]));
    rows.extend(means(
        summary,
        &[
            ("ece", "Calibration error", ""),
            ("brier", "Brier score", ""),
            ("nll", "Negative log-likelihood", " nats"),
            ("entropy", "Classifier entropy", " nats"),
        ],
    ));
    rows.extend(bound(summary).map(|bound| ("ELBO".to_owned(), bound)));
    rows.extend(shown(
        summary,
        &[
            ("labels", "Labelled examples", whole),
            ("unlabelled", "Examples of the unlabelled pool", whole),
            ("best_epoch", "Epoch of the model that was kept", whole),
            ("steps", "Steps", whole),
            ("roll_backs", "Times training went back after diverging", whole),
            ("seed", "Seed", whole),
            ("seconds", "Time", seconds),
        ],
    ));
    rows
}

/// The ELBO to the digits that are known; a run that was written without its error has none that are.
fn bound(summary: &Value) -> Option<String> {
    let (value, error) = (summary["elbo"].as_f64()?, summary["elbo_se"].as_f64());
    Some(bound_in_words(Estimate { value, error }).replace('-', "\u{2212}"))
}

/// Examples of the test split that the accuracies were measured on; `None` where a cross-validation took its place.
pub(super) fn measured_on_test(summary: &Value) -> Option<u64> {
    summary["tested"].as_u64().filter(|&tested| tested > 0 && summary["folds"].is_null())
}

/// How the accuracies were measured, in the words of `gleaner train`; `None` of a run that did not write it down.
fn measured_by(summary: &Value) -> Option<String> {
    let count = |key: &str| summary[key].as_u64().map(|count| count as usize);
    let tested = count("tested").filter(|&tested| tested > 0)?;
    Some(summary::measured_by([tested, count("labels")?], count("folds"), count("repeats")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The value beside a name.
    fn value(summary: &Value, name: &str) -> Option<String> {
        rows(summary, None, "m2").into_iter().find(|row| row.0 == name).map(|row| row.1)
    }

    #[test]
    fn a_model_that_is_kept_has_its_accuracy_once() {
        let summary = json!({"test_accuracy": 0.9, "model_accuracy": 0.9});
        let shown = |kept: &str| {
            let verdict = json!({
                "kept": kept, "labels": 9, "parts": 3, "candidates": [], "label_only": "network", "added": [0.0, 0.0, 0.0],
                "ece": null,
            });
            let verdict: Verdict = serde_json::from_value(verdict).unwrap();
            rows(&summary, Some(&verdict), "m2").len()
        };
        assert_eq!([shown("average"), shown("m2")], [2, 1]);
    }

    #[test]
    fn means_and_bounds_have_the_digits_that_are_known() {
        let mut summary = json!({
            "ece": 0.046_312, "nll": 0.322_97, "elbo": -23.771, "elbo_se": 0.31, "tested": 360,
        });
        let shown = |summary: &Value, name: &str| value(summary, name).unwrap();
        assert_eq!(shown(&summary, "Calibration error"), "0.046");
        assert_eq!(shown(&summary, "Negative log-likelihood"), "0.323 nats");
        assert_eq!(shown(&summary, "ELBO"), "\u{2212}23.8 ± 0.3 nats (standard error)");
        (summary["tested"], summary["elbo_se"]) = (20.into(), Value::Null);
        assert_eq!(shown(&summary, "Calibration error"), "0.05");
        let unknown = "about \u{2212}24 nats (its standard error is not known)";
        assert_eq!(shown(&summary, "ELBO"), unknown);
    }

    #[test]
    fn accuracies_say_how_they_were_measured() {
        let mut summary = json!({
            "test_accuracy": 0.75, "interval": [0.5, 0.9], "tested": 24, "labels": 24, "seconds": 1.0,
        });
        let share = "75.00 % (18 of 24, 95 % interval 50.0 to 90.0 %)";
        assert_eq!(value(&summary, "Test accuracy").unwrap(), share);
        assert_eq!(value(&summary, "Measured by").unwrap(), "24 examples of the test split");
        assert_eq!(measured_on_test(&summary), Some(24));
        (summary["folds"], summary["repeats"]) = (5.into(), 1.into());
        assert_eq!(value(&summary, "Test accuracy"), None, "there is no test split");
        assert_eq!(value(&summary, "Accuracy").unwrap(), share);
        let parts = "cross-validation: 24 labelled examples in 5 parts, each held out once";
        assert_eq!(value(&summary, "Measured by").unwrap(), parts);
        assert_eq!(measured_on_test(&summary), None);
        summary["repeats"] = 2.into();
        let twice = format!("{parts}, divided anew 2 times");
        assert_eq!(value(&summary, "Measured by").unwrap(), twice);
        (summary["labels"], summary["repeats"]) = (30.into(), Value::Null);
        let some = "cross-validation: 24 of 30 labels, held out";
        assert_eq!(value(&summary, "Measured by").unwrap(), some);
        summary["tested"] = Value::Null;
        assert_eq!(value(&summary, "Measured by"), None, "an older run did not say");
    }
}
