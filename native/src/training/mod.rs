//! Training loops around the core's step: the fit, its ledger, its saved state, and a run from its settings to its results.

mod augmentation;
mod augmented_file;
mod baseline;
mod features;
mod fit;
mod ledger;
mod session;
mod stage;
mod state;
mod step;
mod validation;

pub use augmentation::{Augmenter, Refresh};
pub use baseline::{train_baseline, train_classifier};
pub use fit::{Fit, Outcome, Plan};
pub use ledger::{Ledger, READ_EVERY};
pub use session::Session;
pub use stage::{Afterwards, Results, train};
pub use state::{Progressed, SavedState};
pub use step::{default_parts, semi_supervised};
pub use validation::{Criterion, Validation};
