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
        weighed && self.components.columns() == features
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
