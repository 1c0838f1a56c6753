//! Logits of many rows: pieces of them side by side on threads, each scaled when its turn comes, so that the input is never
//! in memory twice.

use std::sync::Mutex;

use anyhow::{Context as _, Result};
use gleaner_core::data::Examples;
use gleaner_core::data::schema::Scaling;
use gleaner_core::workers::Workers;

use crate::system::progress::Progress;

/// Rows of one piece.
const PIECE: usize = 2000;

/// Gives logits of all rows of examples as a model sees them, `[rows, classes]` row-major.
pub type Classifies<'a> = &'a (dyn Fn(&Examples) -> Result<Vec<f32>> + Sync);

/// Logits for some rows of examples in their own units, `[rows, classes]` row-major.
///
/// # Errors
/// If `classifier` fails.
pub fn classify(
    classifier: Classifies<'_>,
    raw: &Examples,
    rows: &[usize],
    scaling: &Scaling,
    workers: &dyn Workers,
) -> Result<Vec<f32>> {
    let pieces: Vec<&[usize]> = rows.chunks(PIECE).collect();
    let none: Vec<Option<Result<Vec<f32>>>> = pieces.iter().map(|_| None).collect();
    let done = Mutex::new((none, Progress::steps("predicting", pieces.len())));
    workers.run(pieces.len(), &|piece| {
        let scaled = scaling.apply(&raw.select(pieces[piece]));
        let logits = classifier(&scaled);
        if let Ok(mut done) = done.lock() {
            done.0[piece] = Some(logits);
            done.1.step(String::new);
        }
    });
    let (logits, progress) = done.into_inner().ok().context("a thread was stopped")?;
    progress.finish();
    let mut all = Vec::new();
    for piece in logits {
        all.extend(piece.context("a piece is missing")??);
    }
    Ok(all)
}
