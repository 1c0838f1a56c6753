//! A weight that changes in the course of training.

use serde::{Deserialize, Serialize};

/// Epochs since training began, with their fraction.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Elapsed(pub f64);

impl Elapsed {
    /// So many that nothing changes any more.
    pub const ALL: Self = Self(f64::INFINITY);
}

/// A weight as a function of the epoch: one value, then a straight line to another.
///
/// In a recipe, a number stands for a weight that stays; a table `{ from, to, start, epochs }` for one that
/// moves. It counts epochs, not calls (E19).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Setting", into = "Setting")]
pub struct Ramp {
    /// Weight until [`Ramp::start`].
    pub from: f64,
    /// Weight from [`Ramp::start`] plus [`Ramp::epochs`] on.
    pub to: f64,
    /// Epoch at which it begins to change.
    pub start: f64,
    /// Epochs over which it changes.
    pub epochs: f64,
}

impl Ramp {
    /// A weight that stays.
    pub const fn constant(weight: f64) -> Self {
        Self { from: weight, to: weight, start: 0.0, epochs: 0.0 }
    }

    /// A weight that rises from zero over the first epochs.
    pub const fn rising(to: f64, epochs: f64) -> Self {
        Self { from: 0.0, to, start: 0.0, epochs }
    }

    /// The weight after so many epochs.
    pub fn at(self, Elapsed(epoch): Elapsed) -> f64 {
        let since = epoch - self.start;
        if since >= self.epochs {
            return self.to;
        }
        self.from + (self.to - self.from) * (since / self.epochs).max(0.0)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Setting {
    Constant(f64),
    Moving(Moving),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Moving {
    from: f64,
    to: f64,
    #[serde(default)]
    start: f64,
    epochs: f64,
}

impl From<Setting> for Ramp {
    fn from(setting: Setting) -> Self {
        match setting {
            Setting::Constant(weight) => Self::constant(weight),
            Setting::Moving(Moving { from, to, start, epochs }) => Self { from, to, start, epochs },
        }
    }
}

impl From<Ramp> for Setting {
    fn from(Ramp { from, to, start, epochs }: Ramp) -> Self {
        match from == to {
            true => Self::Constant(to),
            false => Self::Moving(Moving { from, to, start, epochs }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_moves_between_its_epochs_and_nowhere_else() {
        let ramp = Ramp { from: 1.0, to: 5.0, start: 2.0, epochs: 4.0 };
        for (epoch, weight) in [(0.0, 1.0), (2.0, 1.0), (3.0, 2.0), (6.0, 5.0), (60.0, 5.0)] {
            assert_eq!(ramp.at(Elapsed(epoch)), weight, "epoch {epoch}");
        }
        assert_eq!(ramp.at(Elapsed::ALL), 5.0);
        assert_eq!(Ramp::constant(3.0).at(Elapsed(0.0)), 3.0);
        assert_eq!(Ramp::rising(2.0, 0.0).at(Elapsed(0.0)), 2.0);
    }

    #[test]
    fn a_number_or_a_table_says_it() {
        let read = |text: &str| serde_json::from_str::<Ramp>(text);
        assert_eq!(read("5").unwrap(), Ramp::constant(5.0));
        let moving = r#"{"from":0.0,"to":5.0,"start":1.0,"epochs":10.0}"#;
        let ramp = read(moving).unwrap();
        assert_eq!(ramp, Ramp { from: 0.0, to: 5.0, start: 1.0, epochs: 10.0 });
        assert_eq!(serde_json::to_string(&ramp).unwrap(), moving);
        assert!(read(r#"{"from":0.0,"to":5.0,"steps":10}"#).is_err());
    }
}
