//! The last hidden layer of the classifier, laid out on a plane.

use anyhow::Result;
use gleaner_core::infer;
use gleaner_core::measures::eval::arg_max;
use gleaner_core::models::Architecture as _;
use gleaner_core::noise::Noise;

use super::Subject;
use crate::choice::Classifier;
use crate::data::rows::{evenly, known};
use crate::pictures::scatter::{Point, Scatter};
use crate::pictures::tsne;
use crate::run::Problem;

/// The layout of at most `rows` labelled examples of the test split, or of those that are trained on where there is
/// none, taken evenly.
///
/// # Errors
/// If there are too few of them, or the device fails.
pub fn embedding(
    subject: &Subject<'_>,
    classifier: &Classifier,
    problem: &Problem,
    rows: usize,
    noise: &mut Noise,
) -> Result<Scatter> {
    let Subject { config, model, device } = *subject;
    let (shown, split) = problem.shown();
    let known = known(shown);
    let rows = evenly(&known, rows);
    let features = pollster::block_on(infer::features(model, shown, &rows, device))?;
    let logits = classifier.logits(&shown.select(&rows))?;
    let width = features.len() / rows.len().max(1);
    let places = tsne::lay_out(&features, width.max(1), noise)?;
    let predicted = logits.chunks_exact(config.classes()).map(arg_max);
    let points = rows.iter().zip(places).zip(predicted).map(|((&row, at), predicted)| {
        let class = shown.labels[row] as usize;
        Point { at, class, wrong: subject.classifies() && predicted != class }
    });
    let seen = match subject.classifies() {
        true => "Last hidden layer of the model's classifier",
        false => "Latent variables",
    };
    Ok(Scatter {
        title: format!("{seen} for {} {split} examples (t-SNE)", rows.len()),
        classes: problem.data.classes.clone(),
        points: points.collect(),
    })
}
