//! Filters samples of any generator and picks a few that represent all: plain slices in, rows and weights out.
//!
//! `cargo run --release -p gleaner-core --example filter_and_pick`
#![allow(clippy::print_stdout)]

use gleaner_core::coreset::{Balance, Curvature, Method, Optimizer, Samples, Settings, Space};
use gleaner_core::error::Result;
use gleaner_core::filter::Filter;
use gleaner_core::measures::predictions::{Predictions, Scale};
use gleaner_core::noise::Noise;
use gleaner_core::workers::InTurn;

fn main() -> Result<()> {
    // What a classifier says of six samples, three classes each, and the class that each was drawn for.
    let logits = [
        [9.0, 0.0, 0.0], // sure, and right
        [8.0, 1.0, 0.0], // sure, and right
        [0.2, 0.1, 0.0], // not sure
        [0.0, 9.0, 1.0], // sure, and right
        [9.0, 0.0, 1.0], // sure, but drawn for another class
        [0.0, 1.0, 7.0], // sure, and right
    ];
    let requested = [0, 0, 1, 1, 1, 2];
    let predictions = |rows: &[usize]| {
        let values = rows.iter().flat_map(|&row| logits[row]).collect();
        let labels: Vec<i64> = rows.iter().map(|&row| requested[row]).collect();
        Predictions::new(values, Scale::Logits, 3, &labels, "these samples")
    };

    let filter = Filter::by_entropy(0.1, true)?;
    let kept = filter.apply(&predictions(&[0, 1, 2, 3, 4, 5])?, None).kept;
    println!("kept rows {kept:?}");

    let settings = Settings {
        method: Method::Craig,
        space: Space::Gradient,
        optimizer: Optimizer::Lazy,
        size: 3,
        balance: Balance::Equal,
    };
    let (none, noise) = (Curvature::default(), Noise::new(0));
    let predictions = predictions(&kept)?;
    let samples = Samples { predictions: &predictions, rows: None, weights: None };
    let coreset = settings.select(&samples, none, &noise, &InTurn, &mut || ())?;
    for pick in &coreset.picks {
        // Rows of a coreset count the samples that it was given.
        println!("row {} represents {} samples", kept[pick.row], pick.weight);
    }
    Ok(())
}
