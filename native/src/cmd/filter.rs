//! `gleaner filter`: keeps the samples that the classifier is sure of.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::filter::{ClassCounts, EntropyFilter, Filtered};
use gleaner_core::measures::predictions::Predictions;
use serde_json::json;

use super::target::check_outputs;
use crate::data::rows::evenly;
use crate::data::samples::SampleFile;
use crate::pictures::picture::{comfortable_scale, rows_png};
use crate::system::output::{Output, path_text};
use crate::system::prepared::Prepared;

/// Most pictures of a class that were kept, and that were dropped.
const SHOWN: [usize; 2] = [14, 6];

/// Most classes that a warning is given for.
const WARNED: usize = 10;

/// Keep the samples that the classifier is sure of.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner filter samples.npz --max-entropy 1e-6 --out sure.npz\n  \
    gleaner filter samples.npz --max-entropy 0.1 --keep-agreeing --out sure.npz --grid sure.png\n\n\
    Accepts samples of any generator: y [n] (the class that each sample was drawn for, a number or a word), logits or probs [n, classes],\n\
    x [n, ...] for pictures, and classes [classes] (their names, in the order of the predictions).\n\
    Give logits if you have them: rounded probabilities lose small entropies.")]
pub struct Args {
    /// .npz file of samples
    samples: PathBuf,
    /// Keep samples whose entropy is below H nats
    #[arg(long, value_name = "H")]
    max_entropy: f64,
    /// Of these, keep only samples whose most probable class is the one they were drawn for
    #[arg(long)]
    keep_agreeing: bool,
    /// File to write: the kept rows of every array, with entropy and source_index
    #[arg(long, value_name = "Y.npz")]
    out: PathBuf,
    /// Picture to write: kept and dropped samples of each class, in order of entropy
    #[arg(long, value_name = "X.png")]
    grid: Option<PathBuf>,
}

/// Filters.
///
/// # Errors
/// If a file fails, the samples are not what they should be, or none is kept.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    let filter = EntropyFilter::new(args.max_entropy, args.keep_agreeing)?;
    let mut file = SampleFile::open(&args.samples)?;
    check_outputs(&args.out, args.grid.as_deref(), &args.samples)?;
    let predictions = file.predictions()?;
    let filtered = filter.apply(&predictions);
    let Filtered { kept, entropy, classes } = &filtered;
    ensure!(
        !kept.is_empty(),
        "no sample of {} is kept; the smallest entropy is {:.3e} nats: raise --max-entropy",
        args.samples.display(),
        entropy.iter().copied().fold(f64::INFINITY, f64::min)
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
    let rows: Vec<Vec<String>> =
        classes.iter().map(|counts| cells(file.class_name(counts.class), counts)).collect();
    out.columns(&["class", "drawn", "agreed", "", "kept", ""], &rows);
    let empty: Vec<&ClassCounts> = classes.iter().filter(|counts| counts.kept == 0).collect();
    warn(&empty, &file, args, entropy, &predictions);
    let [drawn, agreed] = [
        classes.iter().map(|counts| counts.drawn).sum::<usize>(),
        classes.iter().map(|counts| counts.agreed).sum(),
    ];
    out.line(format!("{} of {drawn} samples kept in {}", kept.len(), args.out.display()));
    out.object(&json!({
        "out": path_text(&args.out), "grid": args.grid.as_ref().map(path_text), "samples": drawn, "agreed": agreed, "kept": kept.len(),
        "max_entropy": args.max_entropy, "keep_agreeing": args.keep_agreeing, "classes": classes,
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

/// A row of the table: numbers and shares of a class.
fn cells(name: String, counts: &ClassCounts) -> Vec<String> {
    let share = |part: usize| match counts.drawn {
        0 => "-".to_owned(),
        drawn => format!("{:.1} %", 100.0 * part as f64 / drawn as f64),
    };
    let [drawn, agreed, kept] =
        [counts.drawn, counts.agreed, counts.kept].map(|number| number.to_string());
    vec![name, drawn, agreed, share(counts.agreed), kept, share(counts.kept)]
}

/// Says of which classes nothing is kept, and what would change that.
fn warn(
    empty: &[&ClassCounts],
    file: &SampleFile<'_>,
    args: &Args,
    entropy: &[f64],
    predictions: &Predictions,
) {
    for counts in empty.iter().take(WARNED) {
        let name = file.class_name(counts.class);
        let counted = |row: &usize| !args.keep_agreeing || predictions.agrees(*row);
        let rows = predictions.rows_of(counts.class).into_iter().filter(counted);
        let least = rows.map(|row| entropy[row]).fold(f64::INFINITY, f64::min);
        let why = match counts {
            ClassCounts { drawn: 0, .. } => "the file has none".to_owned(),
            ClassCounts { agreed: 0, .. } if args.keep_agreeing => {
                format!(
                    "the classifier takes none of its {} for it; leave --keep-agreeing out",
                    counts.drawn
                )
            }
            _ => format!("its smallest entropy is {least:.3e} nats: raise --max-entropy"),
        };
        eprintln!("no sample of class {name} is kept: {why}");
    }
    if let Some(more @ 1..) = empty.len().checked_sub(WARNED) {
        eprintln!("nor is one of {more} other classes");
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
