//! Which training examples keep their labels, which are held out for validation, and which are the pool
//! of unlabelled examples. The test split is not touched here and cannot be: it is not an argument.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{Copies, Examples};
use crate::error::{Error, Result};
use crate::noise::Noise;

/// How a training set is divided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitConfig {
    /// Examples of each class that keep their label; all of them if absent.
    pub labels_per_class: Option<usize>,
    /// Share of each class that is held out for validation, in [0, 1).
    pub validation: f64,
    /// Whether labelled examples are in the unlabelled pool too (Maaloe et al. 2016 do this, Kingma et al.
    /// 2014 do not).
    pub labelled_in_pool: bool,
    /// Examples in the pool; all of them if absent.
    #[serde(default)]
    pub unlabelled: Option<usize>,
    /// Classes that have labels at all; every class if absent. The others are only met without, and nothing
    /// is validated on them.
    #[serde(default)]
    pub labelled_classes: Option<Vec<usize>>,
}

impl SplitConfig {
    fn has_labels(&self, class: usize) -> bool {
        self.labelled_classes.as_ref().is_none_or(|classes| classes.contains(&class))
    }
}

/// Row numbers into a training set, drawn at random by the seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Rows whose label is used, the same number of each class, classes interleaved.
    pub labelled: Vec<usize>,
    /// Rows whose label is not looked at, in the order of the file.
    pub unlabelled: Vec<usize>,
    /// Rows for choosing between models, class by class.
    pub validation: Vec<usize>,
}

impl Split {
    /// Draws a split of examples of which none is set aside for validation yet.
    ///
    /// # Errors
    /// As [`Split::draw_around`].
    pub fn draw(
        examples: &Examples,
        classes: usize,
        config: &SplitConfig,
        noise: &Noise,
    ) -> Result<Self> {
        Self::draw_around(&[], &Copies::default(), examples, classes, config, noise)
    }

    /// Draws a split around rows that are set aside for validation. If there are any, they alone validate; else
    /// the share of the configuration does. The validation rows and the order of the rest depend only on `noise`, so runs with
    /// more labels use a superset of the labels of runs with fewer.
    ///
    /// Rows with label -1 always go to the unlabelled pool. Labelled rows that are copies of each other validate together or not at
    /// all.
    ///
    /// # Errors
    /// If a class has fewer examples than labels are asked for, or nothing is left to train on.
    pub fn draw_around(
        set_aside: &[usize],
        copies: &Copies,
        examples: &Examples,
        classes: usize,
        config: &SplitConfig,
        noise: &Noise,
    ) -> Result<Self> {
        check(config, classes)?;
        let mut is_set_aside = vec![false; examples.len()];
        set_aside.iter().for_each(|&row| is_set_aside[row] = true);
        let mut by_class = shuffled_by_class(examples, classes, noise);
        by_class.iter_mut().for_each(|rows| rows.retain(|&row| !is_set_aside[row]));
        let mut class = 0..classes;
        by_class.retain(|_| class.next().is_some_and(|class| config.has_labels(class)));
        // Rows without a label cannot validate, and those set aside are not trained on.
        let mut validation: Vec<usize> =
            set_aside.iter().copied().filter(|&row| examples.labels[row] >= 0).collect();
        if set_aside.is_empty() {
            let held_out = held_out(&by_class, config.validation, copies);
            for rows in &mut by_class {
                validation
                    .extend(rows.extract_if(.., |row| held_out.contains(&copies.first(*row))));
            }
        }
        let labelled = draw_labelled(&by_class, config.labels_per_class)?;
        let mut keep = vec![true; examples.len()];
        let excluded = if config.labelled_in_pool { &[][..] } else { &labelled };
        for &row in validation.iter().chain(set_aside).chain(excluded) {
            keep[row] = false;
        }
        let mut unlabelled: Vec<usize> = (0..examples.len()).filter(|&row| keep[row]).collect();
        if let Some(count) = config.unlabelled {
            unlabelled = some_of(unlabelled, count, &labelled, config.labelled_in_pool, noise)?;
        }
        if labelled.is_empty() || unlabelled.is_empty() {
            return Err(Error::config(
                "data.labels-per-class",
                labelled.len(),
                "training needs labelled and unlabelled examples: use fewer labels, or put labelled \
                 examples in the pool with --set data.labelled-in-pool=true",
            ));
        }
        Ok(Self { labelled, unlabelled, validation })
    }
}

/// A share of each class: the first rows with all that are copies of them, by the first row like them.
fn held_out(by_class: &[Vec<usize>], share: f64, copies: &Copies) -> HashSet<usize> {
    let mut held = HashSet::new();
    for rows in by_class {
        let quota = (rows.len() as f64 * share).round() as usize;
        let mut alike = HashMap::<usize, usize>::new();
        rows.iter().for_each(|&row| *alike.entry(copies.first(row)).or_default() += 1);
        // Of another class, some may be held out already.
        let mut count: usize = held.iter().filter_map(|first| alike.get(first)).sum();
        for first in rows.iter().map(|&row| copies.first(row)) {
            if count < quota && held.insert(first) {
                count += alike[&first];
            }
        }
    }
    held
}

/// So many rows of the pool, among them those that are labelled if they belong there, in rising order.
fn some_of(
    pool: Vec<usize>,
    count: usize,
    labelled: &[usize],
    with_labelled: bool,
    noise: &Noise,
) -> Result<Vec<usize>> {
    let kept = if with_labelled { labelled } else { &[] };
    if count < kept.len().max(1) || count > pool.len() {
        let rule =
            format!("it must be from {} to {} for these examples", kept.len().max(1), pool.len());
        return Err(Error::config("data.unlabelled", count, rule));
    }
    let others: Vec<usize> = pool.into_iter().filter(|row| !kept.contains(row)).collect();
    let order = noise.split("pool").permutation(others.len());
    let drawn = order.into_iter().take(count - kept.len()).map(|i| others[i]);
    let mut rows: Vec<usize> = kept.iter().copied().chain(drawn).collect();
    rows.sort_unstable();
    Ok(rows)
}

fn check(config: &SplitConfig, classes: usize) -> Result<()> {
    if let Some(labelled) = &config.labelled_classes {
        let mut distinct = labelled.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let known = distinct.last().is_some_and(|&class| class < classes);
        if distinct.len() < labelled.len() || !known || !(2..classes).contains(&labelled.len()) {
            let rule = format!(
                "give at least two of the {classes} classes, counted from 0, each once and not all"
            );
            return Err(Error::config("data.labelled-classes", format!("{labelled:?}"), rule));
        }
    }
    if !(0.0..1.0).contains(&config.validation) {
        return Err(Error::config(
            "data.validation",
            config.validation,
            "it must be at least 0 and below 1",
        ));
    }
    if config.labels_per_class == Some(0) {
        return Err(Error::config(
            "data.labels-per-class",
            0,
            "at least one label per class is needed",
        ));
    }
    Ok(())
}

fn shuffled_by_class(examples: &Examples, classes: usize, noise: &Noise) -> Vec<Vec<usize>> {
    let mut by_class = vec![Vec::new(); classes];
    for row in noise.split("labels").permutation(examples.len()) {
        if let Ok(class) = usize::try_from(examples.labels[row]) {
            by_class[class].push(row);
        }
    }
    by_class
}

/// The first rows of each class, interleaved so that any stretch of them is balanced.
fn draw_labelled(by_class: &[Vec<usize>], per_class: Option<usize>) -> Result<Vec<usize>> {
    let fewest = by_class.iter().map(Vec::len).min().unwrap_or(0);
    let Some(wanted) = per_class else {
        let most = by_class.iter().map(Vec::len).max().unwrap_or(0);
        return Ok(interleave(by_class, most));
    };
    if wanted > fewest {
        return Err(Error::config(
            "data.labels-per-class",
            wanted,
            format!(
                "the smallest class has only {fewest} training examples left; use at most {fewest}, or --labels all"
            ),
        ));
    }
    Ok(interleave(by_class, wanted))
}

fn interleave(by_class: &[Vec<usize>], count: usize) -> Vec<usize> {
    (0..count).flat_map(|i| by_class.iter().filter_map(move |rows| rows.get(i).copied())).collect()
}

/// At most so many of some rows, taken evenly: examples often lie sorted by class.
pub fn evenly(rows: &[usize], most: usize) -> Vec<usize> {
    let count = most.min(rows.len());
    (0..count).map(|i| rows[i * rows.len() / count]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Values;

    fn examples() -> Examples {
        let labels = (0..100).map(|i| if i % 10 == 9 { -1 } else { i % 3 }).collect();
        Examples { values: Values::F32(vec![0.0; 100]), shape: vec![1], labels }
    }

    fn config(labels_per_class: usize) -> SplitConfig {
        SplitConfig {
            labels_per_class: Some(labels_per_class),
            validation: 0.2,
            labelled_in_pool: false,
            unlabelled: None,
            labelled_classes: None,
        }
    }

    #[test]
    fn labels_are_balanced_and_the_three_parts_are_disjoint() {
        let examples = examples();
        let split = Split::draw(&examples, 3, &config(4), &Noise::new(0)).unwrap();
        for class in 0..3 {
            let count = split.labelled.iter().filter(|&&r| examples.labels[r] == class).count();
            assert_eq!(count, 4);
        }
        let mut all = [&split.labelled[..], &split.unlabelled, &split.validation].concat();
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
        assert!(split.validation.iter().all(|&r| examples.labels[r] >= 0));
        assert_eq!(split.validation.len(), 18);
    }

    #[test]
    fn more_labels_are_a_superset() {
        let few = Split::draw(&examples(), 3, &config(2), &Noise::new(1)).unwrap();
        let many = Split::draw(&examples(), 3, &config(5), &Noise::new(1)).unwrap();
        assert_eq!(few.validation, many.validation);
        assert!(few.labelled.iter().all(|r| many.labelled.contains(r)));
    }

    #[test]
    fn rows_that_are_set_aside_alone_validate() {
        let examples = examples();
        let aside: Vec<usize> = (80..100).collect();
        let config = SplitConfig { labels_per_class: None, ..config(1) };
        let split =
            Split::draw_around(&aside, &Copies::default(), &examples, 3, &config, &Noise::new(0))
                .unwrap();
        let labelled =
            |rows: &[usize]| rows.iter().filter(|&&row| examples.labels[row] >= 0).count();
        assert_eq!((split.validation.len(), labelled(&split.validation)), (18, 18));
        assert_eq!(split.labelled.len(), labelled(&(0..80).collect::<Vec<_>>()));
        assert!(split.labelled.iter().chain(&split.unlabelled).all(|&row| row < 80));
    }

    #[test]
    fn the_pool_can_hold_the_labelled_examples() {
        let config = SplitConfig { labelled_in_pool: true, ..config(4) };
        let split = Split::draw(&examples(), 3, &config, &Noise::new(0)).unwrap();
        assert!(split.labelled.iter().all(|r| split.unlabelled.contains(r)));
        assert!(split.validation.iter().all(|r| !split.unlabelled.contains(r)));
    }

    #[test]
    fn a_smaller_pool_is_part_of_the_whole_one_and_keeps_the_labelled_examples() {
        let whole = SplitConfig { labelled_in_pool: true, ..config(4) };
        let some = SplitConfig { unlabelled: Some(20), ..whole.clone() };
        let draw = |config| Split::draw(&examples(), 3, config, &Noise::new(0)).unwrap();
        let (whole, some) = (draw(&whole), draw(&some));
        assert_eq!(some.unlabelled.len(), 20);
        assert_eq!((&some.labelled, &some.validation), (&whole.labelled, &whole.validation));
        assert!(some.unlabelled.iter().all(|row| whole.unlabelled.contains(row)));
        assert!(some.labelled.iter().all(|row| some.unlabelled.contains(row)));
        for count in [0, 11, 1000] {
            let config =
                SplitConfig { unlabelled: Some(count), labelled_in_pool: true, ..config(4) };
            let error = Split::draw(&examples(), 3, &config, &Noise::new(0)).unwrap_err();
            assert!(error.to_string().contains("data.unlabelled"), "{error}");
        }
    }

    #[test]
    fn classes_without_labels_are_met_unlabelled_and_never_validated_on() {
        let examples = examples();
        let config = SplitConfig { labelled_classes: Some(vec![0, 2]), ..config(4) };
        let split = Split::draw(&examples, 3, &config, &Noise::new(0)).unwrap();
        let class = |row: &usize| examples.labels[*row];
        assert_eq!(split.labelled.len(), 8);
        assert!(split.labelled.iter().chain(&split.validation).all(|row| class(row) != 1));
        assert_eq!(split.unlabelled.iter().filter(|row| class(row) == 1).count(), 30);
        let config = SplitConfig { labelled_classes: Some(vec![0, 3]), ..config };
        assert!(Split::draw(&examples, 3, &config, &Noise::new(0)).is_err());
    }

    #[test]
    fn seeds_draw_different_labels() {
        let draw = |seed| Split::draw(&examples(), 3, &config(4), &Noise::new(seed)).unwrap();
        assert_ne!(draw(0).labelled, draw(1).labelled);
        assert_eq!(draw(0), draw(0));
    }

    #[test]
    fn asking_for_more_labels_than_there_are_names_the_setting() {
        let error = Split::draw(&examples(), 3, &config(40), &Noise::new(0)).unwrap_err();
        assert!(error.to_string().contains("labels-per-class = 40"), "{error}");
    }

    #[test]
    fn copies_validate_together_or_not_at_all() {
        // Ten of each of sixty rows, one of three in two classes.
        let values = (0..600).map(|i| (i % 60) as f32).collect();
        let labels = (0..600).map(|i| if i % 3 == 0 { i / 60 % 2 } else { i % 2 }).collect();
        let examples = Examples { values: Values::F32(values), shape: vec![1], labels };
        let copies = Copies::of(&examples);
        let config = SplitConfig { labels_per_class: None, labelled_in_pool: true, ..config(1) };
        let draw = |copies: &Copies| {
            Split::draw_around(&[], copies, &examples, 2, &config, &Noise::new(0)).unwrap()
        };
        let split = draw(&copies);
        let met = |split: &Split| {
            let trained: HashSet<usize> =
                split.labelled.iter().map(|&row| copies.first(row)).collect();
            split.validation.iter().filter(|&&row| trained.contains(&copies.first(row))).count()
        };
        assert_eq!(met(&split), 0);
        assert!(met(&draw(&Copies::default())) > 0, "rows by themselves do stand on both sides");
        let share = split.validation.len() as f64 / 600.0;
        assert!((share - 0.2).abs() < 0.03, "{share}");
    }
}
