//! `gleaner sample`: class-conditional samples as a file of arrays, and as a picture.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use gleaner_core::data::npy::NpyArray;
use gleaner_core::data::npz::write_npz;
use gleaner_core::eval::{arg_max, entropy_of_logits};
use gleaner_core::infer;
use gleaner_core::models::{Architecture as _, Model, ModelConfig};
use gleaner_core::noise::Noise;
use gleaner_core::sample::class_conditional;
use gleaner_core::sampler::Convention;
use serde_json::json;

use crate::device;
use crate::figures::classifies;
use crate::files::{ensure_writable_file, write_atomic};
use crate::output::Output;
use crate::picture::{comfortable_scale, grid_png, image_shape};
use crate::run_dir::RunDir;
use crate::summary::mean;
use crate::threads::Threads;

/// Most values of x in one file: 2 GiB, and a few times that in memory while they are drawn.
const MOST_VALUES: usize = 1 << 29;

/// Draw class-conditional samples into an .npz.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner sample runs/digits-m2-seed0 --per-class 100 --out samples.npz\n  \
    gleaner sample runs/digits-m2-seed0 --per-class 10 --out samples.npz --grid samples.png\n  \
    gleaner sample runs/digits-latent-ebm-seed0 --per-class 1000 --steps 100 --temperature 0.5 --out samples.npz")]
pub struct Args {
    /// Run directory
    run: PathBuf,
    /// Samples of each class
    #[arg(long, value_name = "N")]
    per_class: usize,
    /// How z is drawn [default: langevin for a latent-ebm, ancestral for any other model]
    #[arg(long, value_enum)]
    sampler: Option<Sampler>,
    /// Steps of a chain [default: the model's own, 60 unless it was trained with another]
    #[arg(long, value_name = "N", help_heading = "Langevin")]
    steps: Option<usize>,
    /// Size of a step [default: the model's own]
    #[arg(long, value_name = "S", help_heading = "Langevin")]
    step_size: Option<f64>,
    /// What a step size means: pang (z + S²/2 grad + S noise) or pooladzandi (z + S grad + sqrt(2S) noise) [default: the
    /// model's own]
    #[arg(long, value_enum, help_heading = "Langevin")]
    convention: Option<Meaning>,
    /// Temperature: below 1, samples are more typical and less diverse [default: the model's own]
    #[arg(long, value_name = "T", help_heading = "Langevin")]
    temperature: Option<f64>,
    /// Accept or reject each move (MALA): exact at any step size, and slower to move
    #[arg(long, help_heading = "Langevin")]
    adjusted: bool,
    /// CPU threads; 0 takes all
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Seed of the draws
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// File to write: x, y, z, logits, entropy
    #[arg(long, value_name = "X.npz")]
    out: PathBuf,
    /// Picture to write, one row per class
    #[arg(long, value_name = "X.png")]
    grid: Option<PathBuf>,
    /// Where to compute [default: as the run]
    #[arg(long)]
    device: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Sampler {
    /// z from its prior
    Ancestral,
    /// z by a chain in the energy of its class
    Langevin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Meaning {
    Pang,
    Pooladzandi,
}

impl Args {
    /// Sets the model up to draw as asked.
    fn apply(&self, config: &ModelConfig, model: &mut Model) -> Result<()> {
        let name = config.name();
        let asks = self.steps.is_some()
            || self.step_size.is_some()
            || self.convention.is_some()
            || self.temperature.is_some()
            || self.adjusted;
        let Model::LatentEbm(model) = model else {
            if self.sampler == Some(Sampler::Langevin) || asks {
                bail!(
                    "{} ({name}): its z has a prior to draw from, no energy to run chains in; leave --sampler and its \
                     settings out",
                    self.run.display()
                );
            }
            return Ok(());
        };
        if self.sampler == Some(Sampler::Ancestral) {
            bail!(
                "{} ({name}): its z given a class is known by an energy alone; use --sampler langevin",
                self.run.display()
            );
        }
        let chains = &mut model.langevin;
        chains.steps = self.steps.unwrap_or(chains.steps);
        chains.step_size = self.step_size.unwrap_or(chains.step_size);
        chains.temperature = self.temperature.unwrap_or(chains.temperature);
        chains.adjusted |= self.adjusted;
        chains.convention = match self.convention {
            None => chains.convention,
            Some(Meaning::Pang) => Convention::Pang,
            Some(Meaning::Pooladzandi) => Convention::Pooladzandi,
        };
        for (flag, value) in
            [("--step-size", chains.step_size), ("--temperature", chains.temperature)]
        {
            if !(value.is_finite() && value >= 0.0) {
                bail!("{flag} {value} is not valid: it must be zero or more");
            }
        }
        Ok(())
    }
}

/// Draws.
///
/// # Errors
/// If the run, the device or a file fails.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    if args.per_class == 0 {
        bail!("--per-class 0 draws nothing; ask for at least 1");
    }
    let dir = RunDir::open(&args.run)?;
    for path in std::iter::once(&args.out).chain(&args.grid) {
        ensure_writable_file(path)?;
    }
    let recipe = dir.recipe()?;
    device::set_threads(args.threads)?;
    let device = device::parse(args.device.as_deref().unwrap_or(&recipe.train.device))?;
    let (config, mut model) = dir.load(&device)?;
    args.apply(&config, &mut model)?;
    let values = args.per_class.saturating_mul(config.classes() * config.features());
    if values > MOST_VALUES {
        bail!(
            "--per-class {} makes {values} values, more than {MOST_VALUES}; draw several files with \
             different --seed",
            args.per_class
        );
    }
    let mut noise = Noise::new(args.seed).split("samples");
    let workers = Threads::start(args.threads)?;
    let samples = class_conditional(&model, args.per_class, &mut noise, &device, &workers);
    let drawn = Drawn {
        x: pollster::block_on(infer::read(samples.x))?,
        z: pollster::block_on(infer::read(samples.z))?,
        logits: pollster::block_on(infer::read(samples.logits))?,
    };
    if let Some(path) = &args.grid {
        let shape = image_shape(config.shape()).context("--grid")?;
        let png = grid_png(&drawn.x, shape, args.per_class, comfortable_scale(shape))?;
        write_atomic(path, &png)?;
    }
    let agreeing = classifies(&config).then(|| drawn.agreeing(config.classes(), args.per_class));
    let entropy = drawn.entropy(config.classes());
    let (rows, mean_entropy) = (entropy.len(), mean(&entropy));
    write_atomic(&args.out, &drawn.into_npz(&config, args.per_class, entropy)?)?;
    let said = match agreeing.map(|share| 100.0 * share) {
        Some(percent) => {
            format!("the classifier agrees on {percent:.1} %, mean entropy {mean_entropy:.4} nats")
        }
        None => format!("{} has no classes: y is -1, which stands for unknown", config.name()),
    };
    out.line(format!("{rows} samples in {}; {said}", args.out.display()));
    out.object(&json!({
        "out": args.out, "grid": args.grid, "samples": rows, "per_class": args.per_class,
        "agreement": agreeing, "entropy": mean_entropy, "seed": args.seed,
    }))
}

/// Samples on the host, class-major.
struct Drawn {
    x: Vec<f32>,
    z: Vec<f32>,
    logits: Vec<f32>,
}

impl Drawn {
    fn agreeing(&self, classes: usize, per_class: usize) -> f64 {
        let rows = self.logits.chunks_exact(classes);
        let agreeing = rows.enumerate().filter(|(i, row)| arg_max(row) == i / per_class).count();
        agreeing as f64 / (classes * per_class) as f64
    }

    fn entropy(&self, classes: usize) -> Vec<f32> {
        self.logits.chunks_exact(classes).map(|row| entropy_of_logits(row) as f32).collect()
    }

    fn into_npz(
        self,
        config: &ModelConfig,
        per_class: usize,
        entropy: Vec<f32>,
    ) -> Result<Vec<u8>> {
        let rows = entropy.len();
        let latent = self.z.len() / rows;
        // A model without classes gives no label.
        let label = |i: usize| if classifies(config) { (i / per_class) as i64 } else { -1 };
        let y = (0..rows).map(label).collect();
        let shape: Vec<usize> =
            std::iter::once(rows).chain(config.shape().iter().copied()).collect();
        Ok(write_npz(&[
            ("x", NpyArray::f32(&shape, self.x)),
            ("y", NpyArray::i64(&[rows], y)),
            ("z", NpyArray::f32(&[rows, latent], self.z)),
            ("logits", NpyArray::f32(&[rows, config.classes()], self.logits)),
            ("entropy", NpyArray::f32(&[rows], entropy)),
        ])?)
    }
}
