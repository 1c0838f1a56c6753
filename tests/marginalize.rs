//! Sum-and-sample: what it draws, and that it is right on average, in value and in every gradient.

use std::collections::BTreeMap;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use gleaner_core::checkpoint::Parameter;
use gleaner_core::dist::Categorical;
use gleaner_core::models::{Classify as _, Model};
use gleaner_core::noise::Noise;
use gleaner_core::objective::{
    Draws, Elapsed, LatentDraws, Looks, Picks, Ramp, SemiSupervised, SemiSupervisedConfig,
};
use gleaner_tests::modules::gradients;
use gleaner_tests::small::{Small, matrix};
use gleaner_tests::{Tolerance, assert_close, number, values};

const CLASSES: usize = 5;

/// One unlabelled example, so that every draw can be listed.
fn small() -> Small {
    Small { classes: CLASSES, rows: [3, 1], ..Small::default() }
}

/// The total and all gradients at given draws.
fn evaluate(
    model: &Model,
    device: &Device,
    latent: LatentDraws,
) -> (f64, BTreeMap<String, Parameter>) {
    let config = SemiSupervisedConfig {
        classifier_gradient: Ramp::constant(0.4),
        ..SemiSupervisedConfig::exact(1.5)
    };
    let draws = Draws { looks: Looks::default(), latent, seen: None };
    let batch = small().batch(device);
    let total = SemiSupervised::new(config).terms_at(model, &batch, Elapsed::ALL, draws).total;
    let grads = GradientsParams::from_grads(total.backward(), model);
    (f64::from(number(total)), gradients(model, grads))
}

fn indices(classes: &[i64], device: &Device) -> Tensor<1, Int> {
    Tensor::from_data(TensorData::new(classes.to_vec(), [classes.len()]), device)
}

#[test]
fn the_mean_over_all_draws_is_the_exact_sum() {
    let device = Device::flex().autodiff();
    let model = small().model(&device);
    let draws = small().draws(&device).latent;
    let (exact_total, exact) = evaluate(&model, &device, draws.clone());
    let q = Categorical::from_logits(model.classify(small().batch(&device).unlabelled));
    let probs = values(q.probs());
    let mut order: Vec<usize> = (0..CLASSES).collect();
    order.sort_by(|&a, &b| probs[b].total_cmp(&probs[a]));
    let epsilon = values(draws.unlabelled.clone());
    let latent = small().latent;

    for summed in 1..CLASSES - 1 {
        let (top, others) = order.split_at(summed);
        let rest: f32 = others.iter().map(|&class| probs[class]).sum();
        let mut mean_total = 0.0;
        let mut mean: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for &drawn in others {
            let picked: Vec<usize> = top.iter().copied().chain([drawn]).collect();
            let of_class = |&class: &usize| epsilon[class * latent..(class + 1) * latent].to_vec();
            let classes: Vec<i64> = picked.iter().map(|&class| class as i64).collect();
            let mut stands_for = vec![1.0; summed];
            stands_for.push(rest / probs[drawn]);
            let picks = Picks {
                classes: indices(&classes, &device),
                stands_for: matrix(stands_for, 1, &device),
            };
            let unlabelled = matrix(picked.iter().flat_map(of_class).collect(), latent, &device);
            let draws = LatentDraws { unlabelled, picks: Some(picks), ..draws.clone() };
            let (total, gradients) = evaluate(&model, &device, draws);
            let weight = f64::from(probs[drawn] / rest);
            mean_total += weight * total;
            for (path, gradient) in gradients {
                let sums = mean.entry(path).or_insert_with(|| vec![0.0; gradient.values.len()]);
                for (sum, &value) in sums.iter_mut().zip(&gradient.values) {
                    *sum += weight * f64::from(value);
                }
            }
        }
        let tolerance = Tolerance { relative: 1e-5, absolute: 1e-5 };
        assert_close("total", &[mean_total as f32], &[exact_total], tolerance);
        for (path, gradient) in &exact {
            let name = format!("{path}, {summed} summed");
            assert_close(
                &name,
                &gradient.values,
                &mean[path],
                Tolerance { relative: 1e-4, ..tolerance },
            );
        }
    }
}

#[test]
fn the_most_probable_are_summed_and_the_others_drawn_in_proportion() {
    const DRAWS: usize = 20_000;
    let device = Device::flex();
    let probs = [0.05_f32, 0.4, 0.15, 0.3, 0.1];
    let logits: Vec<f32> = probs.iter().map(|p| p.ln()).collect();
    let q = Categorical::from_logits(matrix(logits.repeat(DRAWS), CLASSES, &device));
    let uniform = Noise::new(2).uniform_tensor([DRAWS, 1], &device);
    let picks = Picks::draw(&q, 2, uniform);
    let classes: Vec<i64> = picks.classes.into_data().try_into_vec_as::<i64>().expect("integers");
    let stands_for = values(picks.stands_for);
    let mut counts = [0.0; CLASSES];
    for row in 0..DRAWS {
        assert_eq!([classes[row], classes[DRAWS + row]], [1, 3]);
        assert_eq!([stands_for[row], stands_for[DRAWS + row]], [1.0, 1.0]);
        let drawn = classes[2 * DRAWS + row] as usize;
        assert!((stands_for[2 * DRAWS + row] - 0.3 / probs[drawn]).abs() < 1e-4);
        counts[drawn] += 1.0;
    }
    // Standard errors are at most 0.0036: five of them.
    for (class, share) in [(0, 1.0 / 6.0), (1, 0.0), (2, 0.5), (3, 0.0), (4, 1.0 / 3.0)] {
        let found: f64 = counts[class] / DRAWS as f64;
        assert!((found - share).abs() < 0.018, "class {class}: {found}, should be {share}");
    }
}

#[test]
fn a_certain_classifier_gives_finite_numbers() {
    let device = Device::flex().autodiff();
    let logits = matrix(vec![0.0, 300.0, 0.0, 0.0, 0.0], CLASSES, &device).require_grad();
    let q = Categorical::from_logits(logits.clone());
    let picks = Picks::draw(&q, 1, matrix(vec![0.9], 1, &device));
    let f = matrix(vec![-100.0, -500.0], 1, &device);
    let sum = picks.expectation(&q, f);
    let grads = sum.clone().sum().backward();
    assert_eq!(number(sum), -100.0);
    let gradient = values(logits.grad(&grads).expect("a gradient"));
    assert!(gradient.iter().all(|g| g.abs() < 1e-6), "{gradient:?}");
}
