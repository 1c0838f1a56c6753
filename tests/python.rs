//! The checkpoint read by Python: the same predictions to the last image.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::Path;
use std::process::Command;

use gleaner_core::data::digits::digits;
use gleaner_core::data::npy::NpyArray;
use gleaner_core::data::npz::write_npz;
use gleaner_tests::program::Program;
use tempfile::tempdir;

#[test]
fn python_counts_the_same_correct_answers() {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let ready = Command::new(&python).args(["-c", "import numpy, safetensors"]).output();
    if !ready.is_ok_and(|ready| ready.status.success()) {
        eprintln!("skipped: {python} has no numpy and safetensors");
        return;
    }
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
