//! Chains in the posterior of an example (svebm eq. 7), where it is normal, or a mixture of normal densities.

use burn::tensor::{Device, Tensor};
use gleaner::system::threads::Threads;
use gleaner_core::models::{LatentEbm, Model, Target};
use gleaner_core::noise::Noise;
use gleaner_core::sampler::{Chains, Langevin, LogDensity, StepSize};
use gleaner_tests::goodness_of_fit::{chi_square, kolmogorov, normal_distribution};
use gleaner_tests::linear_gaussian::{ByHand, Conditional, Joint};
use gleaner_tests::small::matrix;
use gleaner_tests::{Tolerance, assert_close, values};
use serde_json::json;

use super::{Case, FALSE_ALARM, FEATURES, doubles};

const EXAMPLE: [f64; 3] = [0.9, -0.4, 1.3];
const CHAINS: usize = 2500;

fn by_hand(latent: usize, joint: &Joint) -> ByHand {
    let mut hand = ByHand::new(json!({
        "model": "latent-ebm", "shape": [3], "classes": 2, "latent": latent, "hidden": [4],
        "energy_hidden": [], "activation": "identity", "energy_activation": "identity",
        "likelihood": "gaussian",
    }));
    let z: Vec<usize> = (0..latent).collect();
    for dimension in 0..3 {
        let given = joint.given(latent + dimension, &z);
        hand.say(("decoder", "output"), dimension, &[given]);
    }
    hand
}

fn built(hand: &ByHand) -> LatentEbm {
    match hand.checkpoint().build(&Device::flex()).expect("a model") {
        Model::LatentEbm(model) => model,
        other => panic!("not a latent-ebm: {other:?}"),
    }
}

/// Where chains in the posterior of the example end.
fn ends(model: &LatentEbm, target: Target, drift: f64) -> Vec<f64> {
    let device = Device::flex();
    let x = (0..CHAINS).flat_map(|_| EXAMPLE.map(|v| v as f32)).collect();
    let density = model.posterior_density(matrix(x, 3, &device), target);
    let sampler = Langevin { step: StepSize { drift }, temperature: 1.0, adjusted: true };
    let noise = Noise::new(31);
    let latent = model.encoder.outputs();
    let start = noise.split("start").normal_tensor([CHAINS, latent], &device);
    let threads = Threads::start(2).expect("threads");
    let chains = Chains { sampler, steps: 200 };
    doubles(values(chains.run(&density, start, &noise.split("chains"), &threads)))
}

fn mean_given(conditional: &Conditional, others: &[f64]) -> f64 {
    let Conditional { weights, intercept, .. } = conditional;
    weights.iter().zip(others).map(|(w, v)| w * v).sum::<f64>() + intercept
}

fn fits(what: &str, p: f64) {
    eprintln!("{what}: p = {p:.3}");
    assert!(p > FALSE_ALARM, "{what}: p = {p:e}");
}

#[test]
fn of_a_linear_decoder_chains_draw_the_normal_posterior() {
    let joint = Joint::default().and(&[], 0.0, 1.0).and(&[], 0.0, 1.0);
    let joint = joint.and(&[(0, 0.9), (1, 0.4)], 0.2, 0.5).and(&[(0, 0.7), (1, 0.8)], -0.1, 0.7);
    let joint = joint.and(&[(1, 0.6)], 0.3, 0.4);
    let found = ends(&built(&by_hand(2, &joint)), Target::Marginal, 0.1);
    // Of two that depend on each other given the example, the first, and the second given the first.
    let (first, second) = (joint.given(0, &[2, 3, 4]), joint.given(1, &[0, 2, 3, 4]));
    assert!(second.weights[0].abs() > 0.1, "they do");
    let straight = |z: &[f64]| {
        let [a, b, c] = EXAMPLE;
        let u = (z[0] - mean_given(&first, &EXAMPLE)) / first.variance.sqrt();
        [u, (z[1] - mean_given(&second, &[z[0], a, b, c])) / second.variance.sqrt()]
    };
    let pairs: Vec<[f64; 2]> = found.chunks_exact(2).map(straight).collect();
    let mut counts = vec![0; 36];
    for pair in &pairs {
        let [a, b] = pair.map(|u| ((normal_distribution(u) * 6.0) as usize).min(5));
        counts[6 * a + b] += 1;
    }
    for i in 0..2 {
        let along = pairs.iter().map(|u| u[i]).collect();
        fits("coordinate", kolmogorov(along, normal_distribution));
    }
    fits("both", chi_square(&counts, &[1.0 / 36.0; 36]));
    // The prior alone, or the posterior without their dependence, would not pass.
    let prior = kolmogorov(found.chunks_exact(2).map(|z| z[0]).collect(), normal_distribution);
    assert!(prior < FALSE_ALARM, "{prior:e}");
}

#[test]
fn of_a_linear_energy_chains_draw_the_posterior_of_a_class_and_of_all() {
    // As in the test of marginal likelihoods: classes as probable as each other, each normal about its row.
    let centres = [1.0, -1.0];
    let joints = centres.map(|centre| {
        let joint = Joint::default().and(&[], centre, 1.0);
        joint.and(&[(0, 0.5)], 0.2, 0.8).and(&[(0, -0.3)], -0.1, 0.9).and(&[(0, 0.4)], 0.3, 0.7)
    });
    let mut hand = by_hand(1, &joints[0]);
    for (class, centre) in centres.into_iter().enumerate() {
        hand.set("prior.energy.output.weight", 0, class, centre);
        hand.set("prior.energy.output.bias", 0, class, -0.5 * centre * centre);
    }
    let model = built(&hand);
    let posterior = |class: usize| {
        let conditional = joints[class].given(0, &[1, 2, 3]);
        let (mean, deviation) = (mean_given(&conditional, &EXAMPLE), conditional.variance.sqrt());
        move |z: f64| normal_distribution((z - mean) / deviation)
    };
    for class in 0..2 {
        let y = (0..2 * CHAINS).map(|i| f32::from(u8::from(i % 2 == class))).collect();
        let found = ends(&model, Target::Given(matrix(y, 2, &Device::flex())), 0.3);
        fits("class", kolmogorov(found.clone(), posterior(class)));
        assert!(kolmogorov(found, posterior(1 - class)) < FALSE_ALARM);
    }
    let log_joint = [0, 1].map(|class| joints[class].log_density(&[1, 2, 3], &EXAMPLE));
    let share = 1.0 / (1.0 + (log_joint[1] - log_joint[0]).exp());
    let mixture = |z: f64| share * posterior(0)(z) + (1.0 - share) * posterior(1)(z);
    fits("all", kolmogorov(ends(&model, Target::Marginal, 0.3), mixture));
}

#[test]
fn the_gradient_is_the_slope_of_the_log_density_for_any_decoder() {
    let device = Device::flex();
    let case = Case::new(2, &[4], gleaner_core::nets::Activation::Tanh, 17);
    let model = case.model(&device);
    let (rows, h) = (5, 1.0_f32 / 64.0);
    let x: Tensor<2> = Noise::new(18).normal_tensor([rows, FEATURES], &device);
    let density = model.posterior_density(x.clone(), Target::Marginal);
    let z = Noise::new(19).normal(rows * 2);
    let at = |z: &[f32]| density.evaluate(matrix(z.to_vec(), 2, &device), 0..rows);
    let found = at(&z);
    let prior = model.prior.density(Target::Marginal);
    let prior = prior.evaluate(matrix(z.clone(), 2, &device), 0..rows).log_density;
    let emitted = model.emit(matrix(z.clone(), 2, &device)).log_prob(x);
    let tight = Tolerance { relative: 1e-6, absolute: 1e-6 };
    let expected = doubles(values(prior + emitted));
    assert_close("value", &values(found.log_density), &expected, tight);
    let gradient = values(found.gradient);
    for dimension in 0..2 {
        let moved = |steps: f32| {
            let step = |(i, v): (usize, &f32)| v + if i % 2 == dimension { steps * h } else { 0.0 };
            doubles(values(at(&z.iter().enumerate().map(step).collect::<Vec<_>>()).log_density))
        };
        let near = [moved(1.0), moved(-1.0)];
        let far = [moved(2.0), moved(-2.0)];
        for row in 0..rows {
            let slope = (8.0 * (near[0][row] - near[1][row]) - (far[0][row] - far[1][row]))
                / (12.0 * f64::from(h));
            // Rounding of values up to 40 nats, 2e-6, over h; and the fifth derivative.
            let apart = (slope - f64::from(gradient[2 * row + dimension])).abs();
            assert!(apart < 5e-3, "row {row}, dimension {dimension}: {slope}");
        }
    }
}

#[test]
fn some_of_the_chains_see_their_own_examples() {
    let device = Device::flex();
    let model = Case::new(2, &[4], gleaner_core::nets::Activation::Tanh, 17).model(&device);
    let x: Tensor<2> = Noise::new(18).normal_tensor([9, FEATURES], &device);
    let z: Tensor<2> = Noise::new(19).normal_tensor([9, 2], &device);
    let density = model.posterior_density(x, Target::Marginal);
    let all = values(density.evaluate(z.clone(), 0..9).gradient);
    let some = values(density.evaluate(z.slice_dim(0, 4..7), 4..7).gradient);
    let expected = doubles(all[8..14].to_vec());
    assert_close("gradient", &some, &expected, Tolerance { relative: 1e-5, absolute: 1e-5 });
}
