//! Data sets: bytes to examples, splits, batches.
//!
//! [`formats`] turn bytes into examples, [`texts`](TextDataset) become counts of words, and the files beside them
//! decide which examples a step sees. From the bottom up: `sparse`, `examples`, `copies`, `holdout`, `standardise`, `split`,
//! `batch`, `part`, `texts`, `formats`.

mod batch;
mod copies;
mod examples;
pub mod features;
pub mod formats;
pub mod holdout;
pub mod labels;
pub mod origin;
pub mod own;
mod part;
pub mod profile;
mod resident;
pub mod rows;
pub mod schema;
mod sparse;
mod split;
pub mod standardise;
pub mod table;
mod texts;
pub mod toy;
pub mod transform;

pub use batch::{AugmentedSet, Batches, Binarise, Labelled, SemiBatch, Weighted, one_hot};
pub use copies::Copies;
pub use examples::{Dataset, Examples, Values};
pub use part::Part;
pub use resident::Resident;
pub use sparse::SparseRows;
pub use split::{Split, SplitConfig, evenly};
pub use standardise::Standardiser;
pub use texts::{TextDataset, Texts, Vocabulary, words};
