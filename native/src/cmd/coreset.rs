//! `gleaner coreset`: a few samples that represent all.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Error, Result, anyhow, ensure};
use gleaner_core::coreset::{
    Balance, ClassOutcome, Coreset, Curvature, EPSILON, Method, Optimizer, Rows, Samples, Settings,
    Space,
};
use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::error::Error as CoreError;
use gleaner_core::noise::Noise;
use serde_json::json;

use super::option_error::of_option;
use super::target::check_outputs;
use crate::data::sample_files::SampleFiles;
use crate::data::sample_weights::Weights;
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
    gleaner coreset sure.npz --fraction 0.1 --out few.npz\n  \
    gleaner coreset sure.npz --method craig --fraction 0.1 --out coreset.npz\n  \
    gleaner coreset sure.npz --method craig --space last-layer --size 500 --out coreset.npz\n  \
    gleaner coreset sure.npz --method craig --space embedding --array clip --distance cosine --size 500 --out coreset.npz\n  \
    gleaner coreset part-*.npz --method craig --size 500 --out coreset.npz\n\n\
    Accepts samples of any generator: y [n] (the class that each sample was drawn for, a number or a word), logits or probs [n, classes],\n\
    x [n, ...] for pictures, and classes [classes] (their names, in the order of the predictions).\n\n\
    Very many samples can be shared out to several machines: choose from each part, then from what was chosen. A file that was chosen has\n\
    a weight for each sample, which counts as often as it says, and source_files, source_file and source_row, which are carried on.")]
pub struct Args {
    /// .npz files of samples of the same classes
    #[arg(required = true)]
    samples: Vec<PathBuf>,
    /// How samples are chosen [default: random; craig if --space is given]
    #[arg(long, value_enum)]
    method: Option<By>,
    #[command(flatten)]
    budget: Budget,
    #[command(flatten)]
    compared: ComparedBy,
    #[command(flatten)]
    search: Search,
    /// Let every sample count once, whatever the array weight says
    #[arg(long)]
    unweighted: bool,
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
    /// File to write: the chosen rows of every array, with index, gain, weight, and where each comes from
    #[arg(long, value_name = "Z.npz")]
    out: PathBuf,
    /// Picture to write: the first chosen samples of each class, in order
    #[arg(long, value_name = "X.png")]
    grid: Option<PathBuf>,
}

/// What samples are compared by.
#[derive(Clone, Debug, clap::Args)]
struct ComparedBy {
    /// What samples are compared by [default: gradient; of adacore last-layer if the file has features]
    #[arg(long, value_enum)]
    space: Option<In>,
    /// Array with a row for each sample that is compared [default: features (last-layer), z (latent), embedding or features (embedding)]
    #[arg(long, value_name = "NAME")]
    array: Option<String>,
    /// Distance of embeddings
    #[arg(long, value_enum, value_name = "D")]
    distance: Option<Distance>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum In {
    /// The gradient by the logits: how wrong the classifier is, and towards which class
    Gradient,
    /// The gradient by the weights of the last layer: also what the classifier sees in the sample
    LastLayer,
    /// Any numbers of the sample
    Embedding,
    /// The latent variables that it was generated from
    Latent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Distance {
    /// Straight (the default)
    Euclidean,
    /// By direction alone
    Cosine,
}

impl ComparedBy {
    /// The space, and the arrays that it may take its rows from.
    ///
    /// # Errors
    /// A flag that the space has no use for.
    fn space(&self, method: Method, files: &SampleFiles<'_>) -> Result<(Space, Vec<&str>)> {
        let has_features = method == Method::Adacore && files.has("features");
        let space = self.space.unwrap_or(if has_features { In::LastLayer } else { In::Gradient });
        ensure!(
            self.array.is_none() || space != In::Gradient,
            "--array needs --space last-layer, embedding or latent; add one, or leave --array out"
        );
        ensure!(
            self.distance.is_none() || space == In::Embedding,
            "--distance needs --space embedding; add it, or leave --distance out"
        );
        let (space, usual): (Space, &[&str]) = match space {
            In::Gradient => (Space::Gradient, &[]),
            In::LastLayer => (Space::LastLayer, &["features"]),
            In::Embedding if self.distance == Some(Distance::Cosine) => {
                (Space::Cosine, &["embedding", "features"])
            }
            In::Embedding => (Space::Embedding, &["embedding", "features"]),
            In::Latent => (Space::Latent, &["z"]),
        };
        let arrays = self.array.as_deref().map_or_else(|| usual.to_vec(), |array| vec![array]);
        Ok((space, arrays))
    }
}

/// How many samples are chosen.
#[derive(Clone, Copy, Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Budget {
    /// Share of the samples to choose, above 0 and at most 1
    #[arg(long, value_name = "F", allow_negative_numbers = true)]
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
    /// How craig and adacore search [default: auto]
    #[arg(long, value_enum)]
    optimizer: Option<Finder>,
    /// Share of the optimum that the stochastic search may lose; smaller is slower [default: 0.1]
    #[arg(long, value_name = "E")]
    epsilon: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Finder {
    /// lazy for up to 20,000 samples of a class, coarse for more
    Auto,
    /// Exact greedy search with upper bounds on the gains
    Lazy,
    /// The first samples among groups of neighbours, the others exactly: for very many samples
    Coarse,
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
            self.epsilon.is_none() || self.optimizer == Some(Finder::Stochastic),
            "--epsilon needs --optimizer stochastic; add it, or leave --epsilon out"
        );
        Ok(match self.optimizer.unwrap_or(Finder::Auto) {
            Finder::Auto => Optimizer::Auto,
            Finder::Lazy => Optimizer::Lazy,
            Finder::Coarse => Optimizer::Coarse,
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

    /// An error about a choice of `rows` samples, in the words of the command line where an option is to blame.
    fn explain(self, error: CoreError, rows: usize) -> Error {
        match (error, self.fraction) {
            (CoreError::Config { field: "size", value, problem }, Some(fraction)) => anyhow!(
                "--fraction {fraction} is not valid: of {rows} samples that is {value}, and {problem}"
            ),
            (error @ CoreError::Config { field: "size" | "distance", .. }, _) => of_option(error),
            (other, _) => other.into(),
        }
    }
}

impl Args {
    /// What is asked for, and the arrays that the space may take its rows from.
    fn settings(&self, files: &SampleFiles<'_>) -> Result<(Settings, Vec<&str>)> {
        let rows = files.rows();
        let method = match self.method {
            // What taught another classifier most, or as much as any other: docs/results/choosing.md.
            None if self.compared.space.is_none() => Method::Random,
            None | Some(By::Craig) => Method::Craig,
            Some(By::Adacore) => Method::Adacore,
            Some(By::Random) => Method::Random,
            Some(By::Confidence) => Method::Confidence,
        };
        ensure!(
            self.search.optimizer.is_none() || matches!(method, Method::Craig | Method::Adacore),
            "--optimizer needs --method craig or adacore; add one, or leave --optimizer out"
        );
        let (space, arrays) = self.compared.space(method, files)?;
        let settings = Settings {
            method,
            space,
            optimizer: self.search.optimizer()?,
            size: self.budget.size(rows)?,
            balance: match self.balance {
                Sharing::Proportional => Balance::Proportional,
                Sharing::Equal => Balance::Equal,
            },
        };
        settings.check().map_err(of_option)?;
        Ok((settings, arrays))
    }
}

/// Selects.
///
/// # Errors
/// If a file fails, the samples are not what they should be, or the budget does not fit them.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    check_threads(args.threads)?;
    let mut file = SampleFiles::open(&args.samples)?;
    let (settings, arrays) = args.settings(&file)?;
    check_outputs(&args.out, args.grid.as_deref(), &args.samples)?;
    let crew = Crew::start(args.threads)?;
    let started = Instant::now();
    let weights = if args.unweighted { None } else { file.weights()? };
    if let Some(Weights { parts, part }) = &weights {
        let all = parts.iter().copied().map(f64::from).sum::<f64>() * part;
        eprintln!(
            "note: {} samples stand for {}: each counts as often as its weight says; --unweighted lets each count once",
            parts.len(),
            (all * 10.0).round() / 10.0
        );
    }
    let mut coreset =
        crew.lead(|| select(&mut file, (&settings, &arrays), weights.as_ref(), args, &crew))?;
    if args.method.is_none() && settings.method == Method::Random {
        eprintln!(
            "note: samples are chosen at random; --method craig chooses some that represent all"
        );
    }
    let part = weights.as_ref().map_or(1.0, |weights| weights.part);
    in_samples(&mut coreset, part);
    let seconds = started.elapsed().as_secs_f64();
    let draw = |path| draw(&mut file, &coreset, path);
    let picture = args.grid.as_deref().map(draw).transpose()?;
    // Neither is there without the other.
    prepare(&mut file, &coreset, part, args)?.put_in_place()?;
    picture.map(Prepared::put_in_place).transpose()?;
    show(&coreset, &file, part, out);
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
        "method": settings.method, "space": settings.space, "seed": args.seed,
        "optimizer": settings.optimizer.for_points(coreset.classes.iter().map(|class| class.rows).max().unwrap_or(0)),
        "objective": coreset.objective(), "bound": coreset.bound(), "ratio": coreset.ratio(),
        "seconds": seconds, "classes": coreset.classes,
        "class_names": file.classes(),
    }))
}

/// Worths of samples, which were counted in parts of one.
fn in_samples(coreset: &mut Coreset, part: f64) {
    coreset.picks.iter_mut().for_each(|pick| pick.gain *= part);
    for class in &mut coreset.classes {
        class.objective *= part;
        class.bound *= part;
    }
}

fn select(
    file: &mut SampleFiles<'_>,
    (settings, arrays): (&Settings, &[&str]),
    weights: Option<&Weights>,
    args: &Args,
    crew: &Crew,
) -> Result<Coreset> {
    let predictions = file.predictions()?;
    let numbers = match settings.space {
        Space::Gradient => None,
        Space::LastLayer => Some(file.numbers(arrays, "--space last-layer")?),
        Space::Embedding => Some(file.differences(arrays, "--space embedding")?),
        Space::Cosine => Some(file.numbers(arrays, "--space embedding")?),
        Space::Latent => Some(file.differences(arrays, "--space latent")?),
    };
    let rows = match &numbers {
        Some((values, width)) => Some(Rows::new("array", values, *width, predictions.len())?),
        None => None,
    };
    let samples = Samples {
        predictions: &predictions,
        rows,
        weights: weights.map(|weights| &weights.parts[..]),
    };
    let mut progress = Progress::steps("coreset", settings.size);
    let mut on_chosen = || progress.step(String::new);
    let noise = Noise::new(args.seed);
    let curvature = Curvature::default();
    let coreset = settings.select(&samples, curvature, &noise, crew, &mut on_chosen);
    progress.finish();
    let coreset = coreset.map_err(|error| args.budget.explain(error, file.rows()));
    coreset.with_context(|| file.paths())
}

/// By class, the first samples chosen.
fn draw<'a>(file: &mut SampleFiles<'_>, coreset: &Coreset, path: &'a Path) -> Result<Prepared<'a>> {
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
    file: &mut SampleFiles<'_>,
    coreset: &Coreset,
    part: f64,
    args: &'a Args,
) -> Result<Prepared<'a>> {
    let picks = &coreset.picks;
    let rows: Vec<usize> = picks.iter().map(|pick| pick.row).collect();
    let factor = match args.rescale {
        true => picks.len() as f64 / picks.iter().map(|pick| pick.weight as f64).sum::<f64>(),
        false => part,
    };
    let shape = [picks.len()];
    let weights = picks.iter().map(|pick| (pick.weight as f64 * factor) as f32).collect();
    let more = vec![
        ("gain", NpyArray::f32(&shape, picks.iter().map(|pick| pick.gain as f32).collect())),
        ("weight", NpyArray::f32(&shape, weights)),
    ];
    file.prepare_rows(&args.out, &rows, more)
}

/// A sum of similarities, which are known to seven digits (single precision), with so many decimals at most; of tiny and of huge ones
/// the digits with a power of ten.
fn worth(value: f64, most: usize) -> String {
    let size = value.abs();
    if size > 0.0 && !(1e-3..1e9).contains(&size) {
        return format!("{value:.3e}");
    }
    let before = size.max(1.0).log10().floor() as usize + 1;
    format!("{value:.*}", most.min(7_usize.saturating_sub(before)))
}

fn show(coreset: &Coreset, file: &SampleFiles<'_>, part: f64, out: &Output) {
    let mut picks = coreset.picks.as_slice();
    let is_weighted = coreset.classes.iter().any(|class| class.stand_for != class.rows as u64);
    let mut cells = |class: &ClassOutcome| {
        let (chosen, others) = picks.split_at(class.chosen);
        picks = others;
        let heaviest = chosen.iter().map(|pick| pick.weight).max().unwrap_or(0);
        let ratio = if class.bound > 0.0 { class.objective / class.bound } else { 1.0 };
        let mut cells = vec![file.class_name(class.class)];
        cells.extend([class.rows, class.chosen].map(|n| n.to_string()));
        let parts = |parts: u64| match part == 1.0 {
            true => parts.to_string(),
            false => format!("{:.1}", parts as f64 * part),
        };
        if is_weighted {
            cells.insert(2, parts(class.stand_for));
        }
        cells.push(parts(heaviest));
        cells.extend([class.objective, class.bound].map(|value| worth(value, 4)));
        cells.push(format!("{ratio:.4}"));
        cells
    };
    let rows: Vec<Vec<String>> = coreset.classes.iter().map(&mut cells).collect();
    let mut names = vec!["class", "samples", "chosen", "largest cluster", "f(S)", "bound", "ratio"];
    if is_weighted {
        names.insert(2, "stand for");
    }
    out.columns(&names, &rows);
}
