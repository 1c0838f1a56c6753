//! The energy by itself: its gradient, what its chains draw, and `log Z`.

use burn::tensor::Device;
use gleaner::system::threads::Threads;
use gleaner_core::dist::Gaussian;
use gleaner_core::infer::mean_bound;
use gleaner_core::measures::estimate::log_mean_error;
use gleaner_core::models::{Annealing, Target};
use gleaner_core::nets::Activation;
use gleaner_core::noise::Noise;
use gleaner_core::sampler::{Chains, Langevin, LogDensity as _, StepSize};
use gleaner_tests::goodness_of_fit::{chi_square, mean_and_error};
use gleaner_tests::latent_energy::Grid;
use gleaner_tests::small::matrix;
use gleaner_tests::{Tolerance, assert_close, number, values};

use super::{CLASSES, Case, FALSE_ALARM, doubles, one_hot};

const ACTIVATIONS: [Activation; 6] = [
    Activation::Softplus,
    Activation::Relu,
    Activation::LeakyRelu,
    Activation::Silu,
    Activation::Tanh,
    Activation::Identity,
];

const ROWS: usize = 7;

/// Single precision through four layers whose weights are above one: a unit in the last place grows a few hundredfold.
const VALUE: Tolerance = Tolerance { relative: 2e-5, absolute: 2e-5 };

#[test]
fn the_gradient_in_closed_form_is_that_of_the_tape_and_of_the_chain_rule() {
    let latent = 2;
    for activation in ACTIVATIONS {
        for hidden in [&[][..], &[5], &[5, 4], &[5, 4, 3]] {
            let case = Case::new(latent, hidden, activation, 3);
            let z = Noise::new(4).normal(ROWS * latent);
            for class in [None, Some(1)] {
                let what = format!("{activation:?}, {hidden:?}, class {class:?}");
                check_gradient(&case, &what, &z, class);
            }
        }
    }
}

fn check_gradient(case: &Case, what: &str, z: &[f32], class: Option<usize>) {
    let latent = z.len() / ROWS;
    let device = Device::flex();
    let target = class.map_or(Target::Marginal, |y| Target::Given(one_hot(ROWS, y)));
    let model = case.model(&device);
    let found = model.prior.density(target).evaluate(matrix(z.to_vec(), latent, &device), 0..ROWS);
    let (found_value, found_slopes) = (values(found.log_density), values(found.gradient));

    let taped = case.model(&device.clone().autodiff());
    let leaf = matrix(z.to_vec(), latent, &device.autodiff()).require_grad();
    let tilt = match class {
        None => taped.prior.tilt(leaf.clone()),
        Some(y) => taped.prior.logits(leaf.clone()).slice_dim(1, y..y + 1).squeeze_dim::<1>(1),
    };
    let value = tilt + Gaussian::standard_log_prob(leaf.clone());
    let slopes = leaf.grad(&value.clone().sum().backward()).expect("a gradient");
    assert_close(&format!("{what}: value"), &found_value, &doubles(values(value.inner())), VALUE);
    assert_close(&format!("{what}: tape"), &found_slopes, &doubles(values(slopes)), VALUE);

    let (mut log_density, mut gradient) = (Vec::new(), Vec::new());
    for z in z.chunks_exact(latent) {
        let z = doubles(z.to_vec());
        let (tilt, slopes) = case.energy.differentiate(&z, class);
        let normal: f64 = z.iter().map(|v| v * v + std::f64::consts::TAU.ln()).sum();
        log_density.push(tilt - 0.5 * normal);
        gradient.extend(slopes.z.iter().zip(&z).map(|(slope, v)| slope - v));
    }
    assert_close(&format!("{what}: on the host"), &found_value, &log_density, VALUE);
    assert_close(&format!("{what}: chain rule"), &found_slopes, &gradient, VALUE);
}

/// Whether the last states of so many chains could be draws of a class, or of all: the p-value.
fn judge(case: &Case, grid: &Grid, [ran, judged]: [Option<usize>; 2], adjusted: bool) -> f64 {
    let (count, device) = (4000, Device::flex());
    let latent = grid.points[0].len();
    let model = case.model(&device);
    let density = model.prior.density(match ran {
        None => Target::Marginal,
        Some(y) => Target::Given(one_hot(count, y)),
    });
    // Without a correction a step this long shows.
    let drift = if adjusted { 0.15 } else { 0.5 };
    let sampler = Langevin { step: StepSize { drift }, temperature: 1.0, adjusted };
    let noise = Noise::new(16);
    let start = noise.split("start").normal_tensor([count, latent], &device);
    let threads = Threads::start(2).expect("threads");
    let chains = Chains { sampler, steps: 200 };
    let ends = doubles(values(chains.run(&density, start, &noise.split("chains"), &threads)));
    let side = if latent == 1 { 70 } else { 28 };
    let probabilities = grid.coarse(&grid.probabilities(&case.energy, judged), side);
    let mut counts = vec![0; probabilities.len()];
    for z in ends.chunks_exact(latent) {
        counts[Grid::cell(z, side)] += 1;
    }
    chi_square(&counts, &probabilities)
}

#[test]
fn adjusted_chains_draw_from_the_energy_and_from_each_of_its_classes() {
    for (latent, side) in [(1, 1400), (2, 140)] {
        let grid = Grid::new(latent, side);
        let case = Case::of_several_modes(latent, &grid);
        for class in [None, Some(0), Some(1), Some(2)] {
            let p = judge(&case, &grid, [class; 2], true);
            eprintln!("{latent} dimensions, class {class:?}: p = {p:.3}");
            assert!(p > FALSE_ALARM, "{latent} dimensions, class {class:?}: p = {p:e}");
        }
        // The test has the power to tell classes apart, and an uncorrected chain from a corrected one.
        let other = judge(&case, &grid, [Some(0), None], true);
        let crude = judge(&case, &grid, [None; 2], false);
        assert!(other < FALSE_ALARM && crude < FALSE_ALARM, "{latent}: {other:e} {crude:e}");
    }
}

#[test]
fn annealed_importance_sampling_finds_the_partition_function() {
    let device = Device::flex();
    for (latent, hidden, activation, size) in [
        (1, &[6][..], Activation::Tanh, 1.6),
        (1, &[5, 4], Activation::LeakyRelu, 0.7),
        (2, &[6], Activation::Softplus, 0.7),
        (2, &[5, 4], Activation::Tanh, 1.6),
    ] {
        let case = Case::of_size(size, latent, hidden, activation, 1);
        let side = if latent == 1 { 1400 } else { 280 };
        let exact = Grid::new(latent, side).log_partition(&case.energy, None);
        let mut prior = case.model(&device).prior;
        let ratio = |i: u64| {
            let estimate = prior.estimate_log_partition(Annealing::QUICK, &Noise::new(5).at(i));
            (f64::from(number(estimate)) - exact).exp()
        };
        // The estimate of Z is without bias, that of its logarithm is not.
        let ratios: Vec<f64> = (0..25).map(ratio).collect();
        let (mean, error) = mean_and_error(&ratios);
        // Of one estimate, from its own weights: as far as 25 others spread, whose spread is known to a seventh.
        let own = Noise::new(0).split("log partition");
        let said = log_mean_error(&values(prior.annealed(Annealing::QUICK, &own))).unwrap();
        let spread = error * 25.0_f64.sqrt();
        assert!((0.6..1.7).contains(&(said / spread)), "{said}, not {spread}");
        let own = prior.estimate_log_partition(Annealing::QUICK, &own);
        prior.measure();
        let stored = number(prior.log_partition());
        eprintln!("log Z {exact:.4}, measured {stored:.4}; ratios {mean:.4} ± {error:.4}");
        assert!((mean - 1.0).abs() < 5.0 * error && error < 0.02, "{mean} ± {error}");
        assert_eq!(stored, number(own), "what is stored is one such estimate");
        let apart = (f64::from(stored) - exact).exp() - 1.0;
        assert!(apart.abs() < 5.0 * error * 25.0_f64.sqrt(), "{stored}, not {exact}");
        assert!((exact - (CLASSES as f64).ln()).abs() > 0.2, "an energy that does something");
    }
}

#[test]
fn a_bound_that_is_reported_has_the_partition_function_measured_finely() {
    let device = Device::flex();
    let case = Case::of_size(1.6, 2, &[5, 4], Activation::Tanh, 1);
    let exact = Grid::new(2, 280).log_partition(&case.energy, None);
    let mut model = case.model(&device);
    for measured in [false, true] {
        if measured {
            model.prior.measure();
        }
        let stored = f64::from(number(model.prior.log_partition()));
        assert_eq!(stored == 0.0, !measured);
        // Bounds of an example without anything but the partition function as it is stored.
        let bounds = [-stored as f32; 3];
        let reported = pollster::block_on(mean_bound(&model, &bounds)).unwrap();
        let error = reported.error.unwrap();
        eprintln!("log Z {exact:.5}, stored {stored:.5}, reported {reported:?}");
        assert!((reported.value + exact).abs() < 4.0 * error, "{reported:?}, not {exact}");
        let quick = model.prior.annealed(Annealing::QUICK, &Noise::new(3));
        let quick = log_mean_error(&values(quick)).unwrap();
        assert!(error < 0.6 * quick, "{error}, hardly below {quick}");
    }
}
