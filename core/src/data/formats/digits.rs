//! The embedded data set: 1,797 real handwritten digits of 8 x 8 pixels (see `assets/README.md`).

use super::idx::{parse_images, parse_labels};
use crate::data::examples::numbered;
use crate::data::holdout::hold_out;
use crate::data::{Dataset, Examples, Values};
use crate::error::Result;

const IMAGES: &[u8] = include_bytes!("../../../assets/digits-images-idx3-ubyte.gz");
const LABELS: &[u8] = include_bytes!("../../../assets/digits-labels-idx1-ubyte.gz");

/// Pixel counts of a 4 x 4 block of the scanned bitmap: 0 to 16.
const MAX_PIXEL: f32 = 16.0;

/// Test examples per class: 360 in all, a fifth of the set.
const TEST_PER_CLASS: usize = 36;

/// The digits, `[8, 8, 1]`, pixel `v` as `v / 16`: 1,437 training and 360 test examples.
///
/// The test split holds 36 examples of each class, spread evenly over the file by the rule of
/// [`hold_out`]; it depends on no seed.
///
/// # Errors
/// Never for the embedded files; the result keeps the parsers' signature.
pub fn digits() -> Result<Dataset> {
    digits_of(IMAGES, LABELS)
}

/// [`digits`], of the bytes of the two files in `assets`: for programs that are to be small, and are given them.
///
/// # Errors
/// If they are other files, or damaged.
pub fn digits_of(images: &[u8], labels: &[u8]) -> Result<Dataset> {
    let name = "digits";
    let (shape, pixels) = parse_images(images, name)?;
    let labels = parse_labels(labels, 10, name)?;
    let values = pixels.into_iter().map(|pixel| f32::from(pixel) / MAX_PIXEL).collect();
    let all = Examples::new(Values::F32(values), shape, labels, name)?;
    let (train, test) = hold_out(&all, |_| TEST_PER_CLASS, name)?;
    Dataset::new(name, numbered(10), train, test, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_set_is_complete() {
        let set = digits().unwrap();
        assert_eq!(set.train.shape, [8, 8, 1]);
        assert_eq!((set.train.len(), set.test.len()), (1437, 360));
        assert_eq!(set.test.class_counts(10), [36; 10]);
        // np.bincount(load_digits().target) - 36
        let train = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180].map(|count| count - 36);
        assert_eq!(set.train.class_counts(10), train);
    }

    #[test]
    fn values_are_those_of_scikit_learn() {
        let set = digits().unwrap();
        // load_digits().images[0][0], and load_digits().images.sum() = 561718
        let first = [0.0, 0.0, 5.0, 13.0, 9.0, 1.0, 0.0, 0.0].map(|pixel: f32| pixel / 16.0);
        assert_eq!(set.train.gather(&[0])[..8], first);
        let sum = |split: &Examples| {
            split.gather(&(0..split.len()).collect::<Vec<_>>()).iter().sum::<f32>() * 16.0
        };
        assert_eq!(f64::from(sum(&set.train)) + f64::from(sum(&set.test)), 561_718.0);
    }
}
