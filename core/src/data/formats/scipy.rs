//! Sparse matrices as `scipy.sparse.save_npz` writes them: the arrays `format`, `shape`, `data`, and places.

use std::io::{Read, Seek};

use super::array_rows::Rows;
use super::npy::{NpyArray, NpyValues};
use super::npz::Npz;
use crate::data::SparseRows;
use crate::error::{Error, Result};

/// A matrix with its zeros has no more values than this.
const MOST_DENSE: usize = 1 << 28;

/// Rows that hold nothing stand nowhere in some formats, so that a file could promise any number of them.
const MOST_ROWS: usize = 1 << 24;

/// No vocabulary is larger, hashed ones included.
const MOST_COLUMNS: usize = 1 << 26;

const REMEDY: &str = "save it with scipy.sparse.save_npz(path, x.tocsr())";

/// Names of the arrays that belong to a matrix.
pub(super) const PARTS: [&str; 8] =
    ["format", "shape", "data", "indices", "indptr", "row", "col", "_is_array"];

/// Whether an archive with arrays of these names holds a sparse matrix.
pub(super) fn is_sparse(names: &[String]) -> bool {
    ["format", "shape", "data"].iter().all(|part| names.iter().any(|name| name == part))
}

/// Reads the matrix, and says in what format it was. Counts stay sparse; of other numbers the zeros are filled in.
///
/// # Errors
/// Another format than csr, csc or coo, places that are not in the matrix, or a matrix too large to fill in.
pub(super) fn read_sparse<R: Read + Seek>(
    npz: &mut Npz<'_, R>,
    notes: &mut Vec<String>,
) -> Result<(Rows, String)> {
    let source_name = npz.source_name();
    let refuse = |problem: String| Error::data(source_name, problem, REMEDY);
    let format = match npz.require("format")?.values {
        NpyValues::Text(texts) if texts.len() == 1 => texts.concat(),
        _ => return Err(refuse("the format of the sparse matrix is no word".to_owned())),
    };
    let shape = whole(npz.require("shape")?);
    let Some(&[rows, columns]) = shape.as_deref() else {
        return Err(refuse("the sparse matrix does not have two dimensions".to_owned()));
    };
    if rows == 0 || columns == 0 || rows > MOST_ROWS || columns > MOST_COLUMNS {
        return Err(refuse(format!("a sparse matrix of shape [{rows}, {columns}]")));
    }
    let mut places = |name: &str| {
        let array = npz.require(name)?;
        whole(array).ok_or_else(|| refuse(format!("{name} does not hold places")))
    };
    // Compressed formats name one coordinate of each entry, and where the others' groups end.
    let (mut row, mut column, compressed) = match format.as_str() {
        "csr" => (places("indptr")?, places("indices")?, Some(rows)),
        "csc" => (places("indices")?, places("indptr")?, Some(columns)),
        "coo" => (places("row")?, places("col")?, None),
        _ => return Err(refuse(format!("a sparse matrix in the format {format:?}"))),
    };
    let unfit = || refuse(format!("the parts of the sparse matrix do not fit ({format})"));
    let mut data = numbers(npz.require("data")?);
    if let Some(groups) = compressed {
        let ends = if format == "csr" { &mut row } else { &mut column };
        *ends = grouped(ends, groups, data.len()).ok_or_else(unfit)?;
        // SciPy may keep room behind the last entry.
        let entries = ends.len();
        row.truncate(entries);
        column.truncate(entries);
        data.truncate(entries);
    }
    if row.len() != data.len() || column.len() != data.len() {
        return Err(unfit());
    }
    let outside = |(&r, &c): (&usize, &usize)| r >= rows || c >= columns;
    if let Some((r, c)) = row.iter().zip(&column).find(|&(r, c)| outside((r, c))) {
        let problem =
            format!("a value at [{r}, {c}] of a sparse matrix of shape [{rows}, {columns}]");
        return Err(refuse(problem));
    }
    let entries = row.into_iter().zip(column).zip(data);
    let entries = entries.map(|((row, column), value)| (row as u32, column as u32, value));
    let matrix = collected(entries.collect(), rows, columns);
    by_kind(matrix, source_name, notes).map(|rows| (rows, format))
}

/// As many rows of entries, each column once, no zeros.
fn collected(mut entries: Vec<(u32, u32, f32)>, rows: usize, columns: usize) -> SparseRows {
    // The sort keeps the order of twins, so that their sum is the same on every machine.
    entries.sort_by_key(|&(row, column, _)| (row, column));
    entries.dedup_by(|next, kept| {
        let same = (next.0, next.1) == (kept.0, kept.1);
        if same {
            kept.2 += next.2;
        }
        same
    });
    let mut matrix = SparseRows::new(columns);
    let mut rest = &entries[..];
    for row in 0..rows {
        let (here, others) = rest.split_at(rest.iter().take_while(|e| e.0 as usize == row).count());
        let present = here.iter().filter(|(_, _, value)| *value != 0.0);
        matrix.push(present.map(|&(_, column, value)| (column, value)));
        rest = others;
    }
    matrix
}

/// Counts as they are, other numbers with their zeros.
fn by_kind(matrix: SparseRows, source_name: &str, notes: &mut Vec<String>) -> Result<Rows> {
    let no_count = |value: &&f32| !(**value > 0.0 && value.fract() == 0.0);
    let Some(&value) = matrix.counts().iter().find(no_count) else {
        return Ok(Rows::Counts(matrix));
    };
    let (rows, columns) = (matrix.rows(), matrix.columns());
    if rows.checked_mul(columns).is_none_or(|values| values >= MOST_DENSE) {
        let problem = format!(
            "the sparse matrix holds {value}, which is no count, and is too large to fill in its zeros"
        );
        let remedy = "give counts, or fewer columns (sklearn's TruncatedSVD)";
        return Err(Error::data(source_name, problem, remedy));
    }
    notes.push(format!(
        "the sparse matrix holds {value}, so these are no counts: it is read with its zeros, as a table of {columns} columns"
    ));
    let all: Vec<usize> = (0..rows).collect();
    Ok(Rows::Dense(NpyArray::f32(&[rows, columns], matrix.dense(&all))))
}

/// The group of each of at most `most` entries, from where the groups end; `None` if that cannot be.
fn grouped(ends: &[usize], groups: usize, most: usize) -> Option<Vec<usize>> {
    let fits = ends.len() == groups + 1 && ends.first() == Some(&0) && ends.is_sorted();
    if !fits || ends.last().is_none_or(|&last| last > most) {
        return None;
    }
    let lengths = ends.windows(2).map(|pair| pair[1] - pair[0]).enumerate();
    Some(lengths.flat_map(|(group, length)| std::iter::repeat_n(group, length)).collect())
}

/// Whole numbers, none below zero.
fn whole(array: NpyArray) -> Option<Vec<usize>> {
    match array.values {
        NpyValues::U8(values) => Some(values.into_iter().map(usize::from).collect()),
        NpyValues::I64(values) => values.into_iter().map(|value| value.try_into().ok()).collect(),
        _ => None,
    }
}

fn numbers(array: NpyArray) -> Vec<f32> {
    match array.values {
        NpyValues::U8(values) => values.into_iter().map(f32::from).collect(),
        NpyValues::F32(values) => values,
        NpyValues::F64(values) => values.into_iter().map(|value| value as f32).collect(),
        NpyValues::I64(values) => values.into_iter().map(|value| value as f32).collect(),
        NpyValues::Text(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::npz::write_npz;
    use super::*;

    /// `[[0, 2, 0], [0, 0, 0], [1, 0, 3]]` in each format, by SciPy's own words for them.
    fn parts(format: &str) -> Vec<(&'static str, NpyArray)> {
        let list = |values: &[i64]| NpyArray::i64(&[values.len()], values.to_vec());
        let text = |text: &str| NpyArray { shape: vec![], ..NpyArray::texts([text]) };
        let data = if format == "csc" { [1.0, 2.0, 3.0] } else { [2.0, 1.0, 3.0] };
        let mut parts = vec![
            ("format", text(format)),
            ("shape", list(&[3, 3])),
            ("data", NpyArray::f32(&[3], data.to_vec())),
        ];
        parts.extend(match format {
            "csr" => [("indices", list(&[1, 0, 2])), ("indptr", list(&[0, 1, 1, 3]))],
            "csc" => [("indices", list(&[2, 0, 2])), ("indptr", list(&[0, 1, 2, 3]))],
            _ => [("row", list(&[0, 2, 2])), ("col", list(&[1, 0, 2]))],
        });
        parts
    }

    fn with(format: &str, name: &str, array: &NpyArray) -> Vec<(&'static str, NpyArray)> {
        let replace = |(part, old)| (part, if part == name { array.clone() } else { old });
        parts(format).into_iter().map(replace).collect()
    }

    fn read(parts: &[(&str, NpyArray)]) -> Result<(Rows, String)> {
        let bytes = write_npz(parts).unwrap();
        let mut npz = Npz::open(&bytes, "f.npz").unwrap();
        assert!(is_sparse(&npz.names()));
        let mut notes = Vec::new();
        let (rows, _) = read_sparse(&mut npz, &mut notes)?;
        Ok((rows, notes.join("; ")))
    }

    #[test]
    fn every_format_holds_the_same_matrix() {
        for format in ["csr", "csc", "coo"] {
            let (rows, notes) = read(&parts(format)).unwrap();
            let Rows::Counts(counts) = rows else { panic!("{format}: {notes}") };
            assert_eq!(counts.dense(&[0, 1, 2]), [0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 3.0]);
        }
    }

    #[test]
    fn twins_are_added_and_zeros_left_out() {
        let twins = NpyArray::i64(&[3], vec![2, 0, 2]);
        let mut twice = with("coo", "col", &twins);
        twice[3].1 = NpyArray::i64(&[3], vec![0, 1, 0]);
        let (rows, _) = read(&twice).unwrap();
        let Rows::Counts(counts) = rows else { panic!() };
        assert_eq!((counts.dense(&[0]), counts.counts()), (vec![0.0, 0.0, 5.0], &[5.0, 1.0][..]));
        let (rows, _) = read(&with("csr", "data", &NpyArray::i64(&[3], vec![0, 1, 1]))).unwrap();
        let Rows::Counts(counts) = rows else { panic!() };
        assert_eq!(counts.counts(), [1.0, 1.0]);
    }

    #[test]
    fn what_are_no_counts_is_filled_in_and_said() {
        for value in [-1.0, 0.5, f32::NAN] {
            let values = NpyArray::f32(&[3], vec![2.0, 1.0, value]);
            let (rows, notes) = read(&with("csr", "data", &values)).unwrap();
            let Rows::Dense(NpyArray { shape, .. }) = rows else { panic!("{value}") };
            assert_eq!(shape, [3, 3]);
            assert!(notes.contains(&format!("holds {value}")) && notes.contains("3 columns"));
            let mut large = with("coo", "data", &NpyArray::f32(&[3], vec![2.0, 1.0, value]));
            large[1].1 = NpyArray::i64(&[2], vec![4, 1 << 26]);
            let said = read(&large).map(|_| ()).unwrap_err().to_string();
            assert!(said.contains("too large"), "{said}");
        }
    }

    #[test]
    fn places_outside_of_the_matrix_are_refused() {
        let list = |values: &[i64]| NpyArray::i64(&[values.len()], values.to_vec());
        for (format, part, array, named) in [
            ("csr", "indices", list(&[1, 0, 3]), "[2, 3] of a sparse matrix of shape [3, 3]"),
            ("csr", "indices", list(&[1, 0, -1]), "does not hold places"),
            ("csr", "indices", list(&[1]), "do not fit"),
            ("csr", "indptr", list(&[0, 1, 1, i64::MAX]), "do not fit"),
            ("csr", "indptr", list(&[0, 2, 1, 3]), "do not fit"),
            ("csr", "indptr", list(&[0, 3]), "do not fit"),
            ("csr", "shape", list(&[i64::MAX, 3]), "shape [9223372036854775807, 3]"),
            ("csr", "shape", list(&[3, 3, 3]), "two dimensions"),
            ("coo", "row", list(&[0, 2]), "do not fit"),
            ("coo", "shape", list(&[2, 3]), "[2, 0] of a sparse matrix"),
            ("bsr", "shape", list(&[3, 3]), "format \"bsr\""),
        ] {
            let said = read(&with(format, part, &array)).unwrap_err().to_string();
            assert!(said.contains(named), "{named}: {said}");
        }
    }
}
