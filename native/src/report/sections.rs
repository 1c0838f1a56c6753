//! The sections of the report on a run, from top to bottom.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use gleaner_core::data::profile::Profile;
use gleaner_core::measures::units::ActiveUnits;
use gleaner_core::models::{Architecture as _, Generative as _};

use super::figures::curves;
use super::generated::{drawn, moved, reconstructed, varied};
use super::predicted::{calibration, confusions, laid_out};
use super::run::Run;
use super::{Page, Section, comparison, drawing, repeat, table};
use crate::pictures::svg::{escaped, number};
use crate::run::summary::share_in_words;

/// The report on a run.
pub fn page(run: &Run) -> Page {
    let mut sections = vec![("Results", results(run))];
    sections.extend(run.verdict().map(|verdict| ("Methods compared", Ok(comparison(&verdict)))));
    sections.extend([
        ("How to repeat the run", settings(run)),
        ("Training", training(run)),
        ("Samples", drawn(run)),
        ("Reconstructions", reconstructed(run)),
        ("Style and class", varied(run)),
        ("One latent dimension", moved(run)),
        ("Map of the examples", laid_out(run)),
        ("Calibration", calibration(run)),
        ("Confusions", confusions(run)),
        ("Diagnostics", diagnostics(run)),
    ]);
    Page {
        title: format!("{} with {}", run.data_name(), run.classifier()),
        lead: format!("Gleaner {}, run {}", env!("CARGO_PKG_VERSION"), run.dir.path().display()),
        sections: sections
            .into_iter()
            .chain(seen(run).map(|body| ("Data", body)))
            .map(|(title, body)| Section { title, body })
            .collect(),
    }
}

/// How a number is written.
type Shown = fn(f64) -> String;

fn results(run: &Run) -> Result<String> {
    let summary = run
        .summary
        .as_ref()
        .context("the run has not finished; continue it with gleaner train --resume")?;
    let verdict = run.verdict();
    let kept = verdict.as_ref().map_or("Test accuracy".to_owned(), |verdict| {
        format!("Test accuracy of {}", verdict.kept_in_words())
    });
    let by_itself = format!("Accuracy of {} by itself", run.recipe.model.kind());
    let baseline =
        verdict.as_ref().map_or("Supervised baseline with the same labels".to_owned(), |verdict| {
            format!("The best of the labels alone: {}", verdict.label_only)
        });
    let percent: Shown = |value| format!("{:.2} %", 100.0 * value);
    let nats: Shown = |value| format!("{} nats", number(value, 4));
    let plain: Shown = |value| format!("{value:.4}");
    let whole: Shown = |value| format!("{value:.0}");
    let seconds: Shown = |value| format!("{value:.1} s");
    let rows = [
        ("test_accuracy", kept.as_str(), percent),
        ("model_accuracy", by_itself.as_str(), percent),
        ("baseline_accuracy", baseline.as_str(), percent),
        ("validation_accuracy", "Validation accuracy", percent),
        ("ece", "Calibration error", plain),
        ("brier", "Brier score", plain),
        ("nll", "Negative log-likelihood", nats),
        ("entropy", "Classifier entropy", nats),
        ("elbo", "ELBO", nats),
        ("labels", "Labelled examples", whole),
        ("unlabelled", "Unlabelled examples", whole),
        ("best_epoch", "Epoch of the model that was kept", whole),
        ("steps", "Steps", whole),
        ("roll_backs", "Times training went back after diverging", whole),
        ("seed", "Seed", whole),
        ("seconds", "Time", seconds),
    ];
    let found = |(key, name, shown): &(&str, &str, Shown)| {
        Some(((*name).to_owned(), shown(summary[*key].as_f64()?)))
    };
    let mut rows: Vec<(String, String)> = rows.iter().filter_map(found).collect();
    // How far the accuracies can be trusted.
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
    Ok(table(&rows))
}

/// What was seen of data of the user's own; `None` of a known data set.
fn seen(run: &Run) -> Option<Result<String>> {
    let text = |profile: Profile| format!("<pre>{}</pre>", escaped(&profile.lines().join("\n")));
    run.dir.read_profile().map(|profile| profile.map(text)).transpose()
}

fn settings(run: &Run) -> Result<String> {
    let path = run.dir.config();
    let file = format!("gleaner train {} --out another-run", path.display());
    let mut html = String::new();
    if let Some(command) = repeat::command(&run.recipe)? {
        let _ = writeln!(
            html,
            "<pre class=\"command\">{}</pre>\n<p>Or, if you have the folder of the run:</p>",
            escaped(&command)
        );
    }
    let _ = writeln!(html, "<pre class=\"command\">{}</pre>", escaped(&file));
    let _ = writeln!(
        html,
        "<details><summary>All settings</summary><pre>{}</pre></details>",
        escaped(&run.recipe.to_toml()?)
    );
    Ok(html)
}

fn training(run: &Run) -> Result<String> {
    ensure!(!run.metrics.is_empty(), "the run has not finished its first epoch");
    let baseline = run.summary.as_ref().and_then(|summary| summary["baseline_accuracy"].as_f64());
    Ok(drawing(
        &curves(&run.metrics, baseline).svg()?,
        "Values by epoch. The number after each name is its last value.",
    ))
}

fn diagnostics(run: &Run) -> Result<String> {
    let mut rows = Vec::new();
    let classes = run.subject().map(|subject| subject.config.classes()).ok();
    if let Some(last) = run.metrics.last() {
        let most = classes.map_or(String::new(), |k| format!(" of at most {:.3}", (k as f64).ln()));
        if let Some(information) = last["mutual_information"].as_f64() {
            rows.push((
                "Mutual information I(y; x)".to_owned(),
                format!("{information:.3}{most} nats"),
            ));
        }
        for (key, name) in [("entropy", "Entropy H(y | x) in training"), ("kl", "KL, all layers")] {
            if let Some(value) = last[key].as_f64() {
                rows.push((name.to_owned(), format!("{value:.3} nats")));
            }
        }
        if let Some(norm) = last["gradient_norm"].as_f64() {
            let clip = run.recipe.train.clip_norm;
            rows.push(("Gradient norm".to_owned(), format!("{norm:.2}, clipped above {clip}")));
        }
    }
    if let Some(alpha) =
        run.summary.as_ref().and_then(|summary| summary["effective_alpha"].as_f64())
    {
        rows.push(("Effective alpha".to_owned(), format!("{alpha:.4}")));
    }
    match active_units(run) {
        Ok(units) => rows.extend(unit_rows(&units)),
        Err(why) => rows.push(("Active units".to_owned(), format!("not available: {why:#}"))),
    }
    Ok(table(&rows))
}

/// Counted again if the data are there, as written down if not.
fn active_units(run: &Run) -> Result<ActiveUnits> {
    let written = run.summary.as_ref().map(|summary| summary["active_units"].clone());
    match written.map(serde_json::from_value) {
        Some(Ok(units)) => Ok(units),
        _ => Ok(ActiveUnits::count(&run.variances()?, &run.subject()?.model.layers())),
    }
}

fn unit_rows(units: &ActiveUnits) -> Vec<(String, String)> {
    let mut rows = vec![(
        "Active units (their posterior mean varies)".to_owned(),
        format!("{} of {}", units.active, units.of),
    )];
    if units.layers.len() > 1 {
        let layers = units.layers.iter();
        rows.extend(
            layers.map(|l| {
                (format!("Active units of {}", l.name), format!("{} of {}", l.active, l.of))
            }),
        );
    }
    rows
}
