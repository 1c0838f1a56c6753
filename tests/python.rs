//! What Python makes of our files: the same predictions to the last image, and a classifier trained on a coreset.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "python/checkpoints.rs"]
mod checkpoints;

use std::fs;
use std::path::Path;
use std::process::Command;

use gleaner_core::data::formats::digits::digits;
use gleaner_core::data::formats::npy::{NpyArray, NpyValues};
use gleaner_core::data::formats::npz::{Npz, write_npz};
use gleaner_tests::program::Program;
use tempfile::tempdir;

/// Python, if it has these packages.
fn python_with(packages: &str) -> Option<String> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let ready = Command::new(&python).args(["-c", &format!("import {packages}")]).output();
    if ready.is_ok_and(|ready| ready.status.success()) {
        return Some(python);
    }
    eprintln!("skipped: {python} has no {packages}");
    None
}

#[test]
fn python_counts_the_same_correct_answers() {
    let Some(python) = python_with("numpy, safetensors") else { return };
    let folder = tempdir().unwrap();
    let [run, data] = ["run", "test.npz"].map(|name| folder.path().join(name));
    let gleaner = Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"));
    let summary = gleaner.train_small(&run, &[]).done().json();
    let test = digits().unwrap().test;
    let rows: Vec<usize> = (0..test.len()).collect();
    let arrays = [
        ("x", NpyArray::f32(&[test.len(), test.features()], test.gather(&rows))),
        ("y", NpyArray::i64(&[test.len()], test.labels.clone())),
    ];
    fs::write(&data, write_npz(&arrays).unwrap()).unwrap();
    let script = Path::new("../docs/read_checkpoint.py");
    let output = Command::new(&python)
        .args([script, &run.join("model.safetensors"), Path::new("--npz"), &data])
        .output()
        .unwrap();
    let right = (summary["test_accuracy"].as_f64().unwrap() * test.len() as f64).round();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        format!("{right} of {} correct", test.len()),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_classifier_of_python_learns_from_a_coreset() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let gleaner = Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"));
    gleaner.train_small(&folder.path().join("run"), &[]).done();
    let [run, samples, coreset, labels] = ["run", "s.npz", "c.npz", "l.npz"].map(path);
    gleaner.call(["sample", &run, "--per-class", "20", "--out", &samples]).done();
    let budget = ["--method", "craig", "--fraction", "0.1", "--out", &coreset];
    gleaner.call(["coreset", &samples].iter().chain(&budget)).done();
    let said = gleaner.call(["data", "export", &run, "--out", &labels, "--json"]).done().json();
    assert_eq!([&said["labelled"], &said["test"]], [100, 360]);

    let bytes = fs::read(&labels).unwrap();
    let mut file = Npz::open(&bytes, "labels").unwrap();
    let test = digits().unwrap().test;
    let rows: Vec<usize> = (0..test.len()).collect();
    assert_eq!(file.require("x").unwrap().shape, [100, 8, 8, 1]);
    assert_eq!(file.require("x_test").unwrap().values, NpyValues::F32(test.gather(&rows)));
    assert_eq!(file.require("y_test").unwrap().values, NpyValues::I64(test.labels));
    let NpyValues::I64(y) = file.require("y").unwrap().values else { panic!("whole numbers") };
    assert!((0..10).all(|class| y.iter().filter(|&&y| y == class).count() == 10), "{y:?}");

    let Some(python) = python_with("numpy, sklearn") else { return };
    let script = "../docs/train_on_coreset.py";
    let output = Command::new(&python).args([script, &labels, &coreset]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let shares: Vec<f64> = text
        .lines()
        .map(|line| line.split_whitespace().rev().nth(1).unwrap().parse().unwrap())
        .collect();
    // Chance is 10 %.
    assert!(shares.len() == 2 && shares.iter().all(|share| *share > 70.0), "{output:?}");
}
