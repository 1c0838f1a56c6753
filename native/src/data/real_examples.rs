//! Real examples that samples are held against, from an .npz of any source.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use gleaner_core::data::formats::npy::{NpyArray, NpyValues};
use gleaner_core::data::formats::npz::Npz;
use gleaner_core::data::table::shortened;
use gleaner_core::measures::fidelity::NEIGHBOURS;

use super::samples::{SampleFile, check_finite, singles};

/// What both files are compared by, unless an array is named: what a network makes of them, else what they are.
const USUAL: [&str; 2] = ["features", "x"];

/// Samples and real examples by the same array.
#[derive(Debug)]
pub struct Beside {
    /// The array.
    pub array: String,
    /// Numbers of each sample, then of each real example, row-major.
    pub made: Vec<f32>,
    /// Of the real examples.
    pub real: Vec<f32>,
    /// How many numbers each has.
    pub width: usize,
}

/// Reads the array that samples and the real examples of `path` are compared by.
///
/// # Errors
/// A file cannot be read, lacks the array, or has other numbers of values in a row; there are too few real examples, or one has
/// a value that is not finite.
pub fn beside(samples: &mut SampleFile<'_>, path: &Path, array: Option<&str>) -> Result<Beside> {
    let context = || format!("cannot read {}; give an .npz of real examples", path.display());
    let named = path
        .to_str()
        .with_context(|| format!("{}: this path is not valid text; rename it", path.display()))?;
    let file = File::open(path).with_context(context)?;
    ensure!(
        file.metadata().with_context(context)?.is_file(),
        "{named}: this is not a file; give an .npz of real examples"
    );
    let mut real = Npz::from_reader(BufReader::new(file), named)?;
    let has = real.names();
    let in_both = |name: &&str| samples.has(name) && has.iter().any(|found| found == *name);
    let candidates = array.map_or_else(|| USUAL.to_vec(), |array| vec![array]);
    let Some(name) = candidates.iter().copied().find(|name| in_both(name)) else {
        bail!(
            "{} and {named} have no array {} in common (found {} and {}); name one that both have with --like-array",
            samples.path(),
            candidates.join(" or "),
            shortened(samples.names().iter().map(String::as_str)),
            shortened(has.iter().map(String::as_str))
        );
    };
    let NpyArray { values, shape } = real.require(name)?;
    let width: usize = shape.get(1..).unwrap_or_default().iter().product();
    let (bytes_real, bytes_made) = (is_bytes(&values), samples.holds_bytes(name)?);
    let (mut made, columns) = samples.numbers(name)?;
    ensure!(
        columns == width,
        "{name} has {columns} numbers for each sample of {} and {width} for each real example of {named}; give both of the same kind",
        samples.path()
    );
    check_finite(&made, columns, samples.path(), name)?;
    let mut real = singles(values, named, name)?;
    let rows = shape.first().copied().unwrap_or(0);
    ensure!(
        rows > NEIGHBOURS,
        "{named} has {rows} example{}; --like needs at least {}",
        if rows == 1 { "" } else { "s" },
        NEIGHBOURS + 1
    );
    check_finite(&real, width, named, name)?;
    // Pixels from 0 to 255 beside pixels from 0 to 1.
    match (bytes_real, bytes_made) {
        (true, false) => real.iter_mut().for_each(|value| *value /= 255.0),
        (false, true) => made.iter_mut().for_each(|value| *value /= 255.0),
        _ => {}
    }
    Ok(Beside { array: name.to_owned(), made, real, width })
}

fn is_bytes(values: &NpyValues) -> bool {
    matches!(values, NpyValues::U8(_))
}
