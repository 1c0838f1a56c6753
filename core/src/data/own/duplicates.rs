//! Rows of a file of the user's own that stand there more than once.

use super::{OwnData, OwnRows};
use crate::data::Copies;

/// A class with fewer different rows than this cannot be divided by them.
const FEWEST: usize = 10;

impl OwnData {
    /// Looks for labelled rows that are copies of others, says how many there are, and has them stay on one side of every split that
    /// is made. Rows that are alike in most columns that there are, such as answers to three questions, are no copies.
    #[must_use]
    pub fn with_copies(mut self) -> Self {
        let copies = Copies::of(&self.raw);
        let leaders = copies.leaders(&self.raw.labels);
        let labelled = leaders.iter().flatten().count();
        let of_others: Vec<(usize, usize)> = leaders
            .iter()
            .enumerate()
            .filter_map(|(row, leader)| Some((row, (*leader)?)))
            .filter(|(row, leader)| row != leader)
            .collect();
        if of_others.is_empty() {
            return self;
        }
        let labels = &self.raw.labels;
        let count = of_others.len();
        let divided = self.can_be_divided(&leaders);
        let have = if count == 1 { "has" } else { "have" };
        let mut note =
            format!("{count} of {labelled} labelled rows {have} the same features as another row");
        note += match divided {
            true => ": copies stay on one side of every split",
            false => {
                ", and some class has too few different ones to keep them apart: the same rows are trained on and tested on"
            }
        };
        let contradicting = of_others.iter().filter(|(row, other)| labels[*row] != labels[*other]);
        match contradicting.count() {
            0 => {}
            1 => note += "; one of them has another label",
            others => note += &format!("; {others} of them have another label"),
        }
        self.profile.notes.push(note);
        self.profile.notes.extend(met_again(&self.rows, &leaders));
        if divided {
            self.copies = copies;
        }
        self
    }

    fn can_be_divided(&self, leaders: &[Option<usize>]) -> bool {
        let classes = self.schema.classes.len();
        let (mut rows, mut different) = (vec![0; classes], vec![0; classes]);
        for (row, leader) in leaders.iter().enumerate() {
            if let Some(leader) = leader {
                let class = self.raw.labels[row] as usize;
                rows[class] += 1;
                different[class] += usize::from(row == *leader);
            }
        }
        rows.iter().zip(&different).all(|(&rows, &different)| different >= rows.min(FEWEST))
    }
}

/// What there is to say of splits that the file itself has: they stay as they are.
fn met_again(rows: &OwnRows, leaders: &[Option<usize>]) -> Vec<String> {
    let mut trained = vec![false; leaders.len()];
    rows.train.iter().filter_map(|&row| leaders[row]).for_each(|leader| trained[leader] = true);
    let test = rows.test.as_deref().unwrap_or_default();
    let splits = [("validation", &rows.validation[..]), ("test", test)];
    let said = |(split, rows): (&str, &[usize])| {
        let met = rows.iter().filter(|&&row| leaders[row].is_some_and(|leader| trained[leader]));
        match met.count() {
            0 => None,
            count => Some(format!(
                "{count} of {} {split} rows are among the training rows, too: what is measured on them is memory; take them out of one",
                rows.len()
            )),
        }
    };
    splits.into_iter().filter_map(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::own::Nature;
    use crate::data::profile::Profile;
    use crate::data::schema::{Input, Scaling, Schema};
    use crate::data::{Examples, Values};

    fn own(values: Vec<f32>, labels: Vec<i64>, rows: OwnRows) -> OwnData {
        let raw = Examples { values: Values::F32(values), shape: vec![1], labels };
        let schema = Schema {
            classes: vec!["a".into(), "b".into()],
            label: None,
            input: Input::Array(vec![1]),
            scaling: Scaling::None,
        };
        OwnData::new("own", raw, rows, schema, Nature::Numbers, Profile::default()).with_copies()
    }

    fn all(count: usize) -> OwnRows {
        OwnRows { train: (0..count).collect(), ..OwnRows::default() }
    }

    #[test]
    fn copies_are_counted_and_kept_together() {
        let values = (0..100).map(|row| (row % 50) as f32).collect();
        let data = own(values, (0..100).map(|row| i64::from(row % 50 >= 25)).collect(), all(100));
        assert_eq!(
            data.profile.notes,
            [
                "50 of 100 labelled rows have the same features as another row: copies stay on one side of every split"
            ]
        );
        assert_eq!(data.copies.first(77), 27);
    }

    #[test]
    fn labels_that_contradict_each_other_are_counted() {
        let values = (0..100).map(|row| (row % 50) as f32).collect();
        let data = own(values, (0..100).map(|row| i64::from(row >= 40)).collect(), all(100));
        assert!(
            data.profile.notes[0].ends_with("; 40 of them have another label"),
            "{:?}",
            data.profile.notes
        );
    }

    #[test]
    fn answers_to_a_question_are_no_copies() {
        let data = own(
            (0..100).map(|row| (row % 4) as f32).collect(),
            (0..100).map(|row| row % 2).collect(),
            all(100),
        );
        assert!(
            data.profile.notes[0].contains("too few different ones"),
            "{:?}",
            data.profile.notes
        );
        assert_eq!(data.copies, Copies::default());
    }

    #[test]
    fn a_test_row_that_was_trained_on_is_said() {
        let rows = OwnRows {
            train: (0..80).collect(),
            validation: Vec::new(),
            test: Some((80..100).collect()),
        };
        let values =
            (0..100).map(|row| if row < 95 { row as f32 } else { (row - 90) as f32 }).collect();
        let data = own(values, (0..100).map(|row| row % 2).collect(), rows);
        assert!(
            data.profile.notes[1].starts_with("5 of 20 test rows are among"),
            "{:?}",
            data.profile.notes
        );
        let none = own((0..100).map(|row| row as f32).collect(), vec![0; 100], all(100));
        assert!(none.profile.notes.is_empty());
    }
}
