//! One row for each example: arrays as they are saved, pictures with their channels last.

use super::npy::{NpyArray, NpyValues};
use crate::data::SparseRows;
use crate::error::{Error, Result};

/// Examples of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Rows {
    /// `[n, features]`, or pictures `[n, height, width, channels]`.
    Dense(NpyArray),
    /// Rows of counts, mostly zero: texts as bags of words.
    Counts(SparseRows),
}

impl Rows {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Dense(array) => array.shape.first().copied().unwrap_or(0),
            Self::Counts(rows) => rows.rows(),
        }
    }

    /// True without a row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a row looks like.
    pub(super) fn shape(&self) -> Vec<usize> {
        match self {
            Self::Dense(array) => array.shape[1..].to_vec(),
            Self::Counts(rows) => vec![rows.columns()],
        }
    }
}

/// The array `name` as `[n, features]` or `[n, height, width, channels]`. `[n, height, width]` gets one channel, channels
/// that come first come last, and a fourth channel that says nothing is left out; `notes` says of the last two.
///
/// # Errors
/// Words, no row, a single number for each example, more dimensions than a picture has, or a fourth channel that is not the
/// same everywhere.
pub fn as_rows(
    mut x: NpyArray,
    name: &str,
    source_name: &str,
    notes: &mut Vec<String>,
) -> Result<NpyArray> {
    let before = x.shape.clone();
    let refuse = |problem: String, remedy: &str| Err(Error::data(source_name, problem, remedy));
    if let NpyValues::Text(_) = x.values {
        let remedy = "give numbers, or texts as a table (.csv) with a column of texts";
        return refuse(format!("{name} holds words"), remedy);
    }
    if x.shape.len() < 2 {
        let remedy = format!(
            "{name} needs one row for each example: {name}.reshape(-1, 1) for a single feature"
        );
        return refuse(format!("{name} has shape {before:?}"), &remedy);
    }
    if x.values.is_empty() {
        let what = if before[0] == 0 { "row" } else { "feature" };
        let problem = format!("{name} has shape {before:?}, and so no {what}");
        return refuse(problem, "save at least one example");
    }
    match before[1..] {
        [_] => {}
        [_, _] => x.shape.push(1),
        [channels, height, width] if channels_first(channels, height, width) => {
            x = channels_last(&x);
            notes.push(format!(
                "{name} has shape {before:?}: channels come first, read as {:?}",
                x.shape
            ));
        }
        [..] if before.len() == 4 => {}
        _ => {
            let remedy = format!("give tables or pictures: {name}.reshape(len({name}), -1)");
            return refuse(
                format!("{name} has shape {before:?}, more than a picture has"),
                &remedy,
            );
        }
    }
    if x.shape.len() == 4 && x.shape[3] == 4 {
        if !is_constant(&x.values, 4, 3) {
            let problem =
                format!("{name} has shape {before:?}: colours with a transparency that varies");
            return refuse(problem, &format!("leave it out: {name}[..., :3]"));
        }
        let kept = (0..x.values.len()).filter(|at| at % 4 != 3);
        x.values = x.values.taken(kept);
        x.shape[3] = 3;
        notes.push(format!(
            "{name} has a fourth channel that is the same everywhere (transparency): left out"
        ));
    }
    Ok(x)
}

/// Grey, colour, or colour with transparency, before height and width, and not behind them.
fn channels_first(channels: usize, height: usize, width: usize) -> bool {
    match (channels, width) {
        (1 | 3 | 4, 1 | 3) => false,
        // As wide as there are channels with transparency: a picture that is as high as it is wide.
        (1 | 3, 4) => height == 4,
        (4, 4) => false,
        (1 | 3 | 4, _) => true,
        _ => false,
    }
}

/// `[n, channels, height, width]` as `[n, height, width, channels]`.
fn channels_last(x: &NpyArray) -> NpyArray {
    let [channels, height, width] = [x.shape[1], x.shape[2], x.shape[3]];
    let (pixels, each) = (height * width, channels * height * width);
    let source = |at: usize| {
        let (example, place) = (at / each, at % each);
        example * each + place % channels * pixels + place / channels
    };
    let values = x.values.taken((0..x.values.len()).map(source));
    NpyArray { shape: vec![x.shape[0], height, width, channels], values }
}

/// Whether every `of`-th value, from `first` on, is the same.
fn is_constant(values: &NpyValues, of: usize, first: usize) -> bool {
    fn same<T: PartialEq>(values: &[T], of: usize, first: usize) -> bool {
        values.iter().skip(first).step_by(of).all(|value| *value == values[first])
    }
    match values {
        NpyValues::U8(values) => same(values, of, first),
        NpyValues::F32(values) => same(values, of, first),
        NpyValues::F64(values) => same(values, of, first),
        NpyValues::I64(values) => same(values, of, first),
        NpyValues::Text(values) => same(values, of, first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(shape: &[usize]) -> NpyArray {
        NpyArray::i64(shape, (0..shape.iter().product::<usize>() as i64).collect())
    }

    fn read(x: NpyArray) -> (NpyArray, String) {
        let mut notes = Vec::new();
        let rows = as_rows(x, "x", "f", &mut notes).unwrap();
        (rows, notes.join("; "))
    }

    #[test]
    fn channels_come_last() {
        let (rows, said) = read(counting(&[2, 3, 2, 5]));
        assert_eq!(rows.shape, [2, 2, 5, 3]);
        assert!(said.contains("channels come first"), "{said}");
        let NpyValues::I64(values) = rows.values else { panic!() };
        // Of the definition: what stands at [n, c, h, w] stands at [n, h, w, c].
        for (n, c, h, w) in [(0, 0, 0, 0), (1, 2, 1, 4), (0, 1, 1, 3), (1, 0, 0, 2)] {
            let [from, to] = [((n * 3 + c) * 2 + h) * 5 + w, ((n * 2 + h) * 5 + w) * 3 + c];
            assert_eq!(values[to], from as i64);
        }
        for same in [&[2, 8, 8, 3][..], &[2, 8, 8, 1], &[2, 3, 3, 3], &[2, 7], &[2, 8, 8, 8]] {
            let (rows, said) = read(counting(same));
            assert_eq!((&rows, said.as_str()), (&counting(same), ""));
        }
        assert_eq!(read(counting(&[2, 8, 9])).0.shape, [2, 8, 9, 1]);
        assert_eq!(read(counting(&[2, 1, 4, 4])).0.shape, [2, 4, 4, 1]);
    }

    #[test]
    fn a_fourth_channel_is_left_out_if_it_says_nothing() {
        let pixels = |alpha: [u8; 2]| NpyArray {
            shape: vec![1, 2, 1, 4],
            values: NpyValues::U8(vec![1, 2, 3, alpha[0], 4, 5, 6, alpha[1]]),
        };
        let (rows, said) = read(pixels([255, 255]));
        let colours = NpyValues::U8(vec![1, 2, 3, 4, 5, 6]);
        assert_eq!(rows, NpyArray { shape: vec![1, 2, 1, 3], values: colours });
        assert!(said.contains("left out"), "{said}");
        let said = as_rows(pixels([255, 0]), "x", "f", &mut Vec::new()).unwrap_err().to_string();
        assert!(said.contains("transparency that varies"), "{said}");
    }

    #[test]
    fn what_has_no_row_for_each_example_is_refused() {
        for (x, named) in [
            (counting(&[4]), "shape [4]"),
            (counting(&[0, 4]), "no row"),
            (counting(&[4, 0]), "no feature"),
            (counting(&[1, 2, 2, 2, 2]), "more than a picture"),
            (NpyArray::texts(["a"]), "holds words"),
        ] {
            let said = as_rows(x, "x", "f", &mut Vec::new()).unwrap_err().to_string();
            assert!(said.contains(named), "{said}");
        }
    }
}
