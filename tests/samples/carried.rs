//! Arrays that only travel through filter and coreset: the rows that are kept are the bytes that they were.

use std::fs;
use std::io::Write;
use std::process::Command;

use gleaner_core::data::formats::npy::write_npy;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{Folder, NpyArray, samples};

/// Samples without `left`, with these members besides.
fn archive(left: &[&str], members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut add = |name: &str, bytes: &[u8]| {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    };
    for (name, array) in samples().iter().filter(|(name, _)| !left.contains(name)) {
        add(&format!("{name}.npy"), &write_npy(array));
    }
    members.iter().for_each(|(name, bytes)| add(name, bytes));
    zip.finish().unwrap().into_inner()
}

/// An array of which `descr` is the type as Python spells it.
fn npy(descr: &str, columns_first: bool, shape: &str, values: &[u8]) -> Vec<u8> {
    let order = if columns_first { "True" } else { "False" };
    let mut text = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': ({shape}), }}");
    text += &" ".repeat((64 - (text.len() + 11) % 64) % 64);
    text.push('\n');
    let length = (text.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], text.as_bytes(), values].concat()
}

/// The bytes of a member of an archive that is not packed.
fn member(bytes: &[u8], name: &str) -> Vec<u8> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut out = Vec::new();
    std::io::copy(&mut zip.by_name(name).unwrap(), &mut out).unwrap();
    out
}

fn python() -> Option<String> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let ready = Command::new(&python).args(["-c", "import numpy"]).output();
    if ready.is_ok_and(|ready| ready.status.success()) {
        return Some(python);
    }
    eprintln!("skipped: {python} has no numpy");
    None
}

#[test]
fn numpy_finds_the_rows_of_every_type_as_they_were() {
    let Some(python) = python() else { return };
    let folder = Folder::new();
    let call = |args: &[&str]| {
        let said = Command::new(&python).arg("samples/carried.py").args(args).output().unwrap();
        assert!(said.status.success(), "{args:?}: {}", String::from_utf8_lossy(&said.stderr));
    };
    call(&["write", &folder.text("")]);
    for how in ["stored", "deflated", "piped", "odd"] {
        let [before, sure, few] = ["in", "sure", "few"].map(|name| format!("{name}-{how}.npz"));
        let said = folder.filter(&before, &sure, &["--max-entropy=0.5"]).done().stderr;
        folder.coreset(&before, &few, &["--method=craig", "--size=12"]).done();
        call(&["compare", &folder.text(&before), &folder.text(&sure), "source_index"]);
        call(&["compare", &folder.text(&before), &folder.text(&few), "index"]);
        let left_out: Vec<&str> =
            said.lines().filter(|line| line.starts_with("note: left out")).collect();
        let expected = match how {
            "odd" => &["the same name", "(z)", "(objects)", "(nested)", "(packed by others)"][..],
            _ => &[],
        };
        assert_eq!(left_out.len(), expected.len(), "{said}");
        assert!(left_out.iter().zip(expected).all(|(line, named)| line.contains(named)), "{said}");
    }
}

#[test]
fn bytes_and_names_stay_whatever_the_type() {
    let folder = Folder::new();
    let values = |each: usize| (0..60 * each).map(|at| (at % 251) as u8).collect::<Vec<_>>();
    let of = |each: usize, rows: &[usize]| -> Vec<u8> {
        rows.iter().flat_map(|row| values(each)[row * each..][..each].to_vec()).collect()
    };
    let types = [
        ("most.u8", "'<u8'", "60,", 8),
        ("a/b", "'>f8'", "60,2,", 16),
        ("c16", "'<c16'", "60,1,1,", 16),
        ("when", "'<M8[25s]'", "60,", 8),
        ("long", "'<f16'", "60,", 16),
        ("void", "'|V3'", "60,", 3),
        ("none", "'<U0'", "60,", 0),
        ("no columns", "'<f4'", "60,0,", 0),
        ("records", r#"[("it's", '<f4'), (('t', 'b'), '|S3', (2,))]"#, "60,", 10),
    ];
    let mut members: Vec<(&str, Vec<u8>)> = Vec::new();
    let named: Vec<String> = types.iter().map(|(name, ..)| format!("{name}.npy")).collect();
    for (name, (_, descr, shape, each)) in named.iter().zip(types) {
        members.push((name, npy(descr, false, shape, &values(each))));
    }
    let logits: Vec<u8> = (0..180).flat_map(|at| f64::from(at * at % 7).to_be_bytes()).collect();
    members.extend([
        ("columns.npy", npy("'<u8'", true, "60,2,", &values(16))),
        ("single.npy", npy("'>f8'", false, "", &values(16)[..8])),
        ("readme.txt", b"no array".to_vec()),
        ("logits.npy", npy("'>f8'", false, "60,3,", &logits)),
    ]);
    fs::write(folder.path("in.npz"), archive(&["logits"], &members)).unwrap();
    folder.coreset("in.npz", "few.npz", &["--method=craig", "--size=9"]).done();
    folder.filter("in.npz", "sure.npz", &["--max-entropy=0.8"]).done();
    for (file, index) in [("few.npz", "index"), ("sure.npz", "source_index")] {
        let rows: Vec<usize> =
            folder.read(file).integers(index).into_iter().map(|row| row as usize).collect();
        assert!(rows.len() > 3 && rows.len() < 60 && rows != [0, 1, 2], "{rows:?}");
        let out = fs::read(folder.path(file)).unwrap();
        let count = format!("{},", rows.len());
        for (name, (_, descr, shape, each)) in named.iter().zip(types) {
            let shape = shape.replacen("60,", &count, 1);
            assert_eq!(member(&out, name), npy(descr, false, &shape, &of(each, &rows)), "{name}");
        }
        let columns: Vec<u8> = [0, 60]
            .iter()
            .flat_map(|from| {
                let rows: Vec<usize> = rows.iter().map(|row| (from + row) % 60).collect();
                let half = &values(16)[from * 8..][..480];
                rows.iter().flat_map(|row| half[row * 8..][..8].to_vec()).collect::<Vec<_>>()
            })
            .collect();
        let expected = npy("'<u8'", true, &format!("{count}2,"), &columns);
        assert_eq!(member(&out, "columns.npy"), expected);
        assert_eq!(member(&out, "single.npy"), npy("'>f8'", false, "", &values(16)[..8]));
        assert_eq!(member(&out, "readme.txt"), b"no array");
        let kept: Vec<u8> = rows.iter().flat_map(|row| logits[row * 24..][..24].to_vec()).collect();
        let expected = npy("'>f8'", false, &format!("{count}3,"), &kept);
        assert_eq!(member(&out, "logits.npy"), expected, "computed with, and still float64");
    }
}

#[test]
fn what_cannot_be_kept_is_left_out_by_name_and_damage_is_refused() {
    let folder = Folder::new();
    let objects = npy("'|O'", false, "60,", b"pickled");
    let short = npy("'<f4'", false, "60,", &[0; 239]);
    let members = [
        ("x.npy", objects.clone()),
        ("fields.npy", npy("[('a', '<f4'), ('b', '|O')]", false, "3,", b"pickled")),
        ("strange.npy", npy("'<q8'", false, "60,", &[0; 480])),
        ("short.npy", short.clone()),
    ];
    fs::write(folder.path("in.npz"), archive(&["x"], &members)).unwrap();
    let said = folder.filter("in.npz", "out.npz", &["--max-entropy=0.3"]).done().stderr;
    let left_out: Vec<&str> =
        said.lines().filter(|line| line.starts_with("note: left out")).collect();
    assert_eq!(left_out.len(), 4, "{said}");
    for (name, why) in [
        ("x", "holds Python objects"),
        ("fields", "holds records with Python objects"),
        ("strange", "values of type \"<q8\" are not supported"),
        ("short", "but 239 bytes follow"),
    ] {
        let says = |line: &&str| line.contains(&format!("in.npz ({name}): ")) && line.contains(why);
        assert!(left_out.iter().any(says), "{name}: {said}");
        assert!(!folder.read("out.npz").names().contains(&name.to_owned()));
    }
    fs::write(folder.path("y.npz"), archive(&["y"], &[("y.npy", objects)])).unwrap();
    let said = folder.filter("y.npz", "none.npz", &["--max-entropy=0.3"]);
    assert!(said.error().contains("(y): holds Python objects"), "{}", said.error());
    fs::write(folder.path("x.npz"), archive(&["x"], &[("x.npy", short)])).unwrap();
    let said = folder.filter("x.npz", "none.npz", &["--max-entropy=0.3"]);
    assert!(said.error().contains("(x): the header says"), "{}", said.error());
    assert!(!folder.path("none.npz").exists());
}

#[test]
fn names_of_classes_get_a_name_that_is_free() {
    let folder = Folder::new();
    let words = ["owl", "cat", "dog"];
    let labels = (0..60).map(|row| words[row % 3]);
    let mut arrays = super::replaced("y", &NpyArray::texts(labels));
    arrays.push(("classes", NpyArray::i64(&[3], vec![7, 8, 9])));
    folder.save("in.npz", &arrays);
    folder.coreset("in.npz", "out.npz", &["--method=random", "--size=9"]).done();
    let out = folder.read("out.npz");
    assert_eq!(out.integers("classes"), [7, 8, 9]);
    assert_eq!(out.array("class_names"), NpyArray::texts(["cat", "dog", "owl"]));
}
