//! Samples whose drawing is watched are those that are drawn in one go.

use burn::tensor::Device;
use gleaner_core::drawing::{Drawing, Wish};
use gleaner_core::models::{Generative as _, Model};
use gleaner_core::noise::Noise;
use gleaner_core::sample::{SampleSet, class_conditional};
use gleaner_core::traverse::{along, around, responses};
use gleaner_core::workers::InTurn;
use gleaner_core::{infer, sample};
use gleaner_tests::small::{Small, matrix};
use gleaner_tests::{Tolerance, assert_close, values, wait};

const SAME: Tolerance = Tolerance { relative: 1e-5, absolute: 1e-5 };
const PER_CLASS: usize = 40;

/// More chains than one block holds.
fn model(name: &'static str) -> (Small, Model, Device) {
    let device = Device::flex();
    let small = Small { model: name, ..Small::default() };
    let model = small.model(&device);
    (small, model, device)
}

fn noise() -> Noise {
    Noise::new(5).split("samples")
}

fn on_host(model: &Model, samples: sample::Samples) -> SampleSet {
    let rows = samples.z.dims()[0];
    wait(infer::samples(model, samples, &[9], vec![0; rows])).expect("the CPU can be read")
}

fn close(what: &str, found: &[f32], wanted: &[f32]) {
    let wanted: Vec<f64> = wanted.iter().map(|&value| f64::from(value)).collect();
    assert_close(what, found, &wanted, SAME);
}

fn same(what: &str, found: &SampleSet, wanted: &SampleSet) {
    for (name, found, wanted) in [
        ("z", &found.z, &wanted.z),
        ("x", &found.x, &wanted.x),
        ("logits", &found.logits, &wanted.logits),
    ] {
        close(&format!("{what}: {name}"), found, wanted);
    }
}

#[test]
fn every_model_gives_the_samples_of_one_go() {
    for name in ["m1", "m2", "m1m2", "adgm", "sdgm", "ladder", "untapped", "latent-ebm"] {
        let (small, model, device) = model(name);
        let wanted =
            on_host(&model, class_conditional(&model, PER_CLASS, &mut noise(), &device, &InTurn));
        for classes in [(0..small.classes).collect(), vec![1, 3], vec![2]] {
            let wish = Wish { per_class: PER_CLASS, classes };
            let mut drawing = Drawing::start(&model, &wish, &mut noise(), &device).unwrap();
            drawing.advance(&model, usize::MAX);
            let rows: Vec<usize> = wish
                .classes
                .iter()
                .flat_map(|class| class * PER_CLASS..(class + 1) * PER_CLASS)
                .collect();
            let labels: Vec<usize> = rows.iter().map(|row| row / PER_CLASS).collect();
            assert_eq!(drawing.labels(), labels);
            same(name, &on_host(&model, drawing.samples(&model)), &wanted.pick(&rows));
        }
    }
}

#[test]
fn chains_that_stop_on_their_way_arrive_all_the_same() {
    let (small, mut model, device) = model("latent-ebm");
    let steps = 20;
    if let Model::LatentEbm(model) = &mut model {
        model.langevin.steps = steps;
    }
    let wish = Wish { per_class: PER_CLASS, classes: (0..small.classes).collect() };
    let start = || Drawing::start(&model, &wish, &mut noise(), &device).unwrap();
    let (mut straight, mut stopping) = (start(), start());
    straight.advance(&model, steps);
    assert_eq!(straight.progress(), (steps, 0));
    let mut positions = vec![on_host(&model, stopping.samples(&model)).z];
    for part in [1, 2, 10] {
        stopping.advance(&model, part);
        positions.push(on_host(&model, stopping.samples(&model)).z);
    }
    assert_eq!(stopping.progress(), (13, steps - 13));
    assert!(positions.windows(2).all(|pair| pair[0] != pair[1]), "chains stand still");
    stopping.advance(&model, usize::MAX);
    assert_eq!(stopping.progress(), (steps, 0));
    assert_eq!(
        on_host(&model, stopping.samples(&model)),
        on_host(&model, straight.samples(&model))
    );
}

#[test]
fn what_is_watched_is_what_the_density_says() {
    let (small, model, device) = model("latent-ebm");
    let Model::LatentEbm(inner) = &model else { unreachable!("it is one") };
    let wish = Wish { per_class: PER_CLASS, classes: (0..small.classes).collect() };
    let mut drawing = Drawing::start(&model, &wish, &mut noise(), &device).unwrap();
    drawing.advance(&model, 3);
    let set = on_host(&model, drawing.samples(&model));
    // log p(z|y) but for a constant, and its slope along each coordinate by a central difference.
    let (rows, latent) = (set.len(), small.latent);
    let log_density = |z: Vec<f32>| -> Vec<f64> {
        let logits = values(inner.prior.logits(matrix(z.clone(), latent, &device)));
        let normal = |z: &[f32]| {
            let squares: f64 = z.iter().map(|&z| f64::from(z).powi(2)).sum();
            -0.5 * (squares + latent as f64 * std::f64::consts::TAU.ln())
        };
        (0..rows)
            .map(|row| {
                let tilt = logits[row * small.classes + row / PER_CLASS];
                f64::from(tilt) + normal(&z[row * latent..][..latent])
            })
            .collect()
    };
    let mean = log_density(set.z.clone()).iter().sum::<f64>() / rows as f64;
    let mut squares = vec![0.0; rows];
    for coordinate in 0..latent {
        let moved = |by: f32| {
            let mut z = set.z.clone();
            z.iter_mut().skip(coordinate).step_by(latent).for_each(|z| *z += by);
            log_density(z)
        };
        for (sum, (up, down)) in squares.iter_mut().zip(moved(1e-2).iter().zip(moved(-1e-2))) {
            *sum += ((up - down) / 2e-2).powi(2);
        }
    }
    let norm = squares.iter().map(|square| square.sqrt()).sum::<f64>() / rows as f64;
    let found = values(drawing.means().unwrap());
    assert!((f64::from(found[0]) - mean).abs() < 1e-4, "{found:?} {mean}");
    assert!((f64::from(found[1]) / norm - 1.0).abs() < 1e-3, "{found:?} {norm}");
}

#[test]
fn wishes_that_cannot_be_met_are_named() {
    let (_, model, device) = model("m2");
    for (per_class, classes, says) in [
        (0, vec![0], "per-class = 0"),
        (1, vec![], "classes = []"),
        (1, vec![4], "0 to 3"),
        (1, vec![1, 0], "in order"),
        (1, vec![1, 1], "each once"),
    ] {
        let wish = Wish { per_class, classes };
        let error = Drawing::start(&model, &wish, &mut noise(), &device).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_walk_around_is_a_walk_along_each_dimension() {
    for name in ["m2", "untapped"] {
        let (small, model, device) = model(name);
        let latent = model.latent();
        let kept = Noise::new(1).normal(latent);
        let z = || matrix(kept.clone(), latent, &device);
        let (class, dimensions) = (2, [2, 0]);
        let mut directions = vec![0.0; 2 * latent];
        directions[dimensions[0]] = 1.0;
        directions[latent + dimensions[1]] = 1.0;
        let distances = [-2.0, -1.0, 0.5, 1.0, 2.0];
        let directions = matrix(directions, latent, &device);
        let plane = values(around(&model, z(), class, directions, &distances));
        for up in 0..5 {
            let mut lifted = kept.clone();
            lifted[dimensions[1]] += distances[up] as f32;
            let lifted = matrix(lifted, latent, &device);
            let places = distances.map(|distance| f64::from(kept[dimensions[0]]) + distance);
            let row = values(along(&model, lifted, dimensions[0], &places));
            for right in 0..5 {
                let found = &plane[((4 - up) * 5 + right) * small.features..][..small.features];
                let wanted = &row[(class * 5 + right) * small.features..][..small.features];
                close(name, found, wanted);
            }
        }
    }
}

#[test]
fn responses_are_products_of_differences() {
    let (small, model, device) = model("m2");
    let (latent, class) = (model.latent(), 1);
    let kept = Noise::new(1).normal(latent);
    let found = values(responses(&model, matrix(kept.clone(), latent, &device), class));
    let change = |dimension: usize| -> Vec<f64> {
        let ends = [-0.5, 0.5].map(|by| f64::from(kept[dimension]) + by);
        let x = values(along(&model, matrix(kept.clone(), latent, &device), dimension, &ends));
        let [low, high] =
            [0, 1].map(|end| &x[(2 * class + end) * small.features..][..small.features]);
        low.iter().zip(high).map(|(low, high)| f64::from(high - low)).collect()
    };
    let changes: Vec<Vec<f64>> = (0..latent).map(change).collect();
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for (at, &found) in found.iter().enumerate() {
        let wanted = product(&changes[at / latent], &changes[at % latent]);
        assert!((f64::from(found) - wanted).abs() < 1e-6, "{at}: {found} {wanted}");
    }
    assert!(found[0] > 1e-4, "nothing moves");
}
