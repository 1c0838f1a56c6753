//! Texts: labelled ones, the words that are counted, and their counts.

mod labelled;
mod stop_words;
mod vocabulary;

pub use labelled::{TextDataset, Texts};
pub use vocabulary::{Vocabulary, words};
