//! `gleaner sample`: class-conditional samples as a file of arrays, and as a picture.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use burn::tensor::Device;
use gleaner_core::checkpoint::Checkpoint;
use gleaner_core::data::formats::csv_out::write_csv;
use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::data::formats::npz::write_npz;
use gleaner_core::data::schema::Schema;
use gleaner_core::error::Error;
use gleaner_core::infer;
use gleaner_core::measures::eval::arg_max;
use gleaner_core::models::{
    Architecture as _, Generative as _, LangevinConfig, Model, ModelConfig,
};
use gleaner_core::noise::Noise;
use gleaner_core::sample::{SampleSet, class_conditional};
use gleaner_core::sampler::Convention;
use serde_json::json;

use super::target::{Format, Target, data_of};
use crate::pictures::picture::{comfortable_scale, grid_png, image_shape};
use crate::run::RunDir;
use crate::run::measure::mean_in_words;
use crate::run::recipe::Recipe;
use crate::system::device;
use crate::system::memory;
use crate::system::output::{Output, path_text};
use crate::system::prepared::Prepared;
use crate::system::threads::Threads;

/// Most values of x in one file: 2 GiB, and a few times that in memory while they are drawn.
const MOST_VALUES: usize = 1 << 29;

/// Most pictures of a class in a row.
const SHOWN: usize = 20;

/// Draw samples of each class and write them to an .npz.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner sample runs/digits-m2-seed0 --per-class 100 --out samples.npz\n  \
    gleaner sample runs/digits-m2-seed0 --per-class 10 --out samples.npz --grid samples.png\n  \
    gleaner sample runs/patients-m2-seed0 --per-class 50 --out patients-drawn.csv\n  \
    gleaner sample runs/ebm --per-class 100 --steps 100 --temperature 0.5 --out samples.npz")]
pub struct Args {
    /// Run directory
    run: PathBuf,
    /// Number of samples of each class
    #[arg(long, value_name = "N")]
    per_class: usize,
    /// How z is drawn [default: langevin for a latent-ebm, ancestral for any other model]
    #[arg(long, value_enum)]
    sampler: Option<Sampler>,
    /// Steps of a chain [default: the model's setting, 60 unless it was trained with another]
    #[arg(long, value_name = "N", help_heading = "Langevin")]
    steps: Option<usize>,
    /// Size of a step [default: the model's setting]
    #[arg(long, value_name = "S", help_heading = "Langevin")]
    step_size: Option<f64>,
    /// What a step size means: pang (z + S²/2 grad + S noise) or pooladzandi (z + S grad + sqrt(2S) noise) [default: the
    /// model's setting]
    #[arg(long, value_enum, help_heading = "Langevin")]
    convention: Option<Meaning>,
    /// Temperature: below 1, samples are more typical and less diverse [default: the model's setting]
    #[arg(long, value_name = "T", help_heading = "Langevin")]
    temperature: Option<f64>,
    /// Accept or reject each move (MALA): exact for any step size, but the chains move more slowly
    #[arg(long, help_heading = "Langevin")]
    adjusted: bool,
    /// CPU threads; 0 uses all
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Seed of the draws
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// File to write: an .npz with x, y, z, logits, entropy and classes, in the units of the training data; or, of tables and
    /// texts, a .csv with the columns of the training data
    #[arg(long, value_name = "X.npz|X.csv")]
    out: PathBuf,
    /// Write x as the model has it, without undoing the scaling of the training data
    #[arg(long)]
    standardised: bool,
    /// Write what the classifier decides from as well, its last hidden layer, as features: gleaner coreset --space last-layer compares it
    #[arg(long)]
    features: bool,
    /// Picture to write: a row for each class, of up to 20 samples
    #[arg(long, value_name = "X.png")]
    grid: Option<PathBuf>,
    /// Where to compute [default: as in the run]
    #[arg(long)]
    device: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Sampler {
    /// Draw z from its prior
    Ancestral,
    /// Draw z by a Langevin chain in the energy of its class
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
                    "{} ({name}): this model draws z from a prior and has no Langevin chains; leave --sampler and \
                     its settings out",
                    self.run.display()
                );
            }
            return Ok(());
        };
        if self.sampler == Some(Sampler::Ancestral) {
            bail!(
                "{} ({name}): this model can draw z by Langevin chains only; use --sampler langevin",
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
        // The settings have the names of the flags.
        chains.check().map_err(|error| anyhow!("--{error}"))
    }
}

/// Draws.
///
/// # Errors
/// If the run, the device or a file fails.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    if args.per_class == 0 {
        bail!("--per-class 0 is not valid: it must be at least 1");
    }
    let dir = RunDir::open(&args.run)?;
    let recipe = dir.recipe()?;
    let format = args.format(&recipe)?;
    device::set_threads(args.threads)?;
    let device_name = args.device.as_deref().unwrap_or(&recipe.train.device);
    let device = device::parse(device_name)?;
    let checkpoint = dir.checkpoint()?;
    let mut model = checkpoint.build(&device).with_context(|| dir.model().display().to_string())?;
    let Checkpoint { config, data: schema, .. } = checkpoint;
    args.apply(&config, &mut model)?;
    let header = args.header(format, schema.as_ref())?;
    let values = args.per_class.saturating_mul(config.classes().saturating_mul(config.features()));
    if values > MOST_VALUES {
        bail!(
            "--per-class {} gives {values} values, more than the limit of {MOST_VALUES}; draw several files \
             with different --seed",
            args.per_class
        );
    }
    args.ensure_memory(&config, &model)?;
    let mut noise = Noise::new(args.seed).split("samples");
    let threads = Arc::new(Threads::start(args.threads)?);
    let workers = device::workers(device_name, &threads);
    let samples = class_conditional(&model, args.per_class, &mut noise, &device, &*workers);
    let judged_by = args.features.then(|| model.judged_by(samples.z.clone(), samples.x.clone()));
    // A model without classes gives no label.
    let label = |row: usize| if config.classifies() { (row / args.per_class) as i64 } else { -1 };
    let y = (0..config.classes() * args.per_class).map(label).collect();
    let drawn = infer::samples(&model, samples, config.shape(), y);
    let drawn = pollster::block_on(drawn).map_err(|error| args.named(error))?;
    check_moved(&model, &drawn, &noise, &device)?;
    let picture = args.picture(&drawn, config.shape())?;
    let agreeing = config.classifies().then(|| agreeing(&drawn));
    let rows = drawn.len();
    let mean_entropy = drawn.entropy().iter().sum::<f64>() / rows as f64;
    let judged_by = match judged_by {
        Some(layer) => {
            let shape = layer.dims();
            let values = pollster::block_on(infer::finite("the last hidden layer", layer))?;
            Some(NpyArray::f32(&shape, values))
        }
        None => None,
    };
    let bytes = args.written(drawn, judged_by, schema.as_ref(), header)?;
    // Neither is there without the other.
    Prepared::of(&args.out, &bytes)?.put_in_place()?;
    picture.map(Prepared::put_in_place).transpose()?;
    let said = match agreeing.map(|share| 100.0 * share) {
        Some(percent) => {
            let entropy = mean_in_words(mean_entropy, rows);
            format!("the classifier agrees on {percent:.1} %, mean entropy {entropy} nats")
        }
        None => format!("{} has no classes: y is -1, which means unknown", config.name()),
    };
    out.line(format!("{rows} samples in {}; {said}", args.out.display()));
    out.object(&json!({
        "out": path_text(&args.out), "grid": args.grid.as_ref().map(path_text), "samples": rows, "per_class": args.per_class,
        "agreement": agreeing, "entropy": mean_entropy, "seed": args.seed,
    }))
}

impl Args {
    /// The file: a table under the `header`, or arrays.
    fn written(
        &self,
        mut drawn: SampleSet,
        judged_by: Option<NpyArray>,
        schema: Option<&Schema>,
        header: Option<Vec<String>>,
    ) -> Result<Vec<u8>> {
        Ok(match (schema, header) {
            (Some(schema), Some(header)) => {
                schema.scaling.undo(&mut drawn.x);
                let features = drawn.x.len() / drawn.len();
                let rows = drawn.x.chunks_exact(features).zip(&drawn.y);
                write_csv(&header, rows.map(|(x, &y)| schema.cells(x, y)))?
            }
            (Some(schema), None) => {
                if !self.standardised {
                    schema.origins().iter().for_each(|origin| eprintln!("note: in x, {origin}"));
                }
                let mut arrays = drawn.into_named_arrays(schema, self.standardised);
                arrays.extend(judged_by.map(|layer| ("features", layer)));
                write_npz(&arrays)?
            }
            (None, _) => {
                let mut arrays = drawn.into_arrays();
                arrays.extend(judged_by.map(|layer| ("features", layer)));
                write_npz(&arrays)?
            }
        })
    }
}

/// Fails if all moves of all chains were rejected, so that the samples are draws of N(0, I).
fn check_moved(model: &Model, drawn: &SampleSet, noise: &Noise, device: &Device) -> Result<()> {
    let Model::LatentEbm(model) = model else { return Ok(()) };
    let LangevinConfig { adjusted, steps, temperature, step_size, .. } = model.langevin;
    if !adjusted || steps == 0 || temperature == 0.0 || step_size == 0.0 {
        return Ok(());
    }
    let chains = drawn.len();
    let start = pollster::block_on(infer::read(model.starts(chains, noise, device)))?;
    ensure!(
        start != drawn.z,
        "not one of {chains} chains moved: --step-size {step_size} is so large that every move was rejected; give a smaller one"
    );
    Ok(())
}

impl Args {
    /// With the option that sets what an error is about.
    fn named(&self, error: Error) -> anyhow::Error {
        match error {
            Error::Diverged { .. } => {
                anyhow!("{}: {error} (--step-size), or --adjusted", self.run.display())
            }
            error => error.into(),
        }
    }

    /// Whether the samples find room: on the device, on the host, and as a file's bytes.
    fn ensure_memory(&self, config: &ModelConfig, model: &Model) -> Result<()> {
        let numbers = config.features() + model.latent() + 2 * config.classes();
        let rows = self.per_class.saturating_mul(config.classes());
        let needed = (rows as u64).saturating_mul(numbers as u64).saturating_mul(3 * 4);
        let what = format!("--per-class {}", self.per_class);
        memory::ensure_free(needed, &what, "draw several files with different --seed")
    }

    /// What is written, having checked that it can be.
    fn format(&self, recipe: &Recipe) -> Result<Format> {
        let read = data_of(recipe);
        if let Some(path) = &self.grid {
            Target { flag: "--grid", path }.check(&[Format::Png], &read)?;
        }
        Target { flag: "--out", path: &self.out }.check(&[Format::Csv, Format::Npz], &read)
    }

    /// Draws the picture, if there is to be one.
    fn picture(&self, drawn: &SampleSet, shape: &[usize]) -> Result<Option<Prepared<'_>>> {
        let Some(path) = &self.grid else { return Ok(None) };
        let shape = image_shape(shape).context("--grid")?;
        let (columns, size) = (self.per_class.min(SHOWN), shape.iter().product::<usize>());
        let classes = drawn.x.chunks_exact(self.per_class * size);
        let shown: Vec<f32> = classes.flat_map(|class| &class[..columns * size]).copied().collect();
        let png = grid_png(&shown, shape, columns, comfortable_scale(shape))?;
        Prepared::of(path, &png).map(Some)
    }

    /// The columns of a table of samples; `None` where arrays are asked for.
    fn header(&self, format: Format, schema: Option<&Schema>) -> Result<Option<Vec<String>>> {
        if format == Format::Npz {
            return Ok(None);
        }
        ensure!(!self.features, "--features is for arrays; give an --out that ends in .npz");
        ensure!(
            !self.standardised,
            "--standardised is for arrays; give an --out that ends in .npz"
        );
        let named = self.out.display();
        let schema = schema.with_context(|| {
            format!("--out {named}: the run is older than tables of samples; give an --out that ends in .npz")
        })?;
        let header = schema.header();
        header.map(Some).with_context(|| {
            format!("--out {named}: these samples are pictures; give an --out that ends in .npz")
        })
    }
}

/// The share of samples that the classifier takes for the class that they were drawn for.
fn agreeing(drawn: &SampleSet) -> f64 {
    let rows = drawn.logits.chunks_exact(drawn.classes()).zip(&drawn.y);
    rows.filter(|(logits, y)| arg_max(logits) as i64 == **y).count() as f64 / drawn.len() as f64
}
