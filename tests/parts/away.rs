//! Parts of a batch that servers work on: the bits that they have here, whoever works on them, and no others' work for one's own.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use gleaner::system::threads::Threads;
use gleaner_core::checkpoint::Parameter;
use gleaner_core::data::{SemiBatch, Weighted};
use gleaner_core::models::{LangevinConfig, Likelihood, Model, ModelConfig};
use gleaner_core::noise::Noise;
use gleaner_core::objective::{
    Elapsed, LatentEbmObjective, LatentEbmSettings, MierConfig, Objective, Ramp, SemiSupervised,
    SemiSupervisedConfig, Start, Unsupervised, UntappedObjective, UntappedWeights,
};
use gleaner_core::train::away::{Aim, Away, Run, Server, Task, greet};
use gleaner_core::train::{Learner, TrainState};
use gleaner_tests::beside::RUN;
use gleaner_tests::modules::parameters;
use gleaner_tests::small::Small;
use gleaner_tests::values;

fn beside(change: fn(&str) -> String) -> Arc<dyn Server> {
    let workers = Arc::new(Threads::start(2).unwrap());
    gleaner_tests::beside::beside(&Device::flex(), workers, change)
}

fn servers(count: usize) -> Vec<Arc<dyn Server>> {
    (0..count).map(|_| beside(str::to_owned)).collect()
}

/// Every number after three steps: weights, terms, chains.
type Result = (BTreeMap<String, Parameter>, Vec<(&'static str, Vec<f32>)>, Option<Vec<f32>>);

fn three_steps<M: Module, O: Objective<M>>(
    learner: &Learner<O>,
    model: M,
    batch: &SemiBatch,
) -> Result {
    let mut state = TrainState::new(model);
    let mut terms = Vec::new();
    for step in 0..3 {
        let (next, found) = learner.step(state, batch, 1e-2, Elapsed(f64::from(step)));
        state = next;
        terms.extend(found.parts.into_iter().map(|(name, part)| (name, values(part))));
    }
    (parameters(&state.model), terms, state.chains.map(values))
}

/// Three steps in three parts, here and on one to four servers.
fn compare<M: Module, O: Objective<M> + Clone + Into<Aim>>(
    what: &str,
    objective: O,
    config: ModelConfig,
    model: &M,
    batch: &SemiBatch,
) {
    let whole = Learner::whole(objective, 0.5, Noise::new(7));
    let here = Learner { parts: 3, ..whole };
    let expected = three_steps(&here, model.clone(), batch);
    assert!(expected.1.iter().all(|(_, value)| value[0].is_finite()), "{what}");
    let task = Task { config, aim: here.objective.clone().into() };
    for count in 1..5 {
        let away = Some(Away::open(RUN, &task, servers(count)).unwrap());
        let learner = Learner { away, ..here.clone() };
        assert!(three_steps(&learner, model.clone(), batch) == expected, "{what}, {count} servers");
    }
}

fn family() -> SemiSupervised {
    SemiSupervised::new(SemiSupervisedConfig {
        kl: Ramp::rising(1.0, 3.0),
        labelled_weight: 0.3,
        mier: Some(MierConfig::default()),
        augment_weight: 0.7,
        ..SemiSupervisedConfig::exact(1.5)
    })
}

fn small(model: &'static str) -> Small {
    Small { model, rows: [7, 11], ..Small::default() }
}

#[test]
fn every_model_has_the_bits_that_it_has_here() {
    let autodiff = Device::flex().autodiff();
    for model in ["m2", "m1m2", "adgm", "sdgm", "ladder", "latent-ebm"] {
        let small = small(model);
        let batch = small.batch(&Device::flex());
        compare(model, family(), small.config(), &small.model(&autodiff), &batch);
    }
    let mixed = Small { likelihood: Likelihood::Mixed, ..small("m2") };
    let batch = mixed.batch(&Device::flex());
    compare("mixed", family(), mixed.config(), &mixed.model(&autodiff), &batch);

    // Dropout is drawn for each example by its place in the batch.
    let config = small("m2").convolutional();
    let model = config.init(&Noise::new(1), &autodiff).unwrap();
    compare("convolutions", family(), config, &model, &small("m2").batch(&Device::flex()));
}

#[test]
fn so_has_every_objective() {
    let autodiff = Device::flex().autodiff();
    let m1 = small("m1");
    let unsupervised = Unsupervised { kl: Ramp::constant(1.0), shift: None };
    let batch = m1.batch(&Device::flex());
    compare("m1", unsupervised, m1.config(), &m1.model(&autodiff), &batch);

    let untapped = small("untapped");
    let Model::Untapped(model) = untapped.model(&autodiff) else { unreachable!() };
    let objective =
        UntappedObjective { weights: UntappedWeights::default(), noise: Noise::new(3).split("z") };
    compare("untapped", objective, untapped.config(), &model, &untapped.batch(&Device::flex()));

    for start in [Start::Prior, Start::Posterior, Start::Persistent] {
        let small = small("latent-ebm");
        let Model::LatentEbm(model) = small.model(&autodiff) else { unreachable!() };
        let chains = LangevinConfig { steps: 10, ..LangevinConfig::default() };
        let settings =
            LatentEbmSettings { start, chains, persistent: 2, ..LatentEbmSettings::default() };
        let objective = LatentEbmObjective { family: family(), settings };
        let batch = small.batch(&Device::flex());
        compare(&format!("{start:?}"), objective, small.config(), &model, &batch);
    }
}

#[test]
fn there_is_room_for_deep_networks() {
    let deep = Small { hidden: vec![3; 200], ..small("m2") };
    let model = deep.model(&Device::flex().autodiff());
    compare("deep", family(), deep.config(), &model, &deep.batch(&Device::flex()));
}

#[test]
fn samples_that_are_trained_on_go_with_their_weights() {
    let small = small("m2");
    let batch = small.batch(&Device::flex());
    let weight = Tensor::from_floats([0.5, 1.5, 1.0, 0.1, 2.0, 1.0, 0.9], &Device::flex());
    let augmented = Some(Weighted { examples: batch.labelled.clone(), weight });
    let batch = SemiBatch { augmented, ..batch };
    let model = small.model(&Device::flex().autodiff());
    compare("augmented", family(), small.config(), &model, &batch);
}

#[test]
fn what_cannot_be_done_is_said() {
    let small = small("m2");
    let task = |config| Task { config, aim: family().into() };
    let other = |request: &str| request.replace("\"version\":\"", "\"version\":\"0");
    assert_eq!(greet(&*beside(str::to_owned)), Ok(2));
    let refusal = greet(&*beside(other)).unwrap_err().to_string();
    assert!(refusal.contains("version") && refusal.contains("the same source"), "{refusal}");
    let nonsense = |_: &str| "{\"Dance\":{}}".to_owned();
    let refusal = greet(&*beside(nonsense)).unwrap_err().to_string();
    assert!(refusal.contains("another kind"), "{refusal}");

    let impossible = Small { latent: 0, ..small.clone() };
    let opened = Away::open(RUN, &task(impossible.config()), servers(1));
    assert!(opened.unwrap_err().to_string().contains("latent"));

    // Of two processes that train the same run, the second has taken the place of the first.
    let shared = servers(1);
    let first = Away::open(RUN, &task(small.config()), shared.clone()).unwrap();
    Away::open(Run { process: 3, ..RUN }, &task(small.config()), shared.clone()).unwrap();
    assert!(refused(first, &small).contains("another process trains it"));

    // Nor does anybody train a model that is not the one that the server was told of.
    let wider = Small { hidden: vec![9, 7], ..small };
    let away = Away::open(RUN, &task(wider.config()), shared).unwrap();
    assert!(refused(away, &small).contains("another model"));
}

/// What a step panics with.
fn refused(away: Away, small: &Small) -> String {
    let learner = Learner { away: Some(away), ..Learner::whole(family(), 0.5, Noise::new(7)) };
    let state = TrainState::new(small.model(&Device::flex().autodiff()));
    let batch = small.batch(&Device::flex());
    let step = || learner.step(state, &batch, 1e-2, Elapsed::ALL);
    let panic = catch_unwind(AssertUnwindSafe(step)).unwrap_err();
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn what_killed_runs_have_begun_is_forgotten_and_others_go_on() {
    let small = small("m2");
    let task = Task { config: small.config(), aim: family().into() };
    let server = servers(1);
    let learner = |number| {
        let away = Some(Away::open(Run { number, ..RUN }, &task, server.clone()).unwrap());
        Learner { away, ..Learner::whole(family(), 0.5, Noise::new(7)) }
    };
    let batch = small.batch(&Device::flex());
    let model = small.model(&Device::flex().autodiff());
    let (early, expected) = (learner(0), three_steps(&learner(1), model.clone(), &batch));
    for number in 2..40 {
        assert!(three_steps(&learner(number), model.clone(), &batch) == expected);
    }
    assert!(three_steps(&early, model, &batch) == expected, "those that came before are known");
}
