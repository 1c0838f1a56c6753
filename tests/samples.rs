//! `gleaner filter` and `gleaner coreset` on files as any generator may write them.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "samples/carried.rs"]
mod carried;
#[path = "samples/chosen.rs"]
mod chosen;
#[path = "samples/criteria.rs"]
mod criteria;
#[cfg(unix)]
#[path = "samples/full_disk.rs"]
mod full_disk;
#[path = "samples/lost.rs"]
mod lost;

use std::fs;
use std::path::{Path, PathBuf};

use gleaner_core::data::formats::npy::{NpyArray, NpyValues};
use gleaner_core::data::formats::npz::{Npz, write_npz};
use gleaner_core::noise::Noise;
use gleaner_tests::program::{Program, Said};
use tempfile::{TempDir, tempdir};

const CLASSES: usize = 3;

fn gleaner() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"))
}

/// A folder with files in it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn save(&self, name: &str, arrays: &[(&str, NpyArray)]) {
        fs::write(self.path(name), write_npz(arrays).unwrap()).unwrap();
    }

    /// The arrays of a file.
    fn read(&self, name: &str) -> File {
        File(fs::read(self.path(name)).unwrap())
    }

    fn filter(&self, from: &str, to: &str, flags: &[&str]) -> Said {
        let (from, to) = (self.text(from), self.text(to));
        gleaner().call(["filter", &from, "--out", &to, "--json"].iter().chain(flags))
    }

    fn coreset(&self, from: &str, to: &str, flags: &[&str]) -> Said {
        let (from, to) = (self.text(from), self.text(to));
        gleaner().call(["coreset", &from, "--out", &to, "--json"].iter().chain(flags))
    }
}

struct File(Vec<u8>);

impl File {
    fn array(&self, name: &str) -> NpyArray {
        Npz::open(&self.0, "f").unwrap().require(name).unwrap()
    }

    fn floats(&self, name: &str) -> Vec<f32> {
        match self.array(name).values {
            NpyValues::F32(values) => values,
            other => panic!("{name} holds {other:?}"),
        }
    }

    fn integers(&self, name: &str) -> Vec<i64> {
        match self.array(name).values {
            NpyValues::I64(values) => values,
            other => panic!("{name} holds {other:?}"),
        }
    }

    fn names(&self) -> Vec<String> {
        Npz::open(&self.0, "f").unwrap().names()
    }
}

/// 60 samples of three classes, 10, 20 and 30, whose classifier is surer of some than of others; `x` says the row.
fn samples() -> Vec<(&'static str, NpyArray)> {
    let rows = 60;
    let labels: Vec<i64> = (0..rows).map(|row| (row >= 10) as i64 + (row >= 30) as i64).collect();
    let mut logits = Noise::new(3).normal(rows * CLASSES);
    for (row, &label) in labels.iter().enumerate() {
        logits[row * CLASSES + label as usize] += (row % 10) as f32;
    }
    let x = (0..rows * 4).map(|at| (at / 4) as f32 / rows as f32).collect();
    vec![
        ("x", NpyArray::f32(&[rows, 2, 2], x)),
        ("y", NpyArray::i64(&[rows], labels)),
        ("logits", NpyArray::f32(&[rows, CLASSES], logits)),
        ("tag", NpyArray::i64(&[rows, 2], (0..2 * rows as i64).collect())),
        ("beta", NpyArray::f32(&[2], vec![0.5, 1.5])),
    ]
}

fn replaced(name: &str, array: &NpyArray) -> Vec<(&'static str, NpyArray)> {
    let replace = |(found, old)| (found, if found == name { array.clone() } else { old });
    samples().into_iter().map(replace).collect()
}

fn without(name: &str) -> Vec<(&'static str, NpyArray)> {
    samples().into_iter().filter(|(found, _)| *found != name).collect()
}

/// Entropy of a softmax in double precision, without care for small ones: these are not.
fn entropy(logits: &[f32]) -> f64 {
    let exps: Vec<f64> = logits.iter().map(|&l| f64::from(l).exp()).collect();
    let sum: f64 = exps.iter().sum();
    exps.iter().map(|exp| -(exp / sum) * (exp / sum).ln()).sum()
}

#[test]
fn the_filter_keeps_the_rows_below_the_threshold_of_every_array() {
    let folder = Folder::new();
    folder.save("in.npz", &samples());
    let input = folder.read("in.npz");
    let (logits, labels) = (input.floats("logits"), input.integers("y"));
    let row = |row: usize| &logits[row * CLASSES..][..CLASSES];
    let agrees = |at: usize| (0..CLASSES).all(|k| row(at)[k] <= row(at)[labels[at] as usize]);
    for (flags, agreeing) in
        [(&["--max-entropy=0.3"][..], false), (&["--max-entropy=0.3", "--keep-agreeing"], true)]
    {
        let said = folder.filter("in.npz", "out.npz", flags).done().json();
        let expected: Vec<i64> = (0..60)
            .filter(|&at| entropy(row(at)) < 0.3 && (agrees(at) || !agreeing))
            .map(|at| at as i64)
            .collect();
        assert!(!expected.is_empty() && expected.len() < 60);
        let out = folder.read("out.npz");
        assert_eq!(out.integers("source_index"), expected);
        assert_eq!(said["kept"], expected.len());
        let tags: Vec<i64> = expected.iter().flat_map(|&at| [2 * at, 2 * at + 1]).collect();
        assert_eq!(out.integers("tag"), tags);
        assert_eq!(out.array("x").shape, [expected.len(), 2, 2]);
        assert_eq!(out.floats("beta"), [0.5, 1.5], "copied: it has no row for each sample");
        for (&at, kept) in expected.iter().zip(out.floats("entropy")) {
            assert!((f64::from(kept) - entropy(row(at as usize))).abs() < 1e-6);
        }
        let classes = said["classes"].as_array().unwrap();
        let sum = |key: &str| classes.iter().map(|class| class[key].as_u64().unwrap()).sum::<u64>();
        assert_eq!(sum("drawn"), 60);
        assert_eq!(sum("kept") as usize, expected.len());
        assert_eq!(sum("agreed") as usize, (0..60).filter(|&at| agrees(at)).count());
        assert_eq!(classes[1]["drawn"], 20);
    }
    let text = gleaner()
        .call([
            "filter",
            &folder.text("in.npz"),
            "--max-entropy=0.3",
            "--out",
            &folder.text("out.npz"),
        ])
        .done()
        .stdout;
    assert!(text.contains("class  drawn") && text.contains("of 60 samples kept"), "{text}");
}

#[test]
fn a_coreset_holds_its_rows_of_every_array_with_gains_and_weights() {
    let folder = Folder::new();
    folder.save("in.npz", &samples());
    folder.filter("in.npz", "sure.npz", &["--max-entropy=0.5"]).done();
    let sure = folder.read("sure.npz");
    let (sources, labels) = (sure.integers("source_index"), sure.integers("y"));
    for method in ["craig", "adacore", "random", "confidence"] {
        let flags = ["--fraction=0.3", "--method", method];
        let said = folder.coreset("sure.npz", "out.npz", &flags).done().json();
        let out = folder.read("out.npz");
        let index = out.integers("index");
        assert_eq!(index.len(), (0.3 * sources.len() as f64).round() as usize, "{method}");
        let taken = |from: &[i64]| index.iter().map(|&at| from[at as usize]).collect::<Vec<_>>();
        assert_eq!(out.integers("source_index"), taken(&sources), "{method}");
        assert_eq!(out.integers("y"), taken(&labels), "{method}");
        assert_eq!(said["chosen"], index.len());
        let (weights, gains) = (out.floats("weight"), out.floats("gain"));
        let chosen = out.integers("y");
        for class in 0..CLASSES as i64 {
            let of_class = |labels: &[i64]| labels.iter().filter(|&&y| y == class).count();
            let mass: f32 =
                weights.iter().zip(&chosen).filter(|(_, y)| **y == class).map(|(w, _)| w).sum();
            assert_eq!(mass as usize, of_class(&labels), "{method}: weights are cluster sizes");
            let gains: Vec<f32> =
                gains.iter().zip(&chosen).filter(|(_, y)| **y == class).map(|(g, _)| *g).collect();
            if ["craig", "adacore"].contains(&method) {
                assert!(gains.is_sorted_by(|a, b| a >= b), "{method}: {gains:?}");
            }
        }
        let total: f32 = gains.iter().sum();
        let objective = said["objective"].as_f64().unwrap();
        assert!((f64::from(total) / objective - 1.0).abs() < 1e-5, "{method}");
        let [bound, ratio] = ["bound", "ratio"].map(|key| said[key].as_f64().unwrap());
        assert!(bound >= objective && (ratio - objective / bound).abs() < 1e-12, "{method}");
    }
}

#[test]
fn craig_is_worth_more_than_the_baselines_and_confidence_is_the_surest() {
    let folder = Folder::new();
    folder.save("in.npz", &samples());
    let worth = |method: &str| {
        let flags = ["--size=12", "--method", method];
        folder.coreset("in.npz", "out.npz", &flags).done().json()["objective"].as_f64().unwrap()
    };
    let [craig, random, confidence] = ["craig", "random", "confidence"].map(worth);
    assert!(craig > random && craig > confidence, "{craig} {random} {confidence}");
    // The last was confidence: within a class, no sample left out is surer than one chosen.
    let (input, chosen) = (folder.read("in.npz"), folder.read("out.npz").integers("index"));
    let (logits, labels) = (input.floats("logits"), input.integers("y"));
    let lead = |at: usize| {
        let row = &logits[at * CLASSES..][..CLASSES];
        let sum: f64 = row.iter().map(|&l| f64::from(l).exp()).sum();
        f64::from(row[labels[at] as usize]).exp() / sum
    };
    for class in 0..CLASSES as i64 {
        let (inside, outside): (Vec<usize>, Vec<usize>) = (0..60)
            .filter(|&at| labels[at] == class)
            .partition(|&at| chosen.contains(&(at as i64)));
        let least = inside.iter().map(|&at| lead(at)).fold(1.0, f64::min);
        assert!(outside.iter().all(|&at| lead(at) <= least), "{class}");
    }
}

#[test]
fn seeds_decide_and_threads_do_not() {
    let folder = Folder::new();
    folder.save("in.npz", &samples());
    let made = |flags: &[&str]| {
        folder.coreset("in.npz", "out.npz", &[&["--size=9"], flags].concat()).done();
        fs::read(folder.path("out.npz")).unwrap()
    };
    for method in [
        &["--method=craig"][..],
        &["--method=craig", "--optimizer=stochastic", "--epsilon=0.5"],
        &["--method=random"],
    ] {
        let with = |more: &[&str]| made(&[method, more].concat());
        assert_eq!(with(&["--threads=1"]), with(&["--threads=2"]), "{method:?}");
        let differs = with(&["--seed=1"]) != with(&["--seed=2"]);
        assert_eq!(differs, method.len() > 1 || method == ["--method=random"], "{method:?}");
    }
    assert_eq!(made(&["--method=craig"]), made(&["--method=craig", "--optimizer=naive"]));
    let rescaled = made(&["--method=craig", "--rescale"]);
    let weights = File(rescaled).floats("weight");
    assert!((weights.iter().sum::<f32>() / weights.len() as f32 - 1.0).abs() < 1e-6);
    made(&["--method=craig", "--balance=equal"]);
    let labels = folder.read("out.npz").integers("y");
    assert_eq!(labels, [0, 0, 0, 1, 1, 1, 2, 2, 2]);
}

#[test]
fn probabilities_serve_as_well_and_hidden_features_change_adacore() {
    let folder = Folder::new();
    let mut arrays = samples();
    folder.save("logits.npz", &arrays);
    let logits = folder.read("logits.npz").floats("logits");
    let probs = logits.chunks_exact(CLASSES).flat_map(|row| {
        let sum: f64 = row.iter().map(|&l| f64::from(l).exp()).sum();
        row.iter().map(move |&l| (f64::from(l).exp() / sum) as f32).collect::<Vec<_>>()
    });
    arrays[2] = ("probs", NpyArray::f32(&[60, CLASSES], probs.collect()));
    folder.save("probs.npz", &arrays);
    let chosen = |from: &str, method: &str| {
        folder.coreset(from, "out.npz", &["--size=10", "--method", method]).done();
        folder.read("out.npz").integers("index")
    };
    for method in ["craig", "adacore", "confidence"] {
        assert_eq!(chosen("logits.npz", method), chosen("probs.npz", method), "{method}");
    }
    arrays.push(("features", NpyArray::f32(&[60, 4], Noise::new(8).normal(240))));
    folder.save("features.npz", &arrays);
    assert_eq!(chosen("features.npz", "craig"), chosen("probs.npz", "craig"));
    assert_ne!(chosen("features.npz", "adacore"), chosen("probs.npz", "adacore"));
}

#[test]
fn pictures_are_drawn_and_what_is_none_is_refused() {
    let folder = Folder::new();
    folder.save("in.npz", &samples());
    let grid = folder.text("grid.png");
    let is_picture = || fs::read(&grid).unwrap().starts_with(b"\x89PNG");
    folder.filter("in.npz", "out.npz", &["--max-entropy=0.3", "--grid", &grid]).done();
    assert!(is_picture());
    fs::remove_file(&grid).unwrap();
    folder.coreset("in.npz", "out.npz", &["--method=craig", "--size=9", "--grid", &grid]).done();
    assert!(is_picture());
    fs::remove_file(folder.path("out.npz")).unwrap();
    folder.save("table.npz", &replaced("x", &NpyArray::f32(&[60, 4], vec![0.0; 240])));
    let said =
        folder.coreset("table.npz", "out.npz", &["--method=craig", "--size=9", "--grid", &grid]);
    assert!(said.error().contains("--grid") && said.error().contains("not images"));
    assert!(!folder.path("out.npz").exists());
    folder.coreset("table.npz", "out.npz", &["--method=craig", "--size=9"]).done();
    let mut x = vec![0.5; 240];
    x[4 * 7 + 1] = f32::NAN;
    folder.save("nan.npz", &replaced("x", &NpyArray::f32(&[60, 2, 2], x)));
    let said = folder.filter("nan.npz", "nan-out.npz", &["--max-entropy=9", "--grid", &grid]);
    assert!(said.error().contains("cannot be drawn: x of row 7 holds NaN"), "{}", said.stderr);
    assert!(!folder.path("nan-out.npz").exists());
}

/// Writes files whose arrays are no samples.
fn write_senseless(folder: &Folder) {
    let zeros = |shape: &[usize]| NpyArray::f32(shape, vec![0.0; shape.iter().product()]);
    let mut labels: Vec<i64> = vec![0; 60];
    let mut nan = vec![0.0; 60 * CLASSES];
    nan[4 * CLASSES] = f32::NAN;
    folder.save("short.npz", &replaced("logits", &zeros(&[59, CLASSES])));
    folder.save("nan.npz", &replaced("logits", &NpyArray::f32(&[60, CLASSES], nan)));
    folder.save("one.npz", &replaced("logits", &zeros(&[60, 1])));
    folder.save("flat.npz", &replaced("logits", &zeros(&[60])));
    folder.save("real.npz", &replaced("y", &NpyArray::f32(&[60], vec![0.5; 60])));
    let shares = NpyArray::f32(&[60, CLASSES], [0.5, 0.25, 0.25].repeat(60));
    folder.save("shares.npz", &replaced("logits", &shares));
    folder.save("soft.npz", &replaced("y", &shares));
    folder.save("from-one.npz", &replaced("y", &NpyArray::i64(&[60], [1, 2, 3].repeat(20))));
    folder.save("two-words.npz", &replaced("y", &NpyArray::texts(["a", "b"].repeat(30))));
    let mut named = samples();
    named.push(("classes", NpyArray::texts(["a", "b"])));
    folder.save("two-names.npz", &named);
    labels[7] = -1;
    folder.save("unlabelled.npz", &replaced("y", &NpyArray::i64(&[60], labels.clone())));
    labels[7] = 3;
    folder.save("label.npz", &replaced("y", &NpyArray::i64(&[60], labels)));
    let mut probs = without("logits");
    probs.push(("probs", zeros(&[60, CLASSES])));
    folder.save("probs.npz", &probs);
    folder.save("no-y.npz", &without("y"));
    folder.save("no-logits.npz", &without("logits"));
    folder.save(
        "empty.npz",
        &[
            ("x", zeros(&[0, 4])),
            ("y", NpyArray::i64(&[0], vec![])),
            ("logits", zeros(&[0, CLASSES])),
        ],
    );
}

/// Files that are no samples, and a word of what is said of them.
fn broken_files(folder: &Folder) -> Vec<(&'static str, &'static str)> {
    write_senseless(folder);
    let good = fs::read(folder.path("in.npz")).unwrap();
    fs::write(folder.path("cut.npz"), &good[..good.len() / 2]).unwrap();
    fs::write(folder.path("text.npz"), "hello").unwrap();
    fs::write(folder.path("nothing.npz"), "").unwrap();
    fs::create_dir(folder.path("folder.npz")).unwrap();
    let mut flipped = good;
    let values = flipped.windows(6).position(|window| window == b"NUMPY\x01").unwrap() + 200;
    flipped[values] ^= 1;
    fs::write(folder.path("flipped.npz"), flipped).unwrap();
    vec![
        ("short.npz", "logits has 59 rows and x has 60"),
        ("nan.npz", "row 4 of the predictions holds NaN"),
        ("one.npz", "predictions of 1 class"),
        ("flat.npz", "logits has shape [60]"),
        ("real.npz", "row 0 of y is 0.5, not a whole number"),
        ("shares.npz", "sums to 1: are these probabilities? Save them as probs"),
        ("soft.npz", "a probability for each class"),
        (
            "from-one.npz",
            "label 3 of row 2 is not a class; y must hold the class that each sample was drawn for, 0 to 2: these count from 1: save y - 1",
        ),
        ("two-words.npz", "2 different words, and there are predictions for 3 classes"),
        ("two-names.npz", "classes has 2 names and logits has 3 columns"),
        ("unlabelled.npz", "label -1 of row 7"),
        ("label.npz", "label 3 of row 7 is not a class"),
        ("probs.npz", "row 0 of the predictions sums to 0"),
        ("no-y.npz", "no array \"y\""),
        ("no-logits.npz", "no array logits or probs"),
        ("empty.npz", "no samples"),
        ("cut.npz", "truncated or damaged .npz archive"),
        ("text.npz", "this is no .npz archive; give one that numpy.savez or gleaner sample wrote"),
        ("nothing.npz", "empty"),
        ("folder.npz", "not a file"),
        ("flipped.npz", "damaged"),
        ("missing.npz", "cannot read"),
    ]
}

#[test]
fn files_that_are_no_samples_end_in_one_line_and_leave_nothing() {
    let folder = Folder::new();
    folder.save("in.npz", &samples());
    for (name, named) in broken_files(&folder) {
        let calls = [
            folder.filter(name, "out.npz", &["--max-entropy=1"]),
            folder.coreset(name, "out.npz", &["--method=craig", "--size=9"]),
        ];
        for said in calls {
            let error = said.error();
            assert!(error.contains(named) && error.contains(name), "{name}: {error}");
            assert!(!folder.path("out.npz").exists(), "{name}");
        }
    }
}

#[test]
fn budgets_and_thresholds_that_cannot_be_are_refused() {
    let folder = Folder::new();
    folder.save("in.npz", &samples());
    for (flags, named) in [
        ("--fraction=0", "above 0 and at most 1"),
        ("--fraction=1.5", "above 0 and at most 1"),
        ("--fraction=nan", "above 0 and at most 1"),
        ("--size=61", "there are 60 samples"),
        ("--size=2", "each of 3 classes"),
        (
            "--fraction=0.01",
            "--fraction 0.01 is not valid: of 60 samples that is 1, and each of 3 classes",
        ),
        ("--fraction=0.001", "--fraction 0.001 of 60 samples is less than half a sample"),
        ("--size=9 --epsilon=0.1", "--optimizer stochastic"),
        ("--size=9 --optimizer=stochastic --epsilon=1", "--epsilon 1 is not valid"),
        ("--size=9 --threads=5000", "--threads"),
    ] {
        let flags: Vec<&str> = ["--method=craig"].into_iter().chain(flags.split(' ')).collect();
        let said = folder.coreset("in.npz", "out.npz", &flags);
        assert!(said.error().contains(named), "{flags:?}: {}", said.error());
        assert!(!folder.path("out.npz").exists(), "{flags:?}");
    }
    assert_eq!(folder.coreset("in.npz", "o.npz", &["--method=craig"]).code, Some(2));
    let both = ["--method=craig", "--size=9", "--fraction=0.5"];
    assert_eq!(folder.coreset("in.npz", "o.npz", &both).code, Some(2));
    for (threshold, named) in [("0", "above 0"), ("-1", "above 0"), ("1e-9", "raise --max-entropy")]
    {
        let flag = format!("--max-entropy={threshold}");
        let said = folder.filter("in.npz", "out.npz", &[&flag]);
        assert!(said.error().contains(named), "{threshold}: {}", said.error());
    }
    let nowhere = folder.coreset("in.npz", "no/out.npz", &["--method=craig", "--size=9"]);
    assert!(nowhere.error().contains("does not exist"));
}

#[test]
fn words_are_copied_and_objects_of_python_left_out_with_a_word() {
    let folder = Folder::new();
    let more = [
        ("thing", NpyArray::i64(&[2], vec![0, 0])),
        ("origin", NpyArray::texts((0..60).map(|row| format!("row {row}")))),
        ("classes", NpyArray::texts(["one", "two", "three"])),
    ];
    folder.save("in.npz", &[&samples()[..], &more].concat());
    let mut bytes = fs::read(folder.path("in.npz")).unwrap();
    patch(&mut bytes, "thing.npy", b"'<i8'", b"'|O' ");
    fs::write(folder.path("objects.npz"), bytes).unwrap();
    let said = folder.coreset("objects.npz", "out.npz", &["--method=craig", "--size=3"]).done();
    let out = folder.read("out.npz");
    assert!(said.stderr.contains("left out") && said.stderr.contains("thing"), "{}", said.stderr);
    assert!(!out.names().contains(&"thing".to_owned()));
    // As many names as samples: which they are not, one for each.
    assert_eq!(out.array("classes"), NpyArray::texts(["one", "two", "three"]));
    let chosen = out.integers("index").into_iter().map(|row| format!("row {row}"));
    assert_eq!(out.array("origin"), NpyArray::texts(chosen));
}

#[test]
fn words_as_labels_give_what_their_numbers_give() {
    let folder = Folder::new();
    folder.save("numbers.npz", &samples());
    let labels = folder.read("numbers.npz").integers("y");
    let words = |names: [&str; 3]| {
        let words = labels.iter().map(|&label| names[label as usize]);
        NpyArray { shape: vec![60, 1], ..NpyArray::texts(words) }
    };
    let mut named = replaced("y", &words(["owl", "cat", "dog"]));
    named.push(("classes", NpyArray::texts(["owl", "cat", "dog"])));
    folder.save("named.npz", &named);
    folder.save("sorted.npz", &replaced("y", &words(["cat", "dog", "owl"])));
    let floats = labels.iter().map(|&label| label as f32).collect();
    folder.save("floats.npz", &replaced("y", &NpyArray::f32(&[60], floats)));
    let flags = ["--max-entropy=0.3", "--keep-agreeing"];
    folder.filter("numbers.npz", "out.npz", &flags).done();
    let expected = folder.read("out.npz").integers("source_index");
    for (file, names) in [
        ("named.npz", Some(["owl", "cat", "dog"])),
        ("sorted.npz", Some(["cat", "dog", "owl"])),
        ("floats.npz", None),
    ] {
        let said = folder.filter(file, "out.npz", &flags).done();
        let out = folder.read("out.npz");
        assert_eq!(out.integers("source_index"), expected, "{file}");
        assert_eq!(said.json()["class_names"], serde_json::json!(names), "{file}");
        assert_eq!(
            said.stderr.contains("the words of y in sorted order"),
            file == "sorted.npz",
            "{file}"
        );
        let Some(names) = names else { continue };
        assert_eq!(out.array("classes"), NpyArray::texts(names), "{file}");
        let row = said.stderr.lines().find(|line| line.trim_start().starts_with(names[2]));
        assert!(row.is_some_and(|row| row.contains(" 30 ")), "{file}: {}", said.stderr);
    }
}

#[test]
fn a_class_of_which_nothing_is_kept_is_named() {
    let folder = Folder::new();
    let (mut arrays, mut logits) = (samples(), [9.0, 0.0, 0.0].repeat(60));
    // Class 2 begins at row 30; its classifier is unsure, and takes it for class 0.
    logits[30 * CLASSES..].copy_from_slice(&[1.0, 0.0, 0.5].repeat(30));
    arrays[2].1 = NpyArray::f32(&[60, CLASSES], logits);
    arrays.push(("classes", NpyArray::texts(["one", "two", "three"])));
    folder.save("in.npz", &arrays);
    let said = folder.filter("in.npz", "out.npz", &["--max-entropy=0.1"]).done();
    assert_eq!(said.json()["empty_classes"], serde_json::json!(["three"]));
    // -(sum of p log p) of exp(1), 1 and exp(0.5), normalised, is 1.0201... nats.
    let least = entropy(&[1.0, 0.0, 0.5]);
    let line = format!(
        "no sample of class three is kept: its smallest entropy is {least:.2} nats: raise --max-entropy"
    );
    assert!(said.stderr.contains(&line), "{}", said.stderr);
    let said = folder.filter("in.npz", "out.npz", &["--max-entropy=2", "--keep-agreeing"]).done();
    assert_eq!(said.json()["empty_classes"], serde_json::json!(["two", "three"]));
    assert!(said.stderr.contains("class two is kept: the classifier takes none of its 20 for it"));
    let said = folder.filter("in.npz", "out.npz", &["--max-entropy=2"]).done();
    assert_eq!(said.json()["empty_classes"], serde_json::json!([]));
    assert!(!said.stderr.contains("no sample"), "{}", said.stderr);
}

#[test]
fn pictures_are_only_needed_to_be_drawn_and_may_be_of_any_range() {
    let folder = Folder::new();
    folder.save("in.npz", &without("x"));
    let grid = folder.text("grid.png");
    let draw = |from: &str| {
        folder.coreset(from, "out.npz", &["--method=random", "--size=9", "--grid", &grid])
    };
    folder.coreset("in.npz", "out.npz", &["--method=random", "--size=9"]).done();
    folder.filter("in.npz", "out.npz", &["--max-entropy=0.3"]).done();
    assert!(draw("in.npz").error().contains("no array x"));
    // One pixel of the file is 255 and all others are as dark as those of bytes: one range for all.
    let mut pixels: Vec<u8> = (0..240).map(|at| (at % 3) as u8).collect();
    pixels[239] = 255;
    let shape = vec![60, 2, 2];
    let whole = NpyArray::i64(&shape, pixels.iter().map(|&pixel| pixel.into()).collect());
    let large = NpyArray::f32(&shape, pixels.iter().map(|&pixel| pixel.into()).collect());
    let small = NpyArray::f32(&shape, pixels.iter().map(|&p| f32::from(p) / 255.0).collect());
    let bytes = NpyArray { shape, values: NpyValues::U8(pixels) };
    let pictures = [whole, large, small, bytes].map(|x| {
        folder.save("in.npz", &replaced("x", &x));
        draw("in.npz").done();
        fs::read(&grid).unwrap()
    });
    assert!(pictures.iter().all(|picture| *picture == pictures[0]));
}

/// Overwrites `old` by `new` in a stored member, whose checksum nobody gets to.
fn patch(bytes: &mut [u8], member: &str, old: &[u8], new: &[u8]) {
    let find = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).position(|w| w == what);
    let start = find(bytes, member.as_bytes()).unwrap();
    let at = start + find(&bytes[start..], old).unwrap();
    bytes[at..at + new.len()].copy_from_slice(new);
}

#[test]
fn what_a_model_draws_can_be_filtered_and_selected_from() {
    let folder = Folder::new();
    let run = folder.path("run");
    gleaner().train_small(Path::new(&run), &[]).done();
    let samples = folder.text("samples.npz");
    let args = ["sample", &folder.text("run"), "--per-class=20", "--out", &samples];
    gleaner().call(args).done();
    folder.filter("samples.npz", "sure.npz", &["--max-entropy=2.5"]).done();
    folder.coreset("sure.npz", "coreset.npz", &["--method=craig", "--fraction=0.2"]).done();
    let out = folder.read("coreset.npz");
    let rows = out.integers("index").len();
    assert_eq!(out.array("x").shape, [rows, 8, 8, 1]);
    for name in ["y", "z", "logits", "entropy", "source_index", "gain", "weight"] {
        assert_eq!(out.array(name).shape[0], rows, "{name}");
    }
}
