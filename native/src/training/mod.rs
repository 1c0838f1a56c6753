//! Training loops around the core's courses: the fit, samples that go back into it, and a run from its settings to its results.

mod augmentation;
mod augmented_file;
mod baseline;
mod features;
mod fit;
mod places;
mod session;
mod stage;

pub use augmentation::Augmenter;
pub use baseline::{train_baseline, train_classifier};
pub use fit::{Fit, Outcome};
pub use places::Places;
pub use session::{Machine, Session};
pub use stage::{Afterwards, Results, train};
