//! Hepmass: collisions that made a new particle against those that did not (UCI; Baldi et al. 2016).

use std::io::{BufRead, Read};

use ::csv::{ByteRecord, ReaderBuilder};
use flate2::bufread::MultiGzDecoder;

use crate::data::{Dataset, Examples, Values};
use crate::error::{Error, Result};

/// Events of each file that are read, the first ones: what svebm, section 4.3, and FlowGMM train and test on, of
/// millions.
pub const HEPMASS_EVENTS: usize = 140_000;

/// A feature whose smallest value occurs in more training events than this is discrete.
const MOST_REPEATS: usize = 5;

/// A file as it is read, gzip or not, and its name for messages.
pub type Source<'a> = (&'a mut dyn BufRead, &'a str);

/// Reads `1000_train.csv` and `1000_test.csv` (27 features) or `all_train.csv` and `all_test.csv` (the mass as a
/// 28th): the label in the first column, 1 for signal, and then the features, raw (see [`crate::data::Standardiser`]). Cells
/// beyond those, which the test file has, are not read. Only the first [`HEPMASS_EVENTS`] of each file are; the files
/// are read as a stream.
///
/// As FlowGMM's authors have it, discrete features are left out: those whose smallest value more than five training
/// events share.
///
/// # Errors
/// Rows with fewer cells, labels other than 0 and 1, a number that is not finite, events of one class alone, or a
/// damaged file.
pub fn parse_hepmass(train: Source<'_>, test: Source<'_>, features: usize) -> Result<Dataset> {
    let source_name = train.1.to_owned();
    let (train, test) = (events(train, features)?, events(test, features)?);
    let kept: Vec<usize> =
        (0..features).filter(|&feature| repeats(&train, feature) <= MOST_REPEATS).collect();
    if kept.is_empty() {
        let problem = format!("all {features} features repeat their smallest value");
        return Err(Error::data(&source_name, problem, "use the official file"));
    }
    let (train, test) = (keep(&train, &kept)?, keep(&test, &kept)?);
    if let Some(missing) = train.class_counts(2).iter().position(|&count| count == 0) {
        let problem = format!("the first {} events do not include class {missing}", train.len());
        return Err(Error::data(
            &source_name,
            problem,
            "use the official file, or shuffle the rows of this one",
        ));
    }
    let classes = ["background", "signal"].map(str::to_owned).to_vec();
    Dataset::new("hepmass", classes, train, test, &source_name)
}

fn events((reader, source_name): Source<'_>, features: usize) -> Result<Examples> {
    const REMEDY: &str = "expected the official file: the class, then the features; fetch it again";
    let refuse = |problem: String| Error::data(source_name, problem, REMEDY);
    let start = reader.fill_buf().map_err(|error| refuse(format!("cannot be read ({error})")))?;
    let packed = start.starts_with(&[0x1f, 0x8b]);
    let stream: Box<dyn Read + '_> =
        if packed { Box::new(MultiGzDecoder::new(reader)) } else { Box::new(reader) };
    let mut rows = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(stream);
    let (mut values, mut labels, mut record) = (Vec::new(), Vec::new(), ByteRecord::new());
    while labels.len() < HEPMASS_EVENTS
        && rows.read_byte_record(&mut record).map_err(|e| refuse(format!("damaged ({e})")))?
    {
        let line = record.position().map_or(0, ::csv::Position::line);
        let number = |cell: usize| {
            let text = std::str::from_utf8(record.get(cell)?).ok()?;
            text.trim().parse::<f32>().ok().filter(|value| value.is_finite())
        };
        let label = number(0);
        if label.is_none() && line == 1 {
            continue;
        }
        match label {
            Some(0.0) => labels.push(0),
            Some(1.0) => labels.push(1),
            _ => return Err(refuse(format!("line {line} does not begin with class 0 or 1"))),
        }
        for cell in 1..=features {
            let value = number(cell);
            values.push(value.ok_or_else(|| {
                refuse(format!(
                    "line {line}: cell {} of {} is not a number",
                    cell + 1,
                    features + 1
                ))
            })?);
        }
    }
    Examples::new(Values::F32(values), vec![features], labels, source_name)
}

/// How many events share the smallest value of a feature.
fn repeats(examples: &Examples, feature: usize) -> usize {
    let Values::F32(values) = &examples.values else { return 0 };
    let column = || values.iter().skip(feature).step_by(examples.features());
    let smallest = column().copied().fold(f32::INFINITY, f32::min);
    column().filter(|&&value| value == smallest).count()
}

fn keep(examples: &Examples, kept: &[usize]) -> Result<Examples> {
    let mut values = Vec::with_capacity(examples.len() * kept.len());
    for row in 0..examples.len() {
        let row = examples.gather(&[row]);
        values.extend(kept.iter().map(|&feature| row[feature]));
    }
    Examples::new(Values::F32(values), vec![kept.len()], examples.labels.clone(), "hepmass")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Three features, of which the second counts jets; `more` follows each row.
    fn file(events: usize, more: &str) -> String {
        let row = |event: usize| {
            let jets = 2 + event % 3;
            format!("{}.0e+00, {event}.5e-01,{jets}.0,-{event}.25{more}\n", event % 2)
        };
        format!("# label,f0,f1,f2\n{}", (0..events).map(row).collect::<String>())
    }

    fn parse(train: &[u8], test: &[u8]) -> Result<Dataset> {
        let (mut train, mut test) = (train, test);
        parse_hepmass((&mut train, "train"), (&mut test, "test"), 3)
    }

    #[test]
    fn discrete_features_and_cells_beyond_the_last_are_left_out() {
        let set = parse(file(40, "").as_bytes(), file(10, ",1000.0").as_bytes()).unwrap();
        assert_eq!((set.train.len(), set.test.len()), (40, 10));
        assert_eq!(set.train.shape, [2]);
        assert_eq!(set.train.gather(&[3]), [0.35, -3.25]);
        assert_eq!(set.test.gather(&[9]), [0.95, -9.25]);
        assert_eq!(set.train.class_counts(2), [20, 20]);
        // Few enough events, and nothing repeats often enough.
        assert_eq!(parse(file(9, "").as_bytes(), file(9, "").as_bytes()).unwrap().train.shape, [3]);
    }

    #[test]
    fn packed_files_are_the_same() {
        let pack = |text: String| {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(text.as_bytes()).unwrap();
            gzip.finish().unwrap()
        };
        let plain = parse(file(40, "").as_bytes(), file(10, "").as_bytes()).unwrap();
        let (train, test) = (pack(file(40, "")), pack(file(10, "")));
        assert_eq!(parse(&train, &test).unwrap(), plain);
        assert!(
            parse(&train[..train.len() / 2], &test).unwrap_err().to_string().contains("damaged")
        );
    }

    #[test]
    fn no_more_than_the_first_events_are_read() {
        let mut text = file(HEPMASS_EVENTS, "");
        text += "this is never reached\n";
        let set = parse(text.as_bytes(), file(10, "").as_bytes()).unwrap();
        assert_eq!(set.train.len(), HEPMASS_EVENTS);
    }

    #[test]
    fn broken_files_are_refused() {
        let message =
            |text: &str| parse(text.as_bytes(), file(10, "").as_bytes()).unwrap_err().to_string();
        assert!(message("").contains("no data"));
        assert!(message("h\n2,1,1,1\n").contains("line 2 does not begin with class 0 or 1"));
        assert!(message("h\nx,1,1,1\n").contains("line 2"));
        assert!(message("0,1,1\n").contains("line 1: cell 4 of 4 is not a number"));
        assert!(message("0,1,NaN,1\n").contains("cell 3"));
        assert!(message("0,1,2,3\n0,2,3,4\n").contains("do not include class 1"));
    }
}
