//! What must hold for any model, batch and noise.

use burn::tensor::Device;
use gleaner_core::data::{Examples, Values};
use gleaner_core::dist::{Categorical, Gaussian, clamp_log_var};
use gleaner_core::infer::{evidence_lower_bound, importance_weighted_bound};
use gleaner_core::measures::eval::entropy_of_logits;
use gleaner_core::models::{Classify as _, Generative as _, Likelihood, Look};
use gleaner_core::nets::Classes;
use gleaner_core::objective::{mutual_information, unlabelled_bound};
use gleaner_core::traverse::{along, over_classes, plane, walk};
use gleaner_tests::modules::parameters;
use gleaner_tests::small::{Small, matrix};
use gleaner_tests::{Tolerance, assert_close, naive, number, values, wait};
use proptest::prelude::*;

const VALUE: Tolerance = Tolerance { relative: 1e-5, absolute: 1e-5 };

/// Sizes that leave no two dimensions equal by habit.
fn small() -> impl Strategy<Value = Small> {
    (
        2..6_usize,
        1..12_usize,
        1..5_usize,
        1..7_usize,
        any::<u64>(),
        prop::collection::vec(1..9_usize, 1..4),
    )
        .prop_map(|(classes, features, latent, rows, seed, hidden)| Small {
            classes,
            features,
            latent,
            hidden,
            rows: [2, rows],
            seed,
            ..Small::default()
        })
}

/// Each case is a new model; failures are found again from the seed in the message, not from a file.
fn cases() -> ProptestConfig {
    ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_split_layer_enumerates_like_a_one_hot_vector(small in small()) {
        let device = Device::flex();
        let model = small.model(&device);
        let rows = small.rows[1];
        let x = small.examples("x", rows);
        let epsilon = small.noise("epsilon").normal(small.classes * rows * small.latent);
        let u = unlabelled_bound(
            &model,
            matrix(x.clone(), small.features, &device),
            &Look::default(),
            matrix(epsilon.clone(), small.latent, &device),
            1.0,
        );
        let parameters = parameters(&model);
        let mut expected = Vec::new();
        for (i, x) in x.chunks_exact(small.features).enumerate() {
            for class in 0..small.classes {
                let at = (class * rows + i) * small.latent;
                let epsilon = &epsilon[at..at + small.latent];
                let (log_px, kl) =
                    naive::bernoulli_row(&parameters, small.classes, x, class, epsilon);
                expected.push(log_px - kl - (small.classes as f64).ln());
            }
        }
        assert_close("L(x, y) for every class", &values(u.by_class.transpose()), &expected, VALUE);
    }

    #[test]
    fn information_and_entropy_stay_in_their_bounds(
        classes in 2..8_usize,
        rows in 1..20_usize,
        scale in 0.0..60.0_f32,
        seed in any::<u64>(),
    ) {
        let noise = Small { seed, ..Small::default() }.noise("logits").normal(classes * rows);
        let logits: Vec<f32> = noise.into_iter().map(|v| v * scale).collect();
        let most = (classes as f32).ln();
        for row in logits.chunks_exact(classes) {
            let entropy = entropy_of_logits(row);
            prop_assert!(entropy >= 0.0 && entropy <= f64::from(most) + 1e-6, "H {entropy}");
        }
        let q = Categorical::from_logits(matrix(logits, classes, &Device::flex()));
        let information = number(mutual_information(&q));
        // The difference of two entropies, each rounded at the size of log K.
        prop_assert!(information >= -2e-6 && information <= most + 2e-6, "I {information}");
    }

    #[test]
    fn permuting_the_batch_permutes_what_comes_out(small in small()) {
        let device = Device::flex();
        let model = small.model(&device);
        let rows = small.rows[1];
        let order = small.noise("order").permutation(rows);
        let x = small.examples("x", rows);
        let epsilon = small.noise("epsilon").normal(small.classes * rows * small.latent);
        let moved_x = pick(&x, small.features, &order);
        // Noise is class-major: every class's block is permuted alike.
        let blocks = epsilon.chunks_exact(rows * small.latent);
        let moved_epsilon: Vec<f32> =
            blocks.flat_map(|block| pick(block, small.latent, &order)).collect();
        let bound = |x: Vec<f32>, epsilon: Vec<f32>| {
            let x = matrix(x, small.features, &device);
            let epsilon = matrix(epsilon, small.latent, &device);
            values(unlabelled_bound(&model, x, &Look::default(), epsilon, 1.0).value)
        };
        let expected: Vec<f64> =
            pick(&bound(x, epsilon), 1, &order).into_iter().map(f64::from).collect();
        let tight = Tolerance { relative: 2e-6, absolute: 2e-6 };
        assert_close("U(x)", &bound(moved_x, moved_epsilon), &expected, tight);
    }

    #[test]
    fn the_divergence_is_never_negative(
        rows in 1..9_usize,
        mean_scale in 0.0..1.0_f32,
        log_var_scale in 0.0..30.0_f32,
        seed in any::<u64>(),
    ) {
        let device = Device::flex();
        let mut noise = Small { seed, ..Small::default() }.noise("heads");
        let mut head = |scale: f32| {
            matrix(noise.normal(rows * 2).into_iter().map(|v| v * scale).collect(), 2, &device)
        };
        let (mean, raw) = (head(mean_scale), head(log_var_scale));
        let q = Gaussian { mean, log_var: clamp_log_var(raw) };
        for kl in values(q.kl_from_standard()) {
            // exp(v) - v - 1 is zero at v = 0 up to the rounding of 1, twice over.
            prop_assert!(kl >= -2e-7, "KL {kl}");
        }
    }
}

#[test]
fn the_evidence_bound_is_below_the_importance_weighted_one_on_average() {
    for likelihood in
        [Likelihood::Bernoulli, Likelihood::Gaussian, Likelihood::Multinomial, Likelihood::Mixed]
    {
        let small = Small { seed: 11, likelihood, ..Small::default() };
        let device = Device::flex();
        let model = small.model(&device);
        let examples = Examples {
            values: Values::F32(small.examples("x", 40)),
            shape: vec![small.width()],
            labels: vec![-1; 40],
        };
        let rows: Vec<usize> = (0..40).collect();
        // 2,400 draws of z per class behind each average, whatever the number of draws within a bound.
        let average = |draws: usize| {
            let repeats = 60 / draws.max(1);
            let mut sum = 0.0;
            for repeat in 0..repeats {
                let noise = small.noise("bounds").at(repeat as u64);
                let bounds = match draws {
                    0 => wait(evidence_lower_bound(&model, &examples, &rows, &noise, &device)),
                    _ => wait(importance_weighted_bound(
                        &model, &examples, &rows, draws, &noise, &device,
                    )),
                };
                sum += bounds.expect("a bound").iter().map(|&b| f64::from(b)).sum::<f64>();
            }
            sum / (repeats * rows.len()) as f64
        };
        let [bound, one, five, sixty] = [0, 1, 5, 60].map(average);
        eprintln!("{likelihood:?}: U {bound:.3}, IWAE {one:.3}, {five:.3}, {sixty:.3}");
        assert!(bound < one && one < five && five < sixty);
    }
}

/// Every model, and where its classifier's parameters are; M1 has none.
const MODELS: [(&str, &str); 8] = [
    ("m1", ""),
    ("m2", "classifier"),
    ("m1m2", "stacked.classifier"),
    ("adgm", "recognition.classifier"),
    ("sdgm", "recognition.classifier"),
    ("ladder", "classifier"),
    ("untapped", "classifier"),
    ("latent-ebm", "prior.energy"),
];

#[test]
fn logits_are_linear_in_what_the_classifier_decides_from() {
    let device = Device::flex();
    for (name, classifier) in MODELS.into_iter().filter(|(name, _)| *name != "m1") {
        let small = Small { model: name, seed: 4, ..Small::default() };
        let model = small.model(&device);
        let x = matrix(small.examples("x", 3), small.features, &device);
        let features = values(model.features(x.clone()));
        let parameters = parameters(&model);
        let [weight, bias] = ["weight", "bias"]
            .map(|part| &parameters[&format!("{classifier}.output.{part}")].values);
        let logits: Vec<f64> = features
            .chunks_exact(features.len() / 3)
            .flat_map(|row| {
                (0..small.classes).map(|class| {
                    let column = weight.iter().skip(class).step_by(small.classes);
                    let products = row.iter().zip(column).map(|(f, w)| f64::from(f * w));
                    products.sum::<f64>() + f64::from(bias[class])
                })
            })
            .collect();
        assert_close(name, &values(model.classify(x)), &logits, VALUE);
    }
}

#[test]
fn a_traversal_has_what_the_model_makes_of_each_place() {
    let device = Device::flex();
    for (name, _) in MODELS {
        let small = Small { model: name, seed: 5, ..Small::default() };
        let model = small.model(&device);
        let (latent, features) = (model.latent(), small.features);
        let z = values(model.prior(3, &mut small.noise("z"), &device));
        // What each `z` is in each class: for most models, itself.
        let placed = values(model.in_every_class(matrix(z.clone(), latent, &device)));
        let placed = |row: usize, class: usize| {
            let first = (class * 3 + row) * latent;
            placed[first..first + latent].to_vec()
        };
        let made = |z: Vec<f32>, class: usize| -> Vec<f64> {
            let mut y = vec![0.0; small.classes];
            y[class] = 1.0;
            let y = Classes::Given(matrix(y, small.classes, &device));
            let x = values(model.decode(matrix(z, latent, &device), &y).mean());
            x.into_iter().map(f64::from).collect()
        };
        let all = values(over_classes(&model, matrix(z.clone(), latent, &device)));
        assert_eq!(all.len(), 3 * small.classes * features, "{name}");
        let tile = |all: &[f32], number: usize| all[number * features..][..features].to_vec();
        if name != "latent-ebm" {
            assert_eq!(placed(1, 2), z[latent..2 * latent], "{name}");
        }
        let second = placed(1, 2);
        let found = tile(&all, small.classes + 2);
        assert_close(name, &found, &made(second.clone(), 2), VALUE);

        let (dimension, steps) = (latent - 1, walk(&model, 5));
        let start = matrix(z[latent..2 * latent].to_vec(), latent, &device);
        let moved = along(&model, start, dimension, &steps);
        let mut expected = second;
        expected[dimension] = steps[3] as f32;
        assert_close(name, &tile(&values(moved), 2 * 5 + 3), &made(expected, 2), VALUE);
    }
}

#[test]
fn a_plane_covers_equal_shares_of_the_prior_with_its_origin_at_the_bottom_left() {
    let device = Device::flex();
    for name in ["m2", "untapped"] {
        let small = Small { model: name, latent: 2, seed: 6, ..Small::default() };
        let model = small.model(&device);
        let tiles = values(plane(&model, 1, 4, &device));
        assert_eq!(tiles.len(), 16 * small.features);
        let z = [0.125, 0.375].map(|share| model.quantile(share) as f32);
        let y = Classes::Given(matrix(vec![0.0, 1.0, 0.0, 0.0], 4, &device));
        let expected = values(model.decode(matrix(z.to_vec(), 2, &device), &y).mean());
        let expected: Vec<f64> = expected.into_iter().map(f64::from).collect();
        // First column, second row from below: the third of four.
        let place = 2 * 4 * small.features;
        assert_close(name, &tiles[place..place + small.features], &expected, VALUE);

        let draws = values(model.prior(4000, &mut small.noise("prior"), &device));
        let below = draws.iter().filter(|&&z| f64::from(z) < model.quantile(0.3)).count();
        // 8,000 numbers: a standard error of 0.005, five of which are allowed.
        assert!((below as f64 / draws.len() as f64 - 0.3).abs() < 0.026, "{name}: {below}");
    }
}

/// The given rows, in that order.
fn pick(values: &[f32], columns: usize, order: &[usize]) -> Vec<f32> {
    order.iter().flat_map(|&row| values[row * columns..(row + 1) * columns].to_vec()).collect()
}
