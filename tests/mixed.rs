//! Rows of a table: the likelihood of each column against double precision, bounds of incomplete rows against quadrature, draws
//! against the distributions that they are of, and what networks see of missing cells.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "mixed/bounds.rs"]
mod bounds;
#[path = "mixed/densities.rs"]
mod densities;
#[path = "mixed/draws.rs"]
mod draws;
#[path = "mixed/masking.rs"]
mod masking;

use gleaner_core::dist::{Column, Levels, LogCounts};

/// A column of every kind.
fn every_kind() -> Vec<Column> {
    vec![
        Column::Gaussian { least_sd: 0.3, lowest: None },
        Column::Categorical { words: 3 },
        Column::NegativeBinomial(LogCounts { mean: 1.2, sd: 0.6 }),
        Column::Bernoulli,
        Column::Ordinal(Levels::of(vec![-1.0, 0.25, 0.5, 2.0], &[4, 10, 3, 3])),
        Column::Gaussian { least_sd: 0.05, lowest: None },
        Column::Poisson(LogCounts { mean: 0.8, sd: 0.5 }),
        Column::Ordinal(Levels::of(vec![0.0, 1.0], &[1, 3])),
    ]
}

/// Numbers of a row of these.
const NUMBERS: usize = 10;

/// Where each kind stands among them.
mod at {
    pub const GAUSSIAN: usize = 0;
    pub const WORDS: usize = 1;
    pub const NEGATIVE_BINOMIAL: usize = 4;
    pub const YES_NO: usize = 5;
    pub const ORDINAL: usize = 6;
    pub const NARROW: usize = 7;
    pub const POISSON: usize = 8;
    pub const TWO_LEVELS: usize = 9;
}

/// What a model sees of a count.
fn seen_count(count: f64, mean: f64, sd: f64) -> f32 {
    ((count.ln_1p() - mean) / sd) as f32
}
