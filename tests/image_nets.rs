//! Wide ResNet, generator and the Gaussian of a given deviation, against float64 references and by their properties.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use gleaner::system::threads::Threads;
use gleaner_core::checkpoint::{Checkpoint, Parameter};
use gleaner_core::data::{Labelled, Part, SemiBatch};
use gleaner_core::models::{
    Architecture as _, Bound, ClassifierConfig, Classify as _, Common, Divergence, Generative as _,
    Likelihood, Look, Model, ModelConfig,
};
use gleaner_core::nets::{
    Activation, Classes, Convolution, Deconvolution, Training, WideResnet, WideResnetConfig,
};
use gleaner_core::noise::Noise;
use gleaner_core::objective::{Elapsed, Objective as _, SemiSupervised, SemiSupervisedConfig};
use gleaner_core::train::{InTurn, Learner, TrainState, Workers};
use gleaner_tests::modules::{gradients, parameters};
use gleaner_tests::small::matrix;
use gleaner_tests::{Golden, Tolerance, assert_close, number, values};

/// Thirteen layers in a row, each of sums of up to 576 products, half of them normalised over as few as twelve cells: the
/// errors of single precision (6e-8) grow to some 1e-6 of what is around.
const VALUE: Tolerance = Tolerance { relative: 5e-5, absolute: 5e-5 };

const CLASSES: usize = 3;

fn noise(purpose: &str) -> Noise {
    Noise::new(4).split(purpose)
}

fn golden(device: &Device) -> (Golden, Model) {
    let golden = Golden::read("wide_resnet");
    let model = golden.checkpoint().build(device).expect("a checkpoint");
    (golden, model)
}

/// The bound in training, which normalises by the batch.
fn bound(golden: &Golden, model: &Model, device: &Device) -> Bound {
    let training = Some(Training { noise: noise("no dropout"), first: 0 });
    let look = Look { training, ..Look::default() };
    let x = golden.tensor("x", device);
    // With every class alike, the first one's rows are those of one draw for each example.
    let y = Classes::Given(Tensor::zeros([3, CLASSES], device));
    model.bound(x, &look, &y, golden.tensor("epsilon", device), Divergence::Closed)
}

#[test]
fn values_are_those_of_the_reference() {
    let device = Device::flex();
    let (golden, mut model) = golden(&device);
    let check = |name: &str, found: &[f32]| {
        let worst = assert_close(name, found, golden.expected(&format!("out.{name}")), VALUE);
        eprintln!("{name}: {worst:.2} of the tolerance");
    };
    let found = bound(&golden, &model, &device);
    check("reconstruction", &values(found.reconstruction.clone()));
    check("kl", &values(found.kl()));
    let y = Classes::Given(Tensor::zeros([2, CLASSES], &device));
    check("decode", &values(model.decode(golden.tensor("z", &device), &y).mean()));

    model.measure(golden.tensor("measured_on", &device));
    let found = parameters(&model);
    let statistics: Vec<_> = found.iter().filter(|(name, _)| is_statistic(name)).collect();
    // Two for each of the three blocks, and the last one.
    assert_eq!(statistics.len(), 14);
    for (name, parameter) in statistics {
        check(name, &parameter.values);
    }
    check("encode", &values(model.encode(golden.tensor("x", &device), &Classes::Every)));
}

fn is_statistic(name: &str) -> bool {
    name.contains("norm") && (name.ends_with(".mean") || name.ends_with(".variance"))
}

/// The reference's slopes are complex-step derivatives.
#[test]
fn slopes_are_those_of_the_reference() {
    let device = Device::flex().autodiff();
    let (golden, model) = golden(&device);
    let found = bound(&golden, &model, &device);
    let total = (found.reconstruction.clone() - found.kl()).sum();
    let found = gradients(&model, GradientsParams::from_grads(total.backward(), &model));
    let learnt: Vec<_> =
        parameters(&model).into_keys().filter(|name| !is_statistic(name)).collect();
    assert_eq!(found.len(), learnt.len());
    for (name, Parameter { values, .. }) in found {
        let along = |(i, &g): (usize, &f32)| f64::from(g) * (1.7 * i as f64 + 0.3).cos();
        let slope: f64 = values.iter().enumerate().map(along).sum();
        let length = values.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
        let [expected] = golden.expected(&format!("slope.{name}")) else { panic!("one slope") };
        // Of a gradient's length, as its parts may cancel along the direction.
        assert!((slope - expected).abs() < 1e-4 * length, "{name}: {slope}, not {expected}");
    }
}

fn wide(depth: usize, width: usize) -> WideResnetConfig {
    WideResnetConfig { depth, width, ..WideResnetConfig::default() }
}

fn count<M: Module>(module: &M) -> usize {
    let learnt = parameters(module).into_iter().filter(|(name, _)| !is_statistic(name));
    learnt.map(|(_, parameter)| parameter.values.len()).sum()
}

/// Weights of the convolutions and two numbers for each normalised map, by the paper's table 1.
fn by_formula(depth: usize, width: usize, channels: usize) -> usize {
    let (blocks, mut inputs, mut sum) = ((depth - 4) / 6, 16, 9 * 16 * channels);
    for (group, stride) in [1, 2, 2].into_iter().enumerate() {
        let maps = (16 * width) << group;
        for block in 0..blocks {
            sum += 2 * inputs + 9 * inputs * maps + 2 * maps + 9 * maps * maps;
            if inputs != maps || (block == 0 && stride != 1) {
                sum += inputs * maps;
            }
            inputs = maps;
        }
    }
    sum + 2 * inputs
}

/// Zagoruyko and Komodakis give 36.5 M for 28-10, Oliver et al. 1.5 M for 28-2, with ten classes.
#[test]
fn a_wide_resnet_has_the_published_number_of_parameters() {
    let config = ClassifierConfig {
        common: Common {
            shape: vec![32, 32, 3],
            classes: 10,
            hidden: vec![],
            activation: Activation::Relu,
            likelihood: Likelihood::Bernoulli,
            columns: Vec::new(),
            masking: 0.0,
        },
        convolution: Some(Convolution::WideResnet(wide(28, 2))),
    };
    let classifier = config.init(&noise("weights"), &Device::flex()).unwrap();
    assert_eq!(count(&classifier), 1_467_610);
    assert_eq!(by_formula(28, 2, 3) + 1290, 1_467_610);
    assert_eq!(by_formula(28, 10, 3) + 6410, 36_479_194);
    for (depth, width, channels) in [(10, 1, 1), (10, 2, 3), (16, 1, 3)] {
        let config = wide(depth, width);
        let image = [8, 8, channels];
        let net = WideResnet::new(&config, image, &mut noise("weights"), &Device::flex());
        assert_eq!(count(&net), by_formula(depth, width, channels), "{depth}-{width}");
    }
}

#[test]
fn images_of_any_size_come_back_as_large_as_they_were() {
    let device = Device::flex();
    for (image, generator, start) in [
        ([28, 28, 1], vec![4, 3], 4 * 7 * 7),
        ([28, 28, 1], vec![4, 3, 2], 4 * 4 * 4),
        ([32, 32, 3], vec![4, 3, 2], 4 * 4 * 4),
        ([9, 14, 2], vec![3], 3 * 5 * 7),
    ] {
        let size = image.iter().product();
        let config = WideResnetConfig { generator, ..wide(10, 1) };
        let net = WideResnet::new(&config, image, &mut noise("weights"), &device);
        let x = matrix(noise("x").uniform(2 * size), size, &device);
        assert_eq!(net.forward(x, None).dims(), [2, WideResnet::features(&config)]);
        let config = Convolution::WideResnet(config);
        let net = Deconvolution::new(5, &config, image, &mut noise("weights"), &device);
        assert_eq!(parameters(&net)["input.bias"].values.len(), start, "{image:?}");
        let h = matrix(noise("h").normal(15), 5, &device);
        assert_eq!(net.forward(h).dims(), [3, size]);
    }
}

#[test]
fn measured_on_the_batch_itself_evaluation_is_what_training_sees() {
    let device = Device::flex();
    let image = [8, 8, 1];
    let mut net = WideResnet::new(&wide(16, 1), image, &mut noise("weights"), &device);
    let x = || matrix(noise("x").uniform(6 * 64), 64, &device);
    let training = Training { noise: noise("none"), first: 0 };
    let by_batch = values(net.forward(x(), Some(&training)));
    let before = values(net.forward(x(), None));
    net.measure(x());
    let doubles: Vec<f64> = by_batch.iter().map(|&v| f64::from(v)).collect();
    assert_close("evaluation", &values(net.forward(x(), None)), &doubles, VALUE);
    assert!(before.iter().zip(&by_batch).any(|(a, b)| (a - b).abs() > 0.1));
}

/// Settings of an M2 with small nets of this kind.
fn config(convolution: &str) -> Result<ModelConfig, serde_json::Error> {
    serde_json::from_str(&format!(
        r#"{{"model": "m2", "shape": [6, 7, 2], "classes": {CLASSES}, "latent": 3, "hidden": [6],
            "classifier_hidden": [], "activation": "relu",
            "likelihood": {{"isotropic-gaussian": {{"sigma": 0.5}}}}, "convolution": {convolution}}}"#
    ))
}

const SMALL: &str = r#"{"kind": "wide-resnet", "depth": 10, "width": 1, "generator": [4, 3]}"#;

#[test]
fn the_kind_of_convolutions_is_a_setting() {
    let of = |text: &str| match config(text).expect("settings").baseline().convolution {
        Some(found) => found,
        None => panic!("no convolutions"),
    };
    // As in recipes and checkpoints from before there were kinds.
    for text in [
        r#"{"maps": [2, 3, 4], "dropout": 0.1}"#,
        r#"{"kind": "plain", "maps": [2, 3, 4], "dropout": 0.1}"#,
    ] {
        assert!(matches!(of(text), Convolution::Plain(plain) if plain.maps == [2, 3, 4]));
    }
    assert_eq!(of(r#"{"kind": "wide-resnet"}"#), Convolution::WideResnet(wide(28, 2)));
    for (text, said) in [
        (
            r#"{"kind": "wide"}"#,
            "convolution.kind = \"wide\" is not valid: choose plain or wide-resnet",
        ),
        (r#"{"kind": "wide-resnet", "maps": [2, 3, 4]}"#, "unknown field `maps`"),
        (r#"{"maps": [2, 3, 4], "dropout": 0.1, "depth": 28}"#, "unknown field `depth`"),
        (r#"{"kind": "plain", "dropout": 0.1}"#, "missing field `maps`"),
    ] {
        let error = config(text).unwrap_err().to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
    for (text, said) in [
        (r#"{"kind": "wide-resnet", "depth": 12}"#, "model.convolution.depth = 12"),
        (r#"{"kind": "wide-resnet", "width": 0}"#, "model.convolution.width = 0"),
        (r#"{"kind": "wide-resnet", "generator": []}"#, "model.convolution.generator = []"),
        (r#"{"kind": "wide-resnet", "generator": [4, 0]}"#, "model.convolution.generator = [4, 0]"),
    ] {
        let error = config(text).unwrap().init(&noise("model"), &Device::flex()).unwrap_err();
        assert!(error.to_string().contains(said), "{text}: {error}");
    }
    let written = serde_json::to_string(&config(SMALL).unwrap()).unwrap();
    let read: ModelConfig = serde_json::from_str(&written).unwrap();
    assert_eq!(read, config(SMALL).unwrap());
}

fn batch(rows: [usize; 2]) -> SemiBatch {
    let device = Device::flex();
    let x = |purpose: &str, rows| matrix(noise(purpose).uniform(rows * 84), 84, &device);
    let y: Vec<f32> = (0..rows[0] * CLASSES)
        .map(|i| if i % CLASSES == i / CLASSES % CLASSES { 1.0 } else { 0.0 })
        .collect();
    SemiBatch {
        labelled: Labelled { x: x("labelled", rows[0]), y: matrix(y, CLASSES, &device) },
        unlabelled: x("unlabelled", rows[1]),
        augmented: None,
    }
}

fn objective() -> SemiSupervised {
    SemiSupervised::new(SemiSupervisedConfig::exact(1.0))
}

fn model(device: &Device) -> Model {
    let config = config(SMALL).expect("settings of a model");
    config.init(&noise("model"), device).expect("sizes of a model")
}

fn stepped(parts: usize, workers: Arc<dyn Workers>) -> (BTreeMap<String, Parameter>, f32) {
    let whole = Learner::whole(objective(), 50.0, noise("training"));
    let learner = Learner { parts, workers, ..whole };
    let state = TrainState::new(model(&Device::flex().autodiff()));
    let (state, terms) = learner.step(state, &batch([6, 8]), 1e-3, Elapsed::ALL);
    (parameters(&state.model), number(terms.total))
}

/// Statistics are those of a part: so parts are part of the result, and threads are not.
#[test]
fn parts_of_a_batch_are_normalised_by_themselves_on_however_many_threads() {
    let (alone, total) = stepped(2, Arc::new(InTurn));
    for count in [1, 2, 3] {
        let threads = Arc::new(Threads::start(count).expect("a few threads"));
        let (found, same) = stepped(2, threads);
        assert_eq!(same.to_bits(), total.to_bits());
        for (path, parameter) in &alone {
            assert_eq!(found[path].values, parameter.values, "{path}");
        }
    }
    let (_, whole) = stepped(1, Arc::new(InTurn));
    assert!((whole - total).abs() > 1e-3 * whole.abs(), "{whole} {total}");

    let device = Device::flex().autodiff();
    let (model, noise) = (model(&device), noise("training").split("step").at(0));
    let of_part = |part: Part| {
        let (begun, sums) = objective().begin(&model, &part, &noise);
        number(objective().finish(&model, &part, begun, sums, Elapsed::ALL, &noise).total.inner())
    };
    let sum: f32 = Part::split(&batch([6, 8]), 2).into_iter().map(of_part).sum();
    assert!((sum - total).abs() < 1e-5 * total.abs(), "{sum} {total}");
}

#[test]
fn a_wide_m2_learns_and_is_measured_in_both_networks_that_normalise() {
    let learner = Learner::whole(objective(), 50.0, noise("training"));
    let (batch, mut totals) = (batch([6, 12]), Vec::new());
    let mut state = TrainState::new(model(&Device::flex().autodiff()));
    let before = parameters(&state.model);
    for _ in 0..25 {
        let (next, terms) = learner.step(state, &batch, 3e-3, Elapsed::ALL);
        totals.push(number(terms.total));
        state = next;
    }
    let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
    assert!(mean(&totals[20..]) < mean(&totals[..5]) - 5.0, "{totals:?}");
    let after = parameters(&state.model);
    let still: Vec<_> =
        before.keys().filter(|name| after[*name].values == before[*name].values).collect();
    let statistics: Vec<_> = before.keys().filter(|name| is_statistic(name)).collect();
    assert_eq!(still, statistics, "what is measured is not learnt, and all else is");

    let mut model = state.model.valid();
    let said = |model: &Model| values(model.classify(batch.unlabelled.clone()));
    let encoded = |model: &Model| {
        values(model.encode(
            batch.unlabelled.clone(),
            &Classes::Given(Tensor::zeros([12, CLASSES], &Device::flex())),
        ))
    };
    let unmeasured = (said(&model), encoded(&model));
    model.measure(batch.unlabelled.clone());
    assert_ne!(said(&model), unmeasured.0);
    assert_ne!(encoded(&model), unmeasured.1);
}

#[test]
fn a_deviation_that_is_none_is_refused() {
    let text = serde_json::to_string(&config(SMALL).unwrap()).unwrap();
    for sigma in ["0", "-0.3"] {
        let text = text.replace(r#""sigma":0.5"#, &format!(r#""sigma":{sigma}"#));
        let config: ModelConfig = serde_json::from_str(&text).unwrap();
        let error = config.init(&noise("model"), &Device::flex()).unwrap_err().to_string();
        assert!(error.contains("sigma"), "{error}");
    }
    let unknown = text.replace(r#""sigma":0.5"#, r#""sigma":0.5,"sigmas":1"#);
    let error = serde_json::from_str::<ModelConfig>(&unknown).unwrap_err().to_string();
    assert!(error.contains("unknown field `sigmas`"), "{error}");
}

#[test]
fn a_checkpoint_comes_back_with_its_statistics() {
    let device = Device::flex();
    let mut model = model(&device);
    model.measure(batch([6, 12]).unlabelled);
    let bytes =
        Checkpoint { config: config(SMALL).unwrap(), data: None, parameters: parameters(&model) };
    let read = Checkpoint::from_bytes(&bytes.to_bytes().unwrap()).unwrap().build(&device).unwrap();
    let x = batch([6, 8]).labelled.x;
    assert_eq!(values(read.classify(x.clone())), values(model.classify(x)));
}
