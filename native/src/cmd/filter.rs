//! `gleaner filter`: keeps the samples that are worth it: sure, right, plausible.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::filter::{ClassCounts, Filter, Filtered, Standing, Surest, standings};
use gleaner_core::measures::predictions::Predictions;
use serde_json::json;

use super::option_error::of_option;
use super::target::check_outputs;
use crate::data::real_examples::{Beside, beside};
use crate::data::rows::evenly;
use crate::data::samples::SampleFile;
use crate::pictures::picture::{comfortable_scale, rows_png};
use crate::system::output::{Output, path_text};
use crate::system::prepared::Prepared;
use crate::system::threads::Threads;

/// Most pictures of a class that were kept, and that were dropped.
const SHOWN: [usize; 2] = [14, 6];

/// Most classes that a warning is given for.
const WARNED: usize = 10;

/// Keep the samples that the classifier is sure of, or that look like real ones.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner filter samples.npz --max-entropy 0.01 --out sure.npz\n  \
    gleaner filter samples.npz --max-entropy 0.1 --keep-agreeing --out sure.npz --grid sure.png\n  \
    gleaner filter samples.npz --keep 0.1 --out surest.npz\n  \
    gleaner filter samples.npz --max-entropy 0.01 --at-least 50 --like real.npz --out good.npz\n\n\
    Accepts samples of any generator: y [n] (the class that each sample was drawn for, a number or a word), logits or probs [n, classes],\n\
    x [n, ...] for pictures, and classes [classes] (their names, in the order of the predictions).\n\
    Give logits if you have them: rounded probabilities lose small entropies.")]
pub struct Args {
    /// .npz file of samples
    samples: PathBuf,
    #[command(flatten)]
    criteria: Criteria,
    /// Keep at least so many of each class, the surest, whatever their entropy
    #[arg(long, value_name = "N", default_value_t = 0)]
    at_least: usize,
    /// Array that samples and real examples are compared by [default: features if both files have it, else x]
    #[arg(long, value_name = "NAME", requires = "like")]
    like_array: Option<String>,
    /// File to write: the kept rows of every array, with entropy and source_index
    #[arg(long, value_name = "Y.npz")]
    out: PathBuf,
    /// Picture to write: kept and dropped samples of each class, in order of entropy
    #[arg(long, value_name = "X.png")]
    grid: Option<PathBuf>,
}

/// What is asked of a sample. Several criteria have to hold together.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct Criteria {
    /// Keep samples whose entropy is below H nats
    #[arg(long, value_name = "H", allow_negative_numbers = true)]
    max_entropy: Option<f64>,
    /// Keep samples whose most probable class is the one they were drawn for
    #[arg(long)]
    keep_agreeing: bool,
    /// Keep this share of the samples of each class, the surest; rounded up
    #[arg(
        long,
        value_name = "F",
        conflicts_with = "keep_per_class",
        allow_negative_numbers = true
    )]
    keep: Option<f64>,
    /// Keep so many samples of each class, the surest
    #[arg(long, value_name = "N")]
    keep_per_class: Option<usize>,
    /// Keep samples that lie among these real examples and are no near copy of one
    #[arg(long, value_name = "REAL.npz")]
    like: Option<PathBuf>,
}

impl Args {
    fn filter(&self) -> Result<Filter> {
        let surest = match (self.criteria.keep, self.criteria.keep_per_class) {
            (Some(share), _) => Surest::Share(share),
            (None, Some(count)) => Surest::Count(count),
            (None, None) => Surest::All,
        };
        let Criteria { max_entropy, keep_agreeing, .. } = self.criteria;
        let filter = Filter { max_entropy, keep_agreeing, surest, at_least: self.at_least };
        filter.checked().map_err(of_option)
    }

    /// How each sample stands to the real examples, if there are any.
    fn standings(&self, file: &mut SampleFile<'_>) -> Result<Option<Vec<Standing>>> {
        let Some(path) = &self.criteria.like else { return Ok(None) };
        let Beside { array, made, real, width } = beside(file, path, self.like_array.as_deref())?;
        eprintln!(
            "note: comparing {} samples with {} real examples by {array}",
            file.rows(),
            real.len() / width.max(1)
        );
        let threads = Threads::start(0)?;
        Ok(Some(
            standings(&real, &made, width, &threads)
                .context(format!("--like {}", path.display()))?,
        ))
    }
}

/// Filters.
///
/// # Errors
/// If a file fails, the samples are not what they should be, or none is kept.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    let filter = args.filter()?;
    let mut file = SampleFile::open(&args.samples)?;
    let read: Vec<PathBuf> =
        [&args.samples].into_iter().chain(&args.criteria.like).cloned().collect();
    check_outputs(&args.out, args.grid.as_deref(), &read)?;
    let predictions = file.predictions()?;
    let standings = args.standings(&mut file)?;
    let filtered = filter.apply(&predictions, standings.as_deref());
    let Filtered { kept, entropy, classes } = &filtered;
    let standings = standings.as_deref();
    let others = Others { args, predictions: &predictions, standings, entropy };
    ensure!(
        !kept.is_empty(),
        "no sample of {} is kept; {}",
        args.samples.display(),
        why_none(args, &filtered, &others)
    );
    let draw = |path| draw(&mut file, &pictured(&predictions, &filtered), path);
    let picture = args.grid.as_deref().map(draw).transpose()?;
    let source = kept.iter().map(|&row| row as i64).collect();
    let kept_entropy = kept.iter().map(|&row| entropy[row] as f32).collect();
    let more = [
        ("entropy", NpyArray::f32(&[kept.len()], kept_entropy)),
        ("source_index", NpyArray::i64(&[kept.len()], source)),
    ];
    // Neither is there without the other.
    file.prepare_rows(&args.out, kept, &more)?.put_in_place()?;
    picture.map(Prepared::put_in_place).transpose()?;
    show(args, &file, classes, out);
    let empty: Vec<&ClassCounts> = classes.iter().filter(|counts| counts.kept == 0).collect();
    warn(&empty, &file, &others);
    let [drawn, agreed] = [
        classes.iter().map(|counts| counts.drawn).sum::<usize>(),
        classes.iter().map(|counts| counts.agreed).sum(),
    ];
    let total = |of: fn(&ClassCounts) -> usize| classes.iter().map(of).sum::<usize>();
    out.line(format!("{} of {drawn} samples kept in {}", kept.len(), args.out.display()));
    let Criteria { max_entropy, keep_agreeing, keep, keep_per_class, like } = &args.criteria;
    out.object(&json!({
        "out": path_text(&args.out), "grid": args.grid.as_ref().map(path_text), "samples": drawn, "agreed": agreed, "kept": kept.len(),
        "max_entropy": max_entropy, "keep_agreeing": keep_agreeing, "keep": keep, "keep_per_class": keep_per_class,
        "at_least": args.at_least, "like": like.as_ref().map(path_text),
        "outside": total(|class| class.outside), "memorised": total(|class| class.memorised), "classes": classes,
        "class_names": file.classes(),
        "empty_classes": empty.iter().map(|counts| file.class_name(counts.class)).collect::<Vec<_>>(),
    }))
}

/// Draws rows of the file.
fn draw<'a>(
    file: &mut SampleFile<'_>,
    rows: &[Vec<Option<usize>>],
    path: &'a Path,
) -> Result<Prepared<'a>> {
    let shown: Vec<usize> = rows.iter().flatten().flatten().copied().collect();
    let (images, shape) = file.images(&shown)?;
    let mut next = 0..;
    let places: Vec<Vec<Option<usize>>> = rows
        .iter()
        .map(|row| row.iter().map(|place| place.and_then(|_| next.next())).collect())
        .collect();
    Prepared::of(path, &rows_png(&images, &places, shape, comfortable_scale(shape))?)
}

/// The table: numbers of each class by criterion, and shares.
fn show(args: &Args, file: &SampleFile<'_>, classes: &[ClassCounts], out: &Output) {
    let Criteria { max_entropy, like, .. } = &args.criteria;
    let mut names = vec!["class", "drawn", "agreed", ""];
    if max_entropy.is_some() {
        names.extend(["sure", ""]);
    }
    if like.is_some() {
        names.extend(["outside", "", "near copies", ""]);
    }
    names.extend(["kept", ""]);
    let cells = |counts: &ClassCounts| {
        let share = |part: usize| match counts.drawn {
            0 => "-".to_owned(),
            drawn => format!("{:.1} %", 100.0 * part as f64 / drawn as f64),
        };
        let mut cells = vec![file.class_name(counts.class), counts.drawn.to_string()];
        let mut tell = |part: usize| cells.extend([part.to_string(), share(part)]);
        tell(counts.agreed);
        if max_entropy.is_some() {
            tell(counts.sure);
        }
        if like.is_some() {
            tell(counts.outside);
            tell(counts.memorised);
        }
        tell(counts.kept);
        cells
    };
    out.columns(&names, &classes.iter().map(cells).collect::<Vec<_>>());
}

/// What is asked of samples beside their entropy, to find the entropy that decides.
struct Others<'a> {
    args: &'a Args,
    predictions: &'a Predictions,
    standings: Option<&'a [Standing]>,
    entropy: &'a [f64],
}

impl Others<'_> {
    /// The smallest entropy of those rows that meet the other criteria, as it is `called` if there are none, and what to do.
    fn smallest(&self, called: &str, rows: impl IntoIterator<Item = usize>) -> String {
        let Criteria { max_entropy, keep_agreeing, like, .. } = &self.args.criteria;
        let fits = |row: &usize| {
            let inside = self.standings.is_none_or(|all| all[*row] == Standing::Inside);
            inside && (!keep_agreeing || self.predictions.agrees(*row))
        };
        let left = rows.into_iter().filter(fits).map(|row| self.entropy[row]);
        let Some(least) = left.reduce(f64::min).filter(|_| max_entropy.is_some()) else {
            return "no sample meets all criteria: leave one out".to_owned();
        };
        let called = match (like, keep_agreeing) {
            (None, false) => called,
            (None, true) => "the smallest entropy of those that agree",
            (Some(_), _) => "the smallest entropy of those that meet the other criteria",
        };
        let least = nats_in_words(least);
        format!("{called} is {least} nats: raise --max-entropy, or add --at-least 1")
    }
}

/// Four digits, and powers of ten for tiny numbers alone.
fn nats_in_words(value: f64) -> String {
    let rounded = format!("{value:.3e}");
    match rounded.parse::<f64>() {
        Ok(plain) if value == 0.0 || plain >= 0.001 => plain.to_string(),
        _ => rounded,
    }
}

/// What leaves no sample at all, and what would change that.
fn why_none(args: &Args, filtered: &Filtered, others: &Others<'_>) -> String {
    let total = |of: fn(&ClassCounts) -> usize| filtered.classes.iter().map(of).sum::<usize>();
    let drawn = total(|class| class.drawn);
    if total(|class| class.outside + class.memorised) == drawn && args.criteria.like.is_some() {
        let (outside, copies) = (total(|class| class.outside), total(|class| class.memorised));
        let why = match copies > outside {
            true => "are the real examples these samples themselves?",
            false => "are both files in the same units?",
        };
        return format!(
            "{outside} lie outside the real examples and {copies} are near copies: {why}"
        );
    }
    others.smallest("the smallest entropy", 0..filtered.entropy.len())
}

/// Says of which classes nothing is kept, and what would change that.
fn warn(empty: &[&ClassCounts], file: &SampleFile<'_>, others: &Others<'_>) {
    let agreeing = others.args.criteria.keep_agreeing;
    for counts in empty.iter().take(WARNED) {
        let name = file.class_name(counts.class);
        let why = match counts {
            ClassCounts { drawn: 0, .. } => "the file has none".to_owned(),
            ClassCounts { drawn, outside, memorised, .. } if outside + memorised == *drawn => {
                format!(
                    "{outside} of its samples lie outside the real examples and {memorised} are near copies; leave --like out"
                )
            }
            ClassCounts { agreed: 0, .. } if agreeing => {
                format!(
                    "the classifier takes none of its {} for it; leave --keep-agreeing out",
                    counts.drawn
                )
            }
            _ => others.smallest("its smallest entropy", others.predictions.rows_of(counts.class)),
        };
        eprintln!("note: no sample of class {name} is kept: {why}");
    }
    if let Some(more @ 1..) = empty.len().checked_sub(WARNED) {
        eprintln!("note: nor is one of {more} other classes");
    }
}

/// Rows of the file by class: some that were kept, a gap, some that were dropped, each evenly from the most to the least
/// certain.
fn pictured(predictions: &Predictions, filtered: &Filtered) -> Vec<Vec<Option<usize>>> {
    let mut is_kept = vec![false; predictions.len()];
    filtered.kept.iter().for_each(|&row| is_kept[row] = true);
    let classes = (0..predictions.classes()).map(|class| predictions.rows_of(class));
    let parts: Vec<[Vec<usize>; 2]> = classes
        .filter(|rows| !rows.is_empty())
        .map(|mut rows| {
            rows.sort_by(|&a, &b| filtered.entropy[a].total_cmp(&filtered.entropy[b]));
            let (kept, dropped): (Vec<_>, Vec<_>) = rows.into_iter().partition(|&row| is_kept[row]);
            [evenly(&kept, SHOWN[0]), evenly(&dropped, SHOWN[1])]
        })
        .collect();
    let width = parts.iter().map(|[kept, _]| kept.len()).max().unwrap_or(0);
    let row = |[kept, dropped]: &[Vec<usize>; 2]| {
        let mut row: Vec<Option<usize>> = kept.iter().copied().map(Some).collect();
        row.resize(width + 1, None);
        row.extend(dropped.iter().copied().map(Some));
        row
    };
    parts.iter().map(row).collect()
}
