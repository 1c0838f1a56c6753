//! What samples are compared by: one file for each space, behind one trait.

mod embedding;
mod gradient;
mod last_layer;
mod rows;
#[cfg(test)]
mod testing;

use serde::{Deserialize, Serialize};

pub(super) use embedding::Embedding;
pub(super) use gradient::Gradient;
pub(super) use last_layer::LastLayer;
pub use rows::Rows;

use super::plane::Plane;
use super::points::Points;
use crate::error::{Error, Result};

/// Coordinates of all points of a class at most: 2 GiB.
const MOST_COORDINATES: usize = 1 << 29;

/// By what samples are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Space {
    /// The gradient by the logits, `p - e_y` (E23).
    #[default]
    Gradient,
    /// The gradient by the weights of the last layer, `(p - e_y) h^T` (E55). It needs `h`, the last hidden layer.
    LastLayer,
    /// Any numbers of a sample, by their Euclidean distance.
    Embedding,
    /// The same by direction alone: numbers of length 1, whose squared distance is `2 - 2 cos`.
    Cosine,
    /// The latent variables of the generator.
    Latent,
}

impl Space {
    /// Whether it needs an array with a row for each sample.
    #[must_use]
    pub fn needs_rows(self) -> bool {
        self != Self::Gradient
    }
}

/// How many coordinates a sample has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dims {
    /// Of a point.
    Point(usize),
    /// Of two vectors, whose product it is.
    Product([usize; 2]),
}

/// A space with samples in it, whose coordinates are computed when they are asked for.
pub(super) trait Compared {
    /// How many coordinates a sample has.
    fn dims(&self) -> Dims;

    /// Writes the coordinates of a sample: of a product, those of both vectors.
    fn write(&self, row: usize, out: &mut [f64]);

    /// The samples `rows` as points.
    ///
    /// # Errors
    /// Coordinates that are not finite, or more than memory should be filled with.
    fn points(&self, rows: &[usize]) -> Result<Points> {
        let dims = match self.dims() {
            Dims::Point(dims) => dims,
            Dims::Product([a, b]) => a + b,
        };
        if rows.len().saturating_mul(dims) > MOST_COORDINATES {
            let problem = format!(
                "{} samples of a class are too many for these; choose from parts of them, then among what was chosen",
                rows.len()
            );
            return Err(Error::config("features", format!("{dims} coordinates"), problem));
        }
        let write = |point: usize, out: &mut [f64]| self.write(rows[point], out);
        match self.dims() {
            Dims::Point(dims) => Points::new(rows.len(), dims, write),
            Dims::Product(dims) => Points::products(rows.len(), dims, write),
        }
    }

    /// The samples `rows` on a plane. Products are multiplied out.
    fn plane(&self, rows: &[usize]) -> Plane {
        let (dims, of_product) = match self.dims() {
            Dims::Point(dims) => (dims, None),
            Dims::Product([a, b]) => (a * b, Some([a, b])),
        };
        let mut values = vec![0.0; rows.len() * dims];
        for (&row, out) in rows.iter().zip(values.chunks_exact_mut(dims)) {
            match of_product {
                None => self.write(row, out),
                Some([a, b]) => {
                    let mut vectors = vec![0.0; a + b];
                    self.write(row, &mut vectors);
                    let (first, second) = vectors.split_at(a);
                    for (out, x) in out.chunks_exact_mut(b).zip(first) {
                        out.iter_mut().zip(second).for_each(|(out, y)| *out = x * y);
                    }
                }
            }
        }
        Plane::of(&values, dims)
    }
}
