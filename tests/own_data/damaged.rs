//! Files that are cut short, empty, of another kind or not there: one line each, that names the file.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use gleaner_core::data::formats::npy::NpyArray;

use super::predict::zoo;
use super::{Home, bytes, digits};

/// One `error:` line of `data show` and of `predict`, each naming the file.
fn refused_by_both(home: &Home, name: &str) -> String {
    let said = home.refused(name, &[]);
    let [run, input, out] = ["run", name, "p.csv"].map(|name| home.path(name));
    let predicted = home.call(&["predict", &run, &input, "--out", &out]);
    for said in [&said, predicted.error()] {
        assert!(said.contains(name) && said.len() < 400, "{said}");
    }
    said
}

#[test]
fn damaged_files_are_named_with_what_is_wrong() {
    let home = Home::new();
    home.write("zoo.csv", zoo(60));
    home.trained("zoo.csv", "run");
    let table = zoo(60);
    let middle = table.len() / 2;
    let cut = middle + table[middle..].find(',').unwrap();
    home.write("cut.csv", &table[..cut]);
    let said = refused_by_both(&home, "cut.csv");
    assert!(said.contains("where 5 are expected"), "{said}");
    home.write("empty.csv", "");
    assert!(refused_by_both(&home, "empty.csv").contains("the file is empty"));
    home.write("header.csv", "a,b\n");
    assert!(refused_by_both(&home, "header.csv").contains("no row below the header"));
    let mut gz = GzEncoder::new(Vec::new(), Compression::default());
    gz.write_all(table.as_bytes()).unwrap();
    let gz = gz.finish().unwrap();
    home.write("cut.csv.gz", &gz[..gz.len() / 2]);
    assert!(refused_by_both(&home, "cut.csv.gz").contains("truncated or damaged"));
    home.write("cut.parquet", b"PAR1\x00\x00\x00");
    refused_by_both(&home, "cut.parquet");
    refused_by_both(&home, "gone.csv");
    home.write("zoo.xyz", table);
    assert!(refused_by_both(&home, "zoo.xyz").contains("give a table"));
}

#[test]
fn damaged_arrays_are_named_with_what_is_wrong() {
    let home = Home::new();
    let (pixels, y) = digits(60);
    home.write_npz(
        "digits.npz",
        &[("x", bytes(&[60, 8, 8], pixels.clone())), ("y", NpyArray::i64(&[60], y.clone()))],
    );
    home.trained("digits.npz", "run");
    let whole = std::fs::read(home.path("digits.npz")).unwrap();
    home.write("cut.npz", &whole[..whole.len() / 2]);
    assert!(refused_by_both(&home, "cut.npz").contains("truncated"));
    home.write("empty.npz", "");
    refused_by_both(&home, "empty.npz");
    home.write_npz(
        "odd.npz",
        &[("x", bytes(&[60, 8, 8], pixels.clone())), ("y", NpyArray::i64(&[59], y[1..].to_vec()))],
    );
    assert!(home.refused("odd.npz", &[]).contains("y has 59 rows and x has 60"));
    home.write_npz("alone.npz", &[("x", bytes(&[60, 8, 8], pixels))]);
    assert!(home.refused("alone.npz", &[]).contains("there are no labels"));
}

#[test]
fn an_output_that_cannot_be_written_is_refused_at_once() {
    let home = Home::new();
    home.write("zoo.csv", zoo(60));
    home.trained("zoo.csv", "run");
    let [run, input] = ["run", "zoo.csv"].map(|name| home.path(name));
    for (out, part) in [
        ("p.txt", "ends in .csv or .npz"),
        ("p", "ends in .csv or .npz"),
        ("none/p.csv", "its folder does not exist"),
    ] {
        let said = home.call(&["predict", &run, &input, "--out", &home.path(out)]);
        assert!(said.error().contains(part), "{}", said.stderr);
    }
    let said = home.call(&["sample", &run, "--per-class", "2", "--out", &home.path("s.txt")]);
    assert!(said.error().contains(".npz"), "{}", said.stderr);
    let said = home.call(&["predict", &home.path("none"), &input, "--out", &home.path("p.csv")]);
    assert!(said.error().contains("is not a run"), "{}", said.stderr);
}

#[test]
fn options_of_another_kind_of_file_are_refused() {
    let home = Home::new();
    home.write("zoo.csv", zoo(60));
    let (pixels, y) = digits(60);
    home.write_npz(
        "digits.npz",
        &[("x", bytes(&[60, 8, 8], pixels)), ("y", NpyArray::i64(&[60], y))],
    );
    assert!(home.refused("zoo.csv", &["--size", "8"]).contains("does not apply to a table"));
    assert!(
        home.refused("digits.npz", &["--label", "y"])
            .contains("does not apply to a file of arrays")
    );
    assert!(
        home.refused("zoo.csv", &["--leave-out", "tail"]).contains("there is no column \"tail\"")
    );
    assert!(home.refused("zoo.csv", &["--text", "tail"]).contains("there is no column \"tail\""));
    let args = ["train", "--data=digits", "--label=y"];
    assert!(home.call(&args).error().contains("digits is a known data set; leave it out"));
}
