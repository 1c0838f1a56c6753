//! How well a run does on data without a test split, and which labels it uses.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use gleaner_core::data::formats::npy::NpyArray;
use serde_json::Value;

use super::{FEW_STEPS, HEADER, Home, SOME_STEPS, TINY, bytes, digits, flowers, kind};

/// Flowers of which two fifths have a label.
fn some(home: &Home) {
    let label = |row: usize| if row % 5 < 3 { String::new() } else { kind(row) };
    home.write("some.csv", flowers(90, HEADER, label));
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

/// Every file below a folder, with its time.
fn files(folder: &Path) -> Vec<(String, SystemTime)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push((
                entry.path().display().to_string(),
                entry.metadata().unwrap().modified().unwrap(),
            )),
        }
    }
    found.sort();
    found
}

#[test]
fn every_label_is_tested_once_and_the_interval_is_wilsons() {
    let home = Home::new();
    some(&home);
    let said = home.trained("some.csv", "run");
    let written: Value = serde_json::from_str(&home.text("run/summary.json")).unwrap();
    assert_eq!(
        (&written["labels"], &written["tested"], &written["folds"]),
        (&36.into(), &36.into(), &2.into())
    );
    assert_eq!(said["test_accuracy"], written["test_accuracy"]);
    let parts: Vec<Value> = ["1", "2"]
        .map(|part| {
            serde_json::from_str(&home.text(&format!("run/folds/{part}/summary.json"))).unwrap()
        })
        .to_vec();
    let right = |part: &Value| number(&part["test_accuracy"]) * number(&part["tested"]);
    let tested: f64 = parts.iter().map(|part| number(&part["tested"])).sum();
    assert_eq!(tested, 36.0);
    let p = parts.iter().map(right).sum::<f64>() / tested;
    assert!((number(&written["test_accuracy"]) - p).abs() < 1e-12);
    // Wilson's interval of 95 %.
    let (n, z) = (36.0_f64, 1.959_963_985_f64);
    let centre = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    for (at, expected) in [centre - half, centre + half].into_iter().enumerate() {
        assert!((number(&written["interval"][at]) - expected).abs() < 1e-6, "{written}");
    }
    assert!(written["worse_than_baseline"].is_boolean());
}

#[test]
fn few_labels_are_divided_several_times() {
    let home = Home::new();
    some(&home);
    let summary = home.train("some.csv", "run", &[]).done().json();
    assert_eq!((&summary["folds"], &summary["tested"]), (&5.into(), &36.into()));
    let repeats = summary["repeats"].as_u64().unwrap() as usize;
    assert!(repeats > 1, "{summary}");
    assert_eq!(fs::read_dir(home.path("run/folds")).unwrap().count(), 5 * repeats);
}

#[test]
fn evaluation_gives_the_accuracy_of_the_summary() {
    let home = Home::new();
    some(&home);
    let summary = home.trained("some.csv", "run");
    let again = home.call(&["eval", &home.path("run"), "--json"]).done().json();
    for (key, here) in [
        ("accuracy", "test_accuracy"),
        ("interval", "interval"),
        ("examples", "tested"),
        ("elbo", "elbo"),
    ] {
        assert_eq!(again[key], summary[here], "{key}");
    }
    // From another folder, with a relative path.
    let there = home
        .program
        .command(["eval", "run", "--json"])
        .current_dir(home.path(""))
        .output()
        .unwrap();
    let there: Value =
        serde_json::from_str(String::from_utf8_lossy(&there.stdout).lines().last().unwrap())
            .unwrap();
    assert_eq!(there["accuracy"], summary["test_accuracy"]);
}

#[test]
fn a_relative_path_of_the_data_holds_from_another_folder() {
    let home = Home::new();
    some(&home);
    let args = ["train", "--data", "some.csv", "--out", "run", "--json", "--folds=2"];
    let made = home
        .program
        .command([&args[..], &TINY, &FEW_STEPS].concat())
        .current_dir(home.path(""))
        .output()
        .unwrap();
    let summary: Value =
        serde_json::from_str(String::from_utf8_lossy(&made.stdout).lines().last().unwrap())
            .unwrap();
    let again = home.call(&["eval", &home.path("run"), "--json"]).done().json();
    assert_eq!(again["accuracy"], summary["test_accuracy"]);
}

#[test]
fn what_is_done_is_not_done_again_when_resuming() {
    let home = Home::new();
    some(&home);
    let before = home.trained("some.csv", "run");
    let folds = home.path("run/folds");
    let kept = files(folds.as_ref());
    fs::remove_file(home.path("run/summary.json")).unwrap();
    fs::remove_dir_all(home.path("run/state")).unwrap();
    let after = home.call(&["train", "--json", "--resume", &home.path("run")]).done().json();
    assert_eq!(files(folds.as_ref()), kept);
    for key in ["test_accuracy", "baseline_accuracy", "elbo", "tested", "interval"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    // With one part gone, that one alone is made anew, the same.
    fs::remove_file(home.path("run/summary.json")).unwrap();
    fs::remove_dir_all(home.path("run/folds/2")).unwrap();
    let after = home.call(&["train", "--json", "--resume", &home.path("run")]).done().json();
    assert_eq!(after["test_accuracy"], before["test_accuracy"]);
    let of_first = |files: Vec<(String, SystemTime)>| {
        files.into_iter().filter(|(path, _)| path.contains("folds/1/")).collect::<Vec<_>>()
    };
    assert_eq!(of_first(files(folds.as_ref())), of_first(kept));
}

#[test]
fn a_share_is_held_out_where_that_is_asked_for() {
    let home = Home::new();
    home.write("iris.csv", flowers(30, HEADER, kind));
    let summary = home.train("iris.csv", "run", &["--test-share=0.2"]).done().json();
    assert_eq!(
        (&summary["labels"], &summary["tested"], summary.get("folds")),
        (&24.into(), &6.into(), None)
    );
    assert!(!Path::new(&home.path("run/folds")).exists());
    let args = ["train", "--data", &home.path("iris.csv"), "--test-share=0.2", "--folds=3"];
    assert_eq!(home.call(&args).code, Some(2));
}

#[test]
fn all_labels_of_unequal_classes_are_used() {
    let home = Home::new();
    let (pixels, y) = digits(300);
    // So many of each class keep their label.
    let mut left = [24, 20, 16, 12, 10, 8, 6, 5, 4, 3_usize];
    let kept = |&class: &i64| match left[class as usize] {
        0 => -1,
        _ => {
            left[class as usize] -= 1;
            class
        }
    };
    let y_some: Vec<i64> = y[..240].iter().map(kept).collect();
    let part = |rows: std::ops::Range<usize>| {
        bytes(&[rows.len(), 8, 8], pixels[64 * rows.start..64 * rows.end].to_vec())
    };
    let arrays = [
        ("x", part(0..240)),
        ("y", NpyArray::i64(&[240], y_some)),
        ("x_test", part(240..300)),
        ("y_test", NpyArray::i64(&[60], y[240..].to_vec())),
    ];
    home.write_npz("own.npz", &arrays);
    let seen = home.show("own.npz", &[]);
    assert_eq!(seen.classes(), "0 24, 1 20, 2 16, 3 12, 4 10, 5 8, 6 6, 7 5, 8 4, 9 3");
    assert_eq!((seen.unlabelled(), &seen.0["splits"]["test"]), (132, &60.into()));
    let labels =
        |more: &[&str], run: &str| home.train("own.npz", run, more).done().json()["labels"].clone();
    assert_eq!(labels(&[], "all"), 108);
    assert_eq!(labels(&["--labels=all"], "said"), 108);
    assert_eq!(labels(&["--labels-per-class=2"], "few"), 20);
    let said = home.train("own.npz", "many", &["--labels-per-class=4"]);
    assert!(said.error().contains("the smallest class has only"), "{}", said.stderr);
}

#[test]
fn a_known_data_set_takes_all_labels_too() {
    let home = Home::new();
    let train = |run: &str, labels: &str| {
        let out = home.path(run);
        let args = ["train", "--data=digits", "--json", "--out", &out, labels];
        home.call(&[&args, &TINY[..], &FEW_STEPS].concat()).done().json()
    };
    let all = train("all", "--labels=all");
    assert_eq!(all["labels"], all["unlabelled"]);
    assert!(all["labels"].as_u64().unwrap() > 1200, "{all}");
    assert_eq!(train("few", "--labels-per-class=3")["labels"], 30);
}

#[test]
fn a_model_that_does_worse_than_its_classifier_alone_is_said() {
    let home = Home::new();
    home.write("iris.csv", flowers(90, HEADER, kind));
    // The baseline learns what is plain to see, the model has no time to.
    let more = ["--folds=2", "--steps=1", "--set=train.baseline-steps=150", "--lr=0.02"];
    let said = home.train_longer("iris.csv", "run", &more).done();
    let summary = said.json();
    assert!(number(&summary["baseline_accuracy"]) > number(&summary["interval"][1]), "{summary}");
    assert_eq!(summary["worse_than_baseline"], true);
    assert!(
        said.stderr.contains("does worse than") && said.stderr.contains("--model"),
        "{}",
        said.stderr
    );
    let more = [&SOME_STEPS, &["--folds=2"][..]].concat();
    let said = home.train_longer("iris.csv", "learnt", &more).done();
    assert_eq!(said.json()["worse_than_baseline"], false);
    assert!(!said.stderr.contains("does worse than"), "{}", said.stderr);
}

#[test]
fn data_that_have_changed_since_are_refused() {
    let home = Home::new();
    some(&home);
    home.trained("some.csv", "run");
    let before = home.text("some.csv");
    let [run, out] = ["run", "export.npz"].map(|name| home.path(name));
    let (header, rows) = before.split_once('\n').unwrap();
    let reversed: Vec<&str> = rows.lines().rev().collect();
    for changed in [
        format!("{header}\n{}\n", reversed.join("\n")),
        before.replacen(&kind(4), "other", 1),
        before.lines().take(80).collect::<Vec<_>>().join("\n"),
    ] {
        assert_ne!(changed, before);
        home.write("some.csv", changed);
        for call in [
            &["eval", &run][..],
            &["predict", &run, "--pool", "--least-sure=3"],
            &["data", "export", &run, "--out", &out],
            &["train", "--resume", &run],
        ] {
            let said = home.call(call);
            assert!(said.error().contains("have changed since"), "{call:?}: {}", said.error());
        }
    }
    home.write("some.csv", before);
    home.call(&["eval", &run]).done();
}
