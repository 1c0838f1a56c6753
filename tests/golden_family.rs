//! The family beside M2, on the CPU back end, against float64 references: see `golden/README.md`.

use burn::tensor::{Device, Tensor};
use gleaner_core::data::{Labelled, SemiBatch};
use gleaner_core::dist::{Categorical, Concrete, Gaussian, LogisticFlow};
use gleaner_core::models::{Divergence, Generative, Look, Model, Target, Untapped};
use gleaner_core::nets::Classes;
use gleaner_core::noise::Noise;
use gleaner_core::objective::{
    Average, Draws, Elapsed, LatentDraws, Looks, MierConfig, Ramp, SemiSupervised,
    SemiSupervisedConfig, Supervision, Terms, UnfeaturedZ, UntappedObjective, UntappedWeights,
    importance_log_weights, unlabelled_bound,
};
use gleaner_core::sampler::{Convention, Langevin, LogDensity as _, StepSize};
use gleaner_tests::{Golden, Tolerance, assert_close, values};

/// The references round their inputs as the core does, so what is left is the order of sums and a few units
/// in the last place (6e-8) from each of up to six layers in a row: 1e-5 of the result. Terms of up to 20
/// nats cancel in a divergence that is near zero, which is what is added.
const VALUE: Tolerance = Tolerance { relative: 1e-5, absolute: 5e-6 };

const CLASSES: usize = 3;

/// One model with its reference numbers.
struct Case {
    name: &'static str,
    golden: Golden,
    device: Device,
    model: Model,
}

impl Case {
    fn new(name: &'static str) -> Self {
        let (golden, device) = (Golden::read(name), Device::flex());
        let model = golden.checkpoint().build(&device).expect("a checkpoint");
        Self { name, golden, device, model }
    }

    fn check<const D: usize>(&self, what: &str, actual: Tensor<D>) {
        let expected = self.golden.expected(&format!("out.{what}"));
        assert_close(&format!("{} {what}", self.name), &values(actual), expected, VALUE);
    }

    fn input(&self, name: &str) -> Tensor<2> {
        self.golden.tensor(name, &self.device)
    }

    fn y(&self) -> Tensor<2> {
        self.golden.one_hot("y_l", CLASSES, &self.device)
    }

    /// How the labelled or the unlabelled half is looked at, where that takes noise.
    fn look(&self, name: &str) -> Look {
        let epsilon = self.golden.has(name).then(|| self.input(name));
        Look { epsilon, ..Look::default() }
    }

    fn mean(&self, what: &str) -> f64 {
        let rows = self.golden.expected(&format!("out.{what}"));
        rows.iter().sum::<f64>() / rows.len() as f64
    }

    fn labelled_bounds(&self) {
        let look = self.look("look_l").first(5);
        let bound = |divergence| {
            let (x, y) = (self.input("x_l"), Classes::Given(self.y()));
            self.model.bound(x, &look, &y, self.input("eps_l"), divergence)
        };
        let closed = bound(Divergence::Closed);
        self.check("reconstruction_l", closed.reconstruction.clone());
        self.check("L_l", closed.value(1.0));
        self.check("L_l_warm", closed.value(self.golden.number("kl_weight")));
        for (name, kl) in closed.divergences {
            self.check(&format!("{name}_l"), kl);
        }
        for (name, kl) in bound(Divergence::Drawn).divergences {
            self.check(&format!("{name}_drawn_l"), kl);
        }
        self.frozen("frozen_l", "x_l", &look);
    }

    fn unlabelled_bounds(&self) {
        let (x, look) = (self.input("x_u"), self.look("look_u"));
        let logits = self.model.logits(x.clone(), &look);
        self.check("logits_u", logits.clone());
        let q = Categorical::from_logits(logits);
        self.check("q_u", q.probs());
        self.check("H_u", q.entropy());
        let at =
            |weight| unlabelled_bound(&self.model, x.clone(), &look, self.input("eps_u"), weight);
        let whole = at(1.0);
        self.check("L_u", whole.by_class);
        self.check("U_u", whole.value);
        self.check("U_u_warm", at(self.golden.number("kl_weight")).value);
        let weights = importance_log_weights(&self.model, x, &look, self.input("eps_u"));
        self.check("log_w_u", weights);
        self.frozen("frozen_u", "x_u", &look);
    }

    fn frozen(&self, what: &str, x: &str, look: &Look) {
        let frozen = self.model.frozen(self.input(x), look);
        assert_eq!(frozen.is_some(), self.golden.has(&format!("out.{what}")), "{}", self.name);
        if let Some(frozen) = frozen {
            self.check(what, frozen);
        }
    }

    /// There and back: the centre of the posterior, and the mean of what is generated.
    fn both_ways(&self) {
        let y = Classes::Given(self.y());
        self.check("encode", self.model.encode(self.input("x_l"), &y));
        self.check("decode", self.model.decode(self.input("z"), &y).mean());
    }

    /// The objective at the reference's batch and noise; with one look at each labelled example unless the
    /// configuration asks for several.
    fn terms(&self, config: SemiSupervisedConfig) -> Terms {
        let batch = SemiBatch {
            labelled: Labelled { x: self.input("x_l"), y: self.y() },
            unlabelled: self.input("x_u"),
            augmented: None,
        };
        let latent = LatentDraws {
            labelled: self.input("eps_l"),
            unlabelled: self.input("eps_u"),
            picks: None,
        };
        let every = self.look("look_l");
        let labelled = if config.supervision.draws > 1 { every } else { every.first(5) };
        let looks = Looks { labelled, unlabelled: self.look("look_u") };
        let draws = Draws { looks, latent, seen: None };
        SemiSupervised::new(config).terms_at(&self.model, &batch, Elapsed::ALL, draws)
    }

    fn plain(&self) -> SemiSupervisedConfig {
        SemiSupervisedConfig::exact(self.golden.number("alpha"))
    }

    fn objectives(&self) {
        let setting = |name| Ramp::constant(self.golden.number(name));
        let mier = Some(MierConfig { beta: setting("beta"), gamma: setting("gamma") });
        let kl = setting("kl_weight");
        let labelled_weight = self.golden.number("labelled_weight");
        let plain = self.plain();
        for (what, config) in [
            ("J", plain),
            ("J_warm", SemiSupervisedConfig { kl, ..plain }),
            ("J_mier", SemiSupervisedConfig { mier, ..plain }),
            ("J_mier_warm", SemiSupervisedConfig { kl, mier, labelled_weight, ..plain }),
        ] {
            self.check(what, self.terms(config).total);
        }
    }

    /// What is reported beside the objective; each layer by name where there are several.
    fn reported(&self) {
        let parts = self.terms(self.plain()).parts;
        let layers = self.model.bound(
            self.input("x_l"),
            &self.look("look_l").first(5),
            &Classes::Given(self.y()),
            self.input("eps_l"),
            Divergence::Closed,
        );
        let layers: Vec<_> = layers.divergences.into_iter().map(|(name, _)| name).collect();
        let of_layer = |name: &&str| self.mean(&format!("{name}_mean"));
        let mut expected = vec![
            ("unlabelled_bound", self.mean("U_u")),
            ("labelled_bound", self.mean("L_l")),
            ("cross_entropy", self.mean("ce_first")),
            ("entropy", self.mean("mean_H")),
            ("mutual_information", self.mean("I")),
            ("kl", layers.iter().map(of_layer).sum()),
        ];
        if layers.len() > 1 {
            expected.extend(layers.iter().map(|name| (*name, of_layer(name))));
        }
        for (part, expected) in expected {
            let found = parts.iter().find(|(name, _)| *name == part);
            let (_, value) = found.unwrap_or_else(|| panic!("{}: no part {part}", self.name));
            let what = format!("{} {part}", self.name);
            assert_close(&what, &values(value.clone()), &[expected], VALUE);
        }
    }

    /// Several looks at each labelled example, averaged in both ways.
    fn draws_of_the_look(&self) {
        for (average, name) in
            [(Average::Probability, "probability"), (Average::Logarithm, "logarithm")]
        {
            let supervision = Supervision { draws: 3, average };
            let terms = self.terms(SemiSupervisedConfig { supervision, ..self.plain() });
            self.check(&format!("J_{name}"), terms.total);
            let found = terms.parts.iter().find(|(part, _)| *part == "cross_entropy");
            let (_, value) = found.expect("a cross-entropy").clone();
            let expected = self.mean(&format!("ce_{name}"));
            assert_close(name, &values(value), &[expected], VALUE);
        }
    }

    fn all(&self) {
        self.labelled_bounds();
        self.unlabelled_bounds();
        self.both_ways();
        self.objectives();
        self.reported();
    }
}

#[test]
fn m1() {
    Case::new("m1").all();
}

#[test]
fn m2_on_features_of_m1() {
    let case = Case::new("m1m2");
    case.all();
    case.draws_of_the_look();
}

#[test]
fn adgm() {
    let case = Case::new("adgm");
    case.all();
    case.draws_of_the_look();
}

#[test]
fn sdgm() {
    let case = Case::new("sdgm");
    case.all();
    case.draws_of_the_look();
}

#[test]
fn ladder() {
    Case::new("ladder").all();
}

#[test]
fn untapped_as_it_runs_forward() {
    let case = Case::new("untapped");
    case.all();
    let (objective, model) = reversible(&case);
    let x = case.input("x_u");
    let logits = model.logits(x.clone(), &Look::default());
    let epsilon = case.input("eps_u").slice_dim(0, 0..4);
    case.check(
        "relaxed",
        objective.relaxed_bound(model, logits, x, case.input("uniform_y"), epsilon),
    );
}

#[test]
fn untapped_as_it_runs_in_reverse() {
    let case = Case::new("untapped");
    let (objective, model) = reversible(&case);
    let [log_y, z, uniform] = ["log_y", "reverse_z", "uniform_x"].map(|name| case.input(name));
    let bound = objective.reverse_bound(model, log_y, z, uniform);
    case.check("reverse_observed", bound.value(UnfeaturedZ::Drawn));
    case.check("reverse_latent", bound.value(UnfeaturedZ::Latent));
    case.check("reverse_y", bound.y);
    case.check("reverse_z", bound.z);
    case.check("reverse_x", bound.x);
}

/// The objective at the reference's temperature.
fn reversible(case: &Case) -> (UntappedObjective, &Untapped) {
    let temperature = case.golden.number("out.temperature");
    let weights = UntappedWeights { temperature, ..UntappedWeights::default() };
    let Model::Untapped(model) = &case.model else { panic!("an untapped model") };
    (UntappedObjective { weights, noise: Noise::new(0) }, model)
}

#[test]
fn latent_ebm() {
    let case = Case::new("latent_ebm");
    case.all();
    case.draws_of_the_look();
}

/// Targets of chains, their gradients in closed form (E29), and one step of a chain in both conventions (E22). The noise of a
/// step is the next that its stream gives.
#[test]
fn chains_of_a_latent_ebm() {
    let case = Case::new("latent_ebm");
    let Model::LatentEbm(model) = &case.model else { panic!("a latent-ebm") };
    let z = case.input("chain_z");
    let ([rows, latent], device) = (z.dims(), &case.device);
    let y = Tensor::cat(vec![Tensor::<2>::eye(CLASSES, device); 2], 0);
    let temperature = case.golden.number("out.temperature");
    for (name, target) in [("marginal", Target::Marginal), ("given", Target::Given(y))] {
        let density = model.prior.density(target);
        let found = density.evaluate(z.clone(), 0..rows);
        case.check(&format!("{name}_log_density"), found.log_density);
        case.check(&format!("{name}_gradient"), found.gradient);
        for (kind, convention) in
            [("pang", Convention::Pang), ("pooladzandi", Convention::Pooladzandi)]
        {
            let step = StepSize::new(case.golden.number("out.size"), convention);
            let sampler = Langevin { step, temperature, adjusted: false };
            let (noise, chains) = (Noise::new(5), 0..rows);
            let state = sampler.init(&density, z.clone(), chains.clone());
            let (state, _) = sampler.step(&density, state, chains, &mut noise.streams(0, rows));
            let drawn = noise.streams(0, rows).normal(latent, device);
            let deviation = case.golden.number(&format!("out.{kind}_deviation"));
            case.check(&format!("{name}_{kind}"), state.z - drawn * deviation);
        }
    }
}

#[test]
fn densities() {
    let (golden, device) = (Golden::read("densities"), Device::flex());
    let input = |name: &str| golden.tensor::<2>(name, &device);
    let check = |what: &str, actual: Vec<f32>| {
        assert_close(what, &actual, golden.expected(&format!("out.{what}")), VALUE);
    };
    let gaussian = |of: &str| Gaussian {
        mean: input(&format!("gaussian.{of}_mean")),
        log_var: input(&format!("gaussian.{of}_log_var")),
    };
    let (q, p) = (gaussian("q"), gaussian("p"));
    check("kl_from", values(q.kl_from(&p)));
    let merged = q.merge(&p);
    check("merged_mean", values(merged.mean));
    check("merged_log_var", values(merged.log_var));
    check("noise_of", values(p.noise_of(input("gaussian.x"))));

    let [low, high] = *golden.expected("out.flow_range") else { panic!("a range") };
    let flow = LogisticFlow { low, high };
    check("forward", values(flow.forward(input("flow.u"))));
    check("inverse", values(flow.inverse(input("flow.z"))));
    check("log_det", values(flow.log_det(input("flow.u"))));

    let temperature = golden.number("out.temperature");
    let concrete = Concrete { logits: input("concrete.logits"), temperature };
    check("sample_log", values(concrete.sample_log(input("concrete.uniform"))));
    check("log_prob", values(concrete.log_prob(input("concrete.log_y"))));
}
