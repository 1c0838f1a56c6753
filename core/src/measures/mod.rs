//! Measures: what a classifier, a model or a set of samples is worth, on the host, in double precision.

pub mod estimate;
pub mod eval;
pub mod fidelity;
pub mod predictions;
pub mod uncertainty;
pub mod units;
