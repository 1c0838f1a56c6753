//! Samples of a table, as rows of the columns of the training data.

use anyhow::Result;
use gleaner_core::data::schema::Schema;
use gleaner_core::infer;
use gleaner_core::models::Architecture as _;
use gleaner_core::noise::Noise;
use gleaner_core::sample::class_conditional;
use gleaner_core::workers::InTurn;

use super::Subject;

/// `per_class` drawn rows of each class as cells, in the units of the training data; a model without classes leaves the label out.
///
/// # Errors
/// If the device fails.
pub fn samples(
    subject: &Subject<'_>,
    schema: &Schema,
    per_class: usize,
    seed: u64,
) -> Result<Vec<Vec<String>>> {
    let Subject { config, model, device } = *subject;
    let mut noise = Noise::new(seed).split("pictures");
    let samples = class_conditional(model, per_class, &mut noise, device, &InTurn);
    let mut values = pollster::block_on(infer::read(samples.x))?;
    schema.scaling.undo(&mut values);
    let class = |row: usize| if subject.classifies() { (row / per_class) as i64 } else { -1 };
    let rows = values.chunks_exact(config.features()).enumerate();
    Ok(rows.map(|(row, x)| schema.cells(x, class(row))).collect())
}
