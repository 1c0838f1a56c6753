//! Gradients of the objective through the whole model equal central differences, for every parameter.

use std::collections::BTreeMap;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use gleaner_core::checkpoint::{Checkpoint, Parameter};
use gleaner_core::models::{Likelihood, M2, Model, ModelConfig};
use gleaner_core::objective::{M2Objective, M2ObjectiveConfig, MierConfig, WarmUp};
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

struct Case {
    small: Small,
    objective: M2Objective,
    name: &'static str,
}

impl Case {
    fn total(&self, model: &M2, device: &Device) -> Tensor<1> {
        let batch = self.small.batch(device);
        self.objective.terms_at(model, &batch, WarmUp::DONE, self.small.draws(device)).total
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

fn build(checkpoint: &Checkpoint, device: &Device) -> M2 {
    match checkpoint.build(device) {
        Ok(Model::M2(model)) => model,
        other => panic!("not an M2: {other:?}"),
    }
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
    Checkpoint { config: ModelConfig::M2(small.config()), parameters }
}

fn check(case: &Case) {
    let checkpoint = checkpoint(&case.small);
    let gradients = case.gradients(&checkpoint);
    assert_eq!(gradients.len(), checkpoint.parameters.len(), "{}: parameters", case.name);
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

fn objective(mier: Option<MierConfig>) -> M2Objective {
    M2Objective::new(M2ObjectiveConfig { mier, ..M2ObjectiveConfig::exact(1.5) })
}

#[test]
fn of_the_bernoulli_objective() {
    let small = Small { seed: 1, ..Small::default() };
    check(&Case { small, objective: objective(None), name: "Bernoulli" });
}

#[test]
fn of_the_gaussian_objective() {
    let small = Small { seed: 2, likelihood: Likelihood::Gaussian, ..Small::default() };
    check(&Case { small, objective: objective(None), name: "Gaussian" });
}

#[test]
fn of_the_objective_with_mier() {
    let small = Small { seed: 3, ..Small::default() };
    let mier = Some(MierConfig::default());
    check(&Case { small, objective: objective(mier), name: "MIER" });
}
