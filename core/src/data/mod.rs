//! Data sets: bytes to examples, splits, batches.
//!
//! [`formats`] turn bytes into examples, [`texts`](TextDataset) become counts of words, and the files beside them
//! decide which examples a step sees. From the bottom up: `sparse`, `examples`, `holdout`, `standardise`, `split`,
//! `batch`, `part`, `texts`, `formats`.

mod batch;
mod examples;
pub mod formats;
pub mod holdout;
mod part;
mod sparse;
mod split;
pub mod standardise;
mod texts;

pub use batch::{AugmentedSet, Batches, Binarise, Labelled, SemiBatch, Weighted, one_hot};
pub use examples::{Dataset, Examples, Values};
pub use part::Part;
pub use sparse::SparseRows;
pub use split::{Split, SplitConfig};
pub use standardise::Standardiser;
pub use texts::{TextDataset, Texts, Vocabulary, words};
