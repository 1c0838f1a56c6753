//! SVHN, format 2 (Netzer et al. 2011): `train_32x32.mat`, `test_32x32.mat`, `extra_32x32.mat`.
//!
//! `X` is `[32, 32, 3, n]` bytes and `y` is `[n, 1]`, both column-major; digit 0 has label 10.

use super::mat::{MatArray, MatValues, parse_mat};
use crate::data::{Examples, Values};
use crate::error::{Error, Result};

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const REMEDY: &str = "use the official 32x32 file of SVHN (format 2: cropped digits)";

/// Reads one split as `[32, 32, 3]` pictures with labels 0 to 9.
///
/// # Errors
/// As [`parse_mat`]; also missing arrays, other shapes or types, or a label outside 1 to 10.
pub fn parse_svhn(bytes: &[u8], source_name: &str) -> Result<Examples> {
    let mut arrays = parse_mat(bytes, source_name)?;
    let images = take(&mut arrays, "X", source_name)?;
    let targets = take(&mut arrays, "y", source_name)?;
    let (MatValues::U8(stored), [SIDE, SIDE, 3, count]) = (&images.values, &images.shape[..])
    else {
        let problem = format!("X has shape {:?}, expected [32, 32, 3, n] bytes", images.shape);
        return Err(Error::data(source_name, problem, REMEDY));
    };
    let labels = labels(&targets.values, source_name)?;
    if labels.len() != *count {
        let problem = format!("{} labels for {count} images", labels.len());
        return Err(Error::data(source_name, problem, REMEDY));
    }
    let mut pixels = vec![0; stored.len()];
    let pictures = stored.chunks_exact(3 * PLANE).zip(pixels.chunks_exact_mut(3 * PLANE));
    for (planes, picture) in pictures {
        for (at, pixel) in picture.chunks_exact_mut(3).enumerate() {
            let column_major = at % SIDE * SIDE + at / SIDE;
            for (channel, value) in pixel.iter_mut().enumerate() {
                *value = planes[channel * PLANE + column_major];
            }
        }
    }
    Examples::new(Values::U8(pixels), vec![SIDE, SIDE, 3], labels, source_name)
}

fn take(arrays: &mut Vec<MatArray>, name: &str, source_name: &str) -> Result<MatArray> {
    match arrays.iter().position(|array| array.name == name) {
        Some(index) => Ok(arrays.swap_remove(index)),
        None => {
            let found: Vec<&str> = arrays.iter().map(|array| array.name.as_str()).collect();
            let problem = format!("no array {name:?} (found {found:?})");
            Err(Error::data(source_name, problem, REMEDY))
        }
    }
}

/// Labels 1 to 10 as classes: the digit 0 is stored as 10.
fn labels(values: &MatValues, source_name: &str) -> Result<Vec<i64>> {
    let numbers: Vec<f64> = match values {
        MatValues::U8(values) => values.iter().map(|&value| f64::from(value)).collect(),
        MatValues::F64(values) => values.clone(),
    };
    let class = |(index, &number): (usize, &f64)| {
        if number.fract() == 0.0 && (1.0..=10.0).contains(&number) {
            return Ok(number as i64 % 10);
        }
        let problem = format!("label {number} of example {index} is out of range 1..=10");
        Err(Error::data(source_name, problem, REMEDY))
    };
    numbers.iter().enumerate().map(class).collect()
}

#[cfg(test)]
mod tests {
    use super::super::mat::made::{file, matrix};
    use super::*;

    fn images(count: u32) -> Vec<u8> {
        let data: Vec<u8> = (0..3 * PLANE * count as usize).map(|at| (at % 251) as u8).collect();
        matrix("X", 9, &[32, 32, 3, count], 2, &data)
    }

    fn message(matrices: &[Vec<u8>]) -> String {
        parse_svhn(&file(matrices), "s.mat").unwrap_err().to_string()
    }

    #[test]
    fn columns_become_rows_and_ten_becomes_zero() {
        let bytes = file(&[images(2), matrix("y", 9, &[2, 1], 2, &[10, 3])]);
        let set = parse_svhn(&bytes, "s").unwrap();
        assert_eq!(set.labels, [0, 3]);
        let Values::U8(pixels) = &set.values else { panic!("bytes") };
        let stored = |row: usize, column: usize, channel: usize, image: usize| {
            ((row + 32 * (column + 32 * (channel + 3 * image))) % 251) as u8
        };
        for (row, column, channel, image) in [(0, 0, 0, 0), (5, 7, 2, 0), (31, 30, 1, 1)] {
            let at = ((image * 32 + row) * 32 + column) * 3 + channel;
            assert_eq!(pixels[at], stored(row, column, channel, image));
        }
    }

    #[test]
    fn broken_files_are_refused() {
        let labels = |data: &[u8]| matrix("y", 9, &[data.len() as u32, 1], 2, data);
        assert!(message(&[images(1)]).contains("no array \"y\""));
        assert!(message(&[labels(&[1])]).contains("no array \"X\""));
        assert!(message(&[images(1), labels(&[1, 2])]).contains("2 labels for 1 images"));
        assert!(message(&[images(1), labels(&[11])]).contains("label 11 of example 0"));
        assert!(message(&[images(1), labels(&[0])]).contains("out of range 1..=10"));
        assert!(message(&[matrix("X", 9, &[2, 2], 2, &[0; 4]), labels(&[1])]).contains("[2, 2]"));
        let nan = matrix("y", 6, &[1, 1], 9, &f64::NAN.to_le_bytes());
        assert!(message(&[images(1), nan]).contains("label NaN"));
        assert!(message(&[images(0), matrix("y", 9, &[0, 1], 2, &[])]).contains("no data"));
        assert!(parse_svhn(&[], "s.mat").unwrap_err().to_string().contains("empty"));
    }
}
