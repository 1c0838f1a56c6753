//! Wide rows as few numbers: pictures and wide tables as principal components, texts as those of their weighted words (latent semantic
//! analysis, Deerwester et al. 1990).

use gleaner_core::data::Examples;
use gleaner_core::data::schema::{Input, Schema};
use ndarray::{Array1, Array2, Axis, concatenate};
use serde::{Deserialize, Serialize};

use crate::classical::components::Components;
use crate::classical::moments::Moments;
use crate::data::rows::evenly;

/// Rows of more numbers are reduced.
const MOST_NUMBERS: usize = 100;

/// To so many.
const KEPT: usize = 64;

/// Numbers of the rows that components are fitted to, at most: 64 MiB.
const MOST_FITTED: usize = 1 << 23;

/// Rows that are reduced at once.
const BLOCK: usize = 512;

/// What becomes of wide rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reduction {
    weighing: Weighing,
    components: Components,
}

/// What is done with numbers before their components.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Weighing {
    /// Nothing: they share a unit.
    Pixels,
    /// Each has variance 1, a missing one is at the mean.
    Standardised(Moments),
    /// `log(1 + count)` times how rare the word is, as rows of length 1.
    Words {
        /// `log(rows / rows with the word) + 1`.
        rarity: Vec<f32>,
    },
}

impl Reduction {
    /// Fitted to some rows of examples as a model sees them; `None` of rows that are few numbers already.
    #[must_use]
    pub fn fit(schema: &Schema, examples: &Examples, rows: &[usize]) -> Option<Self> {
        let width = examples.features();
        let texts = matches!(schema.input, Input::Texts { .. });
        if width <= MOST_NUMBERS && !texts {
            return None;
        }
        let rows = evenly(rows, (MOST_FITTED / width.max(1)).max(1));
        let numbers = gathered(examples, &rows);
        let pixels = schema.shape().len() > 1;
        let weighing = match (texts, pixels) {
            (true, _) => Weighing::Words { rarity: rarity(&numbers) },
            (false, true) => Weighing::Pixels,
            (false, false) => Weighing::Standardised(Moments::of(&numbers)),
        };
        let components = Components::new(&weighing.weighed(numbers), KEPT);
        Some(Self { weighing, components })
    }

    /// Whether it is for examples of so many numbers.
    #[must_use]
    pub fn fits(&self, features: usize) -> bool {
        let weighed = match &self.weighing {
            Weighing::Pixels => true,
            Weighing::Standardised(moments) => moments.fits(features),
            Weighing::Words { rarity } => rarity.len() == features,
        };
        weighed && self.components.is_whole() && self.components.columns() == features
    }

    /// How many numbers it makes of a row.
    #[must_use]
    pub fn dims(&self) -> usize {
        self.components.dims()
    }

    /// Whether it is of texts: their components share a scale that says something, unlike those of columns.
    #[must_use]
    pub fn is_of_words(&self) -> bool {
        matches!(self.weighing, Weighing::Words { .. })
    }

    /// Some rows of examples, `[rows, components]`.
    #[must_use]
    pub fn apply(&self, examples: &Examples, rows: &[usize]) -> Array2<f64> {
        let block = |rows: &[usize]| {
            let components =
                self.components.apply(&self.weighing.weighed(gathered(examples, rows)));
            match self.is_of_words() {
                // Texts are as near as the angle between them is small.
                true => of_length_one(components),
                false => components,
            }
        };
        let blocks: Vec<Array2<f64>> = rows.chunks(BLOCK).map(block).collect();
        let views: Vec<_> = blocks.iter().map(Array2::view).collect();
        // Blocks are of one width, and there may be none.
        concatenate(Axis(0), &views).unwrap_or_else(|_| Array2::zeros((0, KEPT)))
    }
}

impl Weighing {
    fn weighed(&self, mut numbers: Array2<f64>) -> Array2<f64> {
        match self {
            Self::Pixels => numbers,
            Self::Standardised(moments) => {
                let mut scaled = moments.scaled(&numbers, |column| moments.sd[column]);
                scaled.mapv_inplace(|value| if value.is_nan() { 0.0 } else { value });
                scaled
            }
            Self::Words { rarity } => {
                let rarity: Array1<f64> = rarity.iter().copied().map(f64::from).collect();
                for mut row in numbers.rows_mut() {
                    row.zip_mut_with(&rarity, |count, rarity| *count = count.ln_1p() * rarity);
                }
                of_length_one(numbers)
            }
        }
    }
}

/// Rows of length 1; those of length 0 stay.
fn of_length_one(mut rows: Array2<f64>) -> Array2<f64> {
    for mut row in rows.rows_mut() {
        let length = row.dot(&row).sqrt();
        if length > 0.0 {
            row /= length;
        }
    }
    rows
}

/// Of each word, from counts `[rows, words]`.
fn rarity(counts: &Array2<f64>) -> Vec<f32> {
    let rows = counts.nrows() as f64;
    let with =
        |column: ndarray::ArrayView1<f64>| column.iter().filter(|&&count| count > 0.0).count();
    let of_word = |column| (((1.0 + rows) / (1.0 + with(column) as f64)).ln() + 1.0) as f32;
    counts.columns().into_iter().map(of_word).collect()
}

fn gathered(examples: &Examples, rows: &[usize]) -> Array2<f64> {
    let width = examples.features().max(1);
    let values = examples.gather(rows);
    Array2::from_shape_fn((rows.len(), width), |(row, column)| {
        f64::from(values[row * width + column])
    })
}

#[cfg(test)]
mod tests {
    use gleaner_core::data::Values;
    use gleaner_core::data::schema::Scaling;

    use super::*;

    fn schema(input: Input) -> Schema {
        let classes = vec!["a".into(), "b".into()];
        Schema { classes, label: None, input, scaling: Scaling::None }
    }

    fn examples(values: Vec<f32>, shape: Vec<usize>) -> Examples {
        let rows = values.len() / shape.iter().product::<usize>();
        Examples { values: Values::F32(values), shape, labels: vec![0; rows] }
    }

    fn distance(rows: &Array2<f64>, a: usize, b: usize) -> f64 {
        rows.row(a).iter().zip(rows.row(b)).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn few_numbers_stay_as_they_are() {
        let few = examples(vec![0.5; 300], vec![100]);
        assert!(Reduction::fit(&schema(Input::Array(vec![100])), &few, &[0, 1, 2]).is_none());
    }

    #[test]
    fn pictures_keep_their_distances() {
        let values: Vec<f32> = (0..20 * 144).map(|at| ((at * at) % 97) as f32 / 97.0).collect();
        let pictures = examples(values.clone(), vec![12, 12, 1]);
        let all: Vec<usize> = (0..20).collect();
        let of_pictures = schema(Input::Pictures([12, 12, 1]));
        let reduction = Reduction::fit(&of_pictures, &pictures, &all).unwrap();
        assert!(reduction.fits(144) && !reduction.fits(143));
        // Twenty pictures differ in nineteen directions, fewer than are kept.
        let reduced = reduction.apply(&pictures, &all);
        let raw =
            Array2::from_shape_fn((20, 144), |(row, column)| f64::from(values[row * 144 + column]));
        for (a, b) in [(0, 1), (3, 17), (8, 12)] {
            let (found, wanted) = (distance(&reduced, a, b), distance(&raw, a, b));
            assert!((found / wanted - 1.0).abs() < 1e-4, "{found} {wanted}");
        }
    }

    #[test]
    fn texts_are_as_near_as_the_angle_between_their_words() {
        // The same words twice as often, other words, and none.
        let counts = [[2, 1, 0, 0], [4, 2, 0, 0], [0, 0, 3, 1], [0, 1, 0, 2], [0, 0, 0, 0]];
        let values = counts.iter().flatten().map(|&count| count as f32).collect();
        let texts = examples(values, vec![4]);
        let words = ["a", "b", "c", "d"].map(String::from).to_vec();
        let of_texts = schema(Input::Texts { columns: Vec::new(), words });
        let all: Vec<usize> = (0..5).collect();
        let reduction = Reduction::fit(&of_texts, &texts, &all).unwrap();
        assert!(reduction.is_of_words());
        let reduced = reduction.apply(&texts, &all);
        for row in reduced.rows() {
            assert!((row.dot(&row).sqrt() - 1.0).abs() < 1e-9, "{row}");
        }
        assert!(distance(&reduced, 0, 1) < 0.2, "{reduced}");
        assert!(distance(&reduced, 0, 2) > 1.0, "{reduced}");
    }
}
