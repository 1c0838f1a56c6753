//! Tables that are out of the ordinary, when methods are compared on them.

use gleaner_core::data::formats::npy::NpyArray;
use serde_json::Value;

use super::{HEADER, Home, bytes, flower, flowers, kind};

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

/// The weight that each method has in the file of the classifier.
fn kept_weights(home: &Home, run: &str) -> Vec<(String, f64)> {
    let kept: Value = serde_json::from_str(&home.text(&format!("{run}/classifier.json"))).unwrap();
    let mut weights: Vec<(String, f64)> = Vec::new();
    for member in kept["members"].as_array().unwrap() {
        let name = match &member["fitted"] {
            Value::String(name) => name.clone(),
            fitted => fitted.as_object().unwrap().keys().next().unwrap().clone(),
        };
        let name = match name.as_str() {
            "model" => "m2".to_owned(),
            other => other.replace('-', " "),
        };
        match weights.iter_mut().find(|(known, _)| *known == name) {
            Some((_, weight)) => *weight += number(&member["weight"]),
            None => weights.push((name, number(&member["weight"]))),
        }
    }
    weights
}

#[test]
fn words_alone_are_compared() {
    let home = Home::new();
    let row = |row: usize| {
        let class = row % 2;
        let home = ["sea", "land", "air"][(row * 5 % 7 + class) % 3];
        let food = ["fish", "grass"][usize::from((row * 3 % 10 < 8) == (class == 0))];
        format!("{home},{food},{}\n", ["a", "b"][class])
    };
    home.write("words.csv", "home,food,class\n".to_owned() + &(0..60).map(row).collect::<String>());
    let said = home.train("words.csv", "run", &["--model=auto"]).done();
    assert!(!said.stderr.contains("could not be fitted"), "{}", said.stderr);
    let summary = said.json();
    assert!(number(&summary["test_accuracy"]) > 0.7, "{summary}");
    assert_eq!(summary["choice"]["candidates"].as_array().unwrap().len(), 7);
}

#[test]
fn the_average_that_is_kept_is_the_one_that_was_measured() {
    let home = Home::new();
    home.write("all.csv", flowers(36, HEADER, kind));
    let summary = home.train("all.csv", "run", &["--model=auto"]).done().json();
    assert_eq!(summary["choice"]["kept"], "average", "{summary}");
    let kept = kept_weights(&home, "run");
    for row in summary["choice"]["candidates"].as_array().unwrap() {
        let weight = kept.iter().find(|(name, _)| row["name"] == **name);
        let weight = weight.map_or(0.0, |(_, weight)| *weight);
        assert!((weight - number(&row["weight"])).abs() < 1e-9, "{row} {kept:?}");
    }
}

#[test]
fn rows_that_validate_stay_out_of_the_comparison() {
    let home = Home::new();
    let row = |row: usize| {
        let split = if row % 5 == 4 { "val" } else { "train" };
        format!("{},{split}", kind(row))
    };
    home.write("val.csv", flowers(90, &format!("{HEADER},split"), row));
    let options = ["--model=auto", "--labels-per-class=6", "--test-share=0.3"];
    let summary = home.train("val.csv", "run", &options).done().json();
    assert_eq!(summary["choice"]["labels"], 18, "{summary}");
    assert!(summary["validation_accuracy"].is_number(), "{summary}");
}

#[test]
fn a_rare_class_leaves_the_others_their_parts() {
    let home = Home::new();
    // Two of the first kind, and none of its other rows has a label.
    let label =
        |row: usize| if row > 3 && row.is_multiple_of(3) { String::new() } else { kind(row) };
    home.write("rare.csv", flowers(60, HEADER, label));
    let summary = home.train("rare.csv", "run", &["--model=auto"]).done().json();
    assert_eq!((&summary["choice"]["parts"], &summary["folds"]), (&5.into(), &5.into()));
    assert_eq!(summary["choice"]["labels"], 42, "{summary}");
}

/// Flowers with a column that few cells dominate, holes everywhere, and a test split.
fn holes(rows: usize) -> String {
    let row = |row: usize| {
        let [a, b, ..] = flower(row);
        let heavy = if row % 40 == 7 { 1e4 } else { 1.0 + (row % 11) as f64 * 0.1 };
        let cell = |column: usize, value: String| match (row + column) % 4 {
            0 => String::new(),
            _ => value,
        };
        let split = if row % 5 == 4 { "test" } else { "train" };
        let cells = [cell(0, a.to_string()), cell(1, b.to_string()), cell(2, heavy.to_string())];
        format!("{},{},{split}\n", cells.join(","), kind(row))
    };
    "a,b,heavy,kind,split\n".to_owned() + &(0..rows).map(row).collect::<String>()
}

#[test]
fn missing_cells_and_heavy_columns_are_compared_and_baselines_take_them() {
    let home = Home::new();
    home.write("holes.csv", holes(150));
    let said = home.train("holes.csv", "run", &["--model=auto"]).done();
    let summary = said.json();
    assert!(!said.stderr.contains("could not be fitted"), "{}", said.stderr);
    assert!(number(&summary["test_accuracy"]) > 0.7, "{summary}");
    // Every row has its label.
    assert!(!said.stderr.contains("unlabelled examples help"), "{}", said.stderr);
    assert!(!said.stderr.contains("nothing that uses"), "{}", said.stderr);
    assert!(said.stderr.contains("calibration error of"), "{}", said.stderr);
    let measured = home.call(&["baselines", &home.path("run"), "--json"]).done().json();
    for (method, share) in measured["accuracy"].as_object().unwrap() {
        // On the 30 rows of the test split.
        let right = number(share) * 30.0;
        assert!((right - right.round()).abs() < 1e-9, "{method}: {share}");
    }
}

#[test]
fn auto_says_why_it_compares_nothing() {
    let home = Home::new();
    let label =
        |row: usize| if row < 3 || !row.is_multiple_of(3) { kind(row) } else { String::new() };
    home.write("one.csv", flowers(60, HEADER, label));
    let said = home.train("one.csv", "single", &["--model=auto", "--test-share=0.3"]).done();
    assert!(said.json()["choice"].is_null());
    let why =
        "auto: methods are not compared, and m2 is trained: class setosa has fewer than two labels";
    assert!(said.stderr.contains(why), "{}", said.stderr);
    let [data, run] = ["one.csv", "open"].map(|name| home.path(name));
    let options = ["--test-share=0.3", "--steps=2", "--set=train.baseline-steps=2"];
    let said = home.call(&[&["train", "--data", &data, "--out", &run], &options[..]].concat());
    assert!(said.done().stderr.contains(why), "nobody named a model");
    let said = home.call(&[
        "train",
        "--model=auto",
        "--steps=2",
        "--set=train.baseline-steps=2",
        "--out",
        &home.path("known"),
    ]);
    assert!(said.done().stderr.contains("it compares them on data of your own"));
    home.write("all.csv", flowers(60, HEADER, kind));
    let [data, run] = ["all.csv", "m1"].map(|name| home.path(name));
    let m1 = ["--model=m1", "--set=choice.folds=3"];
    let error = home.call(&[&["train", "--data", &data, "--out", &run], &m1[..]].concat());
    assert!(error.error().contains("m1 does not"), "{}", error.error());
    let error = home.call(&["train", "--set=choice.folds=3", "--out", &home.path("digits")]);
    assert!(error.error().contains("digits is a known data set"), "{}", error.error());
}

#[test]
fn the_report_says_what_is_kept_and_shows_drawn_rows() {
    let home = Home::new();
    home.write("all.csv", flowers(60, HEADER, kind));
    let summary = home.train("all.csv", "run", &["--model=auto"]).done().json();
    let said = home.call(&["report", &home.path("run"), "--json"]).done().json();
    let page = home.text("run/report.html");
    assert_eq!(said["missing"], Value::Array(Vec::new()));
    for of_images in ["Reconstructions", "Style and class", "One latent dimension"] {
        assert!(!page.contains(of_images), "rows of a table are no images: {of_images}");
    }
    assert!(page.contains("<h2>Methods compared</h2>") && page.contains("(kept)"));
    // No test split was held out.
    assert!(page.contains("<th scope=\"row\">Accuracy of the average of methods"), "{page}");
    let how =
        "Measured by</th><td>cross-validation: 60 labelled examples in 5 parts, each held out once";
    assert!(page.contains(how) && !page.contains("test split"), "{page}");
    let percent = format!("{:.2} %", 100.0 * number(&summary["model_accuracy"]));
    assert!(page.contains(&format!("Accuracy of m2 by itself</th><td>{percent}")), "{page}");
    // Four drawn rows of each of three kinds.
    let rows = page.split("<table class=\"rows\">").nth(1).unwrap();
    let rows = rows.split("</table>").next().unwrap();
    assert_eq!(rows.matches("<tr><td>").count(), 12, "{rows}");
    for kind in ["setosa", "versicolor", "virginica"] {
        assert_eq!(
            rows.matches(&format!("<tr><td>{kind}</td>")).count(),
            4,
            "the class first: {rows}"
        );
    }
    assert!(page.contains("None of these 12 equals a row of the data."), "{page}");
    // The table of confusions is that of what is kept: its diagonal is its accuracy.
    let right: f64 = page
        .split("<td class=\"right\"")
        .skip(1)
        .map(|cell| cell.split(['>', '<']).nth(1).unwrap().parse::<f64>().unwrap())
        .sum();
    assert!((right / 60.0 - number(&summary["test_accuracy"])).abs() < 1e-9, "{right}");
}

/// Pictures of 12 x 12 pixels: a bar that lies or stands, anywhere, and dots; and which of the two.
fn bars(count: usize) -> (Vec<u8>, Vec<i64>) {
    let mut pixels = Vec::with_capacity(count * 144);
    for picture in 0..count {
        let (stands, place) = (picture % 2 == 1, 2 + picture * 7 % 8);
        for y in 0..12 {
            for x in 0..12 {
                let bar = if stands { x == place } else { y == place };
                let dot = (x * 31 + y * 17 + picture * 13) % 29 == 0;
                pixels.push(if bar {
                    230
                } else if dot {
                    120
                } else {
                    10
                });
            }
        }
    }
    (pixels, (0..count as i64).map(|picture| picture % 2).collect())
}

#[test]
fn pictures_are_compared_as_components_with_moved_copies() {
    let home = Home::new();
    let (pixels, classes) = bars(40);
    let some: Vec<i64> =
        classes.iter().enumerate().map(|(at, &y)| if at < 20 { y } else { -1 }).collect();
    let y = NpyArray::i64(&[40], some);
    home.write_npz("bars.npz", &[("x", bytes(&[40, 12, 12], pixels.clone())), ("y", y)]);
    let summary = home.train("bars.npz", "run", &["--model=auto"]).done().json();
    assert_eq!(summary["choice"]["labels"], 20, "{summary}");
    let config = home.text("run/config.toml");
    // All examples with a label count half of the others; 4 of 144 pixels; a quarter of so many passes.
    for setting in ["classifier-shift = 1\n", "alpha = 0.5\n", "labelled-weight = 0.5\n"] {
        assert!(config.contains(setting), "no {setting} in {config}");
    }
    // Bars in few places: from one picture, whoever knows that bars move learns the next.
    assert!(number(&summary["test_accuracy"]) > 0.7, "{summary}");
    let all = NpyArray::i64(&[40], classes);
    home.write_npz("all.npz", &[("x", bytes(&[40, 12, 12], pixels)), ("y", all)]);
    let [run, file, out] = ["run", "all.npz", "p.csv"].map(|name| home.path(name));
    let said = home.call(&["predict", &run, &file, "--out", &out, "--json"]).done().json();
    assert!(number(&said["accuracy"]) > 0.7, "{said}");
}

#[test]
fn texts_are_compared_by_their_weighted_words() {
    let home = Home::new();
    let good = ["fresh", "strong", "rich", "quick"];
    let bad = ["stale", "bitter", "broken", "late"];
    let row = |row: usize| {
        let words = if row.is_multiple_of(2) { good } else { bad };
        let [a, b] = [words[row / 2 % 4], words[(row / 2 + row / 8 + 1) % 4]];
        let label = if row % 5 == 4 { "" } else { ["good", "bad"][row % 2] };
        format!("the coffee was {a} and {b} today,{label}\n")
    };
    home.write("said.csv", "said,kind\n".to_owned() + &(0..60).map(row).collect::<String>());
    let options = ["--text=said", "--model=auto"];
    let summary = home.train("said.csv", "run", &options).done().json();
    assert_eq!(summary["choice"]["labels"], 48, "{summary}");
    assert!(number(&summary["test_accuracy"]) > 0.9, "{summary}");
    let config = home.text("run/config.toml");
    for setting in ["latent = 2\n", "alpha = 1.0\n", "classifier-gradient = 0.1\n"] {
        assert!(config.contains(setting), "no {setting} in {config}");
    }
    let kept: Value = serde_json::from_str(&home.text("run/classifier.json")).unwrap();
    assert!(kept["encoder"]["reduction"]["weighing"]["words"].is_object(), "{kept}");
    let [run, file, out] = ["run", "said.csv", "p.csv"].map(|name| home.path(name));
    let said = home.call(&["predict", &run, &file, "--out", &out, "--json"]).done().json();
    assert!(number(&said["accuracy"]) > 0.9, "{said}");
    home.write("other.csv", "said\nthe coffee was fresh\nxylophone zebra\n");
    let said = home.call(&["predict", &run, &home.path("other.csv"), "--out", &out]).done();
    assert!(said.stderr.contains("1 of 2 texts have none of the"), "{}", said.stderr);
}
