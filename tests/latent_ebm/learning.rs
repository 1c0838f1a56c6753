//! What the energy learns from: the difference between what examples and chains make of it (svebm eq. 10; E40).

use burn::optim::GradientsParams;
use burn::tensor::Device;
use gleaner_core::data::{Labelled, Part, SemiBatch};
use gleaner_core::models::{LangevinConfig, LatentEbm};
use gleaner_core::nets::Activation;
use gleaner_core::noise::Noise;
use gleaner_core::objective::{
    Elapsed, LatentEbmObjective, LatentEbmSettings, Objective as _, SemiSupervised,
    SemiSupervisedConfig, Start,
};
use gleaner_core::sampler::Convention;
use gleaner_tests::latent_energy::{Energy, Grid};
use gleaner_tests::modules::gradients;
use gleaner_tests::small::matrix;
use gleaner_tests::values;

use super::{CLASSES, Case, FEATURES, doubles};

/// The mean of the energy's gradient over its weights, and each weight's variance, under the probabilities of a grid's points.
fn under(grid: &Grid, energy: &Energy) -> (Vec<f64>, Vec<f64>) {
    let count = energy.weights().len();
    let (mut mean, mut square) = (vec![0.0; count], vec![0.0; count]);
    for (z, probability) in grid.points.iter().zip(grid.probabilities(energy, None)) {
        let slopes = energy.differentiate(z, None).1.weights;
        for (i, slope) in slopes.into_iter().enumerate() {
            mean[i] += probability * slope;
            square[i] += probability * slope * slope;
        }
    }
    let variance = square.iter().zip(&mean).map(|(s, m)| s - m * m).collect();
    (mean, variance)
}

/// The mean of the gradient of `f`, or of `F(z)[y]`, over points.
fn over(
    energy: &Energy,
    points: &[f64],
    latent: usize,
    class: impl Fn(usize) -> Option<usize>,
) -> Vec<f64> {
    let mut mean = vec![0.0; energy.weights().len()];
    let count = points.len() / latent;
    for (row, z) in points.chunks_exact(latent).enumerate() {
        let slopes = energy.differentiate(z, class(row)).1.weights;
        mean.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += slope / count as f64);
    }
    mean
}

#[test]
fn the_gradient_of_the_likelihood_is_a_difference_of_two_means() {
    for (latent, side, hidden) in [(1, 400, &[5, 4][..]), (2, 60, &[4])] {
        let energy = Case::new(latent, hidden, Activation::Tanh, 11).energy;
        let grid = Grid::new(latent, side);
        let data = doubles(Noise::new(12).normal(6 * latent));
        let likelihood = |energy: &Energy| {
            let tilts = data.chunks_exact(latent).map(|z| energy.tilt(z));
            tilts.sum::<f64>() / 6.0 - grid.log_partition(energy, None)
        };
        let (of_model, _) = under(&grid, &energy);
        let of_data = over(&energy, &data, latent, |_| None);
        for (i, (data, model)) in of_data.iter().zip(&of_model).enumerate() {
            // Central differences: an error of h² and rounding of 1e-16 / h.
            let h = 1e-5;
            let slope =
                (likelihood(&energy.moved(i, h)) - likelihood(&energy.moved(i, -h))) / (2.0 * h);
            assert!((slope - (data - model)).abs() < 1e-8, "weight {i}: {slope}, {}", data - model);
        }
    }
}

const LABELLED: usize = 40;
const UNLABELLED: usize = 2500;
const WEIGHT: f64 = 0.5;

fn examples(device: &Device) -> SemiBatch {
    let noise = Noise::new(21);
    let x = |purpose: &str, rows: usize| {
        matrix(noise.split(purpose).normal(rows * FEATURES), FEATURES, device)
    };
    let y = (0..LABELLED * CLASSES).map(|i| f32::from(u8::from(i % CLASSES == class(i / CLASSES))));
    SemiBatch {
        labelled: Labelled { x: x("labelled", LABELLED), y: matrix(y.collect(), CLASSES, device) },
        unlabelled: x("unlabelled", UNLABELLED),
        augmented: None,
    }
}

fn class(row: usize) -> usize {
    (row * row) % CLASSES
}

/// The draws of `q(z|x)` that the objective takes of some examples.
fn drawn(model: &LatentEbm, x: burn::tensor::Tensor<2>, noise: &Noise) -> Vec<f64> {
    let [rows, _] = x.dims();
    let epsilon = noise.normal_by_example(0, [rows, 1], 1, &x.device());
    doubles(values(model.posterior(x, None).sample(epsilon)))
}

/// The gradient over the energy's weights of the objective with means over both halves and nothing but bounds.
fn gradient(case: &Case, start: Start, noise: &Noise) -> Vec<f64> {
    let device = Device::flex().autodiff();
    let model = case.model(&device);
    let config =
        SemiSupervisedConfig { labelled_weight: WEIGHT, ..SemiSupervisedConfig::exact(0.0) };
    let settings = LatentEbmSettings {
        start,
        chains: LangevinConfig {
            steps: 150,
            step_size: 0.2,
            convention: Convention::Pooladzandi,
            temperature: 1.0,
            adjusted: true,
        },
        ..LatentEbmSettings::default()
    };
    let objective = LatentEbmObjective { family: SemiSupervised::new(config), settings };
    let lent = Noise::new(22).normal_tensor([UNLABELLED, 1], &Device::flex());
    let part = Part { chains: Some(lent - 1.0), ..Part::whole(examples(&device)) };
    let (begun, sums) = objective.begin(&model, &part, noise);
    let terms = objective.finish(&model, &part, begun, sums, Elapsed::ALL, noise);
    let found = gradients(&model, GradientsParams::from_grads(terms.total.backward(), &model));
    case.energy.names().iter().flat_map(|name| doubles(found[name].values.clone())).collect()
}

#[test]
fn the_objectives_gradient_is_that_of_the_likelihood_wherever_long_chains_start() {
    let grid = Grid::new(1, 1400);
    let case = Case::of_several_modes(1, &grid);
    let (model, variance) = under(&grid, &case.energy);
    let noise = Noise::new(23);
    let plain = case.model(&Device::flex());
    let batch = examples(&Device::flex());
    let z = drawn(&plain, batch.unlabelled, &noise.split("unlabelled look"));
    let unlabelled = over(&case.energy, &z, 1, |_| None);
    let z = drawn(&plain, batch.labelled.x, &noise.split("labelled look"));
    let labelled = over(&case.energy, &z, 1, |row| Some(class(row)));
    for start in [Start::Prior, Start::Posterior, Start::Persistent] {
        let found = gradient(&case, start, &noise);
        let (mut worst, mut plainest) = (0.0_f64, 0.0_f64);
        for (i, found) in found.into_iter().enumerate() {
            // J = -U - w L, and both bounds have a log Z.
            let chains = (found + unlabelled[i] + WEIGHT * labelled[i]) / (1.0 + WEIGHT);
            // Rounding beside the error of the mean over as many independent chains.
            let error = (variance[i] / UNLABELLED as f64).sqrt() + 2e-6;
            worst = worst.max((chains - model[i]).abs() / error);
            plainest = plainest.max((model[i] - unlabelled[i]).abs() / error);
        }
        eprintln!(
            "{start:?}: at most {worst:.2} standard errors; something to learn: {plainest:.0}"
        );
        // 27 weights: one in 50,000 right samplers is further off.
        assert!(worst < 5.0, "{start:?}: {worst} standard errors");
        assert!(plainest > 20.0, "the examples are no draws of the energy");
    }
}
