//! Files of other programs: `tests/fixtures/own/make.py` wrote them.

use std::path::PathBuf;

use gleaner_core::data::table::Cells;

use super::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/own").join(name)
}

fn read(name: &str) -> ParquetFile {
    read_parquet(&fixture(name)).unwrap()
}

/// Names and cells as text, `-` where one is missing, `#` before numbers.
fn shown(table: &Table) -> Vec<String> {
    let column = |column: &Column| {
        let kind = if matches!(column.cells, Cells::Numbers(_)) { "#" } else { "" };
        let cells = (0..table.rows).map(|row| column.cells.text(row).unwrap_or("-".into()));
        format!("{}: {kind}{}", column.name, cells.collect::<Vec<_>>().join(" "))
    };
    table.columns.iter().map(column).collect()
}

#[test]
fn pandas() {
    let file = read("pandas.parquet");
    assert_eq!(
        shown(&file.table),
        [
            "f: #1.5 - -2",
            "i: #1 - 3",
            "b: true false true",
            "s: x - ü",
            "c: lo hi lo",
            "d: 2020-02-29 - 1969-12-31",
            "t: 2020-02-29T12:30:00 1969-12-31T23:59:59.5 -",
        ]
    );
    assert_eq!(file.table.format, "Parquet, without the index \"__index_level_0__\"");
    assert!(file.images.is_none() && file.class_names.is_empty());
    let named = read("pandas-gzip.parquet");
    assert_eq!(shown(&named.table), ["f: #1.5 - -2", "s: x - ü"]);
    assert_eq!(named.table.format, "Parquet, without the index \"id\"");
}

#[test]
fn polars() {
    assert_eq!(
        shown(&read("polars.parquet").table),
        [
            "x.0: #1 3 -",
            "x.1: #2 - -",
            "u: #18446744073709552000 1 -",
            "day: 2024-01-31 - 1900-03-01",
            "word: a b -",
            "price: #1.25 -3.5 -",
            "pair.left: #1 2 -",
            "pair.right: l - -",
        ]
    );
}

#[test]
fn datasets() {
    let file = read("datasets.parquet");
    assert_eq!(shown(&file.table), ["label: #1 -1", "v.0: #0.5 2.5", "v.1: #1.5 3.5"]);
    assert_eq!(file.class_names, [("label".to_owned(), vec!["cat".to_owned(), "dog".to_owned()])]);
    let images = file.images.unwrap();
    assert_eq!((&*images.column, images.files.len()), ("image", 2));
    let level = |file: &[u8]| image::load_from_memory(file).unwrap().to_luma8().into_raw();
    assert_eq!((level(&images.files[0]), level(&images.files[1])), (vec![0; 4], vec![255; 4]));
    assert_eq!(file.table.format, "Parquet, with pictures in \"image\"");
}

#[test]
fn arrow() {
    assert_eq!(
        shown(&read("arrow.parquet").table),
        [
            "when: 2001-02-03T04:05:06 -",
            "half: #0.5 -2",
            "fixed.0: #1 3",
            "fixed.1: #2 4",
            "raw: ab cd",
        ]
    );
}

#[test]
fn what_is_no_table_is_refused() {
    let message = |name: &str| format!("{:#}", read_parquet(&fixture(name)).err().unwrap());
    let nested = message("nested.parquet");
    assert!(nested.contains("column \"x\"") && nested.contains("lists of lists"), "{nested}");
    let infinite = message("infinite.parquet");
    assert!(infinite.contains("column \"x\"") && infinite.contains("row 2 holds an infinite"));
    let ragged = message("ragged.parquet");
    assert!(ragged.contains("different lengths"), "{ragged}");
    assert!(message("make.py").contains("no whole Parquet file"));
    assert!(message("none.parquet").contains("cannot read"));
}

/// A file damaged or cut off anywhere is refused, or read as far as nobody can tell.
#[test]
#[allow(clippy::disallowed_methods, reason = "fixtures of this test")]
fn damaged_files_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["pandas.parquet", "polars.parquet", "datasets.parquet", "arrow.parquet"] {
        let whole = std::fs::read(fixture(name)).unwrap();
        for at in (0..whole.len()).step_by(whole.len() / 60) {
            let path = folder.path().join("damaged.parquet");
            let mut bytes = whole.clone();
            bytes[at] = !bytes[at];
            std::fs::write(&path, &bytes).unwrap();
            let _ = read_parquet(&path);
            std::fs::write(&path, &bytes[..at]).unwrap();
            assert!(read_parquet(&path).is_err(), "{name} cut at {at}");
        }
    }
}
