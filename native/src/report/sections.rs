//! The sections of the report on a run, from top to bottom.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use gleaner_core::data::profile::Profile;
use gleaner_core::measures::units::ActiveUnits;
use gleaner_core::models::{Architecture as _, Generative as _};

use super::figures::curves;
use super::generated::{drawn, moved, reconstructed, varied};
use super::predicted::{calibration, confusions, laid_out};
use super::results::{measured_on_test, results};
use super::run::Run;
use super::{Page, Section, comparison, drawing, repeat, table};
use crate::pictures::svg::escaped;

/// The report on a run.
pub fn page(run: &Run) -> Page {
    let mut sections = vec![("Results", results(run))];
    sections.extend(run.verdict().map(|verdict| {
        let tested = run.summary.as_ref().and_then(measured_on_test);
        ("Methods compared", Ok(comparison(&verdict, tested)))
    }));
    sections.extend([
        ("How to repeat the run", settings(run)),
        ("Training", training(run)),
        ("Samples", drawn(run)),
    ]);
    if run.may_have_images() {
        sections.extend([
            ("Reconstructions", reconstructed(run)),
            ("Style and class", varied(run)),
            ("One latent dimension", moved(run)),
        ]);
    }
    sections.extend([
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

/// What was seen of data of the user's own; `None` of a known data set.
fn seen(run: &Run) -> Option<Result<String>> {
    // Each line by itself, so that one that is too long goes on below its own text.
    let line = |line: &String| format!("<span>{}</span>", escaped(line));
    let text = |profile: Profile| {
        let lines: String = profile.lines().iter().map(line).collect();
        format!("<pre class=\"profile\">{lines}</pre>")
    };
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
    let why = match run.summary.is_some() {
        true => "the run has no metrics.jsonl, as one that was published",
        false => "the run has not finished its first epoch",
    };
    ensure!(!run.metrics.is_empty(), "{why}");
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
