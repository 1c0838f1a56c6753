//! A batch worked on in parts: side by side or in turn, in few parts or many, the step is the same.

#[path = "parts/away.rs"]
mod away;

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use gleaner::system::threads::Threads;
use gleaner_core::checkpoint::Parameter;
use gleaner_core::data::SemiBatch;
use gleaner_core::models::{LangevinConfig, Model};
use gleaner_core::objective::{
    Augmentation, Elapsed, LatentEbmObjective, LatentEbmSettings, MierConfig, Objective, Ramp,
    SemiSupervised, SemiSupervisedConfig, Shift, Start, Supervision,
};
use gleaner_core::train::{Learner, TrainState};
use gleaner_core::workers::{InTurn, Workers};
use gleaner_tests::modules::parameters;
use gleaner_tests::small::Small;
use gleaner_tests::{Tolerance, assert_close, values};

/// A step moves a parameter by about its rate, whatever the gradient's size: what is rounding in a gradient
/// near zero is not in the step. Three steps of this size stay far below it.
const RATE: f64 = 1e-3;

/// Weights and terms after three steps. The mutual information makes every example depend on all others.
fn train(
    model: &'static str,
    parts: usize,
    workers: Arc<dyn Workers>,
) -> (BTreeMap<String, Parameter>, Vec<f32>) {
    let small = Small { model, rows: [7, 11], ..Small::default() };
    let device = Device::flex();
    // Rows of values are images one pixel high.
    let shift = Shift { by: 1, image: [1, small.features, 1] };
    let objective = SemiSupervised::new(SemiSupervisedConfig {
        labelled_weight: 0.3,
        classifier_gradient: Ramp::constant(0.5),
        augmentation: Augmentation { shift: Some(shift), noise: 0.2 },
        mier: Some(MierConfig::default()),
        supervision: Supervision { draws: 2, ..Supervision::default() },
        ..SemiSupervisedConfig::exact(1.5)
    });
    // A small norm, so that the gradients of all parts are clipped together.
    let whole = Learner::whole(objective, 0.5, small.noise("training"));
    let learner = Learner { parts, workers, ..whole };
    let batch = small.batch(&device);
    three_steps(&learner, small.model(&device.autodiff()), &batch)
}

fn three_steps<M: Module, O: Objective<M>>(
    learner: &Learner<O>,
    model: M,
    batch: &SemiBatch,
) -> (BTreeMap<String, Parameter>, Vec<f32>) {
    let mut state = TrainState::new(model);
    let mut terms = Vec::new();
    for _ in 0..3 {
        let (next, found) = learner.step(state, batch, RATE, Elapsed::ALL);
        state = next;
        terms.extend(found.parts.into_iter().flat_map(|(_, part)| values(part)));
    }
    terms.extend(state.chains.into_iter().flat_map(values));
    (parameters(&state.model), terms)
}

/// The same for a latent energy-based model, whose chains are among the terms if they last.
fn train_latent_ebm(
    start: Start,
    parts: usize,
    workers: Arc<dyn Workers>,
) -> (BTreeMap<String, Parameter>, Vec<f32>) {
    let small = Small { model: "latent-ebm", rows: [7, 11], seed: 1, ..Small::default() };
    let device = Device::flex();
    let family = SemiSupervised::new(SemiSupervisedConfig {
        labelled_weight: 0.3,
        mier: Some(MierConfig::default()),
        ..SemiSupervisedConfig::exact(1.5)
    });
    let chains = LangevinConfig { steps: 10, ..LangevinConfig::default() };
    let settings = LatentEbmSettings {
        start,
        chains,
        persistent: 2,
        energy_penalty: 0.1,
        implicit_augmentation: 0.5,
        ..LatentEbmSettings::default()
    };
    let objective = LatentEbmObjective { family, settings };
    let learner =
        Learner { parts, workers, ..Learner::whole(objective, 0.5, small.noise("training")) };
    let Model::LatentEbm(model) = small.model(&device.clone().autodiff()) else {
        panic!("a latent-ebm")
    };
    three_steps(&learner, model, &small.batch(&device))
}

const STARTS: [Start; 3] = [Start::Prior, Start::Posterior, Start::Persistent];

#[test]
fn the_number_of_threads_changes_no_bit_of_what_chains_teach() {
    for start in STARTS {
        let alone = train_latent_ebm(start, 3, Arc::new(InTurn));
        for count in [1, 3] {
            let found = train_latent_ebm(start, 3, threads(count));
            assert_eq!(found.1, alone.1, "{start:?} on {count} threads");
            for (path, parameter) in &alone.0 {
                assert_eq!(found.0[path].values, parameter.values, "{path}");
            }
        }
    }
}

#[test]
fn the_number_of_parts_changes_nothing_of_what_chains_teach_but_rounding() {
    for start in STARTS {
        compare(&format!("{start:?}"), |parts, workers| train_latent_ebm(start, parts, workers));
    }
}

fn threads(count: usize) -> Arc<dyn Workers> {
    Arc::new(Threads::start(count).expect("a few threads"))
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for parts in [1, 2, 3, 5] {
        let alone = train("adgm", parts, Arc::new(InTurn));
        for count in [1, 2, 3] {
            let found = train("adgm", parts, threads(count));
            assert_eq!(found.1, alone.1, "{parts} parts on {count} threads");
            for (path, parameter) in &alone.0 {
                assert_eq!(found.0[path].values, parameter.values, "{path}");
            }
        }
    }
}

#[test]
fn the_number_of_parts_changes_nothing_but_rounding() {
    for model in ["m2", "m1m2", "adgm", "sdgm", "ladder"] {
        compare_parts(model);
    }
}

fn compare_parts(model: &'static str) {
    compare(model, |parts, workers| train(model, parts, workers));
}

fn compare(
    model: &str,
    train: impl Fn(usize, Arc<dyn Workers>) -> (BTreeMap<String, Parameter>, Vec<f32>),
) {
    let (whole_model, whole_terms) = train(1, Arc::new(InTurn));
    let tolerance = Tolerance { relative: 2e-5, absolute: 2e-5 };
    // More parts than labelled examples: there can only be seven.
    for parts in [2, 3, 7, 20] {
        let (found, terms) = train(parts, threads(2));
        let doubles = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
        let what = format!("{model} in {parts} parts");
        assert_close(&format!("terms of {what}"), &terms, &doubles(&whole_terms), tolerance);
        for (path, parameter) in &whole_model {
            let tolerance = Tolerance { relative: 0.0, absolute: 0.05 * RATE };
            let expected = doubles(&parameter.values);
            assert_close(&format!("{path} of {what}"), &found[path].values, &expected, tolerance);
        }
    }
}
