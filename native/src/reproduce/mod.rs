//! Tables of papers, run again: which settings make a row, how often, and what came out.

mod cell;
mod curves;
mod forest;
mod gathered;
mod report;
mod selection;
mod state;
mod statistics;
mod table;

pub use cell::{Cell, Outcome, measure};
pub use gathered::{Gathered, Written};
pub use selection::{Selection, seed_range};
pub use state::State;
pub use statistics::{Estimate, paired};
pub use table::{Column, Metric, Row, Table};
