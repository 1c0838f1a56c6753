//! Training loops around the core's step: a prepared problem, the fit, its ledger, its saved state.

mod baseline;
mod features;
mod fit;
mod ledger;
mod problem;
mod session;
mod state;
mod validation;

pub use baseline::train_baseline;
pub use fit::{Fit, Outcome, Plan};
pub use ledger::{Ledger, READ_EVERY};
pub use problem::Problem;
pub use session::Session;
pub use state::{Progressed, SavedState};
pub use validation::{Criterion, Validation};
