//! Every member of the family where its marginal likelihood is known exactly: linear networks and Gaussian
//! variables. The importance weights are right on average whatever the recognition model is (E12), the bounds
//! stay below, and with the exact posterior for a recognition model every single draw gives the likelihood.

#[path = "marginal_likelihood/untapped.rs"]
mod untapped;

use burn::tensor::{Device, Tensor};
use gleaner_core::checkpoint::Checkpoint;
use gleaner_core::models::{Divergence, Generative, Look, Model};
use gleaner_core::nets::Classes;
use gleaner_core::noise::Noise;
use gleaner_core::objective::{importance_log_weights, unlabelled_bound};
use gleaner_tests::linear_gaussian::{ByHand, Conditional, Joint};
use gleaner_tests::small::matrix;
use gleaner_tests::values;
use serde_json::{Value, json};

const CLASSES: usize = 2;

/// Examples to look at, of which a model of two dimensions sees the first two: near the centre of a class,
/// between the classes, further out.
const EXAMPLES: [[f64; 3]; 3] = [[0.4, -0.1, 0.3], [-0.2, 0.5, -0.6], [1.2, -1.1, 0.8]];

/// A model with its exact posterior for a recognition model, and what is true of it.
struct Case {
    checkpoint: Checkpoint,
    /// The generative model for each class.
    joints: Vec<Joint>,
    /// Which of its variables are the example.
    x: Vec<usize>,
    /// The classes for which the recognition model is exact; where it is for all, so is `q(y|x)`.
    exact_for: Vec<usize>,
}

impl Case {
    fn model(&self) -> Model {
        self.checkpoint.build(&Device::flex()).expect("a model")
    }

    /// The same generative model with a recognition model that is off. Its variances are too large rather
    /// than too small, so that the importance weights have a variance.
    fn disturbed(&self) -> Model {
        let mut checkpoint = self.checkpoint.clone();
        let recognises = |name: &str| {
            ["recognition", "encoder", "classifier", "upwards"]
                .iter()
                .any(|part| name.contains(part))
        };
        for (name, parameter) in &mut checkpoint.parameters {
            let moves = Noise::new(41).split(name).normal(parameter.values.len());
            for (value, step) in parameter.values.iter_mut().zip(moves) {
                match name {
                    _ if !recognises(name) || name.contains(".input.") => {}
                    name if name.ends_with("log_var.bias") => *value += 0.7,
                    name if name.contains("log_var") => {}
                    _ => *value += 0.3 * step,
                }
            }
        }
        checkpoint.build(&Device::flex()).expect("a model")
    }

    /// `log p(x, y)`.
    fn log_joint(&self, x: &[f64], class: usize) -> f64 {
        self.joints[class].log_density(&self.x, x) - (CLASSES as f64).ln()
    }

    /// `log p(x)`.
    fn log_marginal(&self, x: &[f64]) -> f64 {
        (0..CLASSES).map(|class| self.log_joint(x, class).exp()).sum::<f64>().ln()
    }

    fn examples(&self) -> impl Iterator<Item = &[f64]> {
        EXAMPLES.iter().map(|x| &x[..self.x.len()])
    }
}

/// One example many times, with noise for each.
struct Draws {
    x: Tensor<2>,
    look: Look,
    noise: Noise,
    rows: usize,
}

impl Draws {
    fn new(model: &Model, x: &[f64], rows: usize) -> Self {
        let (device, noise) = (Device::flex(), Noise::new(42));
        let repeated = (0..rows).flat_map(|_| x.iter().map(|&v| v as f32)).collect();
        let look = Look::draw(model, 0, rows, &noise.split("look"), &device);
        Self { x: matrix(repeated, x.len(), &device), look, noise, rows }
    }

    fn epsilon(&self, model: &Model, groups: usize) -> Tensor<2> {
        let shape = [groups * self.rows, model.widths().row];
        self.noise.split("epsilon").normal_tensor(shape, &Device::flex())
    }

    fn with_frozen(&self, model: &Model, value: Tensor<1>) -> Vec<f64> {
        let value = match model.frozen(self.x.clone(), &self.look) {
            Some(frozen) => value + frozen,
            None => value,
        };
        values(value).into_iter().map(f64::from).collect()
    }

    /// `L(x, y)` of one class at every draw.
    fn labelled(&self, model: &Model, class: usize, divergence: Divergence) -> Vec<f64> {
        let one_hot = (0..self.rows * CLASSES).map(|i| f32::from(u8::from(i % CLASSES == class)));
        let y = Classes::Given(matrix(one_hot.collect(), CLASSES, &Device::flex()));
        let epsilon = self.epsilon(model, 1);
        let bound = model.bound(self.x.clone(), &self.look, &y, epsilon, divergence);
        self.with_frozen(model, bound.value(1.0))
    }

    /// `U(x)` at every draw.
    fn unlabelled(&self, model: &Model) -> Vec<f64> {
        let epsilon = self.epsilon(model, CLASSES);
        let bound = unlabelled_bound(model, self.x.clone(), &self.look, epsilon, 1.0);
        self.with_frozen(model, bound.value)
    }

    /// One importance sample of `log p(x)` for every draw.
    fn weights(&self, model: &Model) -> Vec<f64> {
        let epsilon = self.epsilon(model, CLASSES);
        let weights = importance_log_weights(model, self.x.clone(), &self.look, epsilon);
        values(weights).into_iter().map(f64::from).collect()
    }
}

/// A mean and its standard error.
fn mean(draws: &[f64]) -> (f64, f64) {
    let count = draws.len() as f64;
    let mean = draws.iter().sum::<f64>() / count;
    let square = draws.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (square / count).sqrt())
}

/// Bounds of `draws` importance samples each.
fn importance_weighted(log_weights: &[f64], draws: usize) -> Vec<f64> {
    let bound =
        |chunk: &[f64]| (chunk.iter().map(|w| w.exp()).sum::<f64>() / chunk.len() as f64).ln();
    log_weights.chunks_exact(draws).map(bound).collect()
}

/// Single precision: terms of up to 20 nats, squares of differences over variances of 0.2 and more.
const ROUNDING: f64 = 2e-5;

/// The importance weight is the likelihood, at each draw; and the bounds are the likelihood on average, for
/// their closed divergences are averages already.
fn exact_at_every_draw(case: &Case) {
    let model = case.model();
    for x in case.examples() {
        let draws = Draws::new(&model, x, 200);
        let check = |what: &str, found: Vec<f64>, expected: f64| {
            for (i, value) in found.iter().enumerate() {
                let apart = (value - expected).abs();
                assert!(apart < ROUNDING, "{x:?}, {what}, draw {i}: {value}, not {expected}");
            }
        };
        for &class in &case.exact_for {
            let found = draws.labelled(&model, class, Divergence::Drawn);
            check(&format!("class {class}"), found, case.log_joint(x, class));
        }
        if case.exact_for.len() < CLASSES {
            continue;
        }
        check("all classes", draws.weights(&model), case.log_marginal(x));
        let draws = Draws::new(&model, x, 20_000);
        for class in 0..CLASSES {
            let found = draws.labelled(&model, class, Divergence::Closed);
            on_average(&found, case.log_joint(x, class));
        }
        on_average(&draws.unlabelled(&model), case.log_marginal(x));
    }
}

/// Within five standard errors, and what rounding adds.
fn on_average(draws: &[f64], expected: f64) {
    let (found, error) = mean(draws);
    let apart = (found - expected).abs();
    assert!(apart < 5.0 * error + ROUNDING, "{found} ± {error}, not {expected}");
}

/// Draws behind each average below, and within an importance-weighted bound.
const DRAWS: usize = 40_000;
const WITHIN: usize = 4;

/// What the bound, the importance-weighted bound and the exact value have to be to each other, and that the
/// weights themselves average to the likelihood: whatever was forgotten in them would show there.
fn ordered(what: &str, bound: &[f64], log_weights: &[f64], exact: f64) {
    let (bound, bound_error) = mean(bound);
    let (better, better_error) = mean(&importance_weighted(log_weights, WITHIN));
    let ratios: Vec<f64> = log_weights.iter().map(|w| (w - exact).exp()).collect();
    let (ratio, ratio_error) = mean(&ratios);
    eprintln!(
        "{what}: {bound:.3} < {better:.3} < {exact:.3}; weights {ratio:.4} ± {ratio_error:.4}"
    );
    assert!(bound + 4.0 * bound_error < better - 4.0 * better_error, "{what}: not below IWAE");
    assert!(better + 4.0 * better_error < exact, "{what}: not below the likelihood");
    assert!((ratio - 1.0).abs() < 5.0 * ratio_error, "{what}: weights are off");
    assert!(ratio_error < 0.02, "{what}: too few draws to tell");
}

fn below_with_another_recognition_model(case: &Case) {
    let model = case.disturbed();
    for x in case.examples() {
        let draws = Draws::new(&model, x, DRAWS);
        for class in 0..CLASSES {
            let weights = draws.labelled(&model, class, Divergence::Drawn);
            let bound = draws.labelled(&model, class, Divergence::Closed);
            ordered(&format!("class {class}"), &bound, &weights, case.log_joint(x, class));
        }
        let weights = draws.weights(&model);
        ordered("all classes", &draws.unlabelled(&model), &weights, case.log_marginal(x));
    }
}

fn config(name: &str, hidden: &[usize], more: Value) -> Value {
    let mut config = json!({
        "model": name, "shape": [2], "classes": CLASSES, "latent": 1, "hidden": hidden,
        "classifier_hidden": [], "activation": "identity", "likelihood": "gaussian",
    });
    let fields = config.as_object_mut().expect("a table");
    let Value::Object(more) = more else { panic!("a table") };
    fields.extend(more);
    fields.retain(|_, value| !value.is_null());
    config
}

/// Adds an example of two dimensions that depend on the variables named.
fn example(joint: Joint, [first, second]: [&[(usize, f64)]; 2], [a, b]: [f64; 2]) -> Joint {
    joint.and(first, a, 0.3).and(second, b, 0.5)
}

/// Where the examples of each class lie.
const CENTRES: [[f64; 2]; CLASSES] = [[0.4, -0.2], [-0.5, 0.7]];

/// `z` with its prior.
fn standard() -> Joint {
    Joint::default().and(&[], 0.0, 1.0)
}

fn each(joints: &[Joint], target: usize, on: &[usize]) -> Vec<Conditional> {
    joints.iter().map(|joint| joint.given(target, on)).collect()
}

/// Sets the network to `x` from the variables that it sees.
fn decode(hand: &mut ByHand, joints: &[Joint], x: &[usize], from: &[usize]) {
    for (dimension, &target) in x.iter().enumerate() {
        hand.say(("decoder", "output"), dimension, &each(joints, target, from));
    }
}

/// Sets a classifier that has no hidden layer to `p(y|x)`: with the same covariance for every class, the
/// logarithm of their ratio is linear. The inputs before `x` are of no use to it.
fn classify(hand: &mut ByHand, layer: &str, joints: &[Joint], x: &[usize], before: usize) {
    for (class, joint) in joints.iter().enumerate() {
        let score = |at: &[f64]| joint.log_density(x, at) - joints[0].log_density(x, at);
        let mut at = vec![0.0; x.len()];
        let bias = score(&at);
        hand.set(&format!("{layer}.bias"), 0, class, bias);
        for dimension in 0..x.len() {
            at[dimension] = 1.0;
            hand.set(&format!("{layer}.weight"), before + dimension, class, score(&at) - bias);
            at[dimension] = 0.0;
        }
    }
}

fn m1() -> Case {
    let joint = example(standard(), [&[(0, 0.8)], &[(0, -0.6)]], CENTRES[0]);
    let (joints, x) = (vec![joint; CLASSES], vec![1, 2]);
    let mut hand = ByHand::new(config("m1", &[4], json!({ "classifier_hidden": null })));
    hand.say(("encoder", "mean"), 0, &each(&joints, 0, &x));
    decode(&mut hand, &joints, &x, &[0]);
    Case { checkpoint: hand.checkpoint(), joints, x, exact_for: vec![0, 1] }
}

fn m2() -> Case {
    let of_class = |centre| example(standard(), [&[(0, 0.8)], &[(0, -0.6)]], centre);
    let (joints, x) = (CENTRES.map(of_class).to_vec(), vec![1, 2]);
    let mut hand = ByHand::new(config("m2", &[4], json!({})));
    hand.say(("encoder", "mean"), 0, &each(&joints, 0, &x));
    decode(&mut hand, &joints, &x, &[0]);
    classify(&mut hand, "classifier.output", &joints, &x, 0);
    Case { checkpoint: hand.checkpoint(), joints, x, exact_for: vec![0, 1] }
}

/// Two features, of which M2 sees the second; each is seen by dimensions of `x` of its own, so that they are
/// independent given `x`. `q(f|x)` is not told the class, so it is exact for one.
fn m1m2(class: usize) -> Case {
    let of_class = |centre: f64| {
        let latent = standard().and(&[], 0.0, 1.0).and(&[(1, 0.9)], centre, 0.4);
        let joint = latent.and(&[(0, 1.2)], 0.1, 0.3).and(&[(2, 0.8)], -0.2, 0.5);
        joint.and(&[(2, -0.7)], 0.3, 0.6)
    };
    let (unseen, z, seen, x) = (0, 1, 2, vec![3, 4, 5]);
    let joints = vec![of_class(0.5), of_class(-0.6)];
    let more = json!({ "shape": [3], "feature_latent": 2, "feature_hidden": [3], "active": [1] });
    let mut hand = ByHand::new(config("m1m2", &[4], more));
    for (dimension, feature) in [unseen, seen].into_iter().enumerate() {
        let exact = joints[class].given(feature, &x);
        hand.say(("features.encoder", "mean"), dimension, &[exact]);
    }
    for (dimension, &target) in x.iter().enumerate() {
        let given = each(&joints, target, &[unseen, seen]);
        hand.say(("features.decoder", "output"), dimension, &given);
    }
    hand.say(("stacked.encoder", "mean"), 0, &each(&joints, z, &[seen]));
    hand.say(("stacked.decoder", "output"), 0, &each(&joints, seen, &[z]));
    Case { checkpoint: hand.checkpoint(), joints, x, exact_for: vec![class] }
}

/// `q(a|x)` is not told the class either: `p(a|x,y,z)` is shifted for each class until `p(a|x,y)` is the same
/// for all. `a` and `z` depend on each other, given `x`.
fn adgm() -> Case {
    let (z, x, a) = (0, vec![1, 2], 3);
    let of_class = |centre| {
        let joint = example(standard(), [&[(0, 0.8)], &[(0, -0.6)]], centre);
        let shift = -0.7 * joint.given(0, &[1, 2]).intercept;
        joint.and(&[(0, 0.7), (1, 0.3), (2, -0.2)], 0.1 + shift, 0.4)
    };
    let joints = CENTRES.map(of_class).to_vec();
    let mut hand = ByHand::new(config("adgm", &[5], json!({ "auxiliary": 1 })));
    recognise(&mut hand, &joints, z, a, &x);
    hand.say(("auxiliary", "mean"), 0, &each(&joints, a, &[x[0], x[1], z]));
    decode(&mut hand, &joints, &x, &[z]);
    Case { checkpoint: hand.checkpoint(), joints, x, exact_for: vec![0, 1] }
}

/// As ADGM, with `a` before `x`: how far `p(a|x,y)` moves with `p(a|y,z)` is linear.
fn sdgm() -> Case {
    let (z, a, x) = (0, 1, vec![2, 3]);
    let of_class = |centre| {
        let with = |shift| {
            let joint = standard().and(&[(0, 0.6)], shift, 0.4);
            example(joint, [&[(0, 0.8), (1, 0.5)], &[(0, -0.6), (1, 0.4)]], centre)
        };
        let intercept = |shift| with(shift).given(1, &[2, 3]).intercept;
        with((0.1 - intercept(0.0)) / (intercept(1.0) - intercept(0.0)))
    };
    let joints = CENTRES.map(of_class).to_vec();
    let mut hand = ByHand::new(config("sdgm", &[5], json!({ "auxiliary": 1 })));
    recognise(&mut hand, &joints, z, a, &x);
    hand.say(("auxiliary", "mean"), 0, &each(&joints, a, &[z]));
    decode(&mut hand, &joints, &x, &[z, a]);
    Case { checkpoint: hand.checkpoint(), joints, x, exact_for: vec![0, 1] }
}

fn recognise(hand: &mut ByHand, joints: &[Joint], z: usize, a: usize, x: &[usize]) {
    hand.say(("recognition.auxiliary", "mean"), 0, &each(joints, a, x));
    let exact = each(joints, z, &[a, x[0], x[1]]);
    assert!(exact[0].weights[0].abs() > 0.1, "z depends on a");
    hand.say(("recognition.encoder", "mean"), 0, &exact);
    classify(hand, "recognition.classifier.output", joints, x, 1);
}

/// `layers` of one dimension. The class is told to the layer below the topmost, and to nothing below that: it
/// moves the prior and not what the example says.
fn ladder(layers: usize) -> Case {
    let of_class = |centre: f64| {
        let top = standard().and(&[(0, 0.9)], centre, 0.5);
        let lowest = (2..layers).fold(top, |joint, i| joint.and(&[(i - 1, 0.8)], 0.2, 0.4));
        let z_1 = layers - 1;
        example(lowest, [&[(z_1, 0.8)], &[(z_1, -0.6)]], [0.1, -0.3])
    };
    let (joints, x) = (vec![of_class(0.7), of_class(-0.4)], vec![layers, layers + 1]);
    // Variables are in the order in which they are made, levels in that of their distance from the data.
    let variable = |level: usize| layers - 1 - level;
    let latent = vec![1; layers];
    let hidden = &[4, 6, 8][..layers];
    let mut hand = ByHand::new(config("ladder", hidden, json!({ "latent": latent })));
    let top = layers - 1;
    for level in 0..top {
        let said: Vec<_> = joints.iter().map(|joint| said_by(joint, variable(level), &x)).collect();
        hand.say((&format!("upwards.{level}"), "mean"), 0, &said);
        let prior = each(&joints, variable(level), &[variable(level + 1)]);
        hand.say((&format!("downwards.{level}"), "mean"), 0, &prior);
    }
    hand.say((&format!("upwards.{top}"), "mean"), 0, &each(&joints, variable(top), &x));
    decode(&mut hand, &joints, &x, &[variable(0)]);
    classify(&mut hand, "classifier.output", &joints, &x, 0);
    Case { checkpoint: hand.checkpoint(), joints, x, exact_for: vec![0, 1] }
}

/// Classes `tilt` to either side of the middle: with a linear energy, `p(z|y)` is a normal density about the row of the class,
/// and the bias makes all classes as probable. `q(z|x)` is not told the class, so it is exact for one, or without a tilt for all.
fn latent_ebm(tilt: f64, exact_for: Vec<usize>) -> Case {
    let centres = [tilt, -tilt];
    let of_class = |centre| {
        let z = Joint::default().and(&[], centre, 1.0);
        example(z, [&[(0, 0.8)], &[(0, -0.6)]], CENTRES[0])
    };
    let (joints, x) = (centres.map(of_class).to_vec(), vec![1, 2]);
    let more = json!({
        "classifier_hidden": null, "energy_hidden": [], "energy_activation": "identity",
    });
    let mut hand = ByHand::new(config("latent-ebm", &[4], more));
    hand.say(("encoder", "mean"), 0, &[joints[exact_for[0]].given(0, &x)]);
    decode(&mut hand, &joints, &x, &[0]);
    for (class, centre) in centres.into_iter().enumerate() {
        hand.set("prior.energy.output.weight", 0, class, centre);
        hand.set("prior.energy.output.bias", 0, class, -0.5 * centre * centre);
    }
    hand.set("prior.log_partition", 0, 0, (CLASSES as f64).ln());
    Case { checkpoint: hand.checkpoint(), joints, x, exact_for }
}

/// What the example says of a variable, `p(x|z)` as a function of `z`: the posterior with the prior taken out.
fn said_by(joint: &Joint, z: usize, x: &[usize]) -> Conditional {
    let (posterior, prior) = (joint.given(z, x), joint.given(z, &[]));
    let variance = 1.0 / (1.0 / posterior.variance - 1.0 / prior.variance);
    let scale = variance / posterior.variance;
    Conditional {
        weights: posterior.weights.iter().map(|w| w * scale).collect(),
        intercept: posterior.intercept * scale - prior.intercept * variance / prior.variance,
        variance,
    }
}

macro_rules! members {
    ($($name:ident: $case:expr;)+) => {
        $(mod $name {
            use super::*;

            #[test]
            fn with_the_exact_posterior_every_draw_is_the_likelihood() {
                exact_at_every_draw(&$case);
            }

            #[test]
            fn with_another_the_bounds_are_below_and_the_weights_right_on_average() {
                below_with_another_recognition_model(&$case);
            }
        })+
    };
}

members! {
    of_m1: m1();
    of_m2: m2();
    of_m1m2: m1m2(0);
    of_m1m2_for_the_other_class: m1m2(1);
    of_adgm: adgm();
    of_sdgm: sdgm();
    of_a_latent_ebm: latent_ebm(0.0, vec![0, 1]);
    of_a_tilted_latent_ebm: latent_ebm(0.6, vec![0]);
    of_a_tilted_latent_ebm_for_the_other_class: latent_ebm(0.6, vec![1]);
    of_a_ladder_of_two: ladder(2);
    of_a_ladder_of_three: ladder(3);
}
