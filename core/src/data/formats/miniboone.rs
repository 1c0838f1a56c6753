//! MiniBooNE: electron neutrinos against muon neutrinos (UCI; Roe et al. 2005).

use super::bytes::content;
use crate::data::holdout::hold_out;
use crate::data::{Dataset, Examples, Values};
use crate::error::{Error, Result};

/// Columns of an event.
const COLUMNS: usize = 50;

/// What stands where a detector gave no value.
const MISSING: f32 = -999.0;

const REMEDY: &str = "use the official MiniBooNE_PID.txt: the numbers of signal and of background events, then a row of 50 \
                      numbers for each event, signal first";

/// Reads `MiniBooNE_PID.txt`, gzip or not: raw features (see [`crate::data::Standardiser`]) of background (0) and signal (1).
///
/// As FlowGMM's authors have it, both classes are cut to the size of the smaller one, in the order of the file, no
/// feature is left out, and a tenth of each class is the test split: here the one of [`hold_out`], there one at
/// random. The official file gives 65,700 training and 7,298 test events. One departure: a missing value takes the
/// mean of its column over the training events, where they let -999 stand, which alone would decide the variance
/// that the column is divided by.
///
/// # Errors
/// Counts or rows that are not what the format says, a number that is not finite, or too few events.
pub fn parse_miniboone(bytes: &[u8], source_name: &str) -> Result<Dataset> {
    let bytes = content(bytes, source_name)?;
    let refuse = |problem: String| Error::data(source_name, problem, REMEDY);
    let text = std::str::from_utf8(&bytes).map_err(|_| refuse("not a text file".to_owned()))?;
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default();
    let counts: Vec<usize> = head.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    let [signal, background] = counts[..] else {
        let start: String = head.chars().take(40).collect();
        return Err(refuse(format!("the first line is {start:?}, not two counts")));
    };
    let kept = signal.min(background);
    let (mut values, mut labels, mut event) = (Vec::new(), Vec::new(), 0);
    for (number, line) in lines.enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let is_signal = event < signal;
        let place = if is_signal { event } else { event - signal };
        event += 1;
        if place >= kept {
            continue;
        }
        let before = values.len();
        for cell in line.split_whitespace() {
            match cell.parse::<f32>().ok().filter(|value| value.is_finite()) {
                Some(value) => values.push(value),
                None => {
                    return Err(refuse(format!("line {}: {cell:?} is not a number", number + 2)));
                }
            }
        }
        if values.len() - before != COLUMNS {
            let found = values.len() - before;
            return Err(refuse(format!("line {} has {found} numbers, not 50", number + 2)));
        }
        labels.push(i64::from(is_signal));
    }
    if Some(event) != signal.checked_add(background) {
        return Err(refuse(format!(
            "{event} events, but the first line says {signal} + {background}"
        )));
    }
    let all = Examples::new(Values::F32(values), vec![COLUMNS], labels, source_name)?;
    let (train, test) = hold_out(&all, |count| count / 10, source_name)?;
    let means = means(&train);
    let [train, test] = [train, test].map(|split| impute(split, &means));
    let classes = ["background", "signal"].map(str::to_owned).to_vec();
    Dataset::new("miniboone", classes, train, test, source_name)
}

/// Mean of each column over the values that are there; 0 where none is.
fn means(train: &Examples) -> Vec<f32> {
    let mut sums = [(0f64, 0u32); COLUMNS];
    for row in 0..train.len() {
        for (sum, value) in sums.iter_mut().zip(train.gather(&[row])) {
            if value != MISSING {
                *sum = (sum.0 + f64::from(value), sum.1 + 1);
            }
        }
    }
    sums.iter().map(|&(sum, count)| (sum / f64::from(count.max(1))) as f32).collect()
}

fn impute(mut examples: Examples, means: &[f32]) -> Examples {
    if let Values::F32(values) = &mut examples.values {
        for row in values.chunks_exact_mut(COLUMNS) {
            for (value, mean) in row.iter_mut().zip(means) {
                if *value == MISSING {
                    *value = *mean;
                }
            }
        }
    }
    examples
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signal events have their number in every column, background events 1000 plus it.
    fn file(signal: usize, background: usize) -> String {
        let row = |value: usize| format!(" {}", format!(" {value}.0E+00").repeat(COLUMNS));
        let events = (0..signal).map(row).chain((0..background).map(|event| row(1000 + event)));
        format!("  {signal}  {background}\n{}\n", events.collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn classes_are_cut_to_the_size_of_the_smaller_one_and_a_tenth_is_held_out() {
        let set = parse_miniboone(file(20, 35).as_bytes(), "f").unwrap();
        assert_eq!(
            (set.train.class_counts(2), set.test.class_counts(2)),
            (vec![18; 2], vec![2; 2])
        );
        assert_eq!((set.train.shape.clone(), set.classes.len()), (vec![50], 2));
        // The ninth and the last of the ten of each class; background beyond the twentieth is left out.
        let first = |set: &Examples| -> Vec<f32> {
            (0..set.len()).map(|row| set.gather(&[row])[49]).collect()
        };
        assert_eq!(first(&set.test), [9.0, 19.0, 1009.0, 1019.0]);
        assert!(first(&set.train).iter().all(|&value| value < 1020.0));
        assert_eq!(set.test.labels, [1, 1, 0, 0]);
    }

    #[test]
    fn missing_values_take_the_mean_of_the_training_events() {
        // Two columns of event 0 (training) and event 9 (test) are missing.
        let text = file(10, 10);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for event in [1, 10] {
            lines[event] = format!("-999 -0.999E+03 {}", lines[event][14..].trim());
            lines[event] = lines[event].split_whitespace().take(50).collect::<Vec<_>>().join(" ");
        }
        let set = parse_miniboone(lines.join("\n").as_bytes(), "f").unwrap();
        // Signal events 1 to 8 and background events 1000 to 1008 are left in the first column.
        let mean = (36.0 + 9.0 * 1004.0) / 17.0;
        for values in [set.train.gather(&[0]), set.test.gather(&[0])] {
            assert!((values[0] - mean).abs() < 1e-3 && (values[1] - mean).abs() < 1e-3);
            assert!(values[2] < 10.0);
        }
    }

    #[test]
    fn broken_files_are_refused() {
        let message = |text: &str| parse_miniboone(text.as_bytes(), "f").unwrap_err().to_string();
        assert!(message("").contains("empty"));
        assert!(message("1,2\n").contains("not two counts"));
        assert!(
            message(&file(20, 20).replacen("20  20", "20  21", 1))
                .contains("but the first line says")
        );
        assert!(
            message(&file(20, 20).replacen("20  20", "20  19", 1))
                .contains("but the first line says")
        );
        assert!(message(&file(20, 20).replacen("3.0E+00", "x", 1)).contains("line 5: \"x\""));
        assert!(message(&file(20, 20).replacen("3.0E+00", "NaN", 1)).contains("\"NaN\""));
        assert!(message(&file(20, 20).replacen(" 3.0E+00", "", 1)).contains("has 49 numbers"));
        assert!(message(&file(2, 2)).contains("too few"));
    }
}
