//! Data of the user's own in whatever form they come: what is said of them, what is trained on, what leaves.
//!
//! Every input is written by the test that reads it.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "own_data/arrays.rs"]
mod arrays;
#[path = "own_data/choice.rs"]
mod choice;
#[path = "own_data/compared.rs"]
mod compared;
#[path = "own_data/damaged.rs"]
mod damaged;
#[path = "own_data/measured.rs"]
mod measured;
#[path = "own_data/pictures.rs"]
mod pictures;
#[path = "own_data/predict.rs"]
mod predict;
#[path = "own_data/samples.rs"]
mod samples;
#[path = "own_data/suspicious.rs"]
mod suspicious;
#[path = "own_data/swapped.rs"]
mod swapped;
#[path = "own_data/tables.rs"]
mod tables;
#[path = "own_data/written_by.rs"]
mod written_by;

use std::fs;
use std::path::PathBuf;

use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::data::formats::npz::{Npz, write_npz};
use gleaner_tests::program::{Program, Said};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

/// Settings that make a run small.
const TINY: [&str; 4] = [
    "--set=model.hidden=[8]",
    "--set=model.classifier-hidden=[8]",
    "--set=model.latent=2",
    "--threads=1",
];

/// So few steps that a run takes a second and learns nothing.
const FEW_STEPS: [&str; 2] = ["--steps=20", "--set=train.baseline-steps=20"];

/// Enough steps to learn what is plain to see.
const SOME_STEPS: [&str; 3] = ["--steps=150", "--set=train.baseline-steps=150", "--lr=0.02"];

/// A folder with files and runs, and the program that reads them.
struct Home {
    folder: TempDir,
    program: Program,
}

impl Home {
    fn new() -> Self {
        let program = Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"));
        Self { folder: tempdir().unwrap(), program }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Writes a file, with the folders that it lies in.
    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = PathBuf::from(self.path(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn write_npz(&self, name: &str, arrays: &[(&str, NpyArray)]) {
        self.write(name, write_npz(arrays).unwrap());
    }

    fn call(&self, args: &[&str]) -> Said {
        self.program.call(args)
    }

    /// What `data show` says of a file.
    fn show(&self, name: &str, more: &[&str]) -> Seen {
        let path = self.path(name);
        Seen(self.call(&[&["data", "show", &path, "--json"], more].concat()).done().json())
    }

    /// The error of `data show`, without the folder of the test.
    fn refused(&self, name: &str, more: &[&str]) -> String {
        let path = self.path(name);
        self.without_folder(self.call(&[&["data", "show", &path], more].concat()).error())
    }

    fn without_folder(&self, text: &str) -> String {
        text.replace(&self.path(""), "")
    }

    /// A tiny run on a file.
    fn train(&self, data: &str, run: &str, more: &[&str]) -> Said {
        self.train_longer(data, run, &[&FEW_STEPS, more].concat())
    }

    /// A small run on a file, with whatever steps; of m2 alone, unless another model is asked for.
    fn train_longer(&self, data: &str, run: &str, more: &[&str]) -> Said {
        let [data, run] = [data, run].map(|name| self.path(name));
        let args = ["train", "--json", "--data", &data, "--out", &run];
        let asked = more.iter().any(|option| option.starts_with("--model"));
        let model: &[&str] = if asked { &[] } else { &["--model=m2"] };
        self.call(&[&args, model, &TINY[..], more].concat())
    }

    /// The run of a cross-validation in two parts.
    fn trained(&self, data: &str, run: &str) -> Value {
        self.train(data, run, &["--folds=2"]).done().json()
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// One array of a file.
    fn array(&self, file: &str, name: &str) -> NpyArray {
        let bytes = fs::read(self.path(file)).unwrap();
        Npz::open(&bytes, file).unwrap().require(name).unwrap()
    }
}

/// What `data show --json` said.
#[derive(Debug)]
struct Seen(Value);

impl Seen {
    /// `a 2, b 3`
    fn classes(&self) -> String {
        counted(&self.0["label"]["classes"])
    }

    fn unlabelled(&self) -> u64 {
        self.0["label"]["unlabelled"].as_u64().unwrap()
    }

    fn label(&self) -> &str {
        self.0["label"]["place"].as_str().unwrap()
    }

    /// `x measurement, y 3 pixel`
    fn features(&self) -> String {
        let said = |feature: &Value| {
            let [name, kind] = ["name", "kind"].map(|key| feature[key].as_str().unwrap());
            match (name, feature["count"].as_u64().unwrap()) {
                ("", count) => format!("{count} {kind}"),
                (name, 1) => format!("{name} {kind}"),
                (name, count) => format!("{name} {count} {kind}"),
            }
        };
        let features = self.0["features"].as_array().unwrap();
        features.iter().map(said).collect::<Vec<_>>().join(", ")
    }

    fn range(&self) -> [f64; 2] {
        [0, 1].map(|at| self.0["features"][0]["range"][at].as_f64().unwrap())
    }

    fn scaling(&self) -> &str {
        self.0["scaling"].as_str().unwrap()
    }

    /// The first word: the name of the likelihood.
    fn likelihood(&self) -> &str {
        self.0["likelihood"].as_str().unwrap().split(':').next().unwrap()
    }

    /// Whether a note holds these words.
    fn notes(&self, words: &str) -> bool {
        self.0["notes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|note| note.as_str().unwrap().contains(words))
    }

    /// What is left out, with the reasons.
    fn left_out(&self) -> String {
        let said = |left: &Value| format!("{}: {}", left["what"], left["why"]).replace('"', "");
        self.0["left_out"].as_array().unwrap().iter().map(said).collect::<Vec<_>>().join("; ")
    }
}

fn counted(list: &Value) -> String {
    let said = |item: &Value| format!("{} {}", item["name"].as_str().unwrap(), item["count"]);
    list.as_array().unwrap().iter().map(said).collect::<Vec<_>>().join(", ")
}

/// Measurements of a flower, number `row`, of three kinds that lie well apart. Flowers 33 rows apart are the same.
fn flower(row: usize) -> [f64; 4] {
    let centre = [[5.0, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.5, 2.1]][row % 3];
    let wiggle = |at: usize| (((row * 7 + at * 5) % 11) as f64 - 5.0) / 50.0;
    [0, 1, 2, 3].map(|at| ((centre[at] + wiggle(at)) * 1000.0).round() / 1000.0)
}

const KINDS: [&str; 3] = ["setosa", "versicolor", "virginica"];

/// A table of flowers under a header, the label last, as `label` gives it for a row.
fn flowers(rows: usize, header: &str, label: impl Fn(usize) -> String) -> String {
    let line = |row: usize| {
        let [a, b, c, d] = flower(row);
        format!("{a},{b},{c},{d},{}\n", label(row))
    };
    format!("{header}\n") + &(0..rows).map(line).collect::<String>()
}

const HEADER: &str = "sl,sw,pl,pw,species";

fn kind(row: usize) -> String {
    KINDS[row % 3].to_owned()
}

/// Digits as pixels from 0 to 255, `[count, 8, 8]`, and what they are.
fn digits(count: usize) -> (Vec<u8>, Vec<i64>) {
    let examples = gleaner_core::data::formats::digits::digits().unwrap().train;
    let rows: Vec<usize> = (0..count).collect();
    let pixels = examples.gather(&rows).into_iter().map(|value| (value * 255.0).round() as u8);
    (pixels.collect(), examples.labels[..count].to_vec())
}

/// Bytes as an array.
fn bytes(shape: &[usize], values: Vec<u8>) -> NpyArray {
    use gleaner_core::data::formats::npy::NpyValues;
    assert_eq!(shape.iter().product::<usize>(), values.len());
    NpyArray { shape: shape.to_vec(), values: NpyValues::U8(values) }
}
