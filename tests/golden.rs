//! The core on the CPU back end against float64 references: see `golden/README.md`.

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use gleaner_core::data::{Labelled, Part, SemiBatch};
use gleaner_core::dist::{
    Bernoulli, Categorical, Gaussian, Multinomial, clamp_log_var, log_sum_exp,
};
use gleaner_core::measures::eval::{classification, entropy_of_logits};
use gleaner_core::models::{Classify, Look, Model};
use gleaner_core::noise::Noise;
use gleaner_core::objective::{
    Draws, Elapsed, LatentDraws, Looks, MierConfig, Objective, Ramp, SemiSupervised,
    SemiSupervisedConfig, Terms, effective_alpha, importance_log_weights, labelled_bound,
    mutual_information, unlabelled_bound,
};
use gleaner_core::train::{AdamSettings, Learner, TrainState};
use gleaner_tests::modules::gradients;
use gleaner_tests::{Golden, Tolerance, assert_close, number, values};

/// Sums of tens of single-precision terms: a few units in the last place (6e-8) each, so 1e-5 leaves room
/// for another order of summation and nothing else.
const VALUE: Tolerance = Tolerance { relative: 1e-5, absolute: 1e-6 };

/// The references are exact where single precision gives nothing away: one kernel, no long sums.
const EXACT: Tolerance = Tolerance { relative: 1e-6, absolute: 1e-7 };

const CLASSES: usize = 3;

fn model(golden: &Golden, device: &Device) -> Model {
    golden.checkpoint().build(device).expect("a checkpoint")
}

fn check_bounds(name: &str) {
    let golden = Golden::read(name);
    let device = Device::flex();
    let model = model(&golden, &device);
    let check = |what: &str, actual: Vec<f32>| {
        assert_close(&format!("{name} {what}"), &actual, golden.expected(what), VALUE)
    };

    let y = golden.one_hot("y_l", CLASSES, &device);
    let x = golden.tensor("x_l", &device);
    let l = labelled_bound(&model, x, y, &Look::default(), golden.tensor("eps_l", &device));
    check("out.log_px_l", values(l.reconstruction.clone()));
    check("out.kl_l", values(l.kl()));
    check("out.L_l", values(l.value(1.0)));

    let x: Tensor<2> = golden.tensor("x_u", &device);
    let epsilon: Tensor<2> = golden.tensor("eps_u", &device);
    check("out.logits_u", values(model.classify(x.clone())));
    let q = Categorical::from_logits(model.classify(x.clone()));
    check("out.q_u", values(q.probs()));
    check("out.H_u", values(q.entropy()));
    check("out.I", values(mutual_information(&q)));
    check("out.mean_H", values(q.entropy().mean()));
    let u = unlabelled_bound(&model, x.clone(), &Look::default(), epsilon.clone(), 1.0);
    check("out.L_u", values(u.by_class));
    check("out.U_u", values(u.value));
    let weight = golden.number("kl_weight");
    let warm = unlabelled_bound(&model, x, &Look::default(), epsilon, weight);
    check("out.U_u_warm", values(warm.value));
}

#[test]
fn bounds_of_a_bernoulli_m2() {
    check_bounds("m2_bernoulli");
}

#[test]
fn bounds_of_a_gaussian_m2() {
    check_bounds("m2_gaussian");
}

#[test]
fn bounds_of_a_multinomial_m2() {
    check_bounds("m2_multinomial");
}

/// The objective for the golden batch and noise.
fn terms(golden: &Golden, model: &Model, device: &Device, mier: bool, kl_weight: f64) -> Terms {
    weighted_terms(golden, model, device, mier, kl_weight, 1.0)
}

/// The same with another weight of the labelled half.
fn weighted_terms(
    golden: &Golden,
    model: &Model,
    device: &Device,
    mier: bool,
    kl_weight: f64,
    labelled_weight: f64,
) -> Terms {
    let alpha =
        effective_alpha(0.1, golden.number("pool") as usize, golden.number("labelled") as usize);
    assert_close("alpha", &[alpha as f32], golden.expected("out.alpha"), EXACT);
    let weights = MierConfig {
        beta: Ramp::constant(golden.number("beta")),
        gamma: Ramp::constant(golden.number("gamma")),
    };
    let objective = SemiSupervised::new(SemiSupervisedConfig {
        labelled_weight,
        mier: mier.then_some(weights),
        kl: Ramp::constant(kl_weight),
        ..SemiSupervisedConfig::exact(alpha)
    });
    let batch = SemiBatch {
        labelled: Labelled {
            x: golden.tensor("x_l", device),
            y: golden.one_hot("y_l", CLASSES, device),
        },
        unlabelled: golden.tensor("x_u", device),
        augmented: None,
    };
    let latent = LatentDraws {
        labelled: golden.tensor("eps_l", device),
        unlabelled: golden.tensor("eps_u", device),
        picks: None,
    };
    let draws = Draws { looks: Looks::default(), latent, seen: None };
    objective.terms_at(model, &batch, Elapsed::ALL, draws)
}

fn check_objective(name: &str) {
    let golden = Golden::read(name);
    let device = Device::flex();
    let model = model(&golden, &device);
    let warm = golden.number("kl_weight");
    for (key, mier, kl_weight) in
        [("out.J", false, 1.0), ("out.J_mier", true, 1.0), ("out.J_warm", false, warm)]
    {
        let total = terms(&golden, &model, &device, mier, kl_weight).total;
        assert_close(&format!("{name} {key}"), &values(total), golden.expected(key), VALUE);
    }
    // What is reported beside the total.
    let parts = terms(&golden, &model, &device, false, 1.0).parts;
    let mean = |key: &str| {
        let rows = golden.expected(key);
        rows.iter().sum::<f64>() / rows.len() as f64
    };
    for (part, expected) in [
        ("objective", golden.number("out.J")),
        ("unlabelled_bound", mean("out.U_u")),
        ("labelled_bound", mean("out.L_l")),
        ("cross_entropy", mean("out.ce_l")),
        ("entropy", golden.number("out.mean_H")),
        ("mutual_information", golden.number("out.I")),
    ] {
        let found = parts.iter().find(|(name, _)| *name == part);
        let (_, value) = found.unwrap_or_else(|| panic!("no part {part}"));
        assert_close(&format!("{name} {part}"), &values(value.clone()), &[expected], VALUE);
    }
}

#[test]
fn objective_of_a_bernoulli_m2() {
    check_objective("m2_bernoulli");
}

#[test]
fn objective_of_a_gaussian_m2() {
    check_objective("m2_gaussian");
}

#[test]
fn objective_of_a_multinomial_m2() {
    check_objective("m2_multinomial");
}

#[test]
fn the_labelled_weight_scales_the_labelled_half_alone() {
    let golden = Golden::read("m2_bernoulli");
    let device = Device::flex();
    let model = model(&golden, &device);
    let mean = |key: &str| {
        let rows = golden.expected(key);
        rows.iter().sum::<f64>() / rows.len() as f64
    };
    let alpha = golden.number("out.alpha");
    for weight in [0.0, 0.02, 3.0] {
        let expected = -mean("out.U_u") + weight * (alpha * mean("out.ce_l") - mean("out.L_l"));
        let total = weighted_terms(&golden, &model, &device, false, 1.0, weight).total;
        assert_close("J", &values(total), &[expected], VALUE);
    }
}

fn check_gradients(name: &str) {
    let golden = Golden::read(name);
    let device = Device::flex().autodiff();
    for (prefix, mier) in [("grad", false), ("grad_mier", true)] {
        let model = model(&golden, &device);
        let grads = terms(&golden, &model, &device, mier, 1.0).total.backward();
        let found = gradients(&model, GradientsParams::from_grads(grads, &model));
        let parameters = golden.checkpoint().parameters;
        // What is counted is not learnt.
        let learnt = parameters.keys().filter(|name| !name.ends_with(".background")).count();
        assert_eq!(found.len(), learnt, "parameters with gradients");
        let mut worst = 0.0_f64;
        for (path, gradient) in found {
            let what = format!("{prefix}.{path}");
            let expected = golden.expected(&what);
            // Elements are sums over rows that may cancel: the error goes with the whole tensor's size.
            let largest = expected.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            let tolerance = Tolerance { relative: 1e-5, absolute: 1e-5 * largest };
            worst = worst.max(assert_close(&what, &gradient.values, expected, tolerance));
        }
        eprintln!("{name} {prefix}: at most {worst:.2} of the tolerance");
    }
}

#[test]
fn gradients_of_a_bernoulli_m2() {
    check_gradients("m2_bernoulli");
}

#[test]
fn gradients_of_a_gaussian_m2() {
    check_gradients("m2_gaussian");
}

#[test]
fn gradients_of_a_multinomial_m2() {
    check_gradients("m2_multinomial");
}

#[test]
fn distributions() {
    let golden = Golden::read("distributions");
    let device = Device::flex();
    let matrix = |name: &str| golden.tensor::<2>(name, &device);

    let q = Gaussian { mean: matrix("kl.mean"), log_var: matrix("kl.log_var") };
    // exp(v) - v - 1 cancels near v = 0: its error is that of 1, not of the result.
    let near_zero = Tolerance { relative: 1e-6, absolute: 5e-7 };
    assert_close("KL", &values(q.kl_from_standard()), golden.expected("kl.out"), near_zero);

    let raw: Tensor<1> = golden.tensor("clamp.raw", &device);
    let clamped = clamp_log_var(raw.unsqueeze::<2>());
    assert_close("clamp", &values(clamped), golden.expected("clamp.out"), EXACT);

    let bits = Bernoulli { logits: matrix("bernoulli.logits") };
    let log_prob = bits.log_prob(matrix("bernoulli.x"));
    assert_close("Bernoulli", &values(log_prob), golden.expected("bernoulli.out"), VALUE);

    let p = Gaussian { mean: matrix("gaussian.mean"), log_var: matrix("gaussian.log_var") };
    let log_prob = p.log_prob(matrix("gaussian.x"));
    assert_close("Gaussian", &values(log_prob), golden.expected("gaussian.out"), VALUE);
    let standard = Gaussian::standard_log_prob(matrix("gaussian.x"));
    assert_close("N(0, I)", &values(standard), golden.expected("gaussian.standard"), VALUE);

    let logits = matrix("multinomial.logits");
    let words = Multinomial { logits, length: Tensor::from_floats([1.0], &device) };
    let log_prob = words.log_prob(matrix("multinomial.x"));
    assert_close("multinomial", &values(log_prob), golden.expected("multinomial.out"), VALUE);

    let lse = log_sum_exp(matrix("lse.x"), 1);
    assert_close("log-sum-exp", &values(lse), golden.expected("lse.out"), EXACT);
}

#[test]
fn entropies_keep_their_digits_where_one_class_has_nearly_everything() {
    let golden = Golden::read("distributions");
    let [_, classes] = golden.shape("entropy.logits") else { panic!("a matrix of logits") };
    let rows = golden.input("entropy.logits").chunks_exact(*classes);
    let expected = golden.expected("entropy.out");
    // Double precision on the host: relative, down to 1e-16 nats, with nothing added.
    for (row, (logits, expected)) in rows.zip(expected).enumerate() {
        let found = entropy_of_logits(logits);
        assert!((found / expected - 1.0).abs() < 1e-9, "row {row}: {found:e}, not {expected:e}");
    }

    let q = Categorical::from_logits(golden.tensor("entropy.logits", &Device::flex()));
    let log_probs = golden.expected("entropy.log_probs");
    assert_close("log-probabilities", &values(q.log_probs()), log_probs, VALUE);
    // In single precision, on a device: what training uses, where 1e-7 nats is nothing.
    let single = Tolerance { relative: 1e-5, absolute: 3e-7 };
    assert_close("entropy on a device", &values(q.entropy()), expected, single);
}

#[test]
fn scores_of_predictions() {
    let golden = Golden::read("evaluation");
    let [_, classes] = golden.shape("logits") else { panic!("a matrix of logits") };
    let scores = classification(golden.input("logits"), golden.labels("labels"), *classes)
        .expect("rows to score");
    for (what, found) in [
        ("accuracy", scores.accuracy),
        ("nll", scores.nll),
        ("brier", scores.brier),
        ("entropy", scores.entropy),
        ("ece", scores.ece),
    ] {
        let expected = golden.number(&format!("out.{what}"));
        assert!((found - expected).abs() < 1e-12, "{what}: {found} where {expected} is right");
    }
}

/// `log(mean(exp(rows)))` over draws, per example.
fn log_mean_exp(draws: &[Vec<f32>]) -> Vec<f32> {
    (0..draws[0].len())
        .map(|i| {
            let mean =
                draws.iter().map(|d| f64::from(d[i]).exp()).sum::<f64>() / draws.len() as f64;
            mean.ln() as f32
        })
        .collect()
}

#[test]
fn importance_weighted_bound() {
    let golden = Golden::read("evaluation");
    let device = Device::flex();
    let batch = Golden::read("m2_bernoulli");
    let model = model(&batch, &device);
    let epsilon: Tensor<3> = golden.tensor("iwae.eps_u", &device);
    let [draws, rows, latent] = epsilon.dims();
    let weights: Vec<Vec<f32>> = (0..draws)
        .map(|s| {
            let epsilon = epsilon.clone().narrow(0, s, 1).reshape([rows, latent]);
            let x = batch.tensor("x_u", &device);
            values(importance_log_weights(&model, x, &Look::default(), epsilon))
        })
        .collect();
    assert_close("IWAE-7", &log_mean_exp(&weights), golden.expected("out.iwae_u"), VALUE);
}

/// Two parameters that Adam moves towards their targets.
#[derive(Module, Debug)]
struct Quadratic {
    matrix: Param<Tensor<2>>,
    vector: Param<Tensor<1>>,
}

struct Distance {
    golden: Golden,
    device: Device,
}

impl Distance {
    fn of<const D: usize>(&self, name: &str, parameter: &Param<Tensor<D>>) -> Tensor<1> {
        let target = self.golden.tensor::<D>(&format!("target.{name}"), &self.device);
        let curvature = self.golden.tensor::<D>(&format!("curvature.{name}"), &self.device);
        ((parameter.val() - target).square() * curvature).sum() * 0.5
    }
}

impl Objective<Quadratic> for Distance {
    type Begun = ();

    fn begin(&self, _: &Quadratic, _: &Part, _: &Noise) -> ((), Option<Tensor<1>>) {
        ((), None)
    }

    fn finish(
        &self,
        model: &Quadratic,
        _: &Part,
        (): (),
        _: Option<Tensor<1>>,
        _: Elapsed,
        _: &Noise,
    ) -> Terms {
        Terms::new(self.of("matrix", &model.matrix) + self.of("vector", &model.vector))
    }
}

#[test]
fn adam_after_clipping_by_global_norm() {
    adam("adam");
}

#[test]
fn adam_with_another_momentum_and_weight_decay() {
    adam("adam_chosen");
}

fn adam(name: &str) {
    let golden = Golden::read(name);
    let device = Device::flex().autodiff();
    let [rate, beta_1, _, _, clip_norm, weight_decay] = *golden.expected("settings") else {
        panic!("6 settings")
    };
    let model = Quadratic {
        matrix: Param::from_tensor(golden.tensor("start.matrix", &device)),
        vector: Param::from_tensor(golden.tensor("start.vector", &device)),
    };
    let nothing = || Tensor::<2>::from_data(TensorData::new(vec![0.0_f32], [1, 1]), &device);
    let batch = SemiBatch {
        labelled: Labelled { x: nothing(), y: nothing() },
        unlabelled: nothing(),
        augmented: None,
    };
    let objective = Distance { golden: Golden::read(name), device: device.clone() };
    let learner = Learner::whole(objective, clip_norm, Noise::new(0));
    let learner = Learner { adam: AdamSettings { beta_1, weight_decay }, ..learner };
    let mut state = TrainState::new(model);
    // Five steps of about the rate, 0.25, each with the rounding of two moments and a root.
    let tolerance = Tolerance { relative: 1e-5, absolute: 2e-5 };
    for step in 1..=5 {
        let (next, terms) = learner.step(state, &batch, rate, Elapsed::ALL);
        state = next;
        for (name, found) in [
            ("matrix", values(state.model.matrix.val())),
            ("vector", values(state.model.vector.val())),
        ] {
            let expected = golden.expected(&format!("out.{name}.{step}"));
            assert_close(&format!("{name} after step {step}"), &found, expected, tolerance);
        }
        let (_, norm) = terms.parts.last().expect("the norm is reported");
        let norm = number(norm.clone());
        let expected = golden.expected("out.norms")[step - 1];
        assert_close("norm before clipping", &[norm], &[expected], tolerance);
    }
}
