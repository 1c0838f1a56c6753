//! `gleaner predict`: which class new examples are of, and which ones to label next.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use gleaner_core::data::Examples;
use gleaner_core::data::formats::csv_out::write_csv;
use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::data::formats::npz::write_npz;
use gleaner_core::data::labels;
use gleaner_core::data::schema::{Scaling, Schema};
use gleaner_core::measures::eval::{arg_max, entropy_of_logits, probabilities};
use gleaner_core::measures::uncertainty::interval;
use serde_json::{Value, json};

use super::target::{Format, Target, data_of};
use crate::choice::Classifier;
use crate::data::new_rows::{NewLabels, NewRows, read_new};
use crate::run::classify::classify;
use crate::run::source::problem_of_run;
use crate::run::summary::share_in_words;
use crate::run::{Places, Problem, RunDir};
use crate::system::device;
use crate::system::files::write_atomic;
use crate::system::output::{Output, path_text};
use crate::system::threads::Threads;

/// Predict the class of new examples, or of the run's own unlabelled ones.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner predict runs/patients-m2-seed0 new.csv --out predicted.csv\n  \
    gleaner predict runs/photos-m2-seed0 more-photos/ --out predicted.csv\n  \
    gleaner predict runs/photos-m2-seed0 --pool --least-sure 20        what to label next\n  \
    gleaner predict runs/mnist-m2-seed0 images.npz --out predicted.npz\n\n\
    A table needs the columns that the run was trained on, in any order. Pictures are brought to the size of the training\n\
    pictures. A .csv gets a row for each example: index (counted from 0) or file, class, entropy in nats, and the\n\
    probability of each class. An .npz gets index or file, y, probs, logits, entropy and classes.")]
pub struct Args {
    /// Run directory
    run: PathBuf,
    /// File or folder of examples of the kind that the run was trained on
    #[arg(required_unless_present = "pool", conflicts_with = "pool")]
    input: Option<PathBuf>,
    /// Predict the examples of the run that have no label
    #[arg(long)]
    pool: bool,
    /// List the N examples to label next: the least sure ones, spread over the classes that are predicted for them
    #[arg(long, value_name = "N")]
    least_sure: Option<usize>,
    /// File to write, .csv or .npz; with --least-sure, these examples alone
    #[arg(long, value_name = "P.csv|P.npz", required_unless_present = "least_sure")]
    out: Option<PathBuf>,
    /// CPU threads; 0 uses all
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Where to compute [default: as in the run]
    #[arg(long)]
    device: Option<String>,
    /// Folder of the data sets, for --pool [default: as in the run]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Predicts.
///
/// # Errors
/// If the run, the input, the device or the output fails.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    let dir = RunDir::open(&args.run)?;
    let recipe = dir.recipe()?;
    let read: Vec<PathBuf> = data_of(&recipe).into_iter().chain(args.input.clone()).collect();
    let target = args.out.as_deref().map(|path| Target { flag: "--out", path });
    let formats = [Format::Csv, Format::Npz];
    let format = target.map(|target| target.check(&formats, &read)).transpose()?;
    if args.least_sure == Some(0) {
        bail!("--least-sure 0 is not valid: it must be at least 1");
    }
    device::set_threads(args.threads)?;
    let device = device::of_command(args.device.as_deref(), &recipe.train.device)?;
    let checkpoint = dir.checkpoint()?;
    ensure!(
        checkpoint.config.classifies(),
        "m1 has no classifier to predict with; train another --model"
    );
    let named = || dir.model().display().to_string();
    let model = checkpoint.build(&device).with_context(named)?;
    let classifier = Classifier::of(&dir, &recipe, (&checkpoint.config, model), &device)?;
    let told = match &args.input {
        Some(path) => {
            let schema = checkpoint.data.with_context(|| {
                format!(
                    "{} was trained before runs kept what their examples are; train it again with: gleaner train {}",
                    args.run.display(),
                    dir.config().display()
                )
            })?;
            Predicted::of_new(&classifier, read_new(path, &schema)?, schema, args.threads)?
        }
        None => Predicted::of_pool(&classifier, &dir, args)?,
    };
    let order = match args.least_sure {
        Some(count) => told.least_sure(count),
        None => (0..told.len()).collect(),
    };
    if let (Some(path), Some(format)) = (&args.out, format) {
        write_atomic(path, &told.written(&order, format)?)?;
    }
    told.show(args, &order, out)
}

/// Predictions.
struct Predicted {
    logits: Vec<f32>,
    classes: Vec<String>,
    /// Where each example stands in its file, counted from 0.
    index: Vec<usize>,
    /// The file of each example, where they are pictures.
    files: Vec<PathBuf>,
    /// Right classes, where the input has them; -1 where it has none.
    truth: Option<Vec<i64>>,
    /// Rows with a label that is none of the run's classes, and one of these labels.
    foreign: Option<(usize, String)>,
}

impl Predicted {
    fn of_new(
        classifier: &Classifier,
        new: NewRows,
        schema: Schema,
        threads: usize,
    ) -> Result<Self> {
        let NewRows { raw, files, labels, notes } = new;
        notes.iter().for_each(|note| eprintln!("note: {note}"));
        let workers = Threads::start(threads)?;
        let index: Vec<usize> = (0..raw.len()).collect();
        let told = |examples: &Examples| classifier.logits(examples);
        let logits = classify(&told, &raw, &index, &schema.scaling, &workers)?;
        let told = labels.and_then(|labels| truth(&labels, &schema.classes, index.len()));
        let (truth, foreign) = told.unzip();
        Ok(Self {
            logits,
            classes: schema.classes,
            index,
            files,
            truth,
            foreign: foreign.flatten(),
        })
    }

    /// The run's own examples without a label: those of the file, and those whose label the run was not to look at.
    fn of_pool(classifier: &Classifier, dir: &RunDir, args: &Args) -> Result<Self> {
        let mut recipe = dir.recipe()?;
        if let Some(data_dir) = &args.data_dir {
            recipe.data.dir = Some(data_dir.clone());
        }
        let Problem { data, split, places, .. } = problem_of_run(dir, &recipe)?;
        let mut has_label = vec![false; data.train.len()];
        split.labelled.iter().chain(&split.validation).for_each(|&row| has_label[row] = true);
        let rows: Vec<usize> = (0..data.train.len()).filter(|&row| !has_label[row]).collect();
        ensure!(!rows.is_empty(), "every example of the run has a label; give a file of new ones");
        let workers = Threads::start(args.threads)?;
        let told = |examples: &Examples| classifier.logits(examples);
        let logits = classify(&told, &data.train, &rows, &Scaling::None, &workers)?;
        let Places { rows: of_file, files, .. } = places.unwrap_or_else(|| Places {
            rows: (0..data.train.len()).collect(),
            ..Places::default()
        });
        let index: Vec<usize> = rows.iter().map(|&row| of_file[row]).collect();
        let files = index.iter().filter_map(|&row| files.get(row).cloned()).collect();
        Ok(Self { logits, classes: data.classes, index, files, truth: None, foreign: None })
    }

    fn len(&self) -> usize {
        self.index.len()
    }

    fn row(&self, row: usize) -> &[f32] {
        let classes = self.classes.len();
        &self.logits[row * classes..][..classes]
    }

    /// The examples to label next: in turns from each predicted class its least sure one.
    fn least_sure(&self, count: usize) -> Vec<usize> {
        let mut by_class = vec![Vec::new(); self.classes.len()];
        for row in 0..self.len() {
            by_class[arg_max(self.row(row))].push((entropy_of_logits(self.row(row)), row));
        }
        for rows in &mut by_class {
            rows.sort_by(|(a, i), (b, j)| b.total_cmp(a).then(i.cmp(j)));
        }
        let turns = by_class.iter().map(Vec::len).max().unwrap_or(0);
        let mut order = Vec::new();
        for turn in 0..turns {
            let mut these: Vec<(f64, usize)> =
                by_class.iter().filter_map(|rows| rows.get(turn).copied()).collect();
            these.sort_by(|(a, i), (b, j)| b.total_cmp(a).then(i.cmp(j)));
            order.extend(these.into_iter().map(|(_, row)| row));
        }
        order.truncate(count);
        order
    }

    fn written(&self, order: &[usize], format: Format) -> Result<Vec<u8>> {
        match format {
            Format::Csv => {
                let header = [self.key(), "class", "entropy"].map(str::to_owned);
                let header: Vec<String> = header
                    .into_iter()
                    .chain(self.classes.iter().map(|class| format!("p_{class}")))
                    .collect();
                Ok(write_csv(&header, order.iter().map(|&row| self.cells(row)))?)
            }
            _ => Ok(write_npz(&self.arrays(order))?),
        }
    }

    /// What tells one example from another.
    fn key(&self) -> &'static str {
        if self.files.is_empty() { "index" } else { "file" }
    }

    fn place(&self, row: usize) -> String {
        match self.files.get(row) {
            Some(file) => file.display().to_string(),
            None => self.index[row].to_string(),
        }
    }

    fn cells(&self, row: usize) -> Vec<String> {
        let logits = self.row(row);
        let name = self.classes[arg_max(logits)].clone();
        let mut cells = vec![self.place(row), name, format!("{:.6e}", entropy_of_logits(logits))];
        cells.extend(probabilities(logits).into_iter().map(|p| format!("{p:.6e}")));
        cells
    }

    fn arrays(&self, order: &[usize]) -> Vec<(&'static str, NpyArray)> {
        let (rows, classes) = (order.len(), self.classes.len());
        let logits: Vec<f32> = order.iter().flat_map(|&row| self.row(row)).copied().collect();
        let probs =
            order.iter().flat_map(|&row| probabilities(self.row(row))).map(|p| p as f32).collect();
        let entropy = order.iter().map(|&row| entropy_of_logits(self.row(row)) as f32).collect();
        let y = order.iter().map(|&row| arg_max(self.row(row)) as i64).collect();
        let key = match self.files.is_empty() {
            true => (
                "index",
                NpyArray::i64(&[rows], order.iter().map(|&row| self.index[row] as i64).collect()),
            ),
            false => ("file", NpyArray::texts(order.iter().map(|&row| self.place(row)))),
        };
        vec![
            key,
            ("y", NpyArray::i64(&[rows], y)),
            ("probs", NpyArray::f32(&[rows, classes], probs)),
            ("logits", NpyArray::f32(&[rows, classes], logits)),
            ("entropy", NpyArray::f32(&[rows], entropy)),
            ("classes", NpyArray::texts(&self.classes)),
        ]
    }

    /// Counts of classes, the accuracy where it is known, the least sure ones.
    fn show(&self, args: &Args, order: &[usize], out: &Output) -> Result<()> {
        let mut counts = vec![0_usize; self.classes.len()];
        (0..self.len()).for_each(|row| counts[arg_max(self.row(row))] += 1);
        let share = |count: usize| format!("{:.1} %", 100.0 * count as f64 / self.len() as f64);
        let rows: Vec<Vec<String>> = self
            .classes
            .iter()
            .zip(&counts)
            .map(|(class, &count)| vec![class.clone(), count.to_string(), share(count)])
            .collect();
        out.columns(&["class", "predicted", ""], &rows);
        let accuracy = self.accuracy();
        if let Some((accuracy, count)) = accuracy {
            let said = share_in_words(accuracy, count, Some(interval(accuracy, count)));
            out.line(format!("right, where the input has a label: {said}"));
        }
        if let Some((rows, label)) = &self.foreign {
            out.line(format!(
                "{rows} rows have a label that is none of the run's classes, such as {label:?}; they are not counted"
            ));
        }
        if args.least_sure.is_some() {
            let rows: Vec<Vec<String>> = order
                .iter()
                .map(|&row| {
                    let logits = self.row(row);
                    let best = arg_max(logits);
                    let cells =
                        [format!("{:.4}", entropy_of_logits(logits)), self.classes[best].clone()];
                    [
                        vec![self.place(row)],
                        cells.to_vec(),
                        vec![format!("{:.3}", probabilities(logits)[best])],
                    ]
                    .concat()
                })
                .collect();
            out.columns(&[self.key(), "entropy", "class", "probability"], &rows);
        }
        if let Some(path) = &args.out {
            out.line(format!(
                "{} of {} predictions in {}",
                order.len(),
                self.len(),
                path.display()
            ));
        }
        let classes = self
            .classes
            .iter()
            .zip(&counts)
            .map(|(name, count)| json!({"name": name, "predicted": count}));
        let least =
            args.least_sure.map(|_| order.iter().map(|&row| self.object(row)).collect::<Vec<_>>());
        out.object(&json!({
            "run": path_text(&args.run), "out": args.out.as_ref().map(path_text), "rows": self.len(), "classes": classes.collect::<Vec<_>>(),
            "accuracy": accuracy.map(|(share, _)| share), "labelled": accuracy.map(|(_, count)| count),
            "least_sure": least,
        }))
    }

    fn object(&self, row: usize) -> Value {
        let logits = self.row(row);
        let key = match self.files.get(row) {
            Some(file) => json!(file),
            None => json!(self.index[row]),
        };
        json!({
            self.key(): key, "class": self.classes[arg_max(logits)],
            "entropy": entropy_of_logits(logits), "probs": probabilities(logits),
        })
    }

    /// Share of predictions that are right, and of how many.
    fn accuracy(&self) -> Option<(f64, usize)> {
        let truth = self.truth.as_ref()?;
        let known: Vec<usize> = (0..self.len()).filter(|&row| truth[row] >= 0).collect();
        let right =
            known.iter().filter(|&&row| arg_max(self.row(row)) as i64 == truth[row]).count();
        (!known.is_empty()).then(|| (right as f64 / known.len() as f64, known.len()))
    }
}

/// What labels of new data say.
type Truth = (Vec<i64>, Option<(usize, String)>);

/// The run's classes of labels of some rows of new data, -1 of what is none of them; and how many rows have a label that is none of
/// them, with the first such label. `None` if they cannot be read as labels.
fn truth(labels: &NewLabels, classes: &[String], count: usize) -> Option<Truth> {
    let NewLabels { cells, rows, names } = labels;
    // -1 marks a row without a label, unless it is a class of the run.
    let minus_one = match classes.iter().any(|class| class == "-1") {
        true => labels::MinusOne::Class,
        false => labels::MinusOne::Unlabelled,
    };
    let read = labels::read(cells, minus_one, names.as_deref(), "labels").ok()?;
    let place = |name: &String| {
        classes.iter().position(|class| class == name).map_or(-1, |place| place as i64)
    };
    let places: Vec<i64> = read.classes.iter().map(place).collect();
    let mut truth = vec![-1; count];
    let mut foreign = None;
    for (&row, &label) in rows.iter().zip(&read.of_rows) {
        let Ok(label) = usize::try_from(label) else { continue };
        truth[row] = places[label];
        if places[label] < 0 {
            foreign.get_or_insert((0, read.classes[label].clone())).0 += 1;
        }
    }
    Some((truth, foreign))
}
