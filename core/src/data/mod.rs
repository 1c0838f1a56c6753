//! Data sets: parsed from bytes, split, batched.

mod batch;
mod split;

pub use batch::{Batches, Binarise, Labelled, SemiBatch, one_hot};
pub use split::{Split, SplitConfig};

/// Values of many examples.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Pixel bytes, read as `v / 255`.
    U8(Vec<u8>),
    /// Real values.
    F32(Vec<f32>),
}

/// Examples with their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Examples {
    /// The values, row-major.
    pub values: Values,
    /// Shape of one example.
    pub shape: Vec<usize>,
    /// Class of each example, -1 if unknown.
    pub labels: Vec<i64>,
}

impl Examples {
    /// Number of examples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Values in one example.
    pub fn features(&self) -> usize {
        self.shape.iter().product()
    }

    /// The chosen rows, `[indices, features]`.
    pub fn gather(&self, indices: &[usize]) -> Vec<f32> {
        let f = self.features();
        let mut out = Vec::with_capacity(indices.len() * f);
        for &i in indices {
            match &self.values {
                Values::U8(v) => {
                    out.extend(v[i * f..(i + 1) * f].iter().map(|&b| f32::from(b) / 255.0))
                }
                Values::F32(v) => out.extend_from_slice(&v[i * f..(i + 1) * f]),
            }
        }
        out
    }
}

/// A data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Name.
    pub name: String,
    /// Class names.
    pub classes: Vec<String>,
    /// Training split.
    pub train: Examples,
    /// Test split.
    pub test: Examples,
}
