//! Samples of a table, as rows of the columns of the training data.

use std::collections::HashMap;

use anyhow::Result;
use gleaner_core::data::Examples;
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
/// If the model gives no numbers, or the device fails.
pub fn samples(
    subject: &Subject<'_>,
    schema: &Schema,
    per_class: usize,
    seed: u64,
) -> Result<Vec<Vec<String>>> {
    let Subject { config, model, device } = *subject;
    let mut noise = Noise::new(seed).split("pictures");
    let samples = class_conditional(model, per_class, &mut noise, device, &InTurn);
    pollster::block_on(infer::drawn(model, samples.z))?;
    let mut values = pollster::block_on(infer::finite("the drawn rows", samples.x))?;
    schema.scaling.undo(&mut values);
    let class = |row: usize| if subject.classifies() { (row / per_class) as i64 } else { -1 };
    let rows = values.chunks_exact(config.features()).enumerate();
    Ok(rows.map(|(row, x)| schema.cells(x, class(row))).collect())
}

/// How many of some drawn rows equal a row of the data in every column; in the class, where both have one. `data` are as a model
/// sees them.
pub fn equal_to_data(drawn: &[Vec<String>], schema: &Schema, data: &[&Examples]) -> usize {
    let mut places: HashMap<&[String], Vec<usize>> = HashMap::new();
    for (place, row) in drawn.iter().enumerate() {
        if let Some((_, features)) = row.split_last() {
            places.entry(features).or_default().push(place);
        }
    }
    let mut equal = vec![false; drawn.len()];
    for (examples, row) in data.iter().flat_map(|set| (0..set.len()).map(move |row| (*set, row))) {
        let mut values = examples.gather(&[row]);
        // A drawn row has all its cells.
        if values.iter().any(|value| value.is_nan()) {
            continue;
        }
        schema.scaling.undo(&mut values);
        let cells = schema.cells(&values, examples.labels[row]);
        let Some((class, features)) = cells.split_last() else { continue };
        for &place in places.get(features).into_iter().flatten() {
            let drawn_class = drawn[place].last();
            equal[place] |= class.is_empty()
                || drawn_class.is_some_and(|drawn| drawn.is_empty() || drawn == class);
        }
    }
    equal.into_iter().filter(|&equal| equal).count()
}

#[cfg(test)]
mod tests {
    use gleaner_core::data::Values;
    use gleaner_core::data::features::{Feature, Kind};
    use gleaner_core::data::schema::{Input, Scaling};

    use super::*;

    #[test]
    fn a_drawn_row_equals_a_row_of_the_data_in_every_cell_and_in_a_class_that_is_known() {
        let of = |name: &str, kind| Feature::plain(name, kind);
        let yes_no = Kind::YesNo { no: "no".into(), yes: "yes".into() };
        let schema = Schema {
            classes: vec!["cat".into(), "dog".into()],
            label: None,
            input: Input::Table(vec![of("mass", Kind::Measurement), of("fur", yes_no)]),
            scaling: Scaling::Range { low: 0.0, high: 10.0 },
        };
        let examples = |values: &[f32], labels: &[i64]| Examples {
            values: Values::F32(values.to_vec()),
            shape: vec![2],
            labels: labels.to_vec(),
        };
        let (train, test) =
            (examples(&[0.3, 0.1, 0.5, 0.0], &[0, -1]), examples(&[f32::NAN, 0.0], &[1]));
        let drawn = |rows: &[[&str; 3]]| {
            let rows: Vec<Vec<String>> =
                rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect();
            equal_to_data(&rows, &schema, &[&train, &test])
        };
        assert_eq!(drawn(&[["3", "yes", "cat"], ["3", "yes", "cat"]]), 2);
        assert_eq!(drawn(&[["3", "yes", "dog"], ["3", "no", "cat"]]), 0, "another class, and cell");
        assert_eq!(drawn(&[["3", "yes", ""], ["5", "no", "dog"]]), 2, "a class is not known");
        assert_eq!(drawn(&[["0", "no", "dog"]]), 0, "a cell that is missing is no 0");
    }
}
