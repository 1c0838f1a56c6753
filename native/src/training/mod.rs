//! Training loops around the core's step: a prepared problem, the fit, its ledger, its saved state.

mod baseline;
mod fit;
mod ledger;
mod problem;
mod state;

pub use baseline::train_baseline;
pub use fit::{Fit, Outcome, Plan};
pub use ledger::Ledger;
pub use problem::Problem;
pub use state::{Progressed, SavedState};
