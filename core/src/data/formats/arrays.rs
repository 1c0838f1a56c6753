//! A data set of one's own as arrays: which arrays of an archive are examples and which are labels, and what they hold.

use std::io::{Read, Seek};

pub use super::array_labels::label_cells;
use super::array_names::{Layout, are_numbered, by_names, by_order, labels};
pub use super::array_rows::{Rows, as_rows};
use super::npy::{NpyArray, NpyValues};
use super::npz::Npz;
use super::scipy::{PARTS, is_sparse, read_sparse};
use crate::data::table::{Cells, shortened};
use crate::error::{Error, Result};

/// Arrays that name the classes, in capitals or not.
pub const CLASS_NAMES: [&str; 4] = ["classes", "class_names", "label_names", "target_names"];

const REMEDY: &str =
    "save it with numpy.savez(path, x=..., y=...), and x_test and y_test if there is a test split";

/// Examples, and the labels of those that have one.
#[derive(Clone, Debug, PartialEq)]
pub struct ArrayPart {
    /// One row for each example.
    pub x: Rows,
    /// One label for each row, or none at all.
    pub y: Option<Cells>,
}

/// What a file of arrays holds.
#[derive(Clone, Debug, PartialEq)]
pub struct ArrayFile {
    /// Examples to train on.
    pub train: ArrayPart,
    /// Examples to validate on, with labels.
    pub validation: Option<ArrayPart>,
    /// Examples to test on, with labels.
    pub test: Option<ArrayPart>,
    /// Examples to train on whose labels nobody knows.
    pub unlabelled: Option<Rows>,
    /// Names of the classes: of class 0, class 1, ..., or the words of the labels in an order that was chosen.
    pub classes: Option<Vec<String>>,
    /// What was read, for the reader of the profile: `NPZ, arrays x_train, y_train`.
    pub format: String,
    /// A sentence for each thing that was noticed.
    pub notes: Vec<String>,
}

/// Reads the arrays of an archive that make a data set. Names are those of NumPy's users (`x` and `y`), Keras (`x_train`),
/// scikit-learn (`data`, `target`), MedMNIST (`train_images`) and `numpy.savez` without names (`arr_0`), in any capitals;
/// or the archive holds a sparse matrix of SciPy.
///
/// # Errors
/// No array has such a name, parts that do not fit one another, or arrays that cannot be examples or labels.
pub fn read_arrays<R: Read + Seek>(npz: &mut Npz<'_, R>) -> Result<ArrayFile> {
    let names = npz.names();
    let mut notes = Vec::new();
    let (mut file, mut used) = match is_sparse(&names) {
        true => sparse(npz, &names, &mut notes)?,
        false => dense(npz, &names, &mut notes)?,
    };
    check_parts(&mut file, npz.source_name())?;
    if let Some((name, classes)) = class_names(npz, &mut notes)? {
        match not_covered(&file, &classes) {
            None => file.classes = Some(classes),
            Some(label) => notes.push(format!(
                "{name} is not used: it has {} names, and none of label {label}",
                classes.len()
            )),
        }
        used.push(name);
    }
    let left: Vec<&str> =
        names.iter().map(String::as_str).filter(|name| !used.iter().any(|n| n == name)).collect();
    if !left.is_empty() {
        notes.push(format!("arrays not used: {}", shortened(left.into_iter())));
    }
    file.notes = notes;
    Ok(file)
}

/// Reads examples, and labels if there are some, that are arrays of files of their own (`x.npy`, `y.npy`).
///
/// # Errors
/// Arrays that cannot be examples or labels, or of different lengths.
pub fn read_npy_pair(x: NpyArray, y: Option<&NpyArray>, source_name: &str) -> Result<ArrayFile> {
    let mut notes = Vec::new();
    let x = Rows::Dense(as_rows(x, "x", source_name, &mut notes)?);
    let y = y.map(|y| label_cells(y, "y", ("x", x.len()), source_name, &mut notes)).transpose()?;
    let format = if y.is_some() { "NPY, two arrays" } else { "NPY, one array" };
    Ok(ArrayFile { notes, ..only(ArrayPart { x, y }, format.to_owned()) })
}

/// Labels in an array of their own, whatever they belong to.
///
/// # Errors
/// Infinite numbers, probabilities, or several classes in a row.
pub fn read_label_array(y: &NpyArray, source_name: &str) -> Result<Cells> {
    let rows = y.shape.first().copied().unwrap_or(0);
    label_cells(y, "the array", ("it", rows), source_name, &mut Vec::new())
}

/// The array that names the classes, and the names; `None` if there is none. `notes` says of one that cannot be read.
///
/// # Errors
/// As [`Npz::find`].
pub fn class_names<R: Read + Seek>(
    npz: &mut Npz<'_, R>,
    notes: &mut Vec<String>,
) -> Result<Option<(String, Vec<String>)>> {
    for wanted in CLASS_NAMES {
        let Some(name) = npz.names().into_iter().find(|name| name.eq_ignore_ascii_case(wanted))
        else {
            continue;
        };
        if let Err(error) = npz.shape(&name) {
            notes.push(format!("{name} is not used: {error}"));
            continue;
        }
        match npz.require(&name)?.values {
            NpyValues::Text(mut words) if !words.is_empty() => {
                words.iter_mut().for_each(|word| *word = word.trim().to_owned());
                return Ok(Some((name, words)));
            }
            values => notes.push(format!("{name} is not used: it holds {}", values.kind())),
        }
    }
    Ok(None)
}

fn only(train: ArrayPart, format: String) -> ArrayFile {
    ArrayFile {
        train,
        validation: None,
        test: None,
        unlabelled: None,
        classes: None,
        format,
        notes: Vec::new(),
    }
}

/// A sparse matrix, with labels if the archive has some, and the arrays that were read.
fn sparse<R: Read + Seek>(
    npz: &mut Npz<'_, R>,
    names: &[String],
    notes: &mut Vec<String>,
) -> Result<(ArrayFile, Vec<String>)> {
    let (x, kind) = read_sparse(npz, notes)?;
    let mut used: Vec<String> = PARTS.map(str::to_owned).to_vec();
    let y = match labels(names) {
        None => None,
        Some(name) => {
            let of = ("the sparse matrix", x.len());
            let cells = label_cells(&npz.labels(&name)?, &name, of, npz.source_name(), notes)?;
            used.push(name);
            Some(cells)
        }
    };
    let with = used.get(PARTS.len()).map_or(String::new(), |name| format!(", labels {name}"));
    let format = format!("NPZ, a sparse matrix of SciPy ({kind}){with}");
    Ok((only(ArrayPart { x, y }, format), used))
}

/// Arrays by their names, or by their order, and those that were read.
fn dense<R: Read + Seek>(
    npz: &mut Npz<'_, R>,
    names: &[String],
    notes: &mut Vec<String>,
) -> Result<(ArrayFile, Vec<String>)> {
    let layout = layout(npz, names)?;
    let mut used = Vec::new();
    let mut part = |npz: &mut Npz<'_, R>, x: &str, y: Option<&str>| -> Result<ArrayPart> {
        used.extend([x].into_iter().chain(y).map(str::to_owned));
        let rows = Rows::Dense(as_rows(npz.require(x)?, x, npz.source_name(), notes)?);
        let y = match y {
            None => None,
            Some(y) => {
                let of = (x, rows.len());
                Some(label_cells(&npz.labels(y)?, y, of, npz.source_name(), notes)?)
            }
        };
        Ok(ArrayPart { x: rows, y })
    };
    let train = part(npz, &layout.x, layout.y.as_deref())?;
    let mut other = |npz: &mut Npz<'_, R>, pair: &Option<(String, String)>| {
        pair.as_ref().map(|(x, y)| part(npz, x, Some(y))).transpose()
    };
    let validation = other(npz, &layout.validation)?;
    let test = other(npz, &layout.test)?;
    let unlabelled =
        layout.unlabelled.as_deref().map(|x| part(npz, x, None)).transpose()?.map(|part| part.x);
    let format = format!("NPZ, array{} {}", if used.len() > 1 { "s" } else { "" }, used.join(", "));
    Ok((ArrayFile { validation, test, unlabelled, ..only(train, format) }, used))
}

fn layout<R: Read + Seek>(npz: &mut Npz<'_, R>, names: &[String]) -> Result<Layout> {
    let source_name = npz.source_name();
    if let Some(layout) = by_names(names, source_name)? {
        return Ok(layout);
    }
    if are_numbered(names) {
        let mut arrays = Vec::new();
        let mut names = names.to_vec();
        names.sort_by_key(|name| (name.len(), name.clone()));
        for name in names {
            let shape = npz.shape(&name)?.unwrap_or_default();
            arrays.push((name, shape));
        }
        return by_order(&arrays, source_name);
    }
    let problem = match names {
        [] => "there is no array in it".to_owned(),
        names => {
            let found = shortened(names.iter().map(String::as_str));
            format!("no array is called x, x_train, train_images or data (found {found})")
        }
    };
    Err(Error::data(source_name, problem, REMEDY))
}

/// Compares the rows of all parts: their shapes must be the same, and their numbers mean the same.
fn check_parts(file: &mut ArrayFile, source_name: &str) -> Result<()> {
    let ArrayFile { train, validation, test, unlabelled, .. } = file;
    let parts = [validation, test].into_iter().flatten().map(|part| &mut part.x);
    let mut others: Vec<&mut Rows> = parts.chain(unlabelled).collect();
    for other in &others {
        let [ours, theirs] = [train.x.shape(), other.shape()];
        if ours != theirs {
            let problem = format!("examples to train on have shape {ours:?} and others {theirs:?}");
            return Err(Error::data(source_name, problem, "save all in the same shape"));
        }
    }
    let mut all: Vec<&mut NpyArray> = Vec::new();
    for rows in std::iter::once(&mut train.x).chain(others.drain(..)) {
        if let Rows::Dense(array) = rows {
            all.push(array);
        }
    }
    let bytes = all.iter().filter(|array| matches!(array.values, NpyValues::U8(_))).count();
    if bytes > 0 && bytes < all.len() {
        let problem = "examples of one part are uint8, which means pixels from 0 to 255, and of another are not";
        return Err(Error::data(source_name, problem, "save all parts in the same type"));
    }
    if all.iter().any(|array| matches!(array.values, NpyValues::F32(_))) {
        for array in all {
            if let NpyValues::I64(values) = &array.values {
                array.values = NpyValues::F32(values.iter().map(|&value| value as f32).collect());
            }
        }
    }
    Ok(())
}

/// The first label that has no name among these; -1 needs none.
fn not_covered(file: &ArrayFile, classes: &[String]) -> Option<String> {
    let parts = [Some(&file.train), file.validation.as_ref(), file.test.as_ref()];
    let labels = parts.into_iter().flatten().filter_map(|part| part.y.as_ref());
    labels.into_iter().find_map(|cells| match cells {
        Cells::Words { words, .. } => words.iter().find(|word| !classes.contains(word)).cloned(),
        Cells::Numbers(numbers) => {
            let named = |number: f64| {
                number.is_nan()
                    || number == -1.0
                    || number.fract() == 0.0 && (0.0..classes.len() as f64).contains(&number)
            };
            numbers.iter().find(|&&number| !named(number)).map(ToString::to_string)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::npz::write_npz;
    use super::*;

    fn read(arrays: &[(&str, NpyArray)]) -> Result<ArrayFile> {
        let bytes = write_npz(arrays).unwrap();
        read_arrays(&mut Npz::open(&bytes, "f.npz").unwrap())
    }

    fn refused(arrays: &[(&str, NpyArray)]) -> String {
        read(arrays).unwrap_err().to_string()
    }

    fn x(rows: usize) -> NpyArray {
        NpyArray::f32(&[rows, 2], (0..2 * rows).map(|at| at as f32).collect())
    }

    fn y(labels: &[i64]) -> NpyArray {
        NpyArray::i64(&[labels.len()], labels.to_vec())
    }

    fn bytes(rows: usize) -> NpyArray {
        NpyArray { shape: vec![rows, 2], values: NpyValues::U8(vec![9; 2 * rows]) }
    }

    #[test]
    fn every_part_is_read_with_its_labels() {
        let file = read(&[
            ("test_labels", y(&[1])),
            ("train_images", x(3)),
            ("train_labels", NpyArray::i64(&[3, 1], vec![0, 1, -1])),
            ("val_images", x(2)),
            ("val_labels", y(&[1, 0])),
            ("test_images", x(1)),
            ("unlabeled", x(4)),
            ("extra", y(&[1])),
        ])
        .unwrap();
        assert_eq!(file.train.y, Some(Cells::Numbers(vec![0.0, 1.0, -1.0])));
        assert_eq!(file.validation.as_ref().unwrap().y, Some(Cells::Numbers(vec![1.0, 0.0])));
        assert_eq!(file.test.as_ref().unwrap().x, Rows::Dense(x(1)));
        assert_eq!(file.unlabelled, Some(Rows::Dense(x(4))));
        let expected = "NPZ, arrays train_images, train_labels, val_images, val_labels, test_images, \
                        test_labels, unlabeled";
        assert_eq!(file.format, expected);
        assert_eq!(file.notes, ["arrays not used: \"extra\""]);
    }

    #[test]
    fn arrays_without_names_are_told_by_their_order() {
        let file = read(&[("arr_1", y(&[3, 4, 5])), ("arr_0", x(3))]).unwrap();
        assert_eq!(file.format, "NPZ, arrays arr_0, arr_1");
        assert_eq!(file.train.y, Some(Cells::Numbers(vec![3.0, 4.0, 5.0])));
        let split =
            [("arr_0", x(3)), ("arr_1", x(2)), ("arr_2", y(&[0, 1, 2])), ("arr_3", y(&[2, 1]))];
        let test = read(&split).unwrap().test.unwrap();
        assert_eq!((test.x, test.y), (Rows::Dense(x(2)), Some(Cells::Numbers(vec![2.0, 1.0]))));
    }

    #[test]
    fn labels_are_not_needed_and_words_keep_their_order() {
        assert_eq!(read(&[("data", x(2))]).unwrap().train.y, None);
        let words = || NpyArray::texts(["b", "a", "b"]);
        let file =
            read(&[("x", x(3)), ("y", words()), ("Class_Names", NpyArray::texts(["b ", "a"]))]);
        let file = file.unwrap();
        assert_eq!((file.classes, file.notes), (Some(vec!["b".into(), "a".into()]), vec![]));
        for (labels, label) in [(words(), "a"), (y(&[0, 1, 2]), "2"), (y(&[0, -2, 1]), "-2")] {
            let file =
                read(&[("x", x(3)), ("y", labels), ("classes", NpyArray::texts(["b", "c"]))]);
            let file = file.unwrap();
            assert_eq!(file.classes, None);
            assert!(file.notes[0].contains(&format!("none of label {label}")), "{:?}", file.notes);
        }
        let file = read(&[("x", x(2)), ("y", y(&[0, -1])), ("classes", y(&[0, 1]))]).unwrap();
        assert_eq!(file.notes[0], "classes is not used: it holds whole numbers");
    }

    #[test]
    fn labels_in_double_precision_do_not_merge() {
        let labels = vec![16_777_216.0, 16_777_217.0];
        let y = NpyArray { shape: vec![2], values: NpyValues::F64(labels.clone()) };
        assert_eq!(read(&[("x", x(2)), ("y", y)]).unwrap().train.y, Some(Cells::Numbers(labels)));
    }

    #[test]
    fn sparse_matrices_come_with_labels() {
        let mut arrays = vec![
            ("format", NpyArray { shape: vec![], ..NpyArray::texts(["coo"]) }),
            ("shape", y(&[2, 5])),
            ("data", y(&[3])),
            ("row", y(&[1])),
            ("col", y(&[4])),
            ("target", y(&[1, 0])),
        ];
        let file = read(&arrays).unwrap();
        assert_eq!(file.format, "NPZ, a sparse matrix of SciPy (coo), labels target");
        assert_eq!(file.train.y, Some(Cells::Numbers(vec![1.0, 0.0])));
        let Rows::Counts(counts) = file.train.x else { panic!() };
        assert_eq!(counts.dense(&[0, 1]), [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0]);
        arrays[5].1 = y(&[1, 0, 1]);
        assert!(refused(&arrays).contains("target has 3 rows and the sparse matrix has 2"));
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let pair = |rows| [("x", x(rows)), ("y", y(&vec![0; rows]))];
        let with = |more: &[(&'static str, NpyArray)]| refused(&[&pair(2)[..], more].concat());
        assert!(refused(&[("x", x(3)), ("y", y(&[0]))]).contains("y has 1 rows and x has 3"));
        assert!(with(&[("x_test", x(1))]).contains("x_test without the labels"));
        let wide = NpyArray::f32(&[1, 3], vec![0.0; 3]);
        let said = with(&[("x_test", wide.clone()), ("y_test", y(&[0]))]);
        assert!(said.contains("shape [2] and others [3]"), "{said}");
        assert!(with(&[("x_unsup", wide)]).contains("[3]"));
        assert!(with(&[("x_unsup", bytes(3))]).contains("uint8"));
        let whole = NpyArray::i64(&[1, 2], vec![1, 2]);
        let both = [&pair(2)[..], &[("x_unsup", whole)]].concat();
        let floats = Rows::Dense(NpyArray::f32(&[1, 2], vec![1.0, 2.0]));
        assert_eq!(read(&both).unwrap().unlabelled, Some(floats));
    }

    #[test]
    fn what_is_no_data_set_is_refused_with_what_is_there() {
        let said = refused(&[("a", x(1)), ("b", x(1))]);
        assert!(said.contains("(found \"a\", \"b\")") && said.contains("numpy.savez"), "{said}");
        assert!(refused(&[("y", y(&[1]))]).contains("no array is called x"));
        assert!(refused(&[]).contains("no array in it"));
    }

    #[test]
    fn arrays_of_their_own_files_make_a_data_set() {
        let file = read_npy_pair(x(2), None, "x.npy").unwrap();
        assert_eq!((file.train.y, file.format.as_str()), (None, "NPY, one array"));
        let file = read_npy_pair(x(2), Some(&NpyArray::texts(["a", "b"])), "x.npy").unwrap();
        assert_eq!(file.train.y.unwrap().text(1), Some("b".into()));
        assert!(read_npy_pair(x(2), Some(&y(&[1])), "x.npy").is_err());
    }
}
