//! A training on its way: what decides it, how far it has come, and what it came to. It takes one step at a time: who calls it brings
//! the loop, the clock and the files.
//!
//! Order to read: [`Outline`] (what follows from settings and data) → [`Ledger`] (means of the terms) → [`Validation`] (how models are
//! compared) → [`Plan`] (how long, at which rates) → [`SavedState`] (all that changes, as bytes) → [`Course`] (steps, epochs, roll-backs) →
//! [`LabelsOnly`] (the network that it is compared with).

mod epochs;
mod labels_only;
mod ledger;
mod outline;
mod plan;
mod refresh;
mod state;
mod validation;

pub use epochs::{Course, Epoch, MEASURED_ON, Stepped};
pub use labels_only::LabelsOnly;
pub use ledger::Ledger;
pub use outline::{FEWEST_PARTS, Outline, default_parts, semi_supervised};
pub use plan::Plan;
pub use refresh::Refresh;
pub use state::{Progressed, SavedState};
pub use validation::{Criterion, Validation, classify, measure};
