//! What was seen in a file of the user's own: said before training, and kept with the run.

use serde::{Deserialize, Serialize};

use super::features::{Kind, numbers, six_digits};
use super::table::{Cells, Column, MISSING};

/// Features that are listed one by one when a profile is printed.
const LISTED: usize = 20;

/// Words of a feature, and classes, that are listed.
const LISTED_WORDS: usize = 12;

/// What was seen in a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// The file or folder.
    pub source: String,
    /// How it was read.
    pub format: String,
    /// Examples in all splits.
    pub rows: usize,
    /// Examples of the splits that the file has, apart from the training split.
    pub splits: Splits,
    /// What the label is.
    pub label: LabelProfile,
    /// What the features are.
    pub features: Vec<FeatureProfile>,
    /// What is not used, and why.
    pub left_out: Vec<LeftOut>,
    /// What else was noticed, a sentence each.
    pub notes: Vec<String>,
    /// The likelihood that is used.
    pub likelihood: String,
    /// The scaling that is used.
    pub scaling: String,
    /// Tells whether the same examples with the same labels are there later; empty where nobody asked.
    #[serde(default)]
    pub fingerprint: String,
}

/// Examples of the splits that a file has of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Splits {
    /// Set aside for validation.
    pub validation: usize,
    /// Set aside for the test.
    pub test: usize,
}

/// What the label is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LabelProfile {
    /// Where it stands: a column, an array, folders.
    pub place: String,
    /// By which rule it was found, and how to choose another.
    pub rule: String,
    /// Classes in label order, with the number of examples of each to train on.
    pub classes: Vec<Counted>,
    /// Examples to train on without a label.
    pub unlabelled: usize,
}

/// A name, and how often it occurs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// A class or a word.
    pub name: String,
    /// How often.
    pub count: usize,
}

/// What a feature is, or features that are alike.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FeatureProfile {
    /// Its name; empty of features without one.
    pub name: String,
    /// Its kind: `measurement`, `whole number`, `yes/no`, `categorical`, `pixel`, `count`.
    pub kind: String,
    /// How many there are.
    pub count: usize,
    /// Smallest and largest value, of numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
    /// Words with their counts, the most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Counted>,
    /// Cells without a value.
    #[serde(default)]
    pub missing: usize,
}

/// Something that is not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

impl LeftOut {
    /// Something, and why.
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into() }
    }
}

impl FeatureProfile {
    /// Of a column.
    #[must_use]
    pub fn of(column: &Column, kind: &Kind) -> Self {
        let numbers = (!kind.is_binary()).then(|| numbers(&column.cells)).flatten();
        let words = match &column.cells {
            Cells::Words { codes, words } if kind.is_binary() => counted(codes, words),
            _ => Vec::new(),
        };
        let missing = match &numbers {
            Some(numbers) => numbers.iter().filter(|number| number.is_nan()).count(),
            None => column.cells.missing(),
        };
        let range = numbers.and_then(|numbers| range(&numbers));
        let name = column.name.clone();
        Self { name, kind: name_of(kind).into(), count: 1, range, words, missing }
    }
}

fn name_of(kind: &Kind) -> &'static str {
    match kind {
        Kind::Measurement => "measurement",
        Kind::WholeNumber => "whole number",
        Kind::YesNo { .. } => "yes/no",
        Kind::Words { .. } => "categorical",
        Kind::Pixel => "pixel",
    }
}

fn range(numbers: &[f64]) -> Option<[f64; 2]> {
    let fold = |start, pick: fn(f64, f64) -> f64| numbers.iter().copied().fold(start, pick);
    let [low, high] = [fold(f64::INFINITY, f64::min), fold(f64::NEG_INFINITY, f64::max)];
    (low <= high).then_some([low, high])
}

fn counted(codes: &[u32], words: &[String]) -> Vec<Counted> {
    let mut counts: Vec<Counted> =
        words.iter().map(|name| Counted { name: name.clone(), count: 0 }).collect();
    codes
        .iter()
        .filter(|&&code| code != MISSING)
        .for_each(|&code| counts[code as usize].count += 1);
    counts.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    counts
}

impl Profile {
    /// As lines to print.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{}: {}", self.source, self.format)];
        let labelled: usize = self.label.classes.iter().map(|class| class.count).sum();
        let train = labelled + self.label.unlabelled;
        let mut rows =
            format!("{train}: {labelled} labelled, {} unlabelled", self.label.unlabelled);
        let Splits { validation, test } = self.splits;
        for (count, split) in [(validation, "validation"), (test, "test")] {
            if count > 0 {
                rows += &format!("; and {count} in a {split} split");
            }
        }
        let mut say = |name: &str, text: String| lines.push(format!("  {name:10} {text}"));
        say("rows", rows);
        say(
            "label",
            [&self.label.place[..], &self.label.rule].join(", ").trim_end_matches(", ").to_owned(),
        );
        say("classes", listed(&self.label.classes));
        say("features", self.kinds());
        if (2..=LISTED).contains(&self.features.len())
            || self.features.iter().any(|f| f.missing > 0)
        {
            let width = self
                .features
                .iter()
                .take(LISTED)
                .map(|f| f.name.chars().count())
                .max()
                .unwrap_or(0);
            for feature in self.features.iter().take(LISTED) {
                say("", format!("{:width$}  {}", feature.name, feature.in_words()));
            }
            if self.features.len() > LISTED {
                say("", format!("and {} more", self.features.len() - LISTED));
            }
        }
        for LeftOut { what, why } in &self.left_out {
            say("left out", format!("{what}: {why}"));
        }
        self.notes.iter().for_each(|note| say("note", note.clone()));
        if !self.likelihood.is_empty() {
            say("likelihood", self.likelihood.clone());
            say("scaling", self.scaling.clone());
        }
        lines
    }

    /// How many features there are of each kind: `4 measurements, 2 whole numbers`.
    fn kinds(&self) -> String {
        let mut kinds: Vec<(&str, usize, Option<[f64; 2]>)> = Vec::new();
        for FeatureProfile { kind, count, range, .. } in &self.features {
            match kinds.iter_mut().find(|(known, ..)| known == kind) {
                // A range of all of them says nothing: they have different units.
                Some((_, sum, known)) => (*sum, *known) = (*sum + count, None),
                None => kinds.push((kind, *count, *range)),
            }
        }
        let said = |&(kind, count, range): &(&str, usize, Option<[f64; 2]>)| {
            let plural =
                if count == 1 || kind == "yes/no" || kind == "categorical" { "" } else { "s" };
            // Pictures have a shape for a name.
            let shape = match &self.features[..] {
                [FeatureProfile { name, .. }] if !name.is_empty() && count > 1 => {
                    format!(" ({name})")
                }
                _ => String::new(),
            };
            let named = format!("{count} {kind}{plural}{shape}");
            match range {
                Some([low, high]) if count > 1 => {
                    format!("{named} from {} to {}", short(low), short(high))
                }
                _ => named,
            }
        };
        kinds.iter().map(said).collect::<Vec<_>>().join(", ")
    }
}

impl FeatureProfile {
    fn in_words(&self) -> String {
        let mut text = self.kind.clone();
        if let Some([low, high]) = self.range.filter(|_| self.kind != "yes/no") {
            text += &format!(", {} to {}", short(low), short(high));
        }
        if !self.words.is_empty() {
            text += &format!(": {}", listed(&self.words));
        }
        if self.missing > 0 {
            text += &format!("; {} missing", self.missing);
        }
        text
    }
}

/// A whole number as it is, any other with six digits; `1.26e300` where there would be rows of zeros.
fn short(number: f64) -> String {
    if number != 0.0 && !(1e-5..1e15).contains(&number.abs()) {
        let six = format!("{number:.5e}");
        return match six.split_once('e').map(|(digits, power)| (digits.parse::<f64>(), power)) {
            Some((Ok(digits), power)) => format!("{digits}e{power}"),
            _ => six,
        };
    }
    if number.fract() == 0.0 { number.to_string() } else { six_digits(number) }
}

/// `setosa 50, versicolor 50, virginica 50`
fn listed(counted: &[Counted]) -> String {
    let shown =
        counted.iter().take(LISTED_WORDS).map(|Counted { name, count }| format!("{name} {count}"));
    let more = counted.len().saturating_sub(LISTED_WORDS);
    let more = (more > 0).then(|| format!("and {more} more"));
    shown.chain(more).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_however_large_or_small() {
        for (number, said) in [
            (1.26e300, "1.26e300"),
            (-1e45, "-1e45"),
            (1.234_567_89e-7, "1.23457e-7"),
            (999_999_999_999_999.0, "999999999999999"),
            (0.000_012_5, "0.0000125"),
            (0.0, "0"),
            (-3.5, "-3.5"),
        ] {
            assert_eq!(short(number), said);
        }
    }

    #[test]
    fn a_profile_says_what_was_seen() {
        let numbers =
            Column { name: "mass".into(), cells: Cells::Numbers(vec![3.5, f64::NAN, 4.5]) };
        let words = Column {
            name: "sex".into(),
            cells: Cells::of_words([Some("f"), Some("m"), Some("m")]),
        };
        let sex = Kind::YesNo { no: "f".into(), yes: "m".into() };
        let profile = Profile {
            source: "penguins.csv".into(),
            format: "CSV".into(),
            rows: 3,
            label: LabelProfile {
                place: "species".into(),
                rule: "the last column".into(),
                classes: vec![Counted { name: "a".into(), count: 2 }],
                unlabelled: 1,
            },
            features: vec![
                FeatureProfile::of(&numbers, &Kind::Measurement),
                FeatureProfile::of(&words, &sex),
            ],
            left_out: vec![LeftOut::new("id", "it counts")],
            ..Profile::default()
        };
        let said = profile.lines().join("\n");
        for part in [
            "3: 2 labelled, 1 unlabelled",
            "species, the last column",
            "1 measurement, 1 yes/no",
            "measurement, 3.5 to 4.5; 1 missing",
            "yes/no: m 2, f 1",
            "id: it counts",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        let written = serde_json::to_string(&profile).unwrap();
        assert_eq!(serde_json::from_str::<Profile>(&written).unwrap(), profile);
    }
}
