//! The nearest `z` of a class, against a search of the whole plane.

use burn::tensor::Device;
use gleaner_core::models::Generative as _;
use gleaner_core::nets::Activation;
use gleaner_core::noise::Noise;
use gleaner_tests::latent_energy::{Energy, log_sum_exp};
use gleaner_tests::small::matrix;
use gleaner_tests::values;

use super::{CLASSES, Case, doubles};

const ROWS: usize = 4;

/// The plane, from -6 to 6.
const SIDE: i32 = 240;
const CELL: f64 = 0.05;

/// `log p(y|z) - |z - near|² / 2`.
fn worth(energy: &Energy, z: [f64; 2], near: [f64; 2], class: usize) -> f64 {
    let logits = energy.logits(&z);
    let away = (z[0] - near[0]).powi(2) + (z[1] - near[1]).powi(2);
    logits[class] - log_sum_exp(&logits) - away / 2.0
}

#[test]
fn an_example_is_moved_to_the_nearest_place_of_each_class() {
    // Energies of small smooth layers have one summit; on others the climb may end on a lower one.
    for activation in [Activation::Tanh, Activation::Softplus] {
        let case = Case::of_size(0.8, 2, &[6], activation, 5);
        let device = Device::flex();
        let start = Noise::new(8).normal(ROWS * 2);
        let moved = case.model(&device).in_every_class(matrix(start.clone(), 2, &device));
        let (start, moved) = (doubles(start), doubles(values(moved)));
        let mut gained = 0.0;
        for (place, z) in moved.chunks_exact(2).enumerate() {
            let (class, row) = (place / ROWS, place % ROWS);
            let near = [start[2 * row], start[2 * row + 1]];
            let at = |z: [f64; 2]| worth(&case.energy, z, near, class);
            let cells = (0..SIDE * SIDE).map(|cell| [cell / SIDE, cell % SIDE]);
            let plane = cells.map(|cell| cell.map(|i| f64::from(i - SIDE / 2) * CELL));
            let best = plane.map(at).fold(f64::NEG_INFINITY, f64::max);
            let found = at([z[0], z[1]]);
            // Between cells there may be somewhat better places, and the climb ends after so many steps.
            assert!(
                found > best - 0.005 && found < best + 0.005,
                "{activation:?}, class {class}, row {row}: {found} for {best}"
            );
            gained = f64::max(gained, found - at(near));
        }
        assert_eq!(moved.len(), CLASSES * ROWS * 2);
        // Where it starts is not where it ends: most rows are of another class.
        assert!(gained > 0.2, "{activation:?}: {gained}");
    }
}
