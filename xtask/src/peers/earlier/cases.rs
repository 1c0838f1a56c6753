//! How many samples there are, and how many of them are chosen.

/// One of the problems that both programs get.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Case {
    pub samples: usize,
    /// Share of the samples to choose.
    pub fraction: f64,
}

/// Every number of samples with every share, from `--samples N,N,...` and `--fraction F,F,...`.
///
/// # Errors
/// When an option is unknown, or a number is not what it must be.
pub fn cases(options: &[String]) -> Result<Vec<Case>, String> {
    let mut samples = vec![10_000, 100_000, 1_000_000];
    let mut fractions = vec![0.01, 0.1];
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let value = options.next();
        match option.as_str() {
            "--samples" => samples = list(value, |&count| count >= 1_000).ok_or(SAMPLES)?,
            "--fraction" => {
                fractions = list(value, |share| (1e-3..=1.0).contains(share)).ok_or(FRACTION)?;
            }
            other => return Err(format!("coreset --before knows no {other:?} after --")),
        }
    }
    samples.sort_unstable();
    samples.dedup();
    let each = |&fraction: &f64| samples.iter().map(move |&samples| Case { samples, fraction });
    let mut cases: Vec<Case> = fractions.iter().flat_map(each).collect();
    // What takes longest comes last.
    cases.sort_by_key(|case| case.samples);
    Ok(cases)
}

const SAMPLES: &str = "--samples needs numbers with commas between them, 1000 or more each";
const FRACTION: &str = "--fraction needs shares with commas between them, from 0.001 to 1";

/// The numbers of a list with commas, if all of them are `good`.
fn list<T: std::str::FromStr>(text: Option<&String>, good: impl Fn(&T) -> bool) -> Option<Vec<T>> {
    let number = |word: &str| word.trim().parse().ok().filter(&good);
    text?.split(',').map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Vec<(usize, f64)>, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Ok(cases(&words)?.iter().map(|case| (case.samples, case.fraction)).collect())
    }

    #[test]
    fn every_number_goes_with_every_share_and_the_largest_comes_last() {
        let usual = parse("").unwrap();
        assert_eq!(usual.len(), 6);
        assert_eq!((usual[0], usual[5]), ((10_000, 0.01), (1_000_000, 0.1)));
        let few = parse("--fraction 0.1 --samples 20000,5000").unwrap();
        assert_eq!(few, [(5_000, 0.1), (20_000, 0.1)]);
    }

    #[test]
    fn what_is_no_list_of_numbers_is_refused() {
        for line in ["--samples", "--samples 10,x", "--samples 0", "--fraction 2", "--points 9"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
