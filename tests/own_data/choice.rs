//! Which classifier a run keeps: plain methods and the model compared over the labels, and what predicts afterwards.

use std::fs;

use serde_json::Value;

use super::{HEADER, Home, flowers, kind};

/// Labels of every fifth row of 150; and a header with a split.
pub(super) fn flowers_with_a_test_split(home: &Home, name: &str) {
    let row = |row: usize| match row {
        row if row % 5 == 4 => format!("{},test", kind(row)),
        row if row % 5 == 0 => format!("{},train", kind(row)),
        _ => ",train".to_owned(),
    };
    home.write(name, flowers(150, &format!("{HEADER},split"), row));
}

fn names(choice: &Value) -> Vec<&str> {
    choice["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn a_table_is_told_by_the_best_of_several_methods() {
    let home = Home::new();
    flowers_with_a_test_split(&home, "some.csv");
    let said = home.train("some.csv", "run", &["--model=auto"]).done();
    let summary = said.json();
    let choice = &summary["choice"];
    assert_eq!(
        names(choice),
        [
            "average",
            "logistic regression",
            "network",
            "self-training",
            "label spreading",
            "mixture",
            "m2"
        ]
    );
    assert_eq!((&choice["labels"], &choice["parts"]), (&30.into(), &5.into()), "{choice}");
    // Twenty steps teach the model nothing, and the flowers are easy: whatever is kept does not lean on the model.
    let kept = choice["kept"].as_str().unwrap();
    assert!(names(choice).contains(&kept) && kept != "m2", "{kept}");
    assert!(number(&summary["test_accuracy"]) > 0.9, "{summary}");
    assert!(number(&summary["test_accuracy"]) >= number(&summary["model_accuracy"]));
    let weights: f64 =
        choice["candidates"].as_array().unwrap().iter().map(|row| number(&row["weight"])).sum();
    assert!((weights - 1.0).abs() < 1e-9, "{choice}");
    // The table is said before the summary.
    let said = &said.stderr;
    assert!(said.contains("methods on 30 labels in 5 parts"), "{said}");
    assert!(said.contains("<- kept"), "{said}");
}

#[test]
fn what_predicts_is_what_was_kept() {
    let home = Home::new();
    flowers_with_a_test_split(&home, "some.csv");
    let summary = home.train("some.csv", "run", &["--model=auto"]).done().json();
    let [run, data, out] = ["run", "some.csv", "p.csv"].map(|name| home.path(name));
    // The test rows of the same file.
    let text = fs::read_to_string(&data).unwrap();
    let test: String = text
        .lines()
        .enumerate()
        .filter(|(row, _)| *row == 0 || row % 5 == 0)
        .map(|(_, line)| format!("{line}\n"))
        .collect();
    home.write("test.csv", test);
    let said = home
        .call(&["predict", &run, &home.path("test.csv"), "--out", &out, "--json"])
        .done()
        .json();
    assert_eq!(said["accuracy"], summary["test_accuracy"], "{said}");
    let measured = home.call(&["eval", &run, "--json"]).done().json();
    assert_eq!(measured["accuracy"], summary["test_accuracy"]);
    assert_eq!(measured["ece"], summary["ece"]);
    assert_eq!(measured["model_accuracy"], summary["model_accuracy"]);
    // A copy to give away predicts the same, up to the model's half precision.
    let gift = home.path("gift");
    let given = home.call(&["publish", &run, "--out", &gift, "--json"]).done();
    assert!(given.json()["examples_held"].as_u64().is_some_and(|held| held > 0));
    assert!(given.stderr.contains("holds the values of"), "{}", given.stderr);
    let again = home
        .call(&["predict", &gift, &home.path("test.csv"), "--out", &out, "--json"])
        .done()
        .json();
    assert_eq!(again["accuracy"], summary["test_accuracy"]);
    let profile: Value = serde_json::from_str(&home.text("gift/profile.json")).unwrap();
    assert_eq!(profile["source"], "some.csv", "where the data lay stays at home");
    let resumed = home.call(&["train", "--resume", &gift]);
    assert!(resumed.error().contains("no state/ to go on from"), "{}", resumed.stderr);
    // Without the file, nothing predicts in its place; the run makes it again.
    let kept = home.text("run/classifier.json");
    fs::remove_file(home.path("run/classifier.json")).unwrap();
    let said = home.call(&["predict", &run, &home.path("test.csv"), "--out", &out]);
    assert!(said.error().contains("classifier.json is missing"), "{}", said.stderr);
    assert!(said.error().contains("train --resume"), "{}", said.stderr);
    home.call(&["train", "--resume", &run]).done();
    assert_eq!(home.text("run/classifier.json"), kept);
    // One whose parts do not go together, and that of a run with other columns.
    let kept: Value = serde_json::from_str(&kept).unwrap();
    let mut broken = kept.clone();
    broken["classes"] = 7.into();
    home.write("run/classifier.json", broken.to_string());
    let said = home.call(&["predict", &run, &home.path("test.csv"), "--out", &out]);
    assert!(said.error().contains("classifier.json is damaged"), "{}", said.error());
    let mut foreign = kept;
    foreign["encoder"]["numbers"] = vec![99].into();
    home.write("run/classifier.json", foreign.to_string());
    let said = home.call(&["predict", &run, &home.path("test.csv"), "--out", &out]);
    let error = said.error();
    assert!(error.contains(&run) && error.contains("does not belong to this run"), "{error}");
    let published = home.call(&["publish", &run, "--out", &home.path("another-gift")]);
    assert_eq!(published.error(), error);
    home.write("run/classifier.json", "{\"encoder\":");
    let said = home.call(&["predict", &run, &home.path("test.csv"), "--out", &out]);
    let error = said.error();
    assert!(error.contains("classifier.json is damaged"), "{error}");
}

#[test]
fn without_a_test_split_labels_are_told_by_what_has_not_seen_them() {
    let home = Home::new();
    home.write("all.csv", flowers(60, HEADER, kind));
    let summary = home.train("all.csv", "run", &["--model=auto"]).done().json();
    assert_eq!((&summary["folds"], &summary["tested"]), (&5.into(), &60.into()), "{summary}");
    let row = |name: &Value| {
        let rows = summary["choice"]["candidates"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == *name).unwrap().clone()
    };
    let kept = row(&summary["choice"]["kept"]);
    assert_eq!(kept["accuracy"], summary["test_accuracy"]);
    assert_eq!(row(&summary["choice"]["label_only"])["accuracy"], summary["baseline_accuracy"]);
    assert_eq!(row(&"m2".into())["accuracy"], summary["model_accuracy"]);
    let measured = home.call(&["eval", &home.path("run"), "--json"]).done().json();
    assert_eq!(measured["accuracy"], summary["test_accuracy"]);
}

#[test]
fn a_model_that_is_named_is_trained_alone() {
    let home = Home::new();
    home.write("all.csv", flowers(60, HEADER, kind));
    let summary = home.train("all.csv", "run", &["--model=m2", "--folds=2"]).done().json();
    assert!(summary["choice"].is_null() && summary["model_accuracy"].is_null(), "{summary}");
    assert!(!fs::exists(home.path("run/classifier.json")).unwrap());
    // With one label of a class there is nothing to compare methods on.
    let label =
        |row: usize| if row < 3 || !row.is_multiple_of(3) { kind(row) } else { String::new() };
    home.write("one.csv", flowers(60, HEADER, label));
    let summary =
        home.train("one.csv", "single", &["--model=auto", "--test-share=0.3"]).done().json();
    assert!(summary["choice"].is_null(), "{summary}");
}

#[test]
fn missing_cells_are_predicted_around() {
    let home = Home::new();
    flowers_with_a_test_split(&home, "some.csv");
    home.train("some.csv", "run", &["--model=auto"]).done();
    let text = fs::read_to_string(home.path("some.csv")).unwrap();
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    // The first column of every row is gone; of the last row everything is.
    let mut rows: Vec<String> =
        lines.map(|line| format!(",{}", line.split_once(',').unwrap().1)).collect();
    rows.push(",,,,,".to_owned());
    home.write("holes.csv", format!("{header}\n{}\n", rows.join("\n")));
    let out = home.path("p.csv");
    let said = home.call(&[
        "predict",
        &home.path("run"),
        &home.path("holes.csv"),
        "--out",
        &out,
        "--json",
    ]);
    assert!(number(&said.done().json()["accuracy"]) > 0.9);
    let predicted = fs::read_to_string(&out).unwrap();
    assert_eq!(predicted.lines().count(), 152);
    assert!(!predicted.contains("NaN"), "{}", predicted.lines().last().unwrap());
}
