//! Training loops around the core's step: a prepared problem, the fit, its ledger, its saved state.

mod augmentation;
mod augmented_file;
mod baseline;
mod features;
mod fit;
mod ledger;
mod problem;
mod readout;
mod session;
mod state;
mod unseen;
mod validation;

pub use augmentation::{Augmenter, Refresh};
pub use baseline::train_baseline;
pub use fit::{Fit, Outcome, Plan};
pub use ledger::{Ledger, READ_EVERY};
pub use problem::Problem;
pub use readout::Readout;
pub use session::Session;
pub use state::{Progressed, SavedState};
pub use unseen::Unseen;
pub use validation::{Criterion, Validation};
