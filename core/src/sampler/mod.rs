//! Markov chains over any log-density with a gradient: `init` and `step` are functions of a state, chains are rows.
//!
//! ```text
//! density ─ langevin ─ chains ─ walk ─ diagnostics
//! ```

mod chains;
mod density;
mod diagnostics;
mod langevin;
mod walk;

pub use chains::{Chains, whole_blocks};
pub use density::{Evaluation, LogDensity, StandardNormal};
pub use diagnostics::{Convergence, Moments, Trace};
pub use langevin::{ChainState, Convention, Langevin, StepInfo, StepSize};
pub use walk::Walk;
