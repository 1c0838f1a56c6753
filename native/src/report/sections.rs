//! The sections of the report on a run.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, ensure};
use burn::tensor::Device;
use gleaner_core::data::profile::Profile;
use gleaner_core::measures::units::ActiveUnits;
use gleaner_core::models::{Architecture as _, Generative as _, Likelihood, Model, ModelConfig};
use gleaner_core::noise::Noise;
use serde_json::Value;

use super::figures::{
    Origin, Predictions, Subject, along, curves, embedding, over_classes, plane, reconstructions,
    samples, samples_of_words,
};
use super::{Page, Section, drawing, picture, repeat, table};
use crate::data::rows::{evenly, every};
use crate::pictures::picture::image_shape;
use crate::pictures::svg::{escaped, number};
use crate::run::Problem;
use crate::run::RunDir;
use crate::run::folds::parts;
use crate::run::measure::latent_variances;
use crate::run::recipe::Recipe;
use crate::run::summary::share_in_words;

/// Test images with reconstructions.
const PAIRS: usize = 30;
/// Sizes of traversals.
const ROWS: usize = 10;
const STEPS: usize = 11;
const SIDE: usize = 15;
/// Test examples that are laid out.
const LAID_OUT: usize = 1000;
/// More classes than this have no table of confusions, only a list of the most frequent ones.
const MOST_IN_TABLE: usize = 20;

/// A run, and what of it this machine has.
#[derive(Debug)]
pub struct Run {
    dir: RunDir,
    recipe: Recipe,
    device: Device,
    metrics: Vec<Value>,
    summary: Option<Value>,
    trained: Result<(ModelConfig, Model)>,
    /// Names of the classes, as the checkpoint or the data have them.
    names: Option<Vec<String>>,
    problem: Result<Problem>,
}

impl Run {
    /// Reads what there is of a run.
    ///
    /// # Errors
    /// If its metrics or its summary are there and broken.
    pub fn read(dir: RunDir, recipe: Recipe, device: Device) -> Result<Self> {
        Ok(Self {
            metrics: dir.read_metrics()?,
            summary: dir.read_summary()?,
            trained: dir.load(&device),
            names: dir
                .checkpoint()
                .ok()
                .and_then(|checkpoint| checkpoint.data)
                .map(|data| data.classes),
            problem: Problem::of_run(&dir, &recipe),
            dir,
            recipe,
            device,
        })
    }

    fn subject(&self) -> Result<Subject<'_>> {
        let (config, model) = self.trained.as_ref().map_err(said)?;
        Ok(Subject { config, model, device: &self.device })
    }

    fn problem(&self) -> Result<&Problem> {
        self.problem.as_ref().map_err(said)
    }

    /// What the data are called: not their whole path.
    fn data_name(&self) -> String {
        let path = Path::new(&self.recipe.data.name);
        path.file_stem().map_or_else(
            || self.recipe.data.name.clone(),
            |stem| stem.to_string_lossy().into_owned(),
        )
    }

    /// Names of the classes, or else their numbers.
    fn names(&self) -> Result<Vec<String>> {
        if let Some(names) = &self.names {
            return Ok(names.clone());
        }
        Ok(match self.problem() {
            Ok(problem) => problem.data.classes.clone(),
            Err(_) => numbered(self.subject()?.config.classes()),
        })
    }

    /// What the examples that are shown are called: those of the test split, or of the training split where a cross-validation
    /// takes its place.
    fn split(&self) -> &'static str {
        self.problem().map_or("test", |problem| problem.shown().1)
    }

    /// The model, if what it generates can be looked at.
    fn of_images(&self) -> Result<Subject<'_>> {
        let subject = self.subject()?;
        let shape = subject.config.shape();
        ensure!(
            subject.config.likelihood() != Likelihood::Multinomial,
            "the examples are texts; the section Samples shows them as words"
        );
        ensure!(
            image_shape(shape).is_ok(),
            "the examples are not images; their shape is {shape:?}"
        );
        Ok(subject)
    }

    /// Test images, or the prior on a machine that lacks them.
    fn origin(&self) -> Origin<'_> {
        match &self.problem {
            Ok(problem) => Origin::Examples(problem.shown().0),
            Err(_) => Origin::Prior(self.recipe.train.seed),
        }
    }

    /// How much each latent dimension varies over test examples.
    fn variances(&self) -> Result<Vec<f64>> {
        let (subject, problem) = (self.subject()?, self.problem()?);
        let (shown, _) = problem.shown();
        let rows = evenly(&every(shown), 2000);
        latent_variances(subject.model, shown, &rows, subject.device)
    }
}

fn said(error: &anyhow::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}

/// The report on a run.
pub fn page(run: &Run) -> Page {
    let sections = [
        ("Results", results(run)),
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
    ];
    Page {
        title: format!("{} with {}", run.data_name(), run.recipe.model.kind()),
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
    let percent: Shown = |value| format!("{:.2} %", 100.0 * value);
    let nats: Shown = |value| format!("{} nats", number(value, 4));
    let plain: Shown = |value| format!("{value:.4}");
    let whole: Shown = |value| format!("{value:.0}");
    let seconds: Shown = |value| format!("{value:.1} s");
    let rows = [
        ("test_accuracy", "Test accuracy", percent),
        ("baseline_accuracy", "Supervised baseline with the same labels", percent),
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
    for (row, [share, bounds]) in rows
        .iter_mut()
        .zip([["test_accuracy", "interval"], ["baseline_accuracy", "baseline_interval"]])
    {
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

fn drawn(run: &Run) -> Result<String> {
    if let Some(words) = run.dir.vocabulary()? {
        let seed = run.recipe.train.seed;
        let text = samples_of_words(&run.subject()?, words.words(), &run.names()?, seed)?;
        return Ok(format!("<pre>{}</pre>", escaped(&text)));
    }
    let subject = run.of_images()?;
    let png = samples(&subject, run.recipe.train.seed)?;
    Ok(match subject.classifies() {
        true => picture(
            &png,
            "Samples, one row for each class",
            &format!("Samples of the model, one row for each class: {}.", run.names()?.join(", ")),
        ),
        false => picture(&png, "Samples", "Samples of the model, which has no classes."),
    })
}

/// Names of classes where the data that name them are not there.
fn numbered(classes: usize) -> Vec<String> {
    (0..classes).map(|class| format!("class {class}")).collect()
}

fn reconstructed(run: &Run) -> Result<String> {
    let pairs = reconstructions(&run.of_images()?, run.problem()?.shown().0, PAIRS)?;
    let caption = format!(
        "Images of the {} split above their reconstructions; mean squared error {:.3} per image.",
        run.split(),
        pairs.squared_error
    );
    Ok(picture(&pairs.png, "Images, each above its reconstruction", &caption))
}

fn varied(run: &Run) -> Result<String> {
    let subject = run.of_images()?;
    let png = over_classes(&subject, run.origin(), ROWS)?;
    let caption = match run.origin() {
        Origin::Examples(_) => {
            "Left: images of the data. Right: the style that the model infers from each of them, in every class."
        }
        Origin::Prior(_) => "Each row shows one style, drawn from the prior, in every class.",
    };
    let mut html = picture(&png, "A row for each style, a column for each class", caption);
    if subject.model.latent() == 2 {
        let png = plane(&subject, 0, SIDE)?;
        let alt = "A grid of images over the two latent dimensions";
        html += &picture(&png, alt, "The whole plane of z for the first class.");
    }
    Ok(html)
}

fn moved(run: &Run) -> Result<String> {
    let subject = run.of_images()?;
    let (dimension, which) = match run.variances() {
        Ok(variances) => {
            let most = (0..variances.len()).max_by(|&a, &b| variances[a].total_cmp(&variances[b]));
            (most.unwrap_or(0), ", the one that varies most over images of the data,")
        }
        Err(_) => (0, ""),
    };
    let others = match run.origin() {
        Origin::Examples(_) => "come from one image of the data",
        Origin::Prior(_) => "are one draw from their prior",
    };
    let png = along(&subject, run.origin(), dimension, STEPS)?;
    let caption = format!("Dimension {dimension}{which} from low to high; the others {others}.");
    let alt = "A row for each class, a column for each value of one latent dimension";
    Ok(picture(&png, alt, &caption))
}

fn laid_out(run: &Run) -> Result<String> {
    let mut noise = Noise::new(run.recipe.train.seed).split("embedding");
    let subject = run.subject()?;
    let scatter = embedding(&subject, run.problem()?, LAID_OUT, &mut noise)?;
    let crosses = match subject.classifies() {
        true => "; crosses mark examples classified as another",
        false => "",
    };
    let caption = format!(
        "Examples of the {} split that the model sees as similar lie together. Colours and names show the true classes{crosses}. \
         Distances between groups mean little.",
        run.split()
    );
    Ok(drawing(&scatter.svg()?, &caption))
}

fn predictions(run: &Run) -> Result<Predictions> {
    let subject = run.subject()?;
    ensure!(subject.classifies(), "m1 has no classifier");
    let problem = run.problem()?;
    match problem.data.test.is_empty() {
        false => Predictions::of(&subject, &problem.data.test),
        true => {
            Predictions::of_parts(&parts(&run.dir, &run.recipe, subject.device)?, subject.device)
        }
    }
}

fn calibration(run: &Run) -> Result<String> {
    let caption = "Accuracy of the predictions by the confidence of the classifier. On the dashed line, accuracy equals \
                   confidence. The calibration error is the mean distance to this line, weighted by the counts below.";
    Ok(drawing(&predictions(run)?.reliability()?, caption))
}

fn confusions(run: &Run) -> Result<String> {
    let counts = predictions(run)?.confusion();
    let names = run.names()?;
    Ok(if names.len() > MOST_IN_TABLE {
        most_confused(&counts, &names)
    } else {
        matrix(&counts, &names)
    })
}

fn matrix(counts: &[Vec<usize>], names: &[String]) -> String {
    let head: String =
        names.iter().map(|name| format!("<th scope=\"col\">{}</th>", escaped(name))).collect();
    let mut html = format!(
        "<div class=\"wide\" tabindex=\"0\"><table class=\"confusion\"><caption>Rows: true class. Columns: \
         prediction.</caption>\n<tr><td></td>{head}</tr>\n"
    );
    for (class, (row, name)) in counts.iter().zip(names).enumerate() {
        let _ = write!(html, "<tr><th scope=\"row\">{}</th>", escaped(name));
        let all = row.iter().sum::<usize>().max(1) as f64;
        for (predicted, &count) in row.iter().enumerate() {
            let right = match (predicted == class, count) {
                (true, _) => " class=\"right\"",
                (false, 0) => " class=\"none\"",
                (false, _) => "",
            };
            let _ = write!(
                html,
                "<td{right} style=\"--share: {:.2}\">{count}</td>",
                0.8 * count as f64 / all
            );
        }
        html += "</tr>\n";
    }
    html + "</table></div>"
}

fn most_confused(counts: &[Vec<usize>], names: &[String]) -> String {
    let every = counts.iter().enumerate().flat_map(|(class, row)| {
        row.iter().enumerate().map(move |(predicted, &count)| (count, class, predicted))
    });
    let mut wrong: Vec<_> =
        every.filter(|(count, class, predicted)| *count > 0 && class != predicted).collect();
    wrong.sort_by(|a, b| b.cmp(a));
    let row = |&(count, class, predicted): &(usize, usize, usize)| {
        (format!("{} classified as {}", names[class], names[predicted]), count.to_string())
    };
    table(&wrong.iter().take(10).map(row).collect::<Vec<_>>())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_classes_have_a_list_of_confusions_instead_of_a_table() {
        let names = ["ant".to_owned(), "bee".to_owned(), "cow".to_owned()];
        let counts = [vec![5, 2, 0], vec![7, 1, 0], vec![0, 0, 9]];
        let list = most_confused(&counts, &names);
        let places = ["bee classified as ant", "ant classified as bee"].map(|text| list.find(text));
        assert!(places[0].is_some() && places[0] < places[1], "{list}");
        assert!(!list.contains("cow"));
        let table = matrix(&counts, &names);
        assert!(table.contains("<td class=\"right\" style=\"--share: 0.57\">5</td>"), "{table}");
    }
}
