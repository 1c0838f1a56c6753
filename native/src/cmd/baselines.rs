//! `gleaner baselines`: what simpler methods make of the same examples and the same labels.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use gleaner_core::measures::uncertainty::interval;
use gleaner_core::noise::Noise;
use serde_json::{Map, json};

use crate::classical::{Method, Reach, Task};
use crate::data::rows::known;
use crate::run::Problem;
use crate::run::RunDir;
use crate::run::folds::fold_recipes;
use crate::run::measure::measure_baseline;
use crate::run::recipe::{Recipe, draft, merge, nested};
use crate::run::source::{ensure_unchanged, settle};
use crate::run::summary::share_in_words;
use crate::system::device;
use crate::system::output::Output;
use crate::training::train_baseline;

/// Measure simpler methods on the labelled and unlabelled examples of a run or a recipe.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner baselines runs/digits-m2-seed0\n  \
    gleaner baselines recipes/mnist-100.toml --set train.seed=3\n\n\
    Label spreading and self-training use at most 10,000 unlabelled examples.")]
pub struct Args {
    /// Run directory, or a recipe
    settings: Option<PathBuf>,
    /// Folder of the data sets
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Change any setting of the recipe, for example data.labels-per-class=5
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    set: Vec<String>,
}

/// Measures.
///
/// # Errors
/// If the settings or the data do not allow it.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    let file = match &args.settings {
        Some(path) if path.is_dir() => {
            let dir = RunDir::open(path)?;
            // Of a run that is not whole, built-in settings would take the place of what is missing.
            dir.recipe()?;
            Some(dir.config())
        }
        other => other.clone(),
    };
    let mut flags = toml::Table::new();
    if let Some(dir) = &args.data_dir {
        merge(&mut flags, nested("data.dir", dir.display().to_string().into()));
    }
    let draft = draft(file.as_deref(), flags, &args.set)?;
    // Wrong settings are no trouble with the data.
    draft.resolve(toml::Table::new())?;
    let (recipe, source) = settle(&draft).with_context(|| match &args.settings {
        Some(path) if path.is_dir() => {
            format!("{} needs the data that it was trained on", path.display())
        }
        _ => "the data cannot be opened".to_owned(),
    })?;
    if let Some(path) = args.settings.as_ref().filter(|path| path.is_dir()) {
        let dir = RunDir::open(path)?;
        // Other data may have been named with --set.
        if dir.recipe()?.data.name == recipe.data.name {
            ensure_unchanged(&source, &dir, &recipe)?;
        }
    }
    let whole = Problem::of(&source, &recipe)?;
    let (labels, seed) = (whole.split.labelled.len(), recipe.train.seed);
    let name = whole.data.name.clone();
    out.line(format!("{name} with {labels} labels, seed {seed}"));
    // Without a test split; that methods are compared in parts is another matter.
    let folds = recipe.data.folds.map_or_else(Vec::new, |_| fold_recipes(&recipe));
    let problems = match folds.is_empty() {
        true => vec![whole],
        false => folds.iter().map(|fold| Ok(Problem::of(&source, fold)?)).collect::<Result<_>>()?,
    };
    let counts: Vec<usize> = problems.iter().map(|p| known(&p.data.test).len()).collect();
    let Measured { shares, reaches } = measure(&recipe, &problems, &counts)?;
    // The same examples, in every division of a cross-validation.
    let repeats = recipe.data.folds.and(recipe.data.repeats).unwrap_or(1);
    let tested = counts.iter().sum::<usize>() / repeats;
    let words = |share: f64| share_in_words(share, tested, Some(interval(share, tested)));
    let table: Vec<_> = shares.iter().map(|&(name, share)| (name, words(share))).collect();
    out.table(&table);
    say_unreached(&reaches, out);
    if recipe.choice.is_some() {
        out.line(
            "these methods have fixed settings; those that train compares have settings that follow from the labels, so methods \
             of the same name differ",
        );
    }
    let shares: Map<_, _> =
        shares.into_iter().map(|(name, share)| (name.to_owned(), json!(share))).collect();
    let unreached: Map<_, _> = reaches
        .into_iter()
        .map(|(name, reach)| (name.to_owned(), json!(reach.unreached)))
        .collect();
    out.object(&json!({
        "data": name, "labels": labels, "seed": seed, "accuracy": shares, "tested": tested, "unreached": unreached,
    }))
}

/// What the methods came to, by their names.
struct Measured {
    /// Accuracies.
    shares: Vec<(&'static str, f64)>,
    /// How far labels spread, of the methods where they do.
    reaches: Vec<(&'static str, Reach)>,
}

/// Measures every method on problems whose test splits have so many examples.
fn measure(recipe: &Recipe, problems: &[Problem], counts: &[usize]) -> Result<Measured> {
    let mut all = Measured { shares: Vec::new(), reaches: Vec::new() };
    if recipe.train.baseline_steps > 0 {
        let measured = problems.iter().map(|problem| network(recipe, problem));
        all.shares.push(("network", mean(counts, &measured.collect::<Result<Vec<_>>>()?)));
    }
    for method in Method::ALL {
        eprintln!("{} ...", method.title());
        let measured = problems.iter().map(|problem| method.measure(&Task::of(problem)));
        let measured = measured.collect::<Result<Vec<_>>>()?;
        let accuracies: Vec<f64> = measured.iter().map(|measured| measured.accuracy).collect();
        all.shares.push((method.title(), mean(counts, &accuracies)));
        let reach = measured.iter().filter_map(|measured| measured.reach).reduce(Reach::plus);
        all.reaches.extend(reach.map(|reach| (method.title(), reach)));
    }
    Ok(all)
}

fn say_unreached(reaches: &[(&str, Reach)], out: &Output) {
    for (name, Reach { unreached, rows }) in reaches.iter().filter(|(_, it)| it.unreached > 0) {
        out.line(format!(
            "{name}: no label reaches {unreached} of {rows} rows; they have the class of the nearest labelled row"
        ));
    }
}

/// The mean of accuracies on test splits, each counted by its examples.
fn mean(counts: &[usize], accuracies: &[f64]) -> f64 {
    let all = counts.iter().sum::<usize>() as f64;
    counts.iter().zip(accuracies).map(|(&count, accuracy)| count as f64 / all * accuracy).sum()
}

/// The classifier network, trained on the labels alone.
fn network(recipe: &Recipe, problem: &Problem) -> Result<f64> {
    let device = device::parse(&recipe.train.device)?;
    let noise = Noise::new(recipe.train.seed);
    let model = train_baseline(recipe, problem, &noise, &device)?;
    Ok(measure_baseline(&model, problem, &device)?.measured.accuracy)
}
