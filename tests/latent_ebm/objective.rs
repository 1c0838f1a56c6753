//! The objective around the negative chains: what is added to the family's, chains that last, rates.

use burn::tensor::Device;
use gleaner_core::checkpoint::Checkpoint;
use gleaner_core::data::Part;
use gleaner_core::models::{
    Classified, Classify as _, Generative as _, LangevinConfig, LatentEbm, Look, Model,
    ModelConfig, Target,
};
use gleaner_core::nets::{Activation, Classes};
use gleaner_core::objective::{
    Elapsed, LatentEbmObjective, LatentEbmSettings, Objective as _, Ramp, SemiSupervised,
    SemiSupervisedConfig, Start, Terms,
};
use gleaner_core::train::{Learner, TrainState};
use gleaner_core::workers::InTurn;
use gleaner_tests::latent_energy::Energy;
use gleaner_tests::modules::parameters;
use gleaner_tests::small::{Small, matrix};
use gleaner_tests::{Tolerance, assert_close, values};

use super::doubles;

const VALUE: Tolerance = Tolerance { relative: 1e-5, absolute: 1e-5 };

fn small() -> Small {
    Small { model: "latent-ebm", seed: 13, ..Small::default() }
}

/// With weights above those of a fresh model: its classes must differ, and what becomes of `z` must show in `x`.
fn model(device: &Device) -> LatentEbm {
    classified(Classified::Draw, device)
}

fn classified(at: Classified, device: &Device) -> LatentEbm {
    let small = small();
    let mut config = small.config();
    if let ModelConfig::LatentEbm(config) = &mut config {
        config.classified = at;
    }
    let mut parameters = parameters(&small.model(&Device::flex()));
    for (name, parameter) in &mut parameters {
        if name.ends_with(".weight") {
            parameter.values.iter_mut().for_each(|v| *v *= 2.0);
        }
    }
    let checkpoint = Checkpoint { config, data: None, parameters };
    match checkpoint.build(device).expect("a checkpoint") {
        Model::LatentEbm(model) => model,
        other => panic!("not a latent-ebm: {other:?}"),
    }
}

fn family() -> SemiSupervised {
    let kl = Ramp::constant(0.25);
    SemiSupervised::new(SemiSupervisedConfig {
        labelled_weight: 0.6,
        kl,
        ..SemiSupervisedConfig::exact(1.5)
    })
}

fn part(terms: &Terms, name: &str) -> f64 {
    let found = terms.parts.iter().find(|(part, _)| *part == name);
    let (_, value) = found.unwrap_or_else(|| panic!("no part {name}"));
    f64::from(values(value.clone())[0])
}

fn close(what: &str, found: f64, expected: f64) {
    assert_close(what, &[found as f32], &[expected], VALUE);
}

#[test]
fn training_classifies_at_a_draw_or_at_the_mean() {
    let device = Device::flex();
    let x = small().batch(&device).unlabelled;
    for at in [Classified::Draw, Classified::Mean] {
        let model = classified(at, &device);
        let [rows, latent] = [x.dims()[0], model.latent()];
        let epsilon = small().noise("look").normal_tensor([rows, latent], &device);
        let look = Look { epsilon: Some(epsilon.clone()), ..Look::default() };
        let q = model.posterior(x.clone(), None);
        let z = match at {
            Classified::Draw => q.mean + (q.log_var * 0.5).exp() * epsilon,
            Classified::Mean => q.mean,
        };
        let found = values(model.logits(x.clone(), &look));
        assert_close("logits", &found, &doubles(values(model.prior.logits(z))), VALUE);
        let at_mean = values(model.classify(x.clone()));
        assert_eq!(found == at_mean, at == Classified::Mean);
    }
}

#[test]
fn a_class_picks_its_own_value_of_every_example() {
    let (device, batch, classes) = (Device::flex(), 5, 4);
    let by_class: Vec<f32> = (0..batch * classes).map(|i| i as f32).collect();
    let tensor = || matrix(by_class.clone(), classes, &device);
    let value = |row: usize, class: usize| by_class[row * classes + class];
    let every: Vec<f32> =
        (0..classes).flat_map(|class| (0..batch).map(move |row| value(row, class))).collect();
    assert_eq!(values(Classes::Every.pick(tensor())), every);

    let of = |row: usize| (3 * row + 1) % classes;
    let one_hot = (0..batch * classes).map(|i| f32::from(u8::from(i % classes == of(i / classes))));
    let given = Classes::Given(matrix(one_hot.collect(), classes, &device));
    let expected: Vec<f32> = (0..batch).map(|row| value(row, of(row))).collect();
    assert_eq!(values(given.pick(tensor())), expected);

    // Two groups, of which an example may have the same class in both.
    let picked = [3, 0, 2, 2, 1, 0, 0, 1, 2, 3];
    let tensor_of = burn::tensor::Tensor::<1, burn::tensor::Int>::from_data(picked, &device);
    let expected: Vec<f32> =
        picked.iter().enumerate().map(|(i, &class)| value(i % batch, class as usize)).collect();
    assert_eq!(values(Classes::Picked(tensor_of).pick(tensor())), expected);
}

#[test]
fn chains_that_last_are_moved_in_turn_and_each_by_its_own_step() {
    let (device, small) = (Device::flex(), small());
    let chains = LangevinConfig { steps: 4, ..LangevinConfig::default() };
    let settings = LatentEbmSettings {
        start: Start::Persistent,
        persistent: 3,
        chains,
        ..LatentEbmSettings::default()
    };
    let objective = LatentEbmObjective { family: family(), settings };
    let learner = Learner::whole(objective, 1.0, small.noise("training"));
    let batch = small.batch(&device);
    let [unlabelled, _] = batch.unlabelled.dims();
    let [rows, latent] = [3 * unlabelled, small.latent];
    let root = learner.noise.split("persistent chains");
    let mut expected = root.normal_by_example(0, [rows, latent], 1, &device);
    let mut state = TrainState::new(model(&device.autodiff()));
    for step in 0..7_u64 {
        let first = (step % 3) as usize * unlabelled;
        let turn = first..first + unlabelled;
        let noise = learner.noise.split("step").at(step).split("negative phase").split("chains");
        let still = burn::module::Module::valid(&state.model);
        let density = still.prior.density(Target::Marginal);
        let lent = expected.clone().slice_dim(0, turn.clone());
        let moved = chains.chains().run_shifted(&density, lent, 0, &noise, &InTurn);
        expected = expected.slice_assign([turn, 0..latent], moved);
        state = learner.step(state, &batch, 1e-3, Elapsed::ALL).0;
        let found = state.chains.clone().expect("chains");
        assert_eq!(values(found), values(expected.clone()), "step {step}");
    }
}

#[test]
fn other_starts_keep_no_chains() {
    let (device, small) = (Device::flex(), small());
    for start in [Start::Prior, Start::Posterior] {
        let settings = LatentEbmSettings { start, ..LatentEbmSettings::default() };
        let objective = LatentEbmObjective { family: family(), settings };
        let learner = Learner::whole(objective, 1.0, small.noise("training"));
        let state = TrainState::new(model(&device.clone().autodiff()));
        let batch = small.batch(&device);
        assert!(learner.step(state, &batch, 1e-3, Elapsed::ALL).0.chains.is_none());
    }
}

#[test]
fn the_energys_rate_is_scaled_and_no_other() {
    let (device, small) = (Device::flex(), small());
    let batch = small.batch(&device);
    let moved = |energy_rate: f64| {
        let settings = LatentEbmSettings { energy_rate, ..LatentEbmSettings::default() };
        let objective = LatentEbmObjective { family: family(), settings };
        let learner = Learner::whole(objective, 1e6, small.noise("training"));
        let state = TrainState::new(model(&device.clone().autodiff()));
        parameters(&learner.step(state, &batch, 0.01, Elapsed::ALL).0.model)
    };
    let before = parameters(&model(&device));
    let [whole, half, none] = [1.0, 0.5, 0.0].map(moved);
    for (name, before) in &before {
        let energy = name.starts_with("prior.energy");
        for (i, &start) in before.values.iter().enumerate() {
            let step = |after: &std::collections::BTreeMap<
                String,
                gleaner_core::checkpoint::Parameter,
            >| { f64::from(after[name].values[i]) - f64::from(start) };
            let expected = if energy { [0.5, 0.0] } else { [1.0, 1.0] };
            for (after, factor) in [&half, &none].into_iter().zip(expected) {
                // A step of 0.01 from a value near one, rounded.
                assert!((step(after) - factor * step(&whole)).abs() < 3e-7, "{name} {i}");
            }
        }
        let still = whole[name].values == before.values;
        assert_eq!(still, name == "prior.log_partition", "{name}: only log Z is not learnt");
    }
}

/// Terms of the whole objective and of the family's share in it, at the same noise.
fn both(settings: LatentEbmSettings) -> (Terms, Terms) {
    let (device, small) = (Device::flex().autodiff(), small());
    let (model, noise) = (model(&device), small.noise("step"));
    let part = Part::whole(small.batch(&device));
    let objective = LatentEbmObjective { family: family(), settings };
    let (begun, sums) = objective.begin(&model, &part, &noise);
    let whole = objective.finish(&model, &part, begun, sums, Elapsed::ALL, &noise);
    let (begun, sums) = family().begin(&model, &part, &noise);
    (whole, family().finish(&model, &part, begun, sums, Elapsed::ALL, &noise))
}

/// Gradient ascent on `F(z)[y]`, or `f(z)`, and the normal density, as Pang's convention with no temperature has it.
fn climbed(energy: &Energy, z: &[f64], class: Option<usize>, [steps, size]: [f64; 2]) -> Vec<f64> {
    let mut z = z.to_vec();
    for _ in 0..steps as usize {
        let slopes = energy.differentiate(&z, class).1.z;
        z = z.iter().zip(slopes).map(|(v, slope)| v + 0.5 * size * size * (slope - v)).collect();
    }
    z
}

#[test]
fn the_negative_phase_and_the_penalty_are_means_over_where_chains_end() {
    let small = small();
    let chains = LangevinConfig { steps: 3, temperature: 0.0, ..LangevinConfig::default() };
    let settings =
        LatentEbmSettings { chains, energy_penalty: 0.3, ..LatentEbmSettings::default() };
    let (whole, family) = both(settings);
    let energy = Energy::of(&parameters(&model(&Device::flex())), Activation::Tanh);
    let noise = small.noise("step").split("negative phase").split("start");
    let shape = [small.rows[1], small.latent];
    let start = doubles(values(noise.normal_by_example(0, shape, 1, &Device::flex())));
    let tilts: Vec<f64> = start
        .chunks_exact(small.latent)
        .map(|z| energy.tilt(&climbed(&energy, z, None, [3.0, 0.4])))
        .collect();
    let mean =
        |f: &dyn Fn(f64) -> f64| tilts.iter().map(|&t| f(t)).sum::<f64>() / tilts.len() as f64;
    close("negative phase", part(&whole, "negative_phase"), mean(&|t| t));
    close("square", part(&whole, "energy_square"), mean(&|t| t * t));
    // Half of the bounds' log Z stems from the labelled examples, by their weight; warm-up takes its share of both.
    let added = 0.25 * (1.0 + 0.6) * mean(&|t| t) + 0.3 * mean(&|t| t * t);
    close("objective", part(&whole, "objective"), part(&family, "objective") + added);
}

#[test]
fn implicit_augmentation_asks_what_becomes_of_a_class_that_was_drawn() {
    let (device, small) = (Device::flex(), small());
    let chains = LangevinConfig { steps: 12, temperature: 0.0, ..LangevinConfig::default() };
    let settings =
        LatentEbmSettings { chains, implicit_augmentation: 0.7, ..LatentEbmSettings::default() };
    let (whole, family) = both(settings);
    let model = model(&device);
    let energy = Energy::of(&parameters(&model), Activation::Tanh);
    let noise = small.noise("step").split("implicit augmentation");
    let [_, rows] = small.rows;
    let draw =
        |purpose: &str| noise.split(purpose).normal_by_example(0, [rows, small.latent], 1, &device);
    let label = |row: usize| {
        let uniform = noise.split("class").at(row as u64).uniform(1)[0];
        (uniform * small.classes as f32) as usize
    };
    let start = doubles(values(draw("start")));
    let rows_of = start.chunks_exact(small.latent).enumerate();
    let z: Vec<f64> =
        rows_of.flat_map(|(i, z)| climbed(&energy, z, Some(label(i)), [12.0, 0.4])).collect();
    let z = matrix(z.into_iter().map(|v| v as f32).collect(), small.latent, &device);
    let again = model.posterior(model.emit(z).mean(), None).sample(draw("again"));
    let again = doubles(values(again));
    let surprise = again
        .chunks_exact(small.latent)
        .enumerate()
        .map(|(row, z)| energy.tilt(z) - energy.logits(z)[label(row)]);
    let expected = surprise.sum::<f64>() / rows as f64;
    close("cross-entropy", part(&whole, "implicit_cross_entropy"), expected);
    let negative = 0.25 * 1.6 * part(&whole, "negative_phase");
    let objective = part(&family, "objective") + negative + 0.7 * expected;
    close("objective", part(&whole, "objective"), objective);
}
