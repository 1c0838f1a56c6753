//! `predict`: new examples of the kind that a run was trained on, and the ones to label next.

use gleaner_core::data::formats::npy::{NpyArray, NpyValues};
use serde_json::Value;

use super::{HEADER, Home, KINDS, SOME_STEPS, bytes, digits, flower, flowers, kind};

/// A table with words and whole numbers; every third row has no label.
pub fn zoo(rows: usize) -> String {
    let row = |row: usize| {
        let [mass, ..] = flower(row);
        let home = ["sea", "land", "air"][row * 5 % 7 % 3];
        let label = if row.is_multiple_of(3) { "" } else { KINDS[row % 2] };
        format!("{mass},{},{},{home},{label}\n", row % 7 + 2, ["f", "m"][row / 2 % 2])
    };
    "mass,legs,sex,home,kind\n".to_owned() + &(0..rows).map(row).collect::<String>()
}

/// Predictions of a run for a file, in `p.csv`.
fn predict(home: &Home, input: &str) -> Value {
    let [run, input, out] = ["run", input, "p.csv"].map(|name| home.path(name));
    home.call(&["predict", &run, &input, "--out", &out, "--json"]).done().json()
}

fn refused(home: &Home, input: &str) -> String {
    let [run, input, out] = ["run", input, "none.csv"].map(|name| home.path(name));
    let said = home.call(&["predict", &run, &input, "--out", &out]);
    assert!(!std::path::Path::new(&out).exists());
    home.without_folder(said.error())
}

#[test]
fn columns_are_found_by_name_in_any_order() {
    let home = Home::new();
    home.write("zoo.csv", zoo(60));
    home.trained("zoo.csv", "run");
    assert_eq!(predict(&home, "zoo.csv")["rows"], 60);
    let known = home.text("p.csv");
    assert!(known.starts_with("index,class,entropy,p_setosa,p_versicolor\n0,"), "{known}");
    let turned = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        format!("{},{},7.5,{},{}\n", cells[3], cells[0], cells[2], cells[1])
    };
    home.write(
        "turned.csv",
        zoo(60).lines().map(turned).collect::<String>().replacen("7.5", "extra", 1),
    );
    let said = predict(&home, "turned.csv");
    assert_eq!((&said["rows"], &said["accuracy"]), (&60.into(), &Value::Null));
    assert_eq!(home.text("p.csv"), known);
}

#[test]
fn a_missing_column_is_named_and_a_new_word_is_said() {
    let home = Home::new();
    home.write("zoo.csv", zoo(60));
    home.trained("zoo.csv", "run");
    let without = |line: &str| line.split_once(',').unwrap().1.to_owned() + "\n";
    home.write("less.csv", zoo(60).lines().map(without).collect::<String>());
    let said = refused(&home, "less.csv");
    assert!(
        said.starts_with("error: less.csv: there is no column \"mass\"; the columns are \"legs\""),
        "{said}"
    );
    home.write("word.csv", zoo(60).replacen("sea", "space", 1));
    let [run, input, out] = ["run", "word.csv", "p.csv"].map(|name| home.path(name));
    let said = home.call(&["predict", &run, &input, "--out", &out]).done();
    assert!(
        said.stderr.contains("home: \"space\" is a word that training did not have"),
        "{}",
        said.stderr
    );
    home.write("letters.csv", zoo(60).replace(",2,", ",two,").replace(",3,", ",three,"));
    assert!(refused(&home, "letters.csv").contains("legs: most cells are not numbers"));
}

#[test]
fn what_is_read_is_not_written_over() {
    let home = Home::new();
    home.write("zoo.csv", zoo(60));
    home.write("new.csv", zoo(12));
    home.trained("zoo.csv", "run");
    let [run, new, zoo_file] = ["run", "new.csv", "zoo.csv"].map(|name| home.path(name));
    for out in [&new, &zoo_file] {
        let said = home.call(&["predict", &run, &new, "--out", out]);
        assert!(said.error().contains("would replace what is read"), "{}", said.stderr);
    }
    let said = home.call(&["sample", &run, "--per-class", "2", "--out", &zoo_file]);
    assert!(said.error().contains("would replace what is read"), "{}", said.stderr);
    assert_eq!((home.text("zoo.csv"), home.text("new.csv")), (zoo(60), zoo(12)));
    let config = home.path("run/config.toml");
    let said = home.call(&["report", &run, "--out", &config]);
    assert!(said.error().contains("give a name that ends in .html"), "{}", said.stderr);
}

#[test]
fn the_accuracy_is_that_of_the_rows_with_a_label() {
    let home = Home::new();
    home.write("zoo.csv", zoo(60));
    home.trained("zoo.csv", "run");
    let said = predict(&home, "zoo.csv");
    let [predicted, table] = [home.text("p.csv"), zoo(60)];
    let truth = table.lines().skip(1).map(|line| line.rsplit(',').next().unwrap());
    let told: Vec<(&str, &str)> = truth
        .zip(predicted.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()))
        .filter(|(truth, _)| !truth.is_empty())
        .collect();
    let right = told.iter().filter(|(truth, told)| truth == told).count();
    assert_eq!((&said["labelled"], told.len()), (&40.into(), 40));
    assert_eq!(said["accuracy"].as_f64().unwrap(), right as f64 / 40.0);
    // A label that the run does not know is said, and not counted.
    home.write("other.csv", zoo(60).replacen(KINDS[0], "virginica", 3));
    let [run, other, out] = ["run", "other.csv", "p.csv"].map(|name| home.path(name));
    let said = home.call(&["predict", &run, &other, "--out", &out]).done().stdout;
    let note = "3 rows have a label that is none of the run's classes, such as \"virginica\"";
    assert!(said.contains(note) && said.contains("of 37,"), "{said}");
    // One that marks rows without a label is no label.
    home.write("marked.csv", zoo(60).replacen(KINDS[0], "-1", 3));
    let marked = home.path("marked.csv");
    let said = home.call(&["predict", &run, &marked, "--out", &out]).done().stdout;
    assert!(!said.contains("none of the run's classes") && said.contains("of 37,"), "{said}");
}

#[test]
fn arrays_need_the_shape_and_the_units_of_the_training_data() {
    let home = Home::new();
    let (pixels, y) = digits(80);
    let y = || ("y", NpyArray::i64(&[80], y.clone()));
    home.write_npz("digits.npz", &[("x", bytes(&[80, 8, 8], pixels.clone())), y()]);
    home.trained("digits.npz", "run");
    let [run, known, out] = ["run", "digits.npz", "p.npz"].map(|name| home.path(name));
    home.call(&["predict", &run, &known, "--out", &out]).done();
    let arrays = ["logits", "probs", "y", "entropy", "index", "classes"]
        .map(|name| home.array("p.npz", name));
    assert_eq!(
        arrays.each_ref().map(|array| &array.shape[..]),
        [&[80, 10][..], &[80, 10], &[80], &[80], &[80], &[10]]
    );
    let NpyValues::Text(classes) = &arrays[5].values else { panic!("words") };
    assert_eq!(classes[9], "9");
    // Floats of the same pixels, and rows without a second dimension, are the same examples.
    let floats: Vec<f32> = pixels.iter().map(|&pixel| f32::from(pixel)).collect();
    home.write_npz("flat.npz", &[("x", NpyArray::f32(&[80, 64], floats.clone()))]);
    home.call(&["predict", &run, &home.path("flat.npz"), "--out", &out]).done();
    assert_eq!(home.array("p.npz", "logits"), arrays[0]);
    home.write_npz("wide.npz", &[("x", bytes(&[40, 8, 16], pixels))]);
    assert!(
        refused(&home, "wide.npz")
            .contains("shape [8, 16, 1], and the run was trained on [8, 8, 1]")
    );
    let dark = floats.iter().map(|value| value / 255.0).collect();
    home.write_npz("dark.npz", &[("x", NpyArray::f32(&[80, 8, 8], dark))]);
    assert!(refused(&home, "dark.npz").contains("give values in the same units"));
    home.write("zoo.csv", zoo(20));
    assert!(refused(&home, "zoo.csv").contains("zoo.csv is a table, and the run was trained on"));
}

#[test]
fn labels_that_number_the_classes_and_folders_that_are_called_so_are_counted() {
    let home = Home::new();
    let (pixels, y) = digits(80);
    let named = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let arrays = |more: &[(&'static str, NpyArray)]| {
        let x = ("x", bytes(&[80, 8, 8], pixels.clone()));
        [&[x, ("y", NpyArray::i64(&[80], y.clone()))], more].concat()
    };
    home.write_npz("digits.npz", &arrays(&[("classes", NpyArray::texts(named))]));
    home.trained("digits.npz", "run");
    let with_names = predict(&home, "digits.npz");
    assert_eq!(with_names["labelled"], 80);
    home.write_npz("numbers.npz", &arrays(&[]));
    assert_eq!(predict(&home, "numbers.npz"), with_names);
    for (row, (image, &label)) in pixels.chunks(64).zip(&y).enumerate() {
        let folder = format!("new/batch/{}", named[label as usize]);
        std::fs::create_dir_all(home.path(&folder)).unwrap();
        let image = image::GrayImage::from_raw(8, 8, image.to_vec()).unwrap();
        image.save(home.path(&format!("{folder}/{row}.png"))).unwrap();
    }
    let of_folders = predict(&home, "new");
    assert_eq!(of_folders["labelled"], 80);
    assert_eq!(of_folders["accuracy"], with_names["accuracy"]);
}

#[test]
fn no_split_of_a_file_is_dropped() {
    let home = Home::new();
    let (pixels, y) = digits(80);
    let part = |rows: std::ops::Range<usize>| {
        bytes(&[rows.len(), 8, 8], pixels[64 * rows.start..64 * rows.end].to_vec())
    };
    let labels = |rows: std::ops::Range<usize>| NpyArray::i64(&[rows.len()], y[rows].to_vec());
    let arrays = [
        ("x_train", part(0..60)),
        ("y_train", labels(0..60)),
        ("x_test", part(60..80)),
        ("y_test", labels(60..80)),
    ];
    home.write_npz("parted.npz", &arrays);
    home.train("parted.npz", "run", &[]).done();
    let said = predict(&home, "parted.npz");
    assert_eq!((&said["rows"], &said["labelled"]), (&80.into(), &80.into()));
    let parted = home.text("p.csv");
    home.write_npz("whole.npz", &[("x", part(0..80))]);
    predict(&home, "whole.npz");
    assert_eq!(home.text("p.csv"), parted);
}

#[test]
fn pictures_go_into_a_run_on_arrays_in_its_units() {
    let home = Home::new();
    let (pixels, y) = digits(80);
    // From 0 to 16, as scikit-learn has them.
    let counts = pixels.iter().map(|&pixel| (f32::from(pixel) * 16.0 / 255.0).round()).collect();
    let arrays = [("x", NpyArray::f32(&[80, 8, 8], counts)), ("y", NpyArray::i64(&[80], y))];
    home.write_npz("digits.npz", &arrays);
    home.trained("digits.npz", "run");
    let [run, known, files, out] =
        ["run", "digits.npz", "pictures", "p.npz"].map(|name| home.path(name));
    home.call(&["predict", &run, &known, "--out", &out]).done();
    let NpyValues::F32(expected) = home.array("p.npz", "logits").values else { panic!("floats") };
    std::fs::create_dir(&files).unwrap();
    for (row, image) in pixels.chunks(64).enumerate() {
        let image = image::GrayImage::from_raw(8, 8, image.to_vec()).unwrap();
        image.save(home.path(&format!("pictures/{row:02}.png"))).unwrap();
    }
    home.call(&["predict", &run, &files, "--out", &out]).done();
    let NpyValues::F32(found) = home.array("p.npz", "logits").values else { panic!("floats") };
    for (found, expected) in found.iter().zip(&expected) {
        // A pixel of 255 levels is at most half a level of 16 away.
        assert!((found - expected).abs() < 0.05, "{found} {expected}");
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn the_least_sure_of_the_pool_are_spread_over_the_classes() {
    let home = Home::new();
    home.write(
        "some.csv",
        flowers(90, HEADER, |row| if row % 5 < 3 { String::new() } else { kind(row) }),
    );
    home.train_longer("some.csv", "run", &[&SOME_STEPS, &["--folds=2"][..]].concat()).done();
    let run = home.path("run");
    // The folder of the process is of no account.
    let relative = home
        .program
        .command(["predict", "run", "--pool", "--least-sure", "5", "--json"])
        .current_dir(home.path(""))
        .output()
        .unwrap();
    let said = home.call(&["predict", &run, "--pool", "--least-sure", "5", "--json"]).done().json();
    let from_there: Value =
        serde_json::from_str(String::from_utf8_lossy(&relative.stdout).lines().last().unwrap())
            .unwrap();
    assert_eq!(said["least_sure"], from_there["least_sure"]);
    assert_eq!(said["rows"], 54);
    let least: Vec<(u64, &str)> = said["least_sure"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["index"].as_u64().unwrap(), row["class"].as_str().unwrap()))
        .collect();
    // None has a label, and of each class that is predicted there are as many, as far as five go round.
    assert!(least.len() == 5 && least.iter().all(|(index, _)| index % 5 < 3), "{least:?}");
    let count = |class: &str| least.iter().filter(|(_, told)| *told == class).count();
    assert!(KINDS.iter().all(|class| (1..=2).contains(&count(class))), "{least:?}");
    // Every prediction, in a file: the least sure ones are those with the highest entropies of their class.
    home.call(&["predict", &run, "--pool", "--out", &home.path("pool.csv")]).done();
    for class in KINDS {
        let of_class = home
            .text("pool.csv")
            .lines()
            .map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>())
            .filter(|cells| cells[1] == class)
            .collect::<Vec<_>>();
        // Of equals the first one.
        let highest = of_class
            .iter()
            .rev()
            .max_by(|a, b| a[2].parse::<f64>().unwrap().total_cmp(&b[2].parse().unwrap()))
            .unwrap();
        assert!(least.contains(&(highest[0].parse().unwrap(), class)), "{class} {least:?}");
    }
}

#[test]
fn a_run_outlives_its_data() {
    let home = Home::new();
    home.write("zoo.csv", zoo(60));
    home.trained("zoo.csv", "run");
    predict(&home, "zoo.csv");
    let before = home.text("p.csv");
    std::fs::rename(home.path("zoo.csv"), home.path("moved.csv")).unwrap();
    predict(&home, "moved.csv");
    assert_eq!(home.text("p.csv"), before);
    let [run, out] = ["run", "x.npz"].map(|name| home.path(name));
    for args in [["eval", &run].as_slice(), &["predict", &run, "--pool", "--out", &out]] {
        let said = home.call(args);
        let error = home.without_folder(said.error());
        assert!(
            error.contains("needs the data that it was trained on") && error.contains("zoo.csv"),
            "{error}"
        );
    }
    home.call(&["sample", &run, "--per-class", "2", "--out", &out]).done();
}

#[test]
fn a_run_of_before_data_were_described_samples_and_says_what_predict_needs() {
    let home = Home::new();
    home.write("zoo.csv", zoo(20));
    let [input, out, samples] = ["zoo.csv", "p.csv", "s.npz"].map(|name| home.path(name));
    let said = home.call(&["predict", "written_before/m2", &input, "--out", &out]);
    assert!(
        said.error().ends_with("train it again with: gleaner train written_before/m2/config.toml"),
        "{}",
        said.stderr
    );
    home.call(&["sample", "written_before/m2", "--per-class", "2", "--out", &samples]).done();
    assert_eq!(home.array("s.npz", "x").shape, [20, 8, 8, 1]);
    let said = home.call(&["sample", "written_before/m2", "--per-class", "2", "--out", &out]);
    assert!(said.error().contains("give an --out that ends in .npz"), "{}", said.stderr);
}
