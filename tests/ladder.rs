//! What a ladder must do that a widely copied implementation of it does not (E19).

use burn::tensor::{Device, Tensor};
use gleaner_core::checkpoint::Checkpoint;
use gleaner_core::data::{Labelled, SemiBatch};
use gleaner_core::models::{
    Bound, Common, Divergence, Generative, LadderConfig, Likelihood, Look, Model, ModelConfig,
};
use gleaner_core::nets::{Activation, Classes, Inputs};
use gleaner_core::noise::Noise;
use gleaner_core::objective::{Elapsed, Ramp, SemiSupervised, SemiSupervisedConfig};
use gleaner_core::train::{Learner, TrainState};
use gleaner_tests::modules::parameters;
use gleaner_tests::small::{Small, matrix};
use gleaner_tests::{number, values};

fn small() -> Small {
    Small { model: "ladder", seed: 31, ..Small::default() }
}

/// A ladder whose topmost layer is told the class and nothing of the example.
fn blind_at_the_top(device: &Device) -> Model {
    let small = small();
    let mut parameters = parameters(&small.model(device));
    let top = parameters.get_mut("upwards.2.input.features.weight").expect("a third layer");
    top.values.fill(0.0);
    Checkpoint { config: small.config(), data: None, parameters }.build(device).expect("a ladder")
}

fn first_class(rows: usize, classes: usize, device: &Device) -> Classes {
    let values = (0..rows * classes).map(|i| f32::from(u8::from(i % classes == 0))).collect();
    Classes::Given(matrix(values, classes, device))
}

#[test]
fn the_data_reach_the_lower_layers_through_the_merged_posterior() {
    let (small, device) = (small(), Device::flex());
    let model = blind_at_the_top(&device);
    let [one, other] =
        ["one", "other"].map(|which| matrix(small.examples(which, 5), small.features, &device));
    let y = first_class(5, small.classes, &device);
    let epsilon = || small.noise("epsilon").normal_tensor([5, model.widths().row], &device);
    let at = |x: Tensor<2>| -> Bound {
        model.bound(x, &Look::default(), &y, epsilon(), Divergence::Closed)
    };
    let [at_one, at_other] = [&one, &other].map(|x| at(x.clone()));
    let top = |bound: &Bound| values(bound.divergences[2].1.clone());
    assert_eq!(top(&at_one), top(&at_other), "the topmost layer sees the example");

    // Were the logits the same for both, the log-likelihood would be a straight line between them.
    let halfway = values(at((one + other) / 2.0).reconstruction);
    let both = (at_one.reconstruction + at_other.reconstruction) / 2.0;
    for (row, (middle, mean)) in halfway.into_iter().zip(values(both)).enumerate() {
        // Rounding of about 7 nats is 1e-6.
        assert!((middle - mean).abs() > 1e-4, "row {row}: {middle} halfway, {mean} on average");
    }
}

#[test]
fn what_an_example_is_encoded_as_differs_below_a_topmost_layer_that_cannot_see_it() {
    let (small, device) = (small(), Device::flex());
    let model = blind_at_the_top(&device);
    let y = first_class(1, small.classes, &device);
    let [one, other] = ["one", "other"].map(|which| {
        let x = matrix(small.examples(which, 1), small.features, &device);
        values(model.encode(x, &y))
    });
    // Four dimensions of z_1, three of z_2, one of z_3.
    for (dimension, (one, other)) in one.iter().zip(&other).enumerate() {
        let same = (one - other).abs() < 1e-5;
        assert_eq!(same, dimension == 7, "dimension {dimension}: {one} and {other}");
    }
}

/// Points near a line through four dimensions: `x = (1, -1, 1, -1) z + 0.1 noise`.
fn near_a_line(rows: usize, noise: &Noise) -> Vec<f32> {
    let along = noise.split("along").normal(rows);
    let off = noise.split("off").normal(rows * 4);
    let sign = |i: usize| if i.is_multiple_of(2) { 1.0 } else { -1.0 };
    off.iter().enumerate().map(|(i, off)| sign(i) * along[i / 4] + 0.1 * off).collect()
}

#[test]
fn a_variance_below_one_is_learned_where_the_data_ask_for_it() {
    let device = Device::flex().autodiff();
    let config = ModelConfig::Ladder(LadderConfig {
        common: Common {
            shape: vec![4],
            classes: 2,
            hidden: vec![8, 8],
            activation: Activation::Softplus,
            likelihood: Likelihood::Gaussian,
            columns: Vec::new(),
            masking: 0.0,
        },
        latent: vec![1, 1],
        classifier_hidden: vec![4],
    });
    let noise = Noise::new(32);
    let x =
        |purpose: &str, rows: usize| matrix(near_a_line(rows, &noise.split(purpose)), 4, &device);
    let y =
        matrix((0..16).flat_map(|i| [(i % 2) as f32, ((i + 1) % 2) as f32]).collect(), 2, &device);
    let batch = SemiBatch {
        labelled: Labelled { x: x("labelled", 16), y },
        unlabelled: x("unlabelled", 64),
        augmented: None,
    };
    let objective = SemiSupervised::new(SemiSupervisedConfig::exact(1.0));
    let learner = Learner::whole(objective, 10.0, noise.clone());
    let mut state = TrainState::new(config.init(&noise, &device).expect("a ladder"));
    for _ in 0..500 {
        (state, _) = learner.step(state, &batch, 0.02, Elapsed::ALL);
    }
    let Model::Ladder(ladder) = state.model else { panic!("a ladder") };
    let said = ladder.upwards[0].forward(Inputs::shared(batch.unlabelled, &Classes::Every));
    let log_var = number(said.log_var.mean());
    // The exact posterior's is log(0.01 / 4) = -6 if z_1 is the place on the line, whatever its scale; a head
    // that ends in softplus cannot go below 0.
    eprintln!("log-variance of z_1 given the example: {log_var:.2}");
    assert!(log_var < -2.0, "{log_var}");
}

#[test]
fn the_warm_up_counts_epochs_and_not_calls() {
    let (small, device) = (small(), Device::flex());
    let model = small.model(&device);
    let config =
        SemiSupervisedConfig { kl: Ramp::rising(1.0, 10.0), ..SemiSupervisedConfig::exact(1.0) };
    let objective = SemiSupervised::new(config);
    let at = |epoch: f64| {
        let (batch, draws) = (small.batch(&device), small.draws(&device));
        number(objective.terms_at(&model, &batch, Elapsed(epoch), draws).total)
    };
    let [none, half, whole, later] = [0.0, 5.0, 10.0, 40.0].map(at);
    assert_eq!(half, at(5.0), "the same epoch, asked for again");
    assert_eq!(whole, later, "after the warm-up");
    assert!(whole > none + 0.1, "a divergence of weight 1 costs something: {none}, {whole}");
    // Rounding of a total of about 20.
    assert!((half - (none + whole) / 2.0).abs() < 1e-5 * whole, "{none}, {half}, {whole}");
}
