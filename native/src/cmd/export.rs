//! `gleaner data export`: the examples of a run, for whatever is to be trained or tested beside it.

use std::path::PathBuf;

use anyhow::Result;
use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::data::formats::npz::write_npz;
use gleaner_core::data::schema::Scaling;
use gleaner_core::data::{Examples, Values};
use serde_json::json;

use super::target::{Format, Target, data_of};
use crate::run::Problem;
use crate::run::RunDir;
use crate::run::source;
use crate::system::files::write_atomic;
use crate::system::output::{Output, path_text};

/// Arguments of `gleaner data export`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gleaner data export runs/digits-m2-seed0 --out labels.npz
  (the file is a data set too: gleaner train --data labels.npz)")]
pub struct Args {
    /// Run directory
    pub run: PathBuf,
    /// File to write: x and y of the labelled examples, x_test and y_test, in the units of the data, and classes
    #[arg(long, value_name = "X.npz")]
    pub out: PathBuf,
    /// Write the values as the run saw them, without undoing its scaling
    #[arg(long)]
    pub standardised: bool,
    /// Folder of the data sets [default: as in the run]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// Writes them.
///
/// # Errors
/// If the run or its data cannot be read, or the file cannot be written.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    let dir = RunDir::open(&args.run)?;
    let mut recipe = dir.recipe()?;
    Target { flag: "--out", path: &args.out }.check(&[Format::Npz], &data_of(&recipe))?;
    if args.data_dir.is_some() {
        recipe.data.dir.clone_from(&args.data_dir);
    }
    let source = source::of_run(&dir, &recipe)?;
    let Problem { data, split, schema, .. } = Problem::of(&source, &recipe)?;
    // Not scaled back: what a transform leaves out, such as numbers beyond those trained on, is in the data.
    let data = if args.standardised { data } else { Problem::unscaled(&source, &recipe)? };
    let test: Vec<usize> = (0..data.test.len()).collect();
    let scaling = if args.standardised { &Scaling::None } else { &schema.scaling };
    let [x, y] = arrays(&data.train, &split.labelled, scaling);
    let mut file = vec![("x", x), ("y", y), ("classes", NpyArray::texts(&schema.classes))];
    // Where a cross-validation takes its place there is no test split.
    if !test.is_empty() {
        let [x_test, y_test] = arrays(&data.test, &test, scaling);
        file.extend([("x_test", x_test), ("y_test", y_test)]);
    }
    let file = write_npz(&file)?;
    write_atomic(&args.out, &file)?;
    if !args.standardised {
        schema.origins().iter().for_each(|origin| eprintln!("note: in x, {origin}"));
    }
    let (labelled, test) = (split.labelled.len(), test.len());
    out.line(format!("{labelled} labelled and {test} test examples in {}", args.out.display()));
    out.object(&json!({ "out": path_text(&args.out), "labelled": labelled, "test": test }))
}

fn arrays(examples: &Examples, rows: &[usize], scaling: &Scaling) -> [NpyArray; 2] {
    let shape: Vec<usize> = std::iter::once(rows.len()).chain(examples.shape.clone()).collect();
    let labels = rows.iter().map(|&row| examples.labels[row]).collect();
    let mut values = examples.gather(rows);
    // Bytes are divided by 255 whenever they are read.
    if matches!(examples.values, Values::U8(_)) {
        scaling.undo(&mut values);
    }
    [NpyArray::f32(&shape, values), NpyArray::i64(&[rows.len()], labels)]
}
