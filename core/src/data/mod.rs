//! Data sets: bytes to examples, splits, batches.
//!
//! Every parser takes the bytes of a file and the name to use in messages, so the same code reads
//! a file on a desk and a file dropped on a page. A header is never believed before the bytes that
//! it promises have been seen: a lying count ends in a message, not in a huge allocation.

pub mod ag_news;
mod batch;
mod bytes;
pub mod cifar;
pub mod csv;
pub mod digits;
mod examples;
#[cfg(test)]
mod fuzz;
pub mod hepmass;
pub mod holdout;
pub mod idx;
pub mod mat;
pub mod miniboone;
pub mod mosaic;
pub mod npy;
mod npy_rows;
pub mod npz;
mod part;
pub mod picture;
pub mod protein;
mod sparse;
mod split;
pub mod standardise;
mod stop_words;
pub mod svhn;
pub mod text_csv;
mod texts;
mod vocabulary;

pub use batch::{AugmentedSet, Batches, Binarise, Labelled, SemiBatch, Weighted, one_hot};
pub use examples::{Dataset, Examples, Values};
pub use part::Part;
pub use sparse::SparseRows;
pub use split::{Split, SplitConfig};
pub use standardise::Standardiser;
pub use texts::{TextDataset, Texts};
pub use vocabulary::{Vocabulary, words};

use crate::error::Error;

/// Shorthand for the error of every parser.
pub(crate) fn bad(
    source_name: &str,
    problem: impl Into<String>,
    remedy: impl Into<String>,
) -> Error {
    Error::Data {
        source_name: source_name.to_owned(),
        problem: problem.into(),
        remedy: remedy.into(),
    }
}
