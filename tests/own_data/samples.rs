//! What leaves: samples and labels in the units and under the names of the data that came.

use gleaner_core::data::formats::npy::{NpyArray, NpyValues};

use super::predict::zoo;
use super::{Home, flowers};

fn numbers(array: &NpyArray) -> Vec<f32> {
    let NpyValues::F32(values) = &array.values else { panic!("floats") };
    values.clone()
}

fn words(array: &NpyArray) -> Vec<String> {
    let NpyValues::Text(words) = &array.values else { panic!("words") };
    words.clone()
}

#[test]
fn a_table_of_samples_has_the_columns_words_and_whole_numbers_of_the_data() {
    let home = Home::new();
    home.write("zoo.csv", zoo(90));
    home.trained("zoo.csv", "run");
    let [run, drawn] = ["run", "drawn.csv"].map(|name| home.path(name));
    home.call(&["sample", &run, "--per-class", "9", "--out", &drawn]).done();
    let table = home.text("drawn.csv");
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("mass,legs,sex,home,kind"));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 18);
    for row in &rows {
        assert!(row[0].parse::<f64>().is_ok() && row[1].parse::<i64>().is_ok(), "{row:?}");
        assert!(
            ["f", "m"].contains(&row[2]) && ["sea", "land", "air"].contains(&row[3]),
            "{row:?}"
        );
    }
    let of = |class: &str| rows.iter().filter(|row| row[4] == class).count();
    assert_eq!((of("setosa"), of("versicolor")), (9, 9));
    // It is a data set like the one that it comes from.
    let seen = home.show("drawn.csv", &[]);
    assert_eq!((seen.label(), seen.classes()), ("kind", "setosa 9, versicolor 9".into()));
    home.trained("drawn.csv", "again");
}

#[test]
fn arrays_of_samples_are_in_the_units_of_the_data_and_name_the_classes() {
    let home = Home::new();
    // Two features far from zero, in different units.
    let row = |row: usize| {
        format!("{},{},{}\n", 5000 + row * 7 % 40, 0.001 + row as f64 * 1e-6, 1 + row % 3)
    };
    home.write("far.csv", "a,b,label\n".to_owned() + &(0..90).map(row).collect::<String>());
    home.trained("far.csv", "run");
    let [run, plain, raw] = ["run", "plain.npz", "raw.npz"].map(|name| home.path(name));
    home.call(&["sample", &run, "--per-class", "20", "--out", &plain]).done();
    home.call(&["sample", &run, "--per-class", "20", "--out", &raw, "--standardised"]).done();
    let [plain, raw] = ["plain.npz", "raw.npz"].map(|file| numbers(&home.array(file, "x")));
    assert!(
        plain.chunks(2).all(|x| (4900.0..5140.0).contains(&x[0]) && (0.0..0.002).contains(&x[1])),
        "{plain:?}"
    );
    assert!(raw.iter().all(|value| value.abs() < 10.0), "{raw:?}");
    // Population moments of the column a: undoing them by hand gives the same, but for the rounding to whole numbers.
    let a: Vec<f64> = (0..90).map(|row| (5000 + row * 7 % 40) as f64).collect();
    let mean = a.iter().sum::<f64>() / 90.0;
    let deviation = (a.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / 90.0).sqrt();
    for (x, z) in plain.chunks(2).zip(raw.chunks(2)) {
        assert!(
            (f64::from(x[0]) - (mean + deviation * f64::from(z[0]))).abs() < 0.51,
            "{x:?} {z:?}"
        );
        assert_eq!(x[0].fract(), 0.0, "the column has whole numbers");
    }
    assert_eq!(words(&home.array("plain.npz", "classes")), ["1", "2", "3"]);
}

#[test]
fn names_go_on_through_filter_and_coreset() {
    let home = Home::new();
    home.write("zoo.csv", zoo(90));
    home.trained("zoo.csv", "run");
    let [run, drawn, sure, few] =
        ["run", "s.npz", "sure.npz", "few.npz"].map(|name| home.path(name));
    home.call(&["sample", &run, "--per-class", "20", "--out", &drawn]).done();
    home.call(&["filter", &drawn, "--max-entropy", "9", "--out", &sure]).done();
    home.call(&["coreset", &sure, "--method", "craig", "--size", "8", "--out", &few]).done();
    for (file, rows) in [("s.npz", 40), ("sure.npz", 40), ("few.npz", 8)] {
        assert_eq!(words(&home.array(file, "classes")), ["setosa", "versicolor"], "{file}");
        assert_eq!(home.array(file, "x").shape[0], rows, "{file}");
    }
}

#[test]
fn exported_test_rows_keep_numbers_beyond_those_trained_on() {
    let home = Home::new();
    // Heavy tails on both sides: the column is ranked, and a rank says nothing of what lies beyond the last.
    let number = |row: usize| ((row as f32 * 0.618).fract() * 4.0 - 2.0).powi(9);
    let x = |rows: std::ops::Range<usize>, more: &[f32]| {
        let values: Vec<f32> = rows.map(number).chain(more.iter().copied()).collect();
        let pairs: Vec<f32> = values.iter().flat_map(|&v| [v, v.abs().ln_1p()]).collect();
        NpyArray::f32(&[values.len(), 2], pairs)
    };
    let y = |count: i64| NpyArray::i64(&[count as usize], (0..count).map(|row| row % 2).collect());
    let test = x(0..9, &[4000.0, -9000.0, 1234.5]);
    let arrays = [("x", x(9..99, &[])), ("y", y(90)), ("x_test", test.clone()), ("y_test", y(12))];
    home.write_npz("heavy.npz", &arrays);
    assert!(home.show("heavy.npz", &[]).scaling().contains("normal scores"));
    home.train("heavy.npz", "run", &[]).done();
    let [run, out] = ["run", "out.npz"].map(|name| home.path(name));
    home.call(&["data", "export", &run, "--out", &out]).done();
    assert_eq!(numbers(&home.array("out.npz", "x_test")), numbers(&test));
}

#[test]
fn the_example_of_data_export_trains() {
    let home = Home::new();
    let help = home.call(&["data", "export", "--help"]).done().stdout;
    let command = help.split("gleaner train ").nth(1).and_then(|rest| rest.split(')').next());
    assert_eq!(command, Some("--data labels.npz"), "{help}");
    // With missing cells, words and classes that have names.
    home.write("zoo.csv", zoo(60));
    home.trained("zoo.csv", "run");
    let [run, out] = ["run", "labels.npz"].map(|name| home.path(name));
    home.call(&["data", "export", &run, "--out", &out]).done();
    let again = home.trained("labels.npz", "again");
    assert_eq!(again["labels"], home.array("labels.npz", "y").shape[0]);
    assert_eq!(again["classes"], serde_json::json!(["setosa", "versicolor"]));
}

#[test]
fn exported_labels_are_the_rows_of_the_file() {
    let home = Home::new();
    home.write("iris.csv", flowers(60, "a,b,c,d,label", |row| ["x", "y", "z"][row % 3].into()));
    home.trained("iris.csv", "run");
    let [run, out, raw] = ["run", "labels.npz", "raw.npz"].map(|name| home.path(name));
    let said = home.call(&["data", "export", &run, "--out", &out, "--json"]).done().json();
    assert_eq!((&said["labelled"], &said["test"]), (&60.into(), &0.into()));
    let mut rows: Vec<[f32; 4]> = numbers(&home.array("labels.npz", "x"))
        .chunks(4)
        .map(|row| row.try_into().unwrap())
        .collect();
    let mut expected: Vec<[f32; 4]> =
        (0..60).map(|row| super::flower(row).map(|value| value as f32)).collect();
    for list in [&mut rows, &mut expected] {
        list.sort_by(|a, b| a.partial_cmp(b).unwrap());
    }
    // Not scaled there and back, which loses digits.
    assert_eq!(rows, expected);
    assert_eq!(words(&home.array("labels.npz", "classes")), ["x", "y", "z"]);
    home.call(&["data", "export", &run, "--out", &raw, "--standardised"]).done();
    let x = numbers(&home.array("raw.npz", "x"));
    let mean = |at: usize| x.iter().skip(at).step_by(4).sum::<f32>() / 60.0;
    assert!((0..4).all(|at| mean(at).abs() < 1e-4));
    // It is a data set, with the same names.
    assert_eq!(home.show("labels.npz", &[]).classes(), "x 20, y 20, z 20");
}
