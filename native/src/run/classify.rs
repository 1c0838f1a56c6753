//! Logits of many rows: pieces of them side by side on threads, each scaled when its turn comes, so that the input is never
//! in memory twice.

use std::sync::Mutex;

use anyhow::{Context as _, Result};
use burn::tensor::Device;
use gleaner_core::data::Examples;
use gleaner_core::data::schema::Scaling;
use gleaner_core::infer;
use gleaner_core::models::Model;
use gleaner_core::workers::Workers;

use crate::system::progress::Progress;

/// Rows of one piece.
const PIECE: usize = 2000;

/// Logits of `q(y|x)` for some rows of examples in their own units, `[rows, classes]` row-major.
///
/// # Errors
/// If the device fails.
pub fn classify(
    model: &Model,
    raw: &Examples,
    rows: &[usize],
    scaling: &Scaling,
    workers: &dyn Workers,
    device: &Device,
) -> Result<Vec<f32>> {
    let pieces: Vec<&[usize]> = rows.chunks(PIECE).collect();
    let done = Mutex::new((vec![None; pieces.len()], Progress::steps("predicting", pieces.len())));
    workers.run(pieces.len(), &|piece| {
        let scaled = scaling.apply(&raw.select(pieces[piece]));
        let all: Vec<usize> = (0..scaled.len()).collect();
        let logits = pollster::block_on(infer::classify(model, &scaled, &all, device));
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
