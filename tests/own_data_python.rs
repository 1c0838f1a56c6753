//! What NumPy, pandas and scikit-learn make of everything that leaves: no output needs our code to be read.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::Path;
use std::process::Command;

use gleaner_tests::program::Program;
use image::{GrayImage, Luma};
use serde_json::{Value, json};
use tempfile::tempdir;

const SMALL: [&str; 7] = [
    "--set=model.hidden=[16]",
    "--set=model.classifier-hidden=[16]",
    "--set=model.latent=2",
    "--set=train.baseline-steps=20",
    "--lr=0.02",
    "--folds=2",
    "--threads=1",
];

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

/// Two kinds that mass tells apart; every third row has no label, and some cells are missing.
fn zoo() -> String {
    let row = |row: usize| {
        let legs = 2 + row % 5 + 2 * (row % 2);
        let mass = 3.0 + 2.0 * (row % 2) as f64 + (row * 7 % 11) as f64 / 20.0;
        let home = ["sea", "land", "air"][row * 5 % 7 % 3];
        let kind = if row.is_multiple_of(3) { "" } else { ["ant", "bee, great"][row % 2] };
        format!("{mass:.2},{legs},{},{home},\"{kind}\"\n", ["f", "m"][row / 2 % 2])
    };
    "mass,legs,sex,home,kind\n".to_owned() + &(0..90).map(row).collect::<String>()
}

fn pictures(folder: &Path) {
    for row in 0..16 {
        let kind = row % 2;
        let path = folder.join(["cats", "dogs, small"][kind]);
        fs::create_dir_all(&path).unwrap();
        let value = |x: u32, y: u32| {
            (x * 9 + row as u32 * 5 + if (y < 4) == (kind == 0) { 150 } else { 0 }) as u8
        };
        GrayImage::from_fn(8, 8, |x, y| Luma([value(x, y)]))
            .save(path.join(format!("{row}.png")))
            .unwrap();
    }
}

#[test]
fn python_opens_everything_that_leaves() {
    let Some(python) = python_with("numpy, pandas, sklearn") else { return };
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let program = Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"));
    let call = |line: &str| {
        // A word after @ is a file of the folder.
        let word = |word: &str| match word.strip_prefix('@') {
            Some(name) => path(name),
            None => word.to_owned(),
        };
        program.call(line.split(' ').map(word)).done();
    };
    fs::write(path("zoo.csv"), zoo()).unwrap();
    pictures(&folder.path().join("photos"));
    let small = SMALL.join(" ");
    call(&format!("train --data @zoo.csv --out @zoo --steps=300 {small}"));
    call(&format!("train --data @photos --out @animals --steps=20 {small}"));
    for line in [
        "predict @zoo @zoo.csv --out @p.csv",
        "predict @zoo @zoo.csv --out @p.npz",
        "predict @animals @photos --out @pictures.csv",
        "predict @animals @photos --out @pictures.npz",
        "sample @zoo --per-class 40 --out @drawn.csv",
        "sample @zoo --per-class 40 --out @s.npz",
        "filter @s.npz --max-entropy 0.6 --out @sure.npz",
        "coreset @sure.npz --method craig --fraction 0.2 --out @few.npz",
        "data export @zoo --out @labels.npz",
    ] {
        call(line);
    }
    let output =
        Command::new(python).args(["own_data/read_outputs.py", &path("")]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let classes = json!(["ant", "bee, great"]);
    assert_eq!(said["predictions"], json!({"rows": 90, "classes": classes, "index": "i"}));
    assert_eq!(said["files"], json!({"rows": 16, "kind": "U"}));
    assert_eq!(said["samples"]["rows"], 80);
    // Chance is a half: the samples of a class look like that class.
    assert!(said["samples"]["accuracy"].as_f64().unwrap() > 0.8, "{said}");
    let sifted = &said["sifted"];
    for (file, arrays) in [
        ("s.npz", "entropy"),
        ("sure.npz", "source_index"),
        ("few.npz", "weight"),
        ("labels.npz", "classes"),
    ] {
        assert_eq!(sifted[file]["classes"], classes, "{file}");
        assert!(
            sifted[file]["arrays"].as_array().unwrap().contains(&arrays.into()),
            "{file} {said}"
        );
    }
    assert_eq!((&sifted["s.npz"]["rows"], &sifted["labels.npz"]["rows"]), (&80.into(), &60.into()));
}
