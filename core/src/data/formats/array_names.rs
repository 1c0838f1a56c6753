//! Which arrays of an archive are examples and which are labels, by their names, or by the order of those without.

use crate::error::{Error, Result};

const X_WORDS: [&str; 7] = ["x", "images", "image", "data", "inputs", "input", "features"];
const Y_WORDS: [&str; 5] = ["y", "labels", "label", "targets", "target"];

/// Examples or labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    X,
    Y,
}

/// The part of a data set that an array belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Train,
    Validation,
    Test,
    Unlabelled,
}

/// What an array is by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Role {
    what: What,
    /// `None` for a name such as `x`, which says nothing of it.
    side: Option<Side>,
    /// Of several of the same role, the lowest is taken: `x` before `features`, which may be what a network made of it.
    rank: usize,
}

/// Names of the arrays that make a data set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) x: String,
    pub(super) y: Option<String>,
    pub(super) validation: Option<(String, String)>,
    pub(super) test: Option<(String, String)>,
    pub(super) unlabelled: Option<String>,
}

fn side(word: &str) -> Option<Side> {
    Some(match word {
        "train" | "training" => Side::Train,
        "val" | "valid" | "validation" | "dev" => Side::Validation,
        "test" | "testing" => Side::Test,
        "unlabelled" | "unlabeled" | "unsup" | "unsupervised" => Side::Unlabelled,
        _ => return None,
    })
}

fn what(word: &str) -> Option<(What, usize)> {
    let rank = |words: &[&str]| words.iter().position(|known| *known == word);
    let x = rank(&X_WORDS).map(|rank| (What::X, rank));
    x.or_else(|| rank(&Y_WORDS).map(|rank| (What::Y, rank)))
}

/// `x_train`, `train_images`, `Xtrain`, `y`, `unlabelled`, ...
fn role(name: &str) -> Option<Role> {
    let name = name.to_lowercase();
    let of =
        |word: &str, side: Option<Side>| what(word).map(|(what, rank)| Role { what, side, rank });
    let pair = |first: &str, second: &str| match (side(first), side(second)) {
        (None, Some(side)) => of(first, Some(side)),
        (Some(side), None) => of(second, Some(side)),
        _ => None,
    };
    if let Some((first, second)) = name.split_once(['_', '-', ' ', '.']) {
        return pair(first, second);
    }
    if side(&name) == Some(Side::Unlabelled) {
        return of("x", Some(Side::Unlabelled));
    }
    let joined = || name.split_at_checked(1).and_then(|(first, second)| pair(first, second));
    of(&name, None).or_else(joined)
}

/// The array of those names for which `x` or `y`, and the side, are as asked; the first of several.
fn find(names: &[String], what: What, side: Option<Side>) -> Option<String> {
    let fits = |name: &&String| {
        role(name).filter(|role| role.what == what && role.side == side).map(|role| role.rank)
    };
    let found = names.iter().filter_map(|name| fits(&name).map(|rank| (rank, name)));
    found.min().map(|(_, name)| name.clone())
}

/// The array of the labels, by its name; `None` if there is none.
pub(super) fn labels(names: &[String]) -> Option<String> {
    find(names, What::Y, None).or_else(|| find(names, What::Y, Some(Side::Train)))
}

/// Which arrays are what, by their names; `None` if none are examples to train on.
///
/// # Errors
/// A test or validation split of which examples or labels are missing.
pub(super) fn by_names(names: &[String], source_name: &str) -> Result<Option<Layout>> {
    let train = Some(Side::Train);
    let (x, y) = match (find(names, What::X, train), find(names, What::X, None)) {
        (Some(x), _) => (x, find(names, What::Y, train).or_else(|| find(names, What::Y, None))),
        (None, Some(x)) => (x, labels(names)),
        (None, None) => return Ok(None),
    };
    let pair = |side: Side, split: &str| {
        let [x, y] = [What::X, What::Y].map(|what| find(names, what, Some(side)));
        match (x, y) {
            (Some(x), Some(y)) => Ok(Some((x, y))),
            (None, None) => Ok(None),
            (Some(one), None) | (None, Some(one)) => {
                let missing = if role(&one).is_some_and(|role| role.what == What::X) {
                    "labels"
                } else {
                    "examples"
                };
                let problem = format!("{one} without the {missing} of the {split} split");
                let remedy = format!("save both x_{split} and y_{split}, or leave {one} out");
                Err(Error::data(source_name, problem, remedy))
            }
        }
    };
    let validation = pair(Side::Validation, "val")?;
    let test = pair(Side::Test, "test")?;
    let unlabelled = find(names, What::X, Some(Side::Unlabelled));
    Ok(Some(Layout { x, y, validation, test, unlabelled }))
}

/// Whether the names are those that `numpy.savez(x, y)` gives.
pub(super) fn are_numbered(names: &[String]) -> bool {
    let numbered =
        |name: &String| name.strip_prefix("arr_").is_some_and(|n| n.parse::<u8>().is_ok());
    !names.is_empty() && names.iter().all(numbered)
}

/// Which of `arr_0`, `arr_1`, ... are what, by their shapes, in the order of their numbers.
///
/// # Errors
/// It cannot be told.
pub(super) fn by_order(arrays: &[(String, Vec<usize>)], source_name: &str) -> Result<Layout> {
    // What has one value for each example; else what has fewer than the other: one-hot.
    let is_label = |at: usize| arrays[at].1.iter().skip(1).product::<usize>() == 1;
    let rows = |at: usize| arrays[at].1.first().copied();
    let each = |at: usize| arrays[at].1.iter().skip(1).map(|&dim| dim as f64).product::<f64>();
    let pairs = |x: usize, y: usize| {
        let smaller = arrays[y].1.len() == 2 && each(y) < each(x);
        rows(x) == rows(y) && !is_label(x) && (is_label(y) || smaller)
    };
    let name = |at: usize| arrays[at].0.clone();
    let two = |x, y| Layout { x: name(x), y: Some(name(y)), ..Layout::default() };
    let four =
        |x, y, x_test, y_test| Layout { test: Some((name(x_test), name(y_test))), ..two(x, y) };
    match arrays.len() {
        1 => return Ok(Layout { x: name(0), ..Layout::default() }),
        2 if pairs(0, 1) => return Ok(two(0, 1)),
        2 if pairs(1, 0) && is_label(0) => return Ok(two(1, 0)),
        4 if pairs(0, 1) && pairs(2, 3) => return Ok(four(0, 1, 2, 3)),
        4 if pairs(0, 2) && pairs(1, 3) => return Ok(four(0, 2, 1, 3)),
        _ => {}
    }
    let shapes: Vec<String> =
        arrays.iter().take(8).map(|(name, shape)| format!("{name} {shape:?}")).collect();
    let problem =
        format!("which arrays are examples and which labels cannot be told: {}", shapes.join(", "));
    Err(Error::data(source_name, problem, "save them by name: numpy.savez(path, x=..., y=...)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(names: &str) -> Option<Layout> {
        let names: Vec<String> = names.split(' ').map(str::to_owned).collect();
        by_names(&names, "f").unwrap()
    }

    fn flat(layout: Layout) -> String {
        let pair = |pair: Option<(String, String)>| pair.map(|(x, y)| [x, y]);
        let rest = [pair(layout.validation), pair(layout.test)].into_iter().flatten().flatten();
        let all = std::iter::once(layout.x).chain(layout.y).chain(rest).chain(layout.unlabelled);
        all.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn names_in_use_are_known_in_any_capitals() {
        for (names, expected) in [
            ("y x", "x y"),
            ("x y x_test y_test z", "x y x_test y_test"),
            (
                "X_test Y_test X_train Y_train X_valid Y_valid",
                "X_train Y_train X_valid Y_valid X_test Y_test",
            ),
            ("xtrain ytrain", "xtrain ytrain"),
            (
                "train_images val_images test_images train_labels val_labels test_labels",
                "train_images train_labels val_images val_labels test_images test_labels",
            ),
            ("data target target_names feature_names", "data target"),
            ("features labels", "features labels"),
            ("features logits x y", "x y"),
            ("x_train y x_unlabelled", "x_train y x_unlabelled"),
            ("x y unlabeled y_unlabeled", "x y unlabeled"),
            ("inputs", "inputs"),
        ] {
            assert_eq!(flat(layout(names).unwrap()), expected, "{names}");
        }
        assert_eq!(layout("a b test train x_train_mean"), None);
        let lone = by_names(&["x", "y", "X_test"].map(str::to_owned), "f").unwrap_err().to_string();
        assert!(lone.contains("X_test without the labels") && lone.contains("y_test"), "{lone}");
        let lone = by_names(&["x", "y_val"].map(str::to_owned), "f").unwrap_err().to_string();
        assert!(lone.contains("y_val without the examples"), "{lone}");
    }

    #[test]
    fn numbered_arrays_are_told_by_their_shapes() {
        let told = |shapes: &[&[usize]]| {
            let named = shapes.iter().enumerate().map(|(at, s)| (at.to_string(), s.to_vec()));
            by_order(&named.collect::<Vec<_>>(), "f").map(flat)
        };
        assert_eq!(told(&[&[9, 4], &[9]]).unwrap(), "0 1");
        assert_eq!(told(&[&[9, 1], &[9, 4]]).unwrap(), "1 0");
        assert_eq!(told(&[&[9, 4], &[9, 3]]).unwrap(), "0 1");
        assert_eq!(told(&[&[9, 4], &[9], &[5, 4], &[5]]).unwrap(), "0 1 2 3");
        assert_eq!(told(&[&[9, 4], &[5, 4], &[9], &[5]]).unwrap(), "0 2 1 3");
        assert_eq!(told(&[&[5, 4], &[5, 4], &[5], &[5]]).unwrap(), "0 2 1 3");
        assert_eq!(told(&[&[9, 4]]).unwrap(), "0");
        let unclear: [&[&[usize]]; 4] =
            [&[&[9, 4], &[5, 4]], &[&[9, 4], &[8]], &[&[9], &[9]], &[&[9], &[9], &[9]]];
        for unclear in unclear {
            assert!(told(unclear).unwrap_err().to_string().contains("cannot be told"));
        }
        let numbered = |names: &[&str]| {
            are_numbered(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>())
        };
        assert!(numbered(&["arr_0", "arr_1"]) && !numbered(&["arr_0", "arr_x"]) && !numbered(&[]));
    }
}
