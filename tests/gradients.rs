//! Gradients of the objective through the whole model equal central differences, for every parameter.

use std::collections::BTreeMap;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use gleaner_core::checkpoint::{Checkpoint, Parameter};
use gleaner_core::data::Part;
use gleaner_core::models::{LangevinConfig, Likelihood, Model};
use gleaner_core::noise::Noise;
use gleaner_core::objective::{
    Average, Elapsed, LatentEbmObjective, LatentEbmSettings, MierConfig, Objective, Ramp,
    SemiSupervised, SemiSupervisedConfig, Supervision, Unsupervised, UntappedObjective,
    UntappedWeights,
};
use gleaner_tests::modules::{gradients, parameters};
use gleaner_tests::number;
use gleaner_tests::small::Small;

/// Length of a step along a direction of length one.
///
/// The four-point formula below is off by `h⁴ f⁗'/30`, about 1e-5 of the slope here, plus the rounding of
/// the objective (about 20, so 2e-6) times `1.5 / h`. One thirtieth makes both about 1e-4.
const STEP: f32 = 1.0 / 32.0;

/// Allowed difference, as a share of the length of the parameter's gradient: the above, with room for five
/// times as much.
const SHARE: f64 = 1e-3;

/// Gradients shorter than this drown in the rounding of the objective.
const SHORTEST: f64 = 0.1;

/// What is differentiated.
type Total = dyn Fn(&Small, &Model, &Device) -> Tensor<1>;

struct Case {
    small: Small,
    total: Box<Total>,
    name: &'static str,
    /// Parameters that have a gradient are those whose names begin like this.
    trained: &'static [&'static str],
}

impl Case {
    fn total(&self, model: &Model, device: &Device) -> Tensor<1> {
        (self.total)(&self.small, model, device)
    }

    fn gradients(&self, checkpoint: &Checkpoint) -> BTreeMap<String, Parameter> {
        let device = Device::flex().autodiff();
        let model = build(checkpoint, &device);
        let grads = self.total(&model, &device).backward();
        gradients(&model, GradientsParams::from_grads(grads, &model))
    }

    /// Slope of the objective along a direction of length one in one parameter.
    fn slope(&self, checkpoint: &Checkpoint, name: &str, direction: &[f64]) -> f64 {
        let device = Device::flex();
        let at = |step: f32| {
            let mut moved = checkpoint.clone();
            let parameter = moved.parameters.get_mut(name).expect("a parameter of the model");
            for (value, d) in parameter.values.iter_mut().zip(direction) {
                *value += step * *d as f32;
            }
            f64::from(number(self.total(&build(&moved, &device), &device)))
        };
        let near = at(STEP) - at(-STEP);
        let far = at(2.0 * STEP) - at(-2.0 * STEP);
        (8.0 * near - far) / (12.0 * f64::from(STEP))
    }
}

fn build(checkpoint: &Checkpoint, device: &Device) -> Model {
    checkpoint.build(device).expect("a checkpoint")
}

fn length(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}

fn unit(values: &[f64]) -> Vec<f64> {
    let length = length(values);
    values.iter().map(|v| v / length).collect()
}

/// Parameters of a fresh model, biases included, moved off their symmetric start.
fn checkpoint(small: &Small) -> Checkpoint {
    let mut parameters = parameters(&small.model(&Device::flex()));
    for (name, parameter) in &mut parameters {
        let moves = small.noise(name).normal(parameter.values.len());
        for (value, step) in parameter.values.iter_mut().zip(moves) {
            *value += 0.2 * step;
        }
    }
    Checkpoint { config: small.config(), data: None, parameters }
}

fn check(case: &Case) {
    let checkpoint = checkpoint(&case.small);
    let mut gradients = case.gradients(&checkpoint);
    gradients.retain(|name, _| case.trained.iter().any(|part| name.starts_with(part)));
    let trained = |name: &&String| case.trained.iter().any(|part| name.starts_with(part));
    let expected = checkpoint.parameters.keys().filter(trained).count();
    assert_eq!(gradients.len(), expected, "{}: parameters", case.name);
    let mut worst = 0.0_f64;
    for (name, gradient) in &gradients {
        let gradient: Vec<f64> = gradient.values.iter().map(|&g| f64::from(g)).collect();
        let scale = length(&gradient).max(SHORTEST);
        // Along the gradient, which shows a wrong size, and three other ways, which show a wrong direction.
        let mut directions = vec![unit(&gradient)];
        for i in 0..3 {
            let random = case.small.noise("directions").split(name).at(i).normal(gradient.len());
            directions.push(unit(&random.iter().map(|&v| f64::from(v)).collect::<Vec<_>>()));
        }
        for (i, direction) in directions.iter().enumerate() {
            let expected: f64 = gradient.iter().zip(direction).map(|(g, d)| g * d).sum();
            let slope = case.slope(&checkpoint, name, direction);
            let share = (slope - expected).abs() / scale;
            assert!(
                share <= SHARE,
                "{}: {name}, direction {i}: central difference {slope}, gradient {expected}",
                case.name,
            );
            worst = worst.max(share);
        }
    }
    eprintln!("{}: at most {worst:.1e} of the gradient's length", case.name);
}

/// Every parameter.
const ALL: &[&str] = &[""];

fn semi_supervised(small: Small, config: SemiSupervisedConfig, name: &'static str) -> Case {
    let total = move |small: &Small, model: &Model, device: &Device| {
        let (batch, draws) = (small.batch(device), small.draws(device));
        SemiSupervised::new(config).terms_at(model, &batch, Elapsed::ALL, draws).total
    };
    Case { small, total: Box::new(total), name, trained: ALL }
}

fn plain() -> SemiSupervisedConfig {
    SemiSupervisedConfig::exact(1.5)
}

/// An objective as a training step evaluates it, in both halves.
fn stepped<M: burn::module::Module>(
    objective: &impl Objective<M>,
    small: &Small,
    model: &M,
    device: &Device,
) -> Tensor<1> {
    let (part, noise) = (Part::whole(small.batch(device)), small.noise("step"));
    let (begun, sums) = objective.begin(model, &part, &noise);
    objective.finish(model, &part, begun, sums, Elapsed::ALL, &noise).total
}

#[test]
fn of_the_bernoulli_objective() {
    check(&semi_supervised(Small { seed: 1, ..Small::default() }, plain(), "Bernoulli"));
}

#[test]
fn of_the_gaussian_objective() {
    let small = Small { seed: 2, likelihood: Likelihood::Gaussian, ..Small::default() };
    check(&semi_supervised(small, plain(), "Gaussian"));
}

/// Cells missing, a column of every kind.
#[test]
fn of_the_objective_of_tables() {
    for model in ["m2", "sdgm", "ladder"] {
        let small = Small { model, seed: 3, likelihood: Likelihood::Mixed, ..Small::default() };
        check(&semi_supervised(small, plain(), "tables"));
    }
}

/// All that is learnt by a model of counts.
const BUT_THE_BACKGROUND: &[&str] = &[
    "classifier",
    "encoder",
    "recognition",
    "auxiliary",
    "upwards",
    "downwards",
    "decoder.input",
    "decoder.hidden",
    "decoder.output",
];

#[test]
fn of_the_multinomial_objective_and_none_of_the_background() {
    for model in ["m2", "adgm", "sdgm", "ladder"] {
        let small =
            Small { model, seed: 9, likelihood: Likelihood::Multinomial, ..Small::default() };
        let case =
            Case { trained: BUT_THE_BACKGROUND, ..semi_supervised(small, plain(), "multinomial") };
        let every = case.gradients(&checkpoint(&case.small));
        let moved = |name: &&String| {
            name.ends_with("background") && every[*name].values.iter().any(|&g| g != 0.0)
        };
        assert_eq!(every.keys().find(moved), None, "a gradient that reaches the background");
        check(&case);
    }
}

#[test]
fn of_the_objective_with_mier() {
    let mier = Some(MierConfig::default());
    for model in ["m2", "adgm", "ladder"] {
        let small = Small { model, seed: 3, ..Small::default() };
        check(&semi_supervised(small, SemiSupervisedConfig { mier, ..plain() }, "MIER"));
    }
}

#[test]
fn of_the_objective_of_each_member_of_the_family() {
    for model in ["adgm", "sdgm", "ladder"] {
        check(&semi_supervised(Small { model, seed: 4, ..Small::default() }, plain(), model));
    }
}

#[test]
fn of_m2_on_features_and_none_of_the_features() {
    let small = Small { model: "m1m2", seed: 5, ..Small::default() };
    let case = Case { trained: &["stacked"], ..semi_supervised(small, plain(), "m1m2") };
    let every = case.gradients(&checkpoint(&case.small));
    let moved = |name: &&String| {
        name.starts_with("features") && every[*name].values.iter().any(|&g| g != 0.0)
    };
    assert_eq!(every.keys().find(moved), None, "a gradient that reaches M1");
    check(&case);
}

#[test]
fn of_several_draws_of_the_auxiliary_variable() {
    for average in [Average::Probability, Average::Logarithm] {
        let config =
            SemiSupervisedConfig { supervision: Supervision { draws: 3, average }, ..plain() };
        let total = move |small: &Small, model: &Model, device: &Device| {
            stepped(&SemiSupervised::new(config), small, model, device)
        };
        let small = Small { model: "adgm", seed: 6, ..Small::default() };
        check(&Case { small, total: Box::new(total), name: "draws", trained: ALL });
    }
}

#[test]
fn of_the_unsupervised_objective() {
    let total = |small: &Small, model: &Model, device: &Device| {
        let kl = Ramp::constant(0.7);
        stepped(&Unsupervised { kl, shift: None }, small, model, device)
    };
    let small = Small { model: "m1", seed: 7, ..Small::default() };
    check(&Case { small, total: Box::new(total), name: "m1", trained: ALL });
}

#[test]
fn of_the_latent_ebm_and_not_of_its_partition_function() {
    // Chains of no steps end where they start, which depends on no parameter: what is held constant is constant.
    let settings = LatentEbmSettings {
        chains: LangevinConfig { steps: 0, ..LangevinConfig::default() },
        energy_penalty: 0.3,
        implicit_augmentation: 0.7,
        ..LatentEbmSettings::default()
    };
    let mier = Some(MierConfig::default());
    let config = SemiSupervisedConfig { labelled_weight: 0.6, mier, ..plain() };
    let total = move |small: &Small, model: &Model, device: &Device| match model {
        Model::LatentEbm(model) => {
            let family = SemiSupervised::new(config);
            stepped(&LatentEbmObjective { family, settings }, small, model, device)
        }
        _ => panic!("a latent-ebm"),
    };
    let small = Small { model: "latent-ebm", seed: 9, ..Small::default() };
    let trained = &["prior.energy", "encoder", "decoder"];
    let case = Case { small, total: Box::new(total), name: "latent-ebm", trained };
    let every = case.gradients(&checkpoint(&case.small));
    assert!(!every.contains_key("prior.log_partition"), "log Z is measured, not learnt");
    check(&case);
}

#[test]
fn of_the_forward_and_of_the_reverse_bounds() {
    let case = |reverse, trained| {
        let weights = UntappedWeights { reverse, ..UntappedWeights::default() };
        let total = move |small: &Small, model: &Model, device: &Device| match model {
            Model::Untapped(model) => {
                let noise = Noise::new(small.seed);
                stepped(&UntappedObjective { weights, noise }, small, model, device)
            }
            _ => panic!("an untapped model"),
        };
        let small = Small { model: "untapped", seed: 8, ..Small::default() };
        Case { small, total: Box::new(total), name: "untapped", trained }
    };
    check(&case(0.0, ALL));
    // The bits that are drawn in reverse depend on the decoder, and jump.
    check(&case(1.0, &["classifier", "encoder"]));
}
