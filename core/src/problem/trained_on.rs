//! What a run was trained on: enough to say later what has changed.

use std::hash::Hasher as _;

use crate::data::{Examples, Values};
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

/// Numbers that are hashed together.
const PIECE: usize = 1 << 16;

/// The data of a run, as they were when it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainedOn {
    /// The file or folder, from the root.
    pub source: String,
    /// Examples in all.
    pub examples: usize,
    /// Shape of each.
    pub shape: Vec<usize>,
    /// Names of the classes, in label order.
    pub classes: Vec<String>,
    /// A hash (XXH3) of all values, labels and names of classes.
    pub digest: String,
}

impl TrainedOn {
    /// Looks at examples of one shape, split by split.
    pub fn of(source: String, splits: &[&Examples], classes: &[String]) -> Self {
        Self {
            source,
            examples: splits.iter().map(|examples| examples.len()).sum(),
            shape: splits.first().map_or_else(Vec::new, |examples| examples.shape.clone()),
            classes: classes.to_vec(),
            digest: digest(splits, classes),
        }
    }

    /// What is different about the data `now`, in words; `None` if they are the same, wherever they lie.
    pub fn difference(&self, now: &Self) -> Option<String> {
        if self.shape != now.shape {
            Some(format!("the shape was {:?} and is {:?} now", self.shape, now.shape))
        } else if self.classes != now.classes {
            let [then, now] = [self, now].map(|data| data.classes.join(", "));
            Some(format!("the classes were {then} and are {now} now"))
        } else if self.examples != now.examples {
            Some(format!("{} rows then, {} now", self.examples, now.examples))
        } else if self.digest != now.digest {
            Some(format!("{} rows as then, with other values or labels", now.examples))
        } else {
            None
        }
    }
}

/// A hash of examples and the names of their classes.
fn digest(splits: &[&Examples], classes: &[String]) -> String {
    let mut hash = XxHash3_64::new();
    for examples in splits {
        match &examples.values {
            Values::F32(numbers) => floats(&mut hash, numbers),
            Values::Counts(rows) => (0..rows.rows()).for_each(|row| {
                hash.write(&(row as u64).to_le_bytes());
                rows.row(row)
                    .for_each(|(column, count)| floats(&mut hash, &[column as f32, count]));
            }),
            Values::U8(bytes) => hash.write(bytes),
        }
        examples.labels.iter().for_each(|label| hash.write(&label.to_le_bytes()));
    }
    classes.iter().for_each(|class| hash.write(class.as_bytes()));
    format!("{:016x}", hash.finish())
}

fn floats(hash: &mut XxHash3_64, numbers: &[f32]) {
    for piece in numbers.chunks(PIECE) {
        hash.write(&piece.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: Vec<f32>, labels: Vec<i64>, classes: &[&str]) -> TrainedOn {
        let raw = Examples::new(Values::F32(values), vec![2], labels, "own").unwrap();
        let classes: Vec<String> = classes.iter().map(|&name| name.to_owned()).collect();
        TrainedOn::of("/data/own.csv".to_owned(), &[&raw], &classes)
    }

    #[test]
    fn whatever_changes_is_named() {
        let then = of(vec![1.0, 2.0, 3.0, 4.0], vec![0, 1], &["a", "b"]);
        let same = TrainedOn { source: "/elsewhere/own.csv".to_owned(), ..then.clone() };
        assert_eq!(then.difference(&same), None);
        let named = |now: TrainedOn, word: &str| {
            let said = then.difference(&now).unwrap();
            assert!(said.contains(word), "{said}");
        };
        named(TrainedOn { shape: vec![3], ..then.clone() }, "[2] and is [3]");
        named(of(vec![1.0, 2.0, 3.0, 4.0], vec![0, 1], &["a", "c"]), "are a, c now");
        named(of(vec![1.0, 2.0], vec![0], &["a", "b"]), "2 rows then, 1 now");
        named(of(vec![1.0, 2.0, 3.0, 4.5], vec![0, 1], &["a", "b"]), "other values");
        named(of(vec![1.0, 2.0, 3.0, 4.0], vec![1, 0], &["a", "b"]), "other values");
    }
}
