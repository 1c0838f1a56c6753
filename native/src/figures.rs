//! The pictures of a run.

use anyhow::{Context as _, Result};
use burn::tensor::Device;
use gleaner_core::infer;
use gleaner_core::noise::Noise;
use gleaner_core::sample::ancestral;
use serde_json::Value;

use crate::picture::{comfortable_scale, grid_png, image_shape};
use crate::plot::{Figure, Line, Panel, Scale};
use crate::recipe::Recipe;
use crate::run_dir::RunDir;
use crate::summary::Summary;
use crate::training::Problem;

/// Samples of each class in `samples.png`.
const PER_CLASS: usize = 10;

/// Draws `curves.svg`, and `samples.png` if the examples are images.
///
/// # Errors
/// If the disk does not take them.
pub fn draw(
    dir: &RunDir,
    recipe: &Recipe,
    problem: &Problem,
    summary: &Summary,
    device: &Device,
) -> Result<()> {
    let curves = curves(&dir.read_metrics()?, summary.baseline_accuracy);
    dir.write("curves.svg", curves.svg()?.as_bytes())?;
    if let Ok(shape) = image_shape(&problem.data.train.shape) {
        let (_, model) = dir.load(device)?;
        let mut noise = Noise::new(recipe.train.seed).split("pictures");
        let samples = ancestral(&model, PER_CLASS, &mut noise, device);
        let x = pollster::block_on(infer::read(samples.x)).context("samples.png")?;
        let png = grid_png(&x, shape, PER_CLASS, comfortable_scale(shape))?;
        dir.write("samples.png", &png)?;
    }
    Ok(())
}

/// The training curves: what is minimised, accuracy and certainty by epoch.
fn curves(metrics: &[Value], baseline: Option<f64>) -> Figure {
    let line = |key: &str, name: &str, factor: f64| {
        let point = |line: &Value| Some([line["epoch"].as_f64()?, line[key].as_f64()? * factor]);
        Line::new(name, metrics.iter().filter_map(point).collect())
    };
    let mut accuracy = vec![line("validation_accuracy", "semi-supervised, validation", 100.0)];
    accuracy.extend(baseline.map(|share| Line::level("supervised baseline, test", share * 100.0)));
    let panel = |title, unit, limits, lines| Panel {
        title,
        unit,
        suffix: "",
        scale: Scale::Linear,
        limits,
        height: 168.0,
        lines,
    };
    let objective = vec![line("objective", "objective", 1.0)];
    let certainty = vec![
        line("validation_ece", "calibration error", 1.0),
        line("validation_entropy", "classifier entropy", 1.0),
    ];
    let [any, positive] = [[f64::NEG_INFINITY, f64::INFINITY], [0.0, f64::INFINITY]];
    Figure {
        title: "Training curves".to_owned(),
        x: "epoch".to_owned(),
        scale: Scale::Linear,
        panels: vec![
            panel("Training objective", "nats per example", any, objective),
            Panel { suffix: " %", ..panel("Accuracy", "%", [0.0, 100.0], accuracy) },
            panel("Certainty", "entropy in nats", positive, certainty),
        ],
    }
}
