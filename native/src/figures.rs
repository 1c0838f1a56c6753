//! The pictures of a run.

use anyhow::{Context as _, Result};
use burn::tensor::Device;
use gleaner_core::infer;
use gleaner_core::noise::Noise;
use gleaner_core::sample::ancestral;
use serde_json::Value;

use crate::picture::{comfortable_scale, grid_png, image_shape};
use crate::plot::{CurvePoint, Panel, Reading, curves_svg};
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
    dir.write("curves.svg", curves_svg(&curves)?.as_bytes())?;
    if let Ok(shape) = image_shape(&problem.data.train.shape) {
        let (config, model) = dir.load_m2(device)?;
        let mut noise = Noise::new(recipe.train.seed).split("pictures");
        let samples = ancestral(&model, config.classes, PER_CLASS, &mut noise, device);
        let x = pollster::block_on(infer::read(samples.x)).context("samples.png")?;
        let png = grid_png(&x, shape, PER_CLASS, comfortable_scale(shape))?;
        dir.write("samples.png", &png)?;
    }
    Ok(())
}

fn curves(metrics: &[Value], baseline: Option<f64>) -> Vec<CurvePoint> {
    let readings = [
        ("objective", Panel::Objective, "objective"),
        ("validation_accuracy", Panel::Accuracy, "semi-supervised, validation"),
        ("validation_ece", Panel::Certainty, "calibration error"),
        ("validation_entropy", Panel::Certainty, "classifier entropy"),
    ];
    metrics
        .iter()
        .filter_map(|line| {
            let epoch = usize::try_from(line["epoch"].as_u64()?).ok()?;
            let mut found: Vec<Reading> = readings
                .iter()
                .filter_map(|&(key, panel, name)| {
                    line[key].as_f64().map(|value| Reading::new(panel, name, value))
                })
                .collect();
            if let Some(level) = baseline {
                found.push(Reading::reference(Panel::Accuracy, "supervised baseline, test", level));
            }
            Some(CurvePoint { epoch, readings: found })
        })
        .collect()
}
