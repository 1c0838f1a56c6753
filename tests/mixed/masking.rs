//! What networks see of a table: where cells are missing, and which ones training hides.

use burn::tensor::Device;
use gleaner_core::dist::{Column, places};
use gleaner_core::models::{Common, Generative as _, Likelihood, Look, View};
use gleaner_core::nets::{Activation, Training};
use gleaner_core::noise::Noise;
use gleaner_tests::small::{Small, matrix, small_table};
use gleaner_tests::values;

fn common(masking: f64) -> Common {
    let columns = small_table();
    Common {
        shape: vec![columns.iter().map(Column::width).sum()],
        classes: 2,
        hidden: vec![4],
        activation: Activation::Relu,
        likelihood: Likelihood::Mixed,
        columns,
        masking,
    }
}

/// Columns whose missing cells are told beside the numbers: all but those of words.
const TOLD: usize = 6;

fn seen(masking: f64, rows: &[f32], training: Option<&Training>) -> Vec<Vec<f32>> {
    let common = common(masking);
    let (view, features) = (View::new(&common), common.features());
    assert_eq!(view.width(features), features + TOLD);
    let x = matrix(rows.to_vec(), features, &Device::flex());
    values(view.of(x, training)).chunks_exact(features + TOLD).map(<[f32]>::to_vec).collect()
}

#[test]
fn missing_cells_are_zero_and_told() {
    let small = Small { likelihood: Likelihood::Mixed, ..Small::default() };
    let rows = small.examples("rows", 50);
    let width = small.width();
    let told: Vec<usize> = places(&small_table())
        .filter(|(column, _)| !matches!(column, Column::Categorical { .. }))
        .map(|(_, place)| place.start)
        .collect();
    for (row, seen) in rows.chunks_exact(width).zip(seen(0.0, &rows, None)) {
        for (number, seen) in row.iter().zip(&seen) {
            assert_eq!(*seen, if number.is_nan() { 0.0 } else { *number });
        }
        let missing: Vec<f32> = told.iter().map(|&place| f32::from(row[place].is_nan())).collect();
        assert_eq!(seen[width..], missing);
    }
}

#[test]
fn training_hides_whole_cells_at_its_rate_and_evaluation_none() {
    let width = common(0.0).features();
    let row: Vec<f32> = (0..width).map(|number| 1.0 + number as f32).collect();
    let rows = row.repeat(4000);
    let training = Training { noise: Noise::new(7), first: 0 };
    let hidden = seen(0.3, &rows, Some(&training));
    let mut count = 0;
    for seen in &hidden {
        for (_, place) in places(&small_table()) {
            let gone = seen[place.clone()].iter().filter(|number| **number == 0.0).count();
            assert!(gone == 0 || gone == place.len(), "half of a cell is hidden");
            count += usize::from(gone > 0);
        }
    }
    let share = count as f64 / (4000 * small_table().len()) as f64;
    // The standard error is 0.0027.
    assert!((share - 0.3).abs() < 0.014, "{share}");
    assert_eq!(seen(0.3, &rows, None)[0][..width], row);
    assert_eq!(seen(0.0, &rows, Some(&training))[0][..width], row);
    // Which cells are hidden depends on the place of an example in its batch alone.
    let later = Training { first: 3, ..training };
    assert_eq!(seen(0.3, &row, Some(&later))[0], hidden[3]);
}

#[test]
fn classifier_and_encoder_are_blind_to_the_same_cells() {
    // The classifier's answer to a row that training hides parts of is its answer to a row with these parts missing.
    let small = Small { likelihood: Likelihood::Mixed, rows: [1, 1], ..Small::default() };
    let device = Device::flex();
    for name in ["m2", "m1m2", "adgm", "sdgm", "ladder", "latent-ebm"] {
        let config =
            serde_json::to_value((Small { model: name, ..small.clone() }).config()).unwrap();
        let mut masked = config.clone();
        masked["masking"] = 0.5.into();
        let build = |config: serde_json::Value| {
            let config: gleaner_core::models::ModelConfig = serde_json::from_value(config).unwrap();
            config.init(&Noise::new(1), &device).unwrap()
        };
        let (plain, masked) = (build(config), build(masked));
        let row: Vec<f32> = (0..small.width()).map(|number| 0.25 + 0.25 * number as f32).collect();
        let training = Training { noise: Noise::new(5), first: 0 };
        let blind = seen(0.5, &row, Some(&training))[0][..small.width()].to_vec();
        let missing = row.iter().zip(&blind).map(|(x, seen)| if x == seen { *x } else { f32::NAN });
        let look = |training| Look { training, ..Look::default() };
        let of_masked =
            masked.logits(matrix(row.clone(), small.width(), &device), &look(Some(training)));
        let of_missing =
            plain.logits(matrix(missing.collect(), small.width(), &device), &look(None));
        let (a, b) = (values(of_masked), values(of_missing));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-5), "{name}: {a:?} {b:?}");
        assert!(blind != row && blind.iter().any(|number| *number != 0.0), "some cells are hidden");
    }
}
