//! Chains go where they should: stationary distributions that are known exactly, from many independent chains of which only the
//! last state counts, so that no correlation has to be allowed for. Each test rejects one in a million samples of a sampler that
//! is right ([`FALSE_ALARM`]), with seeds that do not change.

use std::ops::Range;
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use gleaner::system::threads::Threads;
use gleaner_core::models::{Generative as _, Model, Target};
use gleaner_core::noise::Noise;
use gleaner_core::sampler::{
    Chains, Convention, Evaluation, Langevin, LogDensity, StandardNormal, StepSize,
};
use gleaner_core::workers::{InTurn, Workers};
use gleaner_tests::goodness_of_fit::{chi_square, kolmogorov, normal_distribution};
use gleaner_tests::small::{Small, matrix};
use gleaner_tests::{Tolerance, assert_close, values};

/// How often a sampler that is right fails one of the tests of a distribution.
const FALSE_ALARM: f64 = 1e-6;

/// A target that is worked out on the host, point by point: log-density and gradient.
struct Host<F>(F);

impl<F: Fn(&[f64]) -> (f64, Vec<f64>) + Sync> LogDensity for Host<F> {
    fn evaluate(&self, z: Tensor<2>, _: Range<usize>) -> Evaluation {
        let ([rows, dimensions], device) = (z.dims(), z.device());
        let (mut log_density, mut gradient) = (Vec::new(), Vec::new());
        for point in values(z).chunks_exact(dimensions) {
            let point: Vec<f64> = point.iter().map(|&v| f64::from(v)).collect();
            let (value, slopes) = (self.0)(&point);
            log_density.push(value as f32);
            gradient.extend(slopes.iter().map(|&v| v as f32));
        }
        Evaluation {
            log_density: Tensor::from_data(TensorData::new(log_density, [rows]), &device),
            gradient: matrix(gradient, dimensions, &device),
        }
    }
}

fn chains(drift: f64, temperature: f64, adjusted: bool, steps: usize) -> Chains {
    let sampler = Langevin { step: StepSize { drift }, temperature, adjusted };
    Chains { sampler, steps }
}

/// Where `count` chains from N(0, I) end.
fn ends(chains: Chains, density: &impl LogDensity, [count, dimensions]: [usize; 2]) -> Vec<f64> {
    let device = Device::flex();
    let Langevin { step, temperature, adjusted } = chains.sampler;
    let noise = Noise::new(8).split(&format!("{} {temperature} {adjusted}", step.drift));
    let start = noise.split("start").normal_tensor([count, dimensions], &device);
    let threads = Threads::start(2).expect("threads");
    let ends = chains.run(density, start, &noise.split("chains"), &threads);
    values(ends).into_iter().map(f64::from).collect()
}

fn fits(what: &str, p: f64) {
    eprintln!("{what}: p = {p:.3}");
    assert!(p > FALSE_ALARM, "{what}: p = {p:e}");
}

fn fails(what: &str, p: f64) {
    eprintln!("{what}: p = {p:.1e}, as it should");
    assert!(p < FALSE_ALARM, "{what} passes with p = {p}: the test would not see a wrong sampler");
}

#[test]
fn unadjusted_chains_in_a_normal_density_have_its_variance_but_for_a_known_share() {
    // `z' = (1 - a) z + sqrt(2 T a) e` is normal with the variance T / (1 - a/2), whatever the start once (1 - a)^n has
    // forgotten it; `a` is s in one convention and s²/2 in the other (E22).
    for (size, convention, variance) in [
        (0.8, Convention::Pang, 1.0 / (1.0 - 0.64 / 4.0)),
        (0.4, Convention::Pooladzandi, 1.0 / (1.0 - 0.4 / 2.0)),
    ] {
        for temperature in [0.5, 1.0] {
            let StepSize { drift } = StepSize::new(size, convention);
            let found = ends(chains(drift, temperature, false, 60), &StandardNormal, [10_000, 2]);
            let normal = |variance: f64| move |z: f64| normal_distribution(z / variance.sqrt());
            let what = format!("{convention:?}, temperature {temperature}");
            fits(&what, kolmogorov(found.clone(), normal(temperature * variance)));
            fails(&format!("{what}, no error"), kolmogorov(found, normal(temperature)));
        }
    }
}

#[test]
fn the_conventions_are_one_where_the_papers_steps_agree() {
    for (pang, pooladzandi) in [(0.4, 0.08), (0.6, 0.18)] {
        let [one, other] = [(pang, Convention::Pang), (pooladzandi, Convention::Pooladzandi)]
            .map(|(size, convention)| StepSize::new(size, convention).drift);
        assert!((one - other).abs() < 1e-15, "{one} {other}");
    }
}

#[test]
fn without_temperature_chains_climb_the_gradient_and_see_no_noise() {
    let device = Device::flex();
    let start = [2.0_f32, -1.0, 0.5, 3.0];
    for adjusted in [false, true] {
        for seed in [1, 2] {
            let z = matrix(start.to_vec(), 2, &device);
            let chains = chains(0.25, 0.0, adjusted, 7);
            let found = values(chains.run(&StandardNormal, z, &Noise::new(seed), &InTurn));
            let expected = start.map(|v| f64::from(v) * 0.75_f64.powi(7));
            let tolerance = Tolerance { relative: 1e-6, absolute: 0.0 };
            assert_close("gradient ascent", &found, &expected, tolerance);
        }
    }
}

/// Weights, means and standard deviations.
const MIXTURE: [(f64, f64, f64); 2] = [(0.35, -1.6, 0.5), (0.65, 1.2, 0.8)];

fn mixture(z: &[f64]) -> (f64, Vec<f64>) {
    let each = MIXTURE.map(|(weight, mean, deviation)| {
        let apart = (z[0] - mean) / deviation;
        (weight / deviation * (-0.5 * apart * apart).exp(), -apart / deviation)
    });
    let sum: f64 = each.iter().map(|(density, _)| density).sum();
    let slope: f64 = each.iter().map(|(density, slope)| density * slope).sum();
    (sum.ln(), vec![slope / sum])
}

fn mixture_distribution(z: f64) -> f64 {
    let below = MIXTURE
        .map(|(weight, mean, deviation)| weight * normal_distribution((z - mean) / deviation));
    below.iter().sum()
}

#[test]
fn adjusted_chains_draw_from_a_mixture_and_unadjusted_ones_do_not() {
    let found = |adjusted| ends(chains(0.3, 1.0, adjusted, 250), &Host(mixture), [4000, 1]);
    fits("mixture", kolmogorov(found(true), mixture_distribution));
    fails("mixture, unadjusted", kolmogorov(found(false), mixture_distribution));
}

/// How far the banana reaches, and how far it bends.
const REACH: f64 = 1.5;
const BEND: f64 = 0.7;

/// `z_1 = REACH u_1`, `z_2 = u_2 + BEND (u_1² - 1)` of standard normal `u`.
fn banana(z: &[f64]) -> (f64, Vec<f64>) {
    let [u_1, u_2] = straight(z);
    let slope = 2.0 * BEND * u_1 * u_2;
    (-0.5 * (u_1 * u_1 + u_2 * u_2), vec![(slope - u_1) / REACH, -u_2])
}

fn straight(z: &[f64]) -> [f64; 2] {
    let u = z[0] / REACH;
    [u, z[1] - BEND * (u * u - 1.0)]
}

/// Both coordinates after the bend has been taken out, and which of 6 by 6 equally probable cells each pair lies in.
fn judge_banana(ends: &[f64]) -> [f64; 3] {
    let pairs: Vec<[f64; 2]> = ends.chunks_exact(2).map(straight).collect();
    let mut counts = vec![0; 36];
    for pair in &pairs {
        let [a, b] = pair.map(|u| ((normal_distribution(u) * 6.0) as usize).min(5));
        counts[6 * a + b] += 1;
    }
    let along = |i: usize| kolmogorov(pairs.iter().map(|u| u[i]).collect(), normal_distribution);
    [along(0), along(1), chi_square(&counts, &[1.0 / 36.0; 36])]
}

#[test]
fn adjusted_chains_draw_from_a_banana_and_unadjusted_ones_do_not() {
    let found = |drift, adjusted| ends(chains(drift, 1.0, adjusted, 250), &Host(banana), [4000, 2]);
    let names = ["along", "across", "cells"];
    for (what, p) in names.into_iter().zip(judge_banana(&found(0.15, true))) {
        fits(what, p);
    }
    // What the step is too large for flies off: such chains fail too.
    let least = judge_banana(&found(0.25, false)).into_iter().fold(1.0, f64::min);
    fails("banana, unadjusted", least);
}

#[test]
fn adjusted_chains_meet_a_tempered_density_at_a_step_of_any_size() {
    for drift in [0.2, 0.9] {
        let found = ends(chains(drift, 0.5, true, 150), &StandardNormal, [6000, 1]);
        let tempered = |z: f64| normal_distribution(z / 0.5_f64.sqrt());
        fits(&format!("N(0, 1/2), drift {drift}"), kolmogorov(found, tempered));
    }
}

fn energy() -> Model {
    Small { model: "latent-ebm", seed: 6, ..Small::default() }.model(&Device::flex())
}

#[test]
fn a_chains_way_does_not_depend_on_who_else_is_there_nor_on_who_works_on_it() {
    let (device, noise) = (Device::flex(), Noise::new(3).split("chains"));
    let Model::LatentEbm(model) = energy() else { panic!("a latent-ebm") };
    let y = (0..300 * 4).map(|i| f32::from(u8::from(i % 4 == (i / 4) % 4))).collect();
    let density = model.prior.density(Target::Given(matrix(y, 4, &device)));
    // Three blocks of chains, in a density that differs from chain to chain.
    let start = Noise::new(4).normal_tensor([300, model.latent()], &device);
    for adjusted in [false, true] {
        let chains = chains(0.2, 1.0, adjusted, 25);
        let run =
            |workers: &dyn Workers| values(chains.run(&density, start.clone(), &noise, workers));
        let whole = run(&InTurn);
        for count in [1, 2, 3] {
            let threads: Arc<dyn Workers> = Arc::new(Threads::start(count).expect("threads"));
            assert_eq!(run(&*threads), whole, "{count} threads");
        }
        // Any some of the chains by themselves, blocks split elsewhere.
        let normal = Host(|z: &[f64]| (0.0, z.iter().map(|v| (-v).sin()).collect()));
        let all = values(chains.run(&normal, start.clone(), &noise, &InTurn));
        let mut split = Vec::new();
        for some in [0..1, 1..100, 100..229, 229..300] {
            let z = start.clone().slice_dim(0, some.clone());
            split.extend(values(chains.run_shifted(&normal, z, some.start, &noise, &InTurn)));
        }
        assert_eq!(split, all);
    }
}

#[test]
fn a_given_class_stays_with_its_chain_in_every_block() {
    let (device, mut noise) = (Device::flex(), Noise::new(5));
    let Model::LatentEbm(model) = energy() else { panic!("a latent-ebm") };
    // Not the same for rows a block apart.
    let class = |row: usize| (row * 7 / 3) % 4;
    let one_hot = |rows: Range<usize>| {
        let y = rows.flat_map(|row| (0..4).map(move |k| f32::from(u8::from(k == class(row)))));
        matrix(y.collect(), 4, &device)
    };
    let chains = chains(0.2, 1.0, false, 5);
    let start = noise.normal_tensor([200, model.latent()], &device);
    let all = model.prior.density(Target::Given(one_hot(0..200)));
    let all = values(chains.run(&all, start.clone(), &noise, &InTurn));
    // One chain of the second block alone: products of other sizes may round otherwise.
    let alone = model.prior.density(Target::Given(one_hot(170..171)));
    let z = start.slice_dim(0, 170..171);
    let alone = values(chains.run_shifted(&alone, z, 170, &noise, &InTurn));
    let expected: Vec<f64> = all[170 * 3..171 * 3].iter().map(|&v| f64::from(v)).collect();
    assert_close("chain 170", &alone, &expected, Tolerance { relative: 1e-5, absolute: 1e-5 });
}

/// What is said of a step, and the state after it.
struct Stepped {
    displacement: Vec<f32>,
    gradient_norm: Vec<f32>,
    gap: Vec<f32>,
    accepted: Vec<f32>,
    z: Vec<f32>,
    log_density: Vec<f32>,
    gradient: Vec<f32>,
}

/// One step from `start`, rows of so many columns.
fn step(sampler: Langevin, density: &impl LogDensity, start: &[f32], columns: usize) -> Stepped {
    let z = matrix(start.to_vec(), columns, &Device::flex());
    let [rows, _] = z.dims();
    let mut streams = Noise::new(1).streams(0, rows);
    let state = sampler.init(density, z, 0..rows);
    let (state, info) = sampler.step(density, state, 0..rows, &mut streams);
    Stepped {
        displacement: values(info.displacement()),
        gradient_norm: values(info.gradient_norm()),
        gap: values(info.gap()),
        accepted: values(info.accepted()),
        z: values(state.z),
        log_density: values(state.at.log_density),
        gradient: values(state.at.gradient),
    }
}

fn sampler(drift: f64, temperature: f64, adjusted: bool) -> Langevin {
    Langevin { step: StepSize { drift }, temperature, adjusted }
}

#[test]
fn what_is_said_of_a_step_is_what_it_did() {
    // Uphill from (3, 4) by half the gradient: to half of it, 2.5 away, with 25/2 - 25/8 nats gained.
    let found = step(sampler(0.5, 0.0, false), &StandardNormal, &[3.0, 4.0, 0.0, 0.0], 2);
    let close = |what: &str, found: &[f32], expected: &[f64]| {
        assert_close(what, found, expected, Tolerance { relative: 1e-6, absolute: 1e-6 });
    };
    close("displacement", &found.displacement, &[2.5, 0.0]);
    close("gradient norm", &found.gradient_norm, &[5.0, 0.0]);
    close("gap", &found.gap, &[9.375, 0.0]);
    close("accepted", &found.accepted, &[1.0, 1.0]);
    close("end", &found.z, &[1.5, 2.0, 0.0, 0.0]);
    close("gradient there", &found.gradient, &[-1.5, -2.0, 0.0, 0.0]);
    let constant = std::f64::consts::TAU.ln();
    close("density there", &found.log_density, &[-3.125 - constant, -constant]);
}

#[test]
fn a_move_to_where_the_density_is_zero_or_not_a_number_is_rejected_and_nothing_changes() {
    for beyond in [f64::NEG_INFINITY, f64::NAN] {
        let density = Host(move |z: &[f64]| match z[0] == 1.0 {
            true => (-3.0, vec![0.5]),
            false => (beyond, vec![7.0]),
        });
        let found = step(sampler(0.1, 1.0, true), &density, &[1.0; 8], 1);
        for zero in [found.displacement, found.gap, found.accepted] {
            assert_eq!(zero, [0.0; 8]);
        }
        assert_eq!((found.z, found.log_density), (vec![1.0; 8], vec![-3.0; 8]));
        // The next step starts with the gradient of where the chain is, not of where it would have gone.
        assert_eq!((found.gradient_norm, found.gradient), (vec![0.5; 8], vec![0.5; 8]));
    }
}

#[test]
fn a_move_is_accepted_with_the_probability_of_metropolis() {
    // Without a gradient the proposal is even, and all depends on the density: 0.3 of it to the right of zero.
    let density = Host(|z: &[f64]| (if z[0] > 0.0 { 0.3_f64.ln() } else { 0.0 }, vec![0.0]));
    let start = vec![-1e-6; 20_000];
    let Stepped { gap, accepted, .. } = step(sampler(0.5, 1.0, true), &density, &start, 1);
    // Half of all go left and are accepted, of the others 0.3: a standard error of 0.0034, five of which are allowed.
    let share = accepted.iter().sum::<f32>() / 20_000.0;
    assert!((share - 0.65).abs() < 0.017, "{share}");
    assert!(gap.iter().all(|&gap| gap == 0.0 || (gap - 0.3_f32.ln()).abs() < 1e-6));
    // Where the temperature is one half, the density counts twice: 0.09.
    let Stepped { accepted, .. } = step(sampler(0.5, 0.5, true), &density, &start, 1);
    let share = accepted.iter().sum::<f32>() / 20_000.0;
    assert!((share - 0.545).abs() < 0.017, "{share}");
}

#[test]
fn tiny_steps_are_nearly_all_accepted_and_huge_ones_nearly_none() {
    let start = Noise::new(9).normal(4000);
    let share = |drift| {
        let sampler = sampler(drift, 1.0, true);
        let Stepped { accepted, .. } = step(sampler, &StandardNormal, &start, 2);
        accepted.iter().sum::<f32>() / accepted.len() as f32
    };
    assert!(share(1e-4) > 0.999, "{}", share(1e-4));
    assert!(share(100.0) < 0.05, "{}", share(100.0));
}
