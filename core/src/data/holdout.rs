//! A test split for data that comes without one.

use super::{Copies, Examples};
use crate::error::{Error, Result};
use crate::noise::Noise;

/// Splits off test examples, class by class: `quota(n)` of a class of `n`, spread evenly over the
/// order of the file, so that the split is the same on every machine and in every run.
///
/// Example `j` of a class is a test example when `floor((j + 1) q / n) > floor(j q / n)`.
/// Unlabelled examples stay in the training split. Returns `(train, test)` in file order.
///
/// # Errors
/// Either split would be empty.
pub fn hold_out(
    examples: &Examples,
    quota: impl Fn(usize) -> usize,
    source_name: &str,
) -> Result<(Examples, Examples)> {
    let (train, test) = hold_out_rows(&examples.labels, &Copies::default(), quota, source_name)?;
    Ok((examples.select(&train), examples.select(&test)))
}

/// Row numbers of the same split. Labelled rows that are copies of each other count as one, and stay together.
///
/// # Errors
/// As [`hold_out`].
pub fn hold_out_rows(
    labels: &[i64],
    copies: &Copies,
    quota: impl Fn(usize) -> usize,
    source_name: &str,
) -> Result<(Vec<usize>, Vec<usize>)> {
    let leaders = copies.leaders(labels);
    let leads = |row: usize| leaders[row] == Some(row);
    let classes = labels.iter().max().map_or(0, |&last| (last + 1).max(0)) as usize;
    let mut counts = vec![0; classes];
    (0..labels.len()).filter(|&row| leads(row)).for_each(|row| counts[labels[row] as usize] += 1);
    let mut seen = vec![0; classes];
    let mut is_test = vec![false; labels.len()];
    for row in 0..labels.len() {
        let Some(leader) = leaders[row] else { continue };
        if leader < row {
            is_test[row] = is_test[leader];
            continue;
        }
        let class = labels[row] as usize;
        let (taken, count) = (quota(counts[class]).min(counts[class]), counts[class]);
        let before = seen[class] * taken / count;
        seen[class] += 1;
        is_test[row] = seen[class] * taken / count > before;
    }
    let (test, train): (Vec<usize>, Vec<usize>) = (0..labels.len()).partition(|&row| is_test[row]);
    if train.is_empty() || test.is_empty() {
        return Err(Error::data(
            source_name,
            format!(
                "{} labelled examples are too few to hold out a test split",
                seen.iter().sum::<usize>()
            ),
            "give at least five examples of a class, or a test split of your own",
        ));
    }
    Ok((train, test))
}

/// Row numbers without and with one of `of` parts of the labelled examples: `(train, test)` in file order. Every class is
/// spread over all parts, as evenly as it goes, and every part has as many examples as the others, give or take one.
/// Unlabelled examples stay in the training split. Labelled rows that are copies of each other count as one, and stay together. `noise`
/// decides who is in which part.
///
/// # Panics
/// `part` is not below `of`.
#[must_use]
pub fn without_part(
    labels: &[i64],
    copies: &Copies,
    part: usize,
    of: usize,
    noise: &Noise,
) -> (Vec<usize>, Vec<usize>) {
    assert!(part < of, "part {part} of {of}");
    let leaders = copies.leaders(labels);
    let mut order = noise.split("parts").permutation(labels.len());
    // Class by class, each in random order: dealt out one by one, as cards are.
    order.sort_by_key(|&row| labels[row]);
    let dealt = order.into_iter().filter(|&row| leaders[row] == Some(row));
    let mut is_test = vec![false; labels.len()];
    dealt.skip(part).step_by(of).for_each(|row| is_test[row] = true);
    (0..labels.len()).partition(|&row| !leaders[row].is_some_and(|leader| is_test[leader]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Values;

    fn numbered(labels: Vec<i64>) -> Examples {
        let values = (0..labels.len()).map(|row| row as f32).collect();
        Examples::new(Values::F32(values), vec![1], labels, "set").unwrap()
    }

    #[test]
    fn a_fifth_of_every_class_and_no_example_twice() {
        let labels: Vec<i64> =
            (0..103).map(|row| if row % 7 == 0 { -1 } else { row % 3 }).collect();
        let all = numbered(labels);
        let (train, test) = hold_out(&all, |count| count / 5, "set").unwrap();
        let fifths: Vec<usize> = all.class_counts(3).iter().map(|count| count / 5).collect();
        assert_eq!(test.class_counts(3), fifths);
        assert!(test.labels.iter().all(|&label| label >= 0));
        let rows = |set: &Examples| set.gather(&(0..set.len()).collect::<Vec<_>>());
        let mut both = [rows(&train), rows(&test)].concat();
        both.sort_by(f32::total_cmp);
        assert_eq!(both, (0..103).map(|row| row as f32).collect::<Vec<_>>());
    }

    #[test]
    fn the_split_is_spread_over_the_file() {
        let (_, test) = hold_out(&numbered(vec![0; 100]), |count| count / 5, "set").unwrap();
        assert_eq!(test.gather(&[0, 1, 19]), [4.0, 9.0, 99.0]);
    }

    #[test]
    fn parts_are_stratified_and_hold_every_label_once() {
        let labels: Vec<i64> =
            (0..103).map(|row| if row % 7 == 0 { -1 } else { row % 3 }).collect();
        let noise = Noise::new(3);
        let parts: Vec<_> =
            (0..5).map(|part| without_part(&labels, &Copies::default(), part, 5, &noise)).collect();
        let mut all: Vec<usize> = parts.iter().flat_map(|(_, test)| test.clone()).collect();
        all.sort_unstable();
        let labelled: Vec<usize> = (0..103).filter(|&row| labels[row] >= 0).collect();
        assert_eq!(all, labelled);
        for (train, test) in &parts {
            assert_eq!(train.len() + test.len(), 103);
            assert!(test.len().abs_diff(labelled.len() / 5) <= 1);
            for class in 0..3 {
                let count =
                    |rows: &[usize]| rows.iter().filter(|&&row| labels[row] == class).count();
                let whole = count(&labelled);
                assert!((whole / 5..=whole.div_ceil(5)).contains(&count(test)));
            }
        }
        assert_ne!(parts[0], without_part(&labels, &Copies::default(), 0, 5, &Noise::new(4)));
    }

    #[test]
    fn too_few_examples_are_refused() {
        let error =
            hold_out(&numbered(vec![0, 0, 1, 1, -1]), |count| count / 5, "tiny.csv").unwrap_err();
        assert!(error.to_string().contains("tiny.csv: 4 labelled examples are too few"), "{error}");
    }

    /// Ten of each row, in a random order.
    fn ten_times() -> (Vec<i64>, Copies) {
        let order = Noise::new(5).permutation(600);
        let values = order.iter().map(|&row| (row % 60) as f32).collect();
        let labels: Vec<i64> = order.iter().map(|&row| (row % 60 % 3) as i64).collect();
        let all = Examples::new(Values::F32(values), vec![1], labels.clone(), "set").unwrap();
        (labels, Copies::of(&all))
    }

    #[test]
    fn copies_stay_on_one_side_and_the_shares_are_kept() {
        let (mut labels, copies) = ten_times();
        // Some have lost their label.
        labels.iter_mut().step_by(11).for_each(|label| *label = -1);
        let share = |count: usize| count / 5;
        let held = hold_out_rows(&labels, &copies, share, "set").unwrap();
        let parts = (0..5).map(|part| without_part(&labels, &copies, part, 5, &Noise::new(1)));
        for (train, test) in std::iter::once(held).chain(parts) {
            let of = |rows: &[usize]| -> Vec<usize> {
                let labelled = rows.iter().filter(|&&row| labels[row] >= 0);
                labelled.map(|&row| copies.first(row)).collect()
            };
            let (train, test) = (of(&train), of(&test));
            assert!(train.iter().all(|row| !test.contains(row)));
            let share = test.len() as f64 / (train.len() + test.len()) as f64;
            assert!((share - 0.2).abs() < 0.03, "{share}");
        }
    }
}
