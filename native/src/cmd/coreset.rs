//! `gleaner coreset`: a few samples that represent all.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, ensure};
use gleaner_core::coreset::{
    Balance, ClassOutcome, Coreset, Curvature, EPSILON, Hidden, Method, Optimizer, Settings,
};
use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::noise::Noise;
use serde_json::json;

use super::target::check_outputs;
use crate::data::samples::SampleFile;
use crate::pictures::picture::{comfortable_scale, rows_png};
use crate::system::device::check_threads;
use crate::system::output::{Output, path_text};
use crate::system::prepared::Prepared;
use crate::system::progress::Progress;
use crate::system::threads::Crew;

/// Most pictures of a class.
const SHOWN: usize = 20;

/// Choose a few samples that represent all.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner coreset sure.npz --method craig --fraction 0.1 --out coreset.npz\n  \
    gleaner coreset sure.npz --method random --size 500 --seed 1 --out random.npz\n\n\
    Accepts samples of any generator: y [n] (the class that each sample was drawn for, a number or a word), logits or probs [n, classes],\n\
    x [n, ...] for pictures, and classes [classes] (their names, in the order of the predictions).\n\
    If the file also has features [n, h] (the last hidden layer of the classifier), adacore uses the gradients of the last layer's weights.")]
pub struct Args {
    /// .npz file of samples
    samples: PathBuf,
    /// How samples are chosen
    #[arg(long, value_enum)]
    method: By,
    #[command(flatten)]
    budget: Budget,
    #[command(flatten)]
    search: Search,
    /// How the number of samples is divided among the classes
    #[arg(long, value_enum, default_value = "proportional")]
    balance: Sharing,
    /// Divide the weights by their mean
    #[arg(long)]
    rescale: bool,
    /// Seed of random choices
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// CPU threads; 0 uses all. The number does not change the result
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// File to write: the chosen rows of every array, with index, gain and weight
    #[arg(long, value_name = "Z.npz")]
    out: PathBuf,
    /// Picture to write: the first chosen samples of each class, in order
    #[arg(long, value_name = "X.png")]
    grid: Option<PathBuf>,
}

/// How many samples are chosen.
#[derive(Clone, Copy, Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Budget {
    /// Share of the samples to choose, above 0 and at most 1
    #[arg(long, value_name = "F")]
    fraction: Option<f64>,
    /// Number of samples to choose
    #[arg(long, value_name = "K")]
    size: Option<usize>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum By {
    /// Facility location on gradients
    Craig,
    /// Facility location on gradients divided by curvatures
    Adacore,
    /// At random
    Random,
    /// The samples with the highest probability of their class
    Confidence,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Sharing {
    /// In proportion to the samples of each class
    Proportional,
    /// The same number for each class
    Equal,
}

/// How facility location is searched.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Search {
    /// How craig and adacore search
    #[arg(long, value_enum, default_value = "lazy")]
    optimizer: Finder,
    /// Share of the optimum that the stochastic search may lose; smaller is slower [default: 0.1]
    #[arg(long, value_name = "E")]
    epsilon: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Finder {
    /// Exact greedy search with upper bounds on the gains
    Lazy,
    /// The best of a random subset in each step
    Stochastic,
    /// Exact greedy search that computes every gain in each step
    Naive,
}

impl Search {
    /// What the flags ask for.
    ///
    /// # Errors
    /// An epsilon for a search that has none.
    pub fn optimizer(&self) -> Result<Optimizer> {
        ensure!(
            self.epsilon.is_none() || self.optimizer == Finder::Stochastic,
            "--epsilon needs --optimizer stochastic; add it, or leave --epsilon out"
        );
        Ok(match self.optimizer {
            Finder::Lazy => Optimizer::Lazy,
            Finder::Stochastic => {
                Optimizer::Stochastic { epsilon: self.epsilon.unwrap_or(EPSILON) }
            }
            Finder::Naive => Optimizer::Naive,
        })
    }
}

impl Budget {
    /// Samples to choose of `rows`.
    fn size(self, rows: usize) -> Result<usize> {
        match (self.size, self.fraction) {
            (Some(size), _) => Ok(size),
            (None, fraction) => {
                let fraction = fraction.unwrap_or(0.0);
                ensure!(
                    fraction > 0.0 && fraction <= 1.0,
                    "--fraction {fraction} is not valid: it must be above 0 and at most 1"
                );
                let size = (fraction * rows as f64).round() as usize;
                ensure!(
                    size > 0 || rows == 0,
                    "--fraction {fraction} of {rows} samples is less than half a sample; give a larger --fraction, or --size"
                );
                Ok(size)
            }
        }
    }
}

impl Args {
    fn settings(&self, rows: usize) -> Result<Settings> {
        Ok(Settings {
            method: match self.method {
                By::Craig => Method::Craig,
                By::Adacore => Method::Adacore,
                By::Random => Method::Random,
                By::Confidence => Method::Confidence,
            },
            optimizer: self.search.optimizer()?,
            size: self.budget.size(rows)?,
            balance: match self.balance {
                Sharing::Proportional => Balance::Proportional,
                Sharing::Equal => Balance::Equal,
            },
        })
    }
}

/// Selects.
///
/// # Errors
/// If a file fails, the samples are not what they should be, or the budget does not fit them.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    check_threads(args.threads)?;
    let mut file = SampleFile::open(&args.samples)?;
    let settings = args.settings(file.rows())?;
    check_outputs(&args.out, args.grid.as_deref(), &args.samples)?;
    let crew = Crew::start(args.threads)?;
    let started = Instant::now();
    let coreset = crew.lead(|| select(&mut file, &settings, args.seed, &crew))?;
    let seconds = started.elapsed().as_secs_f64();
    let draw = |path| draw(&mut file, &coreset, path);
    let picture = args.grid.as_deref().map(draw).transpose()?;
    // Neither is there without the other.
    prepare(&mut file, &coreset, args)?.put_in_place()?;
    picture.map(Prepared::put_in_place).transpose()?;
    show(&coreset, &file, out);
    out.line(format!(
        "{} of {} samples in {}; f(S) {}, upper bound {}, ratio {:.4}; {seconds:.2} s",
        coreset.picks.len(),
        file.rows(),
        args.out.display(),
        worth(coreset.objective(), 6),
        worth(coreset.bound(), 6),
        coreset.ratio()
    ));
    out.object(&json!({
        "out": path_text(&args.out), "grid": args.grid.as_ref().map(path_text), "samples": file.rows(), "chosen": coreset.picks.len(),
        "method": settings.method, "optimizer": settings.optimizer, "seed": args.seed,
        "objective": coreset.objective(), "bound": coreset.bound(), "ratio": coreset.ratio(),
        "seconds": seconds, "classes": coreset.classes,
        "class_names": file.classes(),
    }))
}

fn select(
    file: &mut SampleFile<'_>,
    settings: &Settings,
    seed: u64,
    crew: &Crew,
) -> Result<Coreset> {
    let predictions = file.predictions()?;
    let hidden = match settings.method {
        Method::Adacore => file.hidden()?,
        Method::Craig | Method::Random | Method::Confidence => None,
    };
    let hidden = match &hidden {
        Some((values, width)) => Some(Hidden::new(values, *width, predictions.len())?),
        None => None,
    };
    let mut progress = Progress::steps("coreset", settings.size);
    let mut on_chosen = || progress.step(String::new);
    let noise = Noise::new(seed);
    let curvature = Curvature::default();
    let coreset = settings.select(&predictions, hidden, curvature, &noise, crew, &mut on_chosen);
    progress.finish();
    Ok(coreset?)
}

/// By class, the first samples chosen.
fn draw<'a>(file: &mut SampleFile<'_>, coreset: &Coreset, path: &'a Path) -> Result<Prepared<'a>> {
    let (mut rows, mut places) = (Vec::new(), Vec::new());
    let mut picks = coreset.picks.as_slice();
    for class in &coreset.classes {
        let (chosen, others) = picks.split_at(class.chosen);
        picks = others;
        let first = rows.len();
        rows.extend(chosen.iter().take(SHOWN).map(|pick| pick.row));
        places.push((first..rows.len()).map(Some).collect());
    }
    let (images, shape) = file.images(&rows)?;
    Prepared::of(path, &rows_png(&images, &places, shape, comfortable_scale(shape))?)
}

fn prepare<'a>(
    file: &mut SampleFile<'_>,
    coreset: &Coreset,
    args: &'a Args,
) -> Result<Prepared<'a>> {
    let picks = &coreset.picks;
    let rows: Vec<usize> = picks.iter().map(|pick| pick.row).collect();
    let factor = match args.rescale {
        true => picks.len() as f64 / picks.iter().map(|pick| pick.weight as f64).sum::<f64>(),
        false => 1.0,
    };
    let shape = [picks.len()];
    let weights = picks.iter().map(|pick| (pick.weight as f64 * factor) as f32).collect();
    let more = [
        ("index", NpyArray::i64(&shape, rows.iter().map(|&row| row as i64).collect())),
        ("gain", NpyArray::f32(&shape, picks.iter().map(|pick| pick.gain as f32).collect())),
        ("weight", NpyArray::f32(&shape, weights)),
    ];
    file.prepare_rows(&args.out, &rows, &more)
}

/// A sum of similarities, which are known to seven digits (single precision), with so many decimals at most.
fn worth(value: f64, most: usize) -> String {
    let before = value.abs().max(1.0).log10().floor() as usize + 1;
    format!("{value:.*}", most.min(7_usize.saturating_sub(before)))
}

fn show(coreset: &Coreset, file: &SampleFile<'_>, out: &Output) {
    let mut picks = coreset.picks.as_slice();
    let mut cells = |class: &ClassOutcome| {
        let (chosen, others) = picks.split_at(class.chosen);
        picks = others;
        let heaviest = chosen.iter().map(|pick| pick.weight).max().unwrap_or(0);
        let ratio = if class.bound > 0.0 { class.objective / class.bound } else { 1.0 };
        let mut cells = vec![file.class_name(class.class)];
        cells.extend([class.rows, class.chosen, heaviest].map(|n| n.to_string()));
        cells.extend([class.objective, class.bound].map(|value| worth(value, 4)));
        cells.push(format!("{ratio:.4}"));
        cells
    };
    let rows: Vec<Vec<String>> = coreset.classes.iter().map(&mut cells).collect();
    let names = ["class", "samples", "chosen", "largest cluster", "f(S)", "bound", "ratio"];
    out.columns(&names, &rows);
}
