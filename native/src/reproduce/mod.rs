//! Tables of papers, run again: which settings make a row, how often, and what came out.

mod cell;
mod curves;
mod forest;
mod report;
mod statistics;
mod table;

pub use cell::{Cell, Outcome, Results, measure};
pub use curves::curves;
pub use forest::forest;
pub use report::{Circumstances, csv, markdown};
pub use statistics::{Estimate, paired};
pub use table::{Column, Metric, Row, Table};
