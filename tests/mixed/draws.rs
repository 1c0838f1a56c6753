//! Draws of rows: as frequent as their probabilities say, and of the kind that the column holds.

use burn::tensor::{Device, Tensor};
use gleaner_core::dist::{Column, Mixed};
use gleaner_core::noise::Noise;
use gleaner_tests::goodness_of_fit::{chi_square, kolmogorov, normal_distribution};
use gleaner_tests::small::matrix;
use gleaner_tests::values;

use super::{NUMBERS, at, densities, every_kind, seen_count};

const DRAWS: usize = 20_000;

/// Once in so many seeds a right draw is called wrong.
const FALSE_ALARM: f64 = 1e-4;

const OUTPUT: [f32; NUMBERS] = [0.7, 0.2, -1.0, 0.5, 0.4, -0.6, 0.8, -0.3, 0.9, 0.3];
const SPREAD: [f32; NUMBERS] = [-0.4, 0.0, 0.0, 0.0, 0.5, 0.0, 0.3, -2.0, 0.0, -0.2];

fn draws() -> Vec<f32> {
    let device = Device::flex();
    let mixed = Mixed {
        columns: every_kind(),
        output: matrix(OUTPUT.repeat(DRAWS), NUMBERS, &device),
        spread: Tensor::from_floats(&SPREAD[..], &device),
    };
    values(mixed.draw(&mut Noise::new(12).streams(0, DRAWS)))
}

fn column(draws: &[f32], place: usize) -> impl Iterator<Item = f32> {
    draws.iter().skip(place).step_by(NUMBERS).copied()
}

/// The probability of a value in one column, by the formula.
fn probability(place: usize, value: f32) -> f64 {
    let mut row = [f32::NAN; NUMBERS];
    row[place] = value;
    if (at::WORDS..at::WORDS + 3).contains(&place) {
        (at::WORDS..at::WORDS + 3).for_each(|word| row[word] = f32::from(word == place));
    }
    let double = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
    densities::log_probs(&double(&OUTPUT), &double(&SPREAD), &row).iter().sum::<f64>().exp()
}

/// Counts of each value against its probability.
fn fits(what: &str, draws: &[f32], place: usize, all: &[f32]) {
    let close = |a: f32, b: f32| (a - b).abs() < 1e-4;
    let count = |value: f32| column(draws, place).filter(|&draw| close(draw, value)).count();
    let counts: Vec<usize> = all.iter().map(|&value| count(value)).collect();
    let shares: Vec<f64> = all.iter().map(|&value| probability(place, value)).collect();
    let others = DRAWS - counts.iter().sum::<usize>();
    let rest = (1.0 - shares.iter().sum::<f64>()).max(0.0);
    assert!(rest > 1e-4 || others == 0, "{what}: {others} draws are none of its values");
    let p = chi_square(
        &[counts.clone(), vec![others]].concat(),
        &[shares.clone(), vec![rest]].concat(),
    );
    eprintln!("{what}: p = {p:.4}");
    assert!(p > FALSE_ALARM, "{what}: {counts:?}, expected shares {shares:?}");
}

#[test]
fn draws_of_every_kind_are_as_frequent_as_their_probabilities_say() {
    let draws = draws();
    let counts =
        |mean, sd| -> Vec<f32> { (0..60).map(|k| seen_count(f64::from(k), mean, sd)).collect() };
    fits("yes or no", &draws, at::YES_NO, &[0.0, 1.0]);
    fits("levels", &draws, at::ORDINAL, &[-1.0, 0.25, 0.5, 2.0]);
    fits("two levels", &draws, at::TWO_LEVELS, &[0.0, 1.0]);
    fits("Poisson counts", &draws, at::POISSON, &counts(0.8, 0.5));
    fits("negative binomial counts", &draws, at::NEGATIVE_BINOMIAL, &counts(1.2, 0.6));
    for (place, least) in [(at::GAUSSIAN, 0.3), (at::NARROW, 0.05)] {
        let sd = ((2.0 * f64::from(SPREAD[place])).exp() + least * least).sqrt();
        let mean = f64::from(OUTPUT[place]);
        let scaled = column(&draws, place).map(|x| (f64::from(x) - mean) / sd).collect();
        let p = kolmogorov(scaled, normal_distribution);
        assert!(p > FALSE_ALARM, "measurements at {place}: p = {p}");
    }
}

#[test]
fn exactly_one_word_is_drawn_and_each_as_often_as_its_probability() {
    let draws = draws();
    for row in draws.chunks_exact(NUMBERS) {
        let mut words = row[at::WORDS..at::WORDS + 3].to_vec();
        words.sort_by(f32::total_cmp);
        assert_eq!(words, [0.0, 0.0, 1.0]);
    }
    for word in at::WORDS..at::WORDS + 3 {
        let share = column(&draws, word).sum::<f32>() / DRAWS as f32;
        let wanted = probability(word, 1.0);
        // Five standard errors.
        let error = 5.0 * (wanted * (1.0 - wanted) / DRAWS as f64).sqrt();
        assert!((f64::from(share) - wanted).abs() < error, "{share} for {wanted}");
    }
}

#[test]
fn means_are_those_of_many_draws() {
    let device = Device::flex();
    let mixed = Mixed {
        columns: every_kind(),
        output: matrix(OUTPUT.to_vec(), NUMBERS, &device),
        spread: Tensor::from_floats(&SPREAD[..], &device),
    };
    let (means, draws) = (values(mixed.mean()), draws());
    for place in [0, 1, 2, 3, at::YES_NO, at::ORDINAL, at::NARROW, at::TWO_LEVELS] {
        let mean = column(&draws, place).sum::<f32>() / DRAWS as f32;
        // Standard deviations are below 2: five standard errors.
        assert!((mean - means[place]).abs() < 0.07, "{place}: {mean} for {}", means[place]);
    }
    // Of counts, the expected count is shown, not the expected logarithm.
    for (place, mean, sd) in [(at::POISSON, 0.8, 0.5), (at::NEGATIVE_BINOMIAL, 1.2, 0.6)] {
        let count = |x: f32| f64::from(x * sd + mean).exp_m1();
        let drawn = column(&draws, place).map(count).sum::<f64>() / DRAWS as f64;
        assert!((drawn / count(means[place]) - 1.0).abs() < 0.05, "{place}: {drawn}");
    }
}

#[test]
fn measurements_with_a_lowest_number_are_drawn_no_lower_and_change_nothing_else() {
    let device = Device::flex();
    let lowest = -0.5;
    let of = |lowest| Mixed {
        columns: vec![Column::Gaussian { least_sd: 0.3, lowest }],
        output: matrix(vec![0.1; DRAWS], 1, &device),
        spread: Tensor::from_floats([-0.4f32], &device),
    };
    let draw = |mixed: &Mixed| values(mixed.draw(&mut Noise::new(12).streams(0, DRAWS)));
    let (bounded, free) = (of(Some(lowest)), of(None));
    let (drawn, unbounded) = (draw(&bounded), draw(&free));
    let wanted: Vec<f32> = unbounded.iter().map(|x| x.max(lowest)).collect();
    assert_eq!(drawn, wanted);
    assert!(unbounded.iter().filter(|x| **x < lowest).count() > DRAWS / 20);
    // A cell that is lower is still possible, and as probable as before.
    let cell = || Tensor::<2>::from_floats([[-2.0f32]], &device);
    assert_eq!(values(bounded.log_prob(cell())), values(free.log_prob(cell())));
}

#[test]
fn a_row_does_not_depend_on_which_others_are_drawn() {
    let device = Device::flex();
    let of = |rows: &[usize]| {
        let mixed = Mixed {
            columns: every_kind(),
            output: matrix(OUTPUT.repeat(rows.len()), NUMBERS, &device),
            spread: Tensor::from_floats(&SPREAD[..], &device),
        };
        values(mixed.draw(&mut Noise::new(3).streams_of(rows)))
    };
    assert_eq!(of(&[0, 1, 2, 3])[2 * NUMBERS..3 * NUMBERS], of(&[2]));
}
