//! What training may do to the classifier alone: slow the gradient that the unlabelled bound sends it, and
//! disturb what it sees. Neither may touch anything else.

use std::collections::BTreeMap;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use gleaner_core::checkpoint::Parameter;
use gleaner_core::data::{Labelled, Part, SemiBatch};
use gleaner_core::dist::Categorical;
use gleaner_core::models::{Classify, Generative as _, Look, Model};
use gleaner_core::objective::{
    Augmentation, Draws, Elapsed, Objective, Ramp, Seen, SemiSupervised, SemiSupervisedConfig,
    Shift, Unsupervised, labelled_bound, unlabelled_bound,
};
use gleaner_tests::modules::gradients;
use gleaner_tests::small::Small;
use gleaner_tests::{Tolerance, assert_close, number, values};

const ALPHA: f64 = 1.5;

/// Single precision, another order of the same few operations.
const SAME: Tolerance = Tolerance { relative: 1e-5, absolute: 1e-6 };

/// Gradients through exponentials of what was added up in another order, in single precision.
const ROUNDED: Tolerance = Tolerance { relative: 1e-4, absolute: 1e-6 };

type Gradients = BTreeMap<String, Parameter>;

fn gradients_of(model: &Model, total: &Tensor<1>) -> Gradients {
    gradients(model, GradientsParams::from_grads(total.backward(), model))
}

/// Total and gradients with the gradient scaled by `factor * warm_up`.
fn slowed(factor: f64, warm_up: f64) -> (f32, Gradients) {
    let small = Small::default();
    let device = Device::flex().autodiff();
    let model = small.model(&device);
    let config = SemiSupervisedConfig {
        classifier_gradient: Ramp::rising(factor, 4.0),
        ..SemiSupervisedConfig::exact(ALPHA)
    };
    let warm_up = Elapsed(4.0 * warm_up);
    let (batch, draws) = (small.batch(&device), small.draws(&device));
    let total = SemiSupervised::new(config).terms_at(&model, &batch, warm_up, draws).total;
    (number(total.clone()), gradients_of(&model, &total))
}

fn doubles(parameter: &Parameter) -> Vec<f64> {
    parameter.values.iter().map(|&v| f64::from(v)).collect()
}

/// Gradients of the labelled cross-entropy alone, the classifier's whole supervision.
fn supervision() -> Gradients {
    let small = Small::default();
    let device = Device::flex().autodiff();
    let (model, batch) = (small.model(&device), small.batch(&device));
    let q = Categorical::from_logits(model.classify(batch.labelled.x));
    let total = q.log_prob(batch.labelled.y).neg().mean() * ALPHA;
    gradients_of(&model, &total)
}

#[test]
fn a_slowed_gradient_is_that_share_of_the_bounds_and_nothing_else_changes() {
    let (whole_total, whole) = slowed(1.0, 1.0);
    let supervision = supervision();
    for (factor, warm_up) in [(0.25, 1.0), (1.0, 0.25), (0.5, 0.5), (0.0, 1.0)] {
        let share = factor * warm_up;
        let (total, found) = slowed(factor, warm_up);
        assert_close("J", &[total], &[f64::from(whole_total)], SAME);
        assert_eq!(found.len(), whole.len());
        for (path, gradient) in &found {
            let mut expected = doubles(&whole[path]);
            if path.starts_with("classifier") {
                for (value, own) in expected.iter_mut().zip(doubles(&supervision[path])) {
                    *value = own + share * (*value - own);
                }
            }
            assert_close(path, &gradient.values, &expected, SAME);
        }
    }
    // The test would pass on a bound that never reaches the classifier.
    let moved = supervision.iter().any(|(path, own)| {
        own.values.iter().zip(&whole[path].values).any(|(a, b)| (a - b).abs() > 0.01)
    });
    assert!(moved, "the unlabelled bound has no gradient for the classifier");
}

/// `J` from its definition, on the host and in double precision, with the classifier's logits given.
fn by_hand(model: &Model, small: &Small, logits: [Vec<f32>; 2], device: &Device) -> f64 {
    let (batch, draws) = (small.batch(device), small.draws(device));
    let bounds =
        unlabelled_bound(model, batch.unlabelled, &Look::default(), draws.latent.unlabelled, 1.0);
    let bounds = bounds.by_class.transpose();
    let y = batch.labelled.y;
    let look = Look::default();
    let l = labelled_bound(model, batch.labelled.x, y.clone(), &look, draws.latent.labelled);
    let l = l.value(1.0);
    let [l_logits, u_logits] = logits.map(|rows| log_softmax(&rows, small.classes));
    let mean = |sum: f64, rows: usize| sum / rows as f64;
    let picked = l_logits.iter().zip(values(y)).map(|(lp, y)| lp * f64::from(y)).sum::<f64>();
    let expected = u_logits
        .iter()
        .zip(values(bounds))
        .map(|(lp, bound)| lp.exp() * (f64::from(bound) - lp))
        .sum::<f64>();
    let [labelled, unlabelled] = small.rows;
    let l = mean(values(l).iter().map(|&v| f64::from(v)).sum(), labelled);
    -mean(expected, unlabelled) - l - ALPHA * mean(picked, labelled)
}

fn log_softmax(logits: &[f32], classes: usize) -> Vec<f64> {
    logits
        .chunks_exact(classes)
        .flat_map(|row| {
            let sum: f64 = row.iter().map(|&v| f64::from(v).exp()).sum();
            row.iter().map(move |&v| f64::from(v) - sum.ln()).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn what_the_classifier_sees_reaches_the_classifier_alone() {
    let small = Small::default();
    let device = Device::flex();
    let (model, batch) = (small.model(&device), small.batch(&device));
    let augmentation = Augmentation { shift: None, noise: 0.7 };
    let disturbed = |x: &Tensor<2>| augmentation.apply(x.clone(), 0, &small.noise("seen"));
    let Labelled { x: labelled, .. } = &batch.labelled;
    let unlabelled = &batch.unlabelled;
    let [labelled_seen, unlabelled_seen] = [labelled, unlabelled].map(disturbed);
    let seen = Seen { labelled: labelled_seen, unlabelled: unlabelled_seen, disturbed: true };
    let logits = |inputs: [&Tensor<2>; 2]| inputs.map(|x| values(model.classify(x.clone())));
    let (blurred, sharp) =
        (logits([&seen.labelled, &seen.unlabelled]), logits([labelled, unlabelled]));

    let objective = SemiSupervised::new(SemiSupervisedConfig::exact(ALPHA));
    let total = |seen| {
        let draws = Draws { seen, ..small.draws(&device) };
        number(objective.terms_at(&model, &batch, Elapsed::ALL, draws).total)
    };
    let [with, without] = [blurred, sharp].map(|q| by_hand(&model, &small, q, &device));
    assert!((with - without).abs() > 0.01, "the noise changes nothing: {with}");
    assert_close("J, disturbed", &[total(Some(seen))], &[with], SAME);
    assert_close("J", &[total(None)], &[without], SAME);
}

/// What is seen undisturbed is inferred once for class and bound. Said to be disturbed, it is inferred twice.
#[test]
fn what_is_inferred_once_gives_the_objective_and_gradient_of_what_is_inferred_twice() {
    for name in ["latent-ebm", "adgm", "sdgm"] {
        let small = Small { model: name, ..Small::default() };
        let device = Device::flex().autodiff();
        let (model, batch) = (small.model(&device), small.batch(&device));
        let x = batch.unlabelled.clone();
        assert!(model.infer(x, &Look::default()).is_some(), "{name} infers nothing");
        let objective = SemiSupervised::new(SemiSupervisedConfig::exact(ALPHA));
        let taken = |disturbed| {
            let (labelled, unlabelled) = (batch.labelled.x.clone(), batch.unlabelled.clone());
            let seen = Some(Seen { labelled, unlabelled, disturbed });
            let draws = Draws { seen, ..small.draws(&device) };
            let total = objective.terms_at(&model, &batch, Elapsed::ALL, draws).total;
            (number(total.clone()), gradients_of(&model, &total))
        };
        let ((once, of_once), (twice, of_twice)) = (taken(false), taken(true));
        assert_close(name, &[once], &[f64::from(twice)], SAME);
        assert_eq!(of_once.len(), of_twice.len(), "{name}");
        for (path, gradient) in &of_twice {
            assert_close(path, &of_once[path].values, &doubles(gradient), ROUNDED);
        }
    }
}

#[test]
fn a_step_disturbs_both_halves_of_a_batch_as_it_was_asked_to() {
    let small = Small::default();
    let device = Device::flex();
    let (model, batch) = (small.model(&device), small.batch(&device));
    let image = [1, small.features, 1];
    let part = Part::whole(batch);
    let noise = small.noise("step");
    // The one depends on what the classifier sees of the labelled half alone, the other of the unlabelled.
    let halves = |augmentation| {
        let config = SemiSupervisedConfig { augmentation, ..SemiSupervisedConfig::exact(ALPHA) };
        let objective = SemiSupervised::new(config);
        let (begun, sums) = objective.begin(&model, &part, &noise);
        let terms = objective.finish(&model, &part, begun, sums, Elapsed::ALL, &noise);
        let named = |wanted| {
            let found = terms.parts.iter().find(|(name, _)| *name == wanted);
            number(found.map(|(_, value)| value.clone()).expect("a term of M2"))
        };
        ["cross_entropy", "entropy"].map(named)
    };
    let plain = halves(Augmentation::default());
    for shift in [None, Some(Shift { by: 2, image })] {
        for deviation in [0.0, 0.7] {
            let found = halves(Augmentation { shift, noise: deviation });
            let asked_for = shift.is_some() || deviation > 0.0;
            for (found, plain) in found.iter().zip(plain) {
                assert_eq!(asked_for, *found != plain, "{shift:?}, noise {deviation}");
            }
        }
    }
}

#[test]
fn a_model_without_a_classifier_is_shown_what_is_moved() {
    let small = Small { model: "m1", ..Small::default() };
    let device = Device::flex();
    let (model, batch, noise) = (small.model(&device), small.batch(&device), small.noise("step"));
    let shift = Some(Shift { by: 2, image: [1, small.features, 1] });
    let total = |shift, unlabelled: Tensor<2>| {
        let part = Part::whole(SemiBatch { unlabelled, ..batch.clone() });
        let objective = Unsupervised { kl: Ramp::constant(1.0), shift };
        number(objective.finish(&model, &part, (), None, Elapsed::ALL, &noise).total)
    };
    let x = batch.unlabelled.clone();
    let moved = Augmentation { shift, noise: 0.0 };
    let moved = moved.apply(x.clone(), 0, &noise.split("augmentation"));
    assert!((total(None, x.clone()) - total(None, moved.clone())).abs() > 0.01);
    assert_close("-L", &[total(shift, x)], &[f64::from(total(None, moved))], SAME);
}
