//! The binary versions of CIFAR-10 and CIFAR-100 (Krizhevsky 2009).
//!
//! A record is the label bytes (CIFAR-10: class; CIFAR-100: superclass, class) and 1024 red, 1024
//! green and 1024 blue bytes, row by row. Here pictures are `[32, 32, 3]`.

use super::bytes::content;
use crate::data::examples::check_labels;
use crate::data::{Examples, Values};
use crate::error::{Error, Result};

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const PIXELS: usize = 3 * PLANE;

/// The class names of CIFAR-10 in label order.
pub const CIFAR10_CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Reads a batch of CIFAR-10 (`data_batch_1.bin`, `test_batch.bin`).
///
/// # Errors
/// The size is not a whole number of records, or a label is above 9.
pub fn parse_cifar10(bytes: &[u8], source_name: &str) -> Result<Examples> {
    parse(bytes, 1, 10, source_name)
}

/// Reads a split of CIFAR-100 (`train.bin`, `test.bin`) with the 100 fine classes as labels.
///
/// # Errors
/// The size is not a whole number of records, a superclass is above 19 or a class above 99.
pub fn parse_cifar100(bytes: &[u8], source_name: &str) -> Result<Examples> {
    parse(bytes, 2, 100, source_name)
}

fn parse(bytes: &[u8], label_bytes: usize, classes: usize, source_name: &str) -> Result<Examples> {
    let bytes = content(bytes, source_name)?;
    let record = label_bytes + PIXELS;
    if bytes.len() % record != 0 {
        return Err(Error::data(
            source_name,
            format!("{} bytes are not a whole number of records of {record} bytes", bytes.len()),
            "the file is cut short or not the CIFAR *binary* version: fetch it again",
        ));
    }
    let count = bytes.len() / record;
    let mut labels = Vec::with_capacity(count);
    let mut coarse = Vec::new();
    let mut pixels = vec![0; count * PIXELS];
    for (record, picture) in bytes.chunks_exact(record).zip(pixels.chunks_exact_mut(PIXELS)) {
        let (targets, planes) = record.split_at(label_bytes);
        if let [superclass, _] = targets {
            coarse.push(i64::from(*superclass));
        }
        labels.push(i64::from(targets[label_bytes - 1]));
        for (at, pixel) in picture.chunks_exact_mut(3).enumerate() {
            pixel.copy_from_slice(&[planes[at], planes[PLANE + at], planes[2 * PLANE + at]]);
        }
    }
    check_labels(&labels, classes, source_name)?;
    check_labels(&coarse, 20, source_name)?;
    Examples::new(Values::U8(pixels), vec![SIDE, SIDE, 3], labels, source_name)
}

/// Writes pictures as records of the CIFAR-10 binary version.
///
/// # Errors
/// The examples are not `[32, 32, 3]` bytes, or a label is out of range.
pub fn write_cifar10(examples: &Examples, source_name: &str) -> Result<Vec<u8>> {
    let Values::U8(pixels) = &examples.values else {
        return Err(Error::data(source_name, "holds floats", "CIFAR records are bytes"));
    };
    if examples.shape != [SIDE, SIDE, 3] {
        let problem = format!("examples of shape {:?}", examples.shape);
        return Err(Error::data(source_name, problem, "CIFAR records are [32, 32, 3]"));
    }
    check_labels(&examples.labels, 10, source_name)?;
    let mut out = Vec::with_capacity(examples.len() * (1 + PIXELS));
    for (label, picture) in examples.labels.iter().zip(pixels.chunks_exact(PIXELS)) {
        out.push(*label as u8);
        for channel in 0..3 {
            out.extend(picture.iter().skip(channel).step_by(3));
        }
    }
    Ok(out)
}

/// The class names of CIFAR-100 (fine classes) in label order.
#[must_use]
pub fn cifar100_classes() -> Vec<String> {
    CIFAR100_CLASSES.split_whitespace().map(str::to_owned).collect()
}

const CIFAR100_CLASSES: &str = "\
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus \
    butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch \
    crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo \
    keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse \
    mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy \
    porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper \
    snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television \
    tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm";

#[cfg(test)]
mod tests {
    use super::*;

    fn record(labels: &[u8]) -> Vec<u8> {
        let mut out = labels.to_vec();
        out.extend((0..PIXELS).map(|at| (at / PLANE * 100 + at % 7) as u8));
        out
    }

    fn message(result: Result<Examples>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn planes_become_pixels_and_back() {
        let bytes = [record(&[3]), record(&[9])].concat();
        let set = parse_cifar10(&bytes, "b").unwrap();
        assert_eq!(set.labels, [3, 9]);
        let Values::U8(pixels) = &set.values else { panic!("bytes") };
        assert_eq!(
            pixels[..6],
            [0, (PLANE % 7) as u8 + 100, (2 * PLANE % 7) as u8 + 200, 1, 103, 205]
        );
        assert_eq!(write_cifar10(&set, "b").unwrap(), bytes);
    }

    #[test]
    fn the_fine_label_is_used() {
        let set = parse_cifar100(&record(&[19, 99]), "t").unwrap();
        assert_eq!(set.labels, [99]);
        let names = cifar100_classes();
        assert_eq!(names.len(), 100);
        assert!(names.is_sorted());
    }

    #[test]
    fn broken_files_are_refused() {
        let good = record(&[3]);
        assert!(message(parse_cifar10(&[], "b")).contains("empty"));
        assert!(message(parse_cifar10(&good[..3000], "b")).contains("whole number of records"));
        let trailing = [good.clone(), vec![1]].concat();
        assert!(message(parse_cifar10(&trailing, "b")).contains("whole number of records"));
        assert!(message(parse_cifar10(&record(&[10]), "b")).contains("label 10 of example 0"));
        assert!(message(parse_cifar100(&good, "b")).contains("3074 bytes"));
        assert!(message(parse_cifar100(&record(&[20, 5]), "b")).contains("label 20"));
        assert!(message(parse_cifar100(&record(&[5, 100]), "b")).contains("label 100"));
        assert!(message(parse_cifar10(&[0x1f, 0x8b, 8, 0], "b")).contains("gzip"));
    }
}
