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
use gleaner_core::sample::{Drawn, SampleSet};
use gleaner_core::sampler::Convention;
use serde_json::json;

use super::shard_option::Asked;
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

/// Most pictures of a class in a row.
const SHOWN: usize = 20;

/// Draw samples of each class and write them to an .npz.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner sample runs/digits-m2-seed0 --per-class 100 --out samples.npz\n  \
    gleaner sample runs/digits-m2-seed0 --per-class 10 --out samples.npz --grid samples.png\n  \
    gleaner sample runs/patients-m2-seed0 --per-class 50 --out patients-drawn.csv\n  \
    gleaner sample runs/ebm --per-class 100 --steps 100 --temperature 0.5 --out samples.npz\n  \
    gleaner sample runs/digits-m2-seed0 --per-class 1000 --shard 2/4 --out part-2.npz\n\n\
    Several machines draw what one would: each gives another --shard of the same command. Of each class, shard K of N has the rows from\n\
    per-class * (K - 1) / N to per-class * K / N, rounded down. The files have one more array, draw_row: the row of each sample in the\n\
    whole draw. On the CPU, all of them together are that draw bit for bit.")]
pub struct Args {
    /// Run directory
    run: PathBuf,
    /// Number of samples of each class
    #[arg(long, value_name = "N")]
    per_class: usize,
    /// Draw the K-th of N parts of what the same command draws without it, K from 1 to N: of each class as many samples
    #[arg(long, value_name = "K/N", allow_hyphen_values = true)]
    shard: Option<String>,
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
    /// File to write: an .npz with x, y, z, logits, entropy and classes, of a shard also draw_row, in the units of the training
    /// data; or, of tables and texts, a .csv with the columns of the training data
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
    let asked = Asked::new(args.per_class, args.shard.as_deref())?;
    let dir = RunDir::open(&args.run)?;
    let recipe = dir.recipe()?;
    let format = args.format(&recipe)?;
    device::set_threads(args.threads)?;
    let device_name = args.device.as_deref().unwrap_or(&recipe.train.device);
    let device = device::of_command(args.device.as_deref(), &recipe.train.device)?;
    let checkpoint = dir.checkpoint()?;
    let mut model = checkpoint.build(&device).with_context(|| dir.model().display().to_string())?;
    let Checkpoint { config, data: schema, .. } = checkpoint;
    args.apply(&config, &mut model)?;
    let header = args.header(format, schema.as_ref())?;
    asked.ensure_fits(config.classes(), config.features())?;
    ensure_memory(&asked, &config, &model)?;
    let mut noise = Noise::new(args.seed).split("samples");
    let threads = Arc::new(Threads::start(args.threads)?);
    let workers = device::workers(device_name, &threads);
    let drawn = Drawn::new(&model, &asked.shard, &mut noise, &device, &*workers);
    check_moved(&model, &drawn, &noise, &device)?;
    let judged_by = args.features.then(|| drawn.judged_by(&model));
    let numbers = asked.shard.numbers(config.classes());
    // A model without classes gives no label.
    let label = |row: &usize| if config.classifies() { (row / args.per_class) as i64 } else { -1 };
    let y = numbers.iter().map(label).collect();
    let drawn = infer::samples(&model, drawn.into_samples(), config.shape(), y);
    let drawn = pollster::block_on(drawn).map_err(|error| args.named(error))?;
    let picture = args.picture(&drawn, asked.shard.each(), config.shape())?;
    let agreeing = config.classifies().then(|| agreeing(&drawn));
    let rows = drawn.len();
    let mean_entropy = drawn.entropy().iter().sum::<f64>() / rows as f64;
    let mut more = Vec::new();
    if let Some(layer) = judged_by {
        let shape = layer.dims();
        let values = pollster::block_on(infer::finite("the last hidden layer", layer))?;
        more.push(("features", NpyArray::f32(&shape, values)));
    }
    if asked.numbers.is_some() {
        let numbers = numbers.into_iter().map(|number| number as i64).collect();
        more.push(("draw_row", NpyArray::i64(&[rows], numbers)));
    }
    let bytes = args.written(drawn, more, schema.as_ref(), header)?;
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
        "shard": asked.numbers, "agreement": agreeing, "entropy": mean_entropy, "seed": args.seed,
    }))
}

impl Args {
    /// The file: a table under the `header`, or arrays, among them `more`.
    fn written(
        &self,
        mut drawn: SampleSet,
        more: Vec<(&'static str, NpyArray)>,
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
                arrays.extend(more);
                write_npz(&arrays)?
            }
            (None, _) => {
                let mut arrays = drawn.into_arrays();
                arrays.extend(more);
                write_npz(&arrays)?
            }
        })
    }
}

/// Fails if all moves of all chains were rejected, so that the samples are draws of N(0, I).
fn check_moved(model: &Model, drawn: &Drawn, noise: &Noise, device: &Device) -> Result<()> {
    let Model::LatentEbm(ebm) = model else { return Ok(()) };
    let LangevinConfig { adjusted, steps, temperature, step_size, .. } = ebm.langevin;
    if !adjusted || steps == 0 || temperature == 0.0 || step_size == 0.0 {
        return Ok(());
    }
    let (end, numbers) = drawn.computed(model);
    let chains = numbers.len();
    let start = pollster::block_on(infer::read(ebm.starts(&numbers, noise, device)))?;
    ensure!(
        start != pollster::block_on(infer::read(end))?,
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

    /// What is written, having checked that it can be.
    fn format(&self, recipe: &Recipe) -> Result<Format> {
        let read = data_of(recipe);
        if let Some(path) = &self.grid {
            Target { flag: "--grid", path }.check(&[Format::Png], &read)?;
        }
        Target { flag: "--out", path: &self.out }.check(&[Format::Csv, Format::Npz], &read)
    }

    /// Draws the picture of `each` samples of every class, if there is to be one.
    fn picture(
        &self,
        drawn: &SampleSet,
        each: usize,
        shape: &[usize],
    ) -> Result<Option<Prepared<'_>>> {
        let Some(path) = &self.grid else { return Ok(None) };
        let shape = image_shape(shape).context("--grid")?;
        let (columns, size) = (each.min(SHOWN), shape.iter().product::<usize>());
        let classes = drawn.x.chunks_exact(each * size);
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

/// Whether the samples find room: on the device, on the host, and as a file's bytes.
fn ensure_memory(asked: &Asked, config: &ModelConfig, model: &Model) -> Result<()> {
    let numbers = config.features() + model.latent() + 2 * config.classes();
    let rows = asked.shard.each().saturating_mul(config.classes());
    let needed = (rows as u64).saturating_mul(numbers as u64).saturating_mul(3 * 4);
    memory::ensure_free(needed, &asked.named(), &asked.in_smaller())
}

/// The share of samples that the classifier takes for the class that they were drawn for.
fn agreeing(drawn: &SampleSet) -> f64 {
    let rows = drawn.logits.chunks_exact(drawn.classes()).zip(&drawn.y);
    rows.filter(|(logits, y)| arg_max(logits) as i64 == **y).count() as f64 / drawn.len() as f64
}
