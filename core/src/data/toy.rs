//! Points in the plane that are easy to see through: what models of a few labels are shown on.

use std::f32::consts::{PI, TAU};
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::noise::Noise;

/// Width of a blob, in units of the noise.
const BLOB: f32 = 2.5;

/// Turns of a spiral from its inner to its outer end.
const TURNS: f32 = 0.75;

/// Radius of the inner circle; that of the outer one is 1.
const INNER: f32 = 0.5;

/// How far the two bananas lie apart.
const APART: f32 = 0.9;

/// A set of points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toy {
    /// Two half circles that reach into each other, as in scikit-learn's `make_moons`.
    TwoMoons,
    /// A circle within another.
    Circles,
    /// Three round clouds.
    Blobs,
    /// Three arms of a spiral.
    Spirals,
    /// Two crescents, one above the other.
    Banana,
}

impl FromStr for Toy {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|toy| toy.name() == name);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::config("kind", name, format!("choose one of {names}"))
        })
    }
}

/// Points and the classes that they were made for.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    /// `[points, 2]`, row-major.
    pub x: Vec<f32>,
    /// `[points]`.
    pub y: Vec<i64>,
}

impl Toy {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::TwoMoons, Self::Circles, Self::Blobs, Self::Spirals, Self::Banana];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::TwoMoons => "two-moons",
            Self::Circles => "circles",
            Self::Blobs => "blobs",
            Self::Spirals => "spirals",
            Self::Banana => "banana",
        }
    }

    /// Number of classes.
    pub fn classes(self) -> usize {
        match self {
            Self::TwoMoons | Self::Circles | Self::Banana => 2,
            Self::Blobs | Self::Spirals => 3,
        }
    }

    /// Draws `count` points, the classes in turn. Each lies at a random place of its class's curve, and `spread` is the standard
    /// deviation of its distance from there.
    pub fn draw(self, count: usize, spread: f32, noise: &Noise) -> Points {
        let places = noise.split("places").uniform(count);
        let off = noise.split("off").normal(2 * count);
        let width = if self == Self::Blobs { BLOB * spread } else { spread };
        let mut points = Points { x: Vec::with_capacity(2 * count), y: Vec::with_capacity(count) };
        for (number, (place, off)) in places.into_iter().zip(off.chunks_exact(2)).enumerate() {
            let class = number % self.classes();
            let [x, y] = self.curve(class as f32, place);
            points.x.extend([x + width * off[0], y + width * off[1]]);
            points.y.push(class as i64);
        }
        points
    }

    /// The place of a class's curve at `t`, from 0 to 1.
    fn curve(self, class: f32, t: f32) -> [f32; 2] {
        match self {
            Self::TwoMoons if class == 0.0 => [(PI * t).cos(), (PI * t).sin()],
            Self::TwoMoons => [1.0 - (PI * t).cos(), 0.5 - (PI * t).sin()],
            Self::Circles => {
                let radius = if class == 0.0 { 1.0 } else { INNER };
                [radius * (TAU * t).cos(), radius * (TAU * t).sin()]
            }
            Self::Blobs => {
                let angle = PI / 2.0 + TAU * class / 3.0;
                [angle.cos(), angle.sin()]
            }
            Self::Spirals => {
                let (radius, angle) = (0.15 + 0.85 * t, TAU * (class / 3.0 + TURNS * t));
                [radius * angle.cos(), radius * angle.sin()]
            }
            Self::Banana => {
                let x = 3.0 * t - 1.5;
                [x, 0.5 * x * x + APART * class - 1.0]
            }
        }
    }
}

impl Points {
    /// The classes with all but `labels` of them hidden as -1: those that stay are drawn at random, as many of each class as can be.
    ///
    /// # Errors
    /// If there are fewer labels than classes, or more than points.
    pub fn given(&self, labels: usize, classes: usize, noise: &Noise) -> Result<Vec<i64>> {
        if labels < classes || labels > self.y.len() {
            let rule = format!(
                "give at least one label of each of the {classes} classes, and at most {}",
                self.y.len()
            );
            return Err(Error::config("labels", labels, rule));
        }
        let mut given = vec![-1; self.y.len()];
        let mut left = vec![0; classes];
        (0..labels).for_each(|label| left[label % classes] += 1);
        for row in noise.split("labels").permutation(self.y.len()) {
            let class = self.y[row];
            if left[class as usize] > 0 {
                left[class as usize] -= 1;
                given[row] = class;
            }
        }
        Ok(given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance([a, b]: [f32; 2], [c, d]: [f32; 2]) -> f32 {
        (a - c).hypot(b - d)
    }

    #[test]
    fn without_spread_points_lie_on_the_curve_of_their_class_alone() {
        for toy in Toy::ALL {
            let Points { x, y } = toy.draw(300, 0.0, &Noise::new(1));
            let curve =
                |class: usize| (0..=1000).map(move |i| toy.curve(class as f32, i as f32 / 1000.0));
            for (point, &class) in x.chunks_exact(2).zip(&y) {
                let near = |class: usize| {
                    curve(class)
                        .map(|at| distance(at, [point[0], point[1]]))
                        .fold(f32::INFINITY, f32::min)
                };
                assert!(near(class as usize) < 0.01, "{toy:?}: {point:?} is not of class {class}");
                let others = (0..toy.classes()).filter(|&other| other != class as usize);
                others.for_each(|other| {
                    assert!(near(other) > 0.15, "{toy:?}: {point:?} is of class {other}, too");
                });
            }
        }
    }

    #[test]
    fn the_spread_is_a_standard_deviation_and_classes_are_even() {
        let Points { x, y } = Toy::Blobs.draw(9000, 0.1, &Noise::new(2));
        assert_eq!([0, 1, 2].map(|class| y.iter().filter(|&&y| y == class).count()), [3000; 3]);
        let of_first: Vec<f32> =
            x.chunks_exact(2).zip(&y).filter(|(_, y)| **y == 0).map(|(x, _)| x[0]).collect();
        let square = of_first.iter().map(|x| x * x).sum::<f32>() / of_first.len() as f32;
        assert!((square.sqrt() - 0.25).abs() < 0.01, "{}", square.sqrt());
    }

    #[test]
    fn labels_are_shared_among_the_classes_and_true() {
        let points = Toy::Spirals.draw(90, 0.1, &Noise::new(3));
        let given = points.given(7, 3, &Noise::new(3)).unwrap();
        assert_eq!([0, 1, 2].map(|class| given.iter().filter(|&&y| y == class).count()), [3, 2, 2]);
        assert!(given.iter().zip(&points.y).all(|(given, y)| *given == -1 || given == y));
        assert_ne!(given, points.given(7, 3, &Noise::new(4)).unwrap());
        for labels in [2, 91] {
            let error = points.given(labels, 3, &Noise::new(3)).unwrap_err().to_string();
            assert!(error.contains("each of the 3 classes"), "{error}");
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        assert!(Toy::ALL.iter().all(|toy| toy.name().parse::<Toy>().unwrap() == *toy));
        assert!("moons".parse::<Toy>().unwrap_err().to_string().contains("two-moons, circles"));
    }
}
