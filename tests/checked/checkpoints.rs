//! Checkpoints whose configuration, shapes or bytes are not those of a model.

use std::panic::catch_unwind;

use burn::tensor::Device;
use gleaner_core::checkpoint::Checkpoint;
use gleaner_core::error::Error;
use gleaner_core::infer;
use gleaner_core::models::{Architecture, Common, Likelihood, M1Config, ModelConfig};
use gleaner_core::nets::{Activation, Convolution, WideResnetConfig};
use gleaner_core::noise::Noise;
use gleaner_tests::program::Program;
use gleaner_tests::small::Small;
use serde_json::{Value, json};

/// What a number in a header is replaced by.
const LIES: [u64; 8] = [0, 1, 1_000_000_000, 1 << 31, 1 << 32, 1 << 53, i64::MAX as u64, u64::MAX];

/// A small model of every kind, with convolutions of both kinds and with a table.
fn models() -> Vec<ModelConfig> {
    let named = |&model: &&'static str| Small { model, ..Small::default() }.config();
    let mut models: Vec<_> = ModelConfig::NAMES.iter().map(named).collect();
    let table = Small { likelihood: Likelihood::Mixed, ..Small::default() };
    models.extend([Small::default().convolutional(), table.config()]);
    let common = Common {
        shape: vec![8, 8, 3],
        classes: 3,
        hidden: vec![4],
        activation: Activation::Relu,
        likelihood: Likelihood::Bernoulli,
        columns: Vec::new(),
        masking: 0.0,
    };
    let resnet = WideResnetConfig { depth: 10, width: 1, generator: vec![2, 3] };
    let convolution = Some(Convolution::WideResnet(resnet));
    models.push(ModelConfig::M1(M1Config { common, latent: 2, convolution }));
    models
}

/// The bytes of a checkpoint of a model with random weights.
fn written(config: &ModelConfig) -> Vec<u8> {
    let device = Device::flex();
    let model = config.init(&Noise::new(0), &device).unwrap();
    let parameters = pollster::block_on(infer::parameters(&model)).unwrap();
    Checkpoint { config: config.clone(), data: None, parameters }.to_bytes().unwrap()
}

/// Header and values.
fn parts(bytes: &[u8]) -> (Value, &[u8]) {
    let (length, rest) = bytes.split_at(8);
    let length = u64::from_le_bytes(length.try_into().unwrap()) as usize;
    (serde_json::from_slice(&rest[..length]).unwrap(), &rest[length..])
}

fn joined(header: &Value, values: &[u8]) -> Vec<u8> {
    let header = header.to_string();
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), values].concat()
}

/// The configuration in a header.
fn configuration(header: &Value) -> Value {
    serde_json::from_str(header["__metadata__"]["config"].as_str().unwrap()).unwrap()
}

fn with_configuration(header: &Value, config: &Value) -> Value {
    let mut header = header.clone();
    header["__metadata__"]["config"] = Value::String(config.to_string());
    header
}

/// Calls `change` with every number in a value, one at a time, as it would be when replaced.
fn each_number(value: &Value, path: &str, change: &mut impl FnMut(&str)) {
    match value {
        Value::Number(_) => change(path),
        Value::Array(all) => {
            all.iter()
                .enumerate()
                .for_each(|(at, v)| each_number(v, &format!("{path}/{at}"), change));
        }
        Value::Object(all) => {
            all.iter().for_each(|(key, v)| each_number(v, &format!("{path}/{key}"), change));
        }
        _ => {}
    }
}

fn built(bytes: &[u8]) -> Result<(), Error> {
    Checkpoint::from_bytes(bytes)?.build(&Device::flex()).map(|_| ())
}

#[test]
fn no_number_of_a_configuration_is_believed_before_the_tensors_are() {
    for config in models() {
        let bytes = written(&config);
        built(&bytes).unwrap();
        let (header, values) = parts(&bytes);
        let config = configuration(&header);
        let mut refused = 0;
        each_number(&config, "", &mut |place| {
            for lie in LIES {
                let mut changed = config.clone();
                *changed.pointer_mut(place).unwrap() = json!(lie);
                // What is a setting and no size may well be another one.
                let ended = built(&joined(&with_configuration(&header, &changed), values));
                refused += usize::from(ended.is_err());
            }
        });
        assert!(refused > 20, "{refused} of {config}");
    }
}

#[test]
fn a_layer_that_no_tensor_has_is_named() {
    let bytes = written(&Small::default().config());
    let (header, values) = parts(&bytes);
    let said = |width: u64| {
        let mut config = configuration(&header);
        config["hidden"][0] = json!(width);
        built(&joined(&with_configuration(&header, &config), values)).unwrap_err().to_string()
    };
    let error = said(1_000_000);
    assert!(error.contains("has shape") && error.contains("1000000"), "{error}");
    let error = said(1_000_000_000);
    assert!(error.contains("model.hidden") && error.contains("1048576 units"), "{error}");
}

#[test]
fn many_layers_of_many_units_are_counted_and_not_made() {
    let mut config = Small::default().config();
    let ModelConfig::M2(m2) = &mut config else { panic!("an M2") };
    m2.common.hidden = vec![1 << 20; 1000];
    let count = config.parameters(&Device::flex()).unwrap();
    assert!(count > 1996 << 40, "{count}");
    let small = Small::default().config();
    let made = small.init(&Noise::new(0), &Device::flex()).unwrap();
    let made = pollster::block_on(infer::parameters(&made)).unwrap();
    let made: usize = made.values().map(|parameter| parameter.values.len()).sum();
    assert_eq!(small.parameters(&Device::flex()).unwrap(), made as u64);
}

#[test]
fn data_of_another_model_are_refused() {
    let config = Small::default().config();
    let bytes = written(&config);
    let (header, values) = parts(&bytes);
    let said = |classes: usize, shape: &[u64]| {
        let names: Vec<_> = (0..classes).map(|class| format!("class {class}")).collect();
        let mut config = configuration(&header);
        config["data"] =
            json!({ "classes": names, "input": { "array": shape }, "scaling": "none" });
        built(&joined(&with_configuration(&header, &config), values))
    };
    let (classes, features) = (config.classes(), config.features() as u64);
    said(classes, &[features]).unwrap();
    let error = said(classes - 1, &[features]).unwrap_err().to_string();
    assert!(error.contains("name 3 classes, but the model has 4"), "{error}");
    for shape in [&[features + 1][..], &[1 << 40, 1 << 40], &[0]] {
        let error = said(classes, shape).unwrap_err().to_string();
        assert!(error.contains("the model is one of 9"), "{error}");
    }
}

#[test]
fn a_saved_state_whose_moments_are_of_other_weights_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"));
    let run = dir.path().join("run");
    program.train_small(&run, &[]).done();
    let state = std::fs::read_dir(run.join("state")).unwrap().next().unwrap().unwrap().path();
    let bytes = std::fs::read(&state).unwrap();
    let (header, values) = parts(&bytes);
    let mut swapped = header.clone();
    let [one, other] =
        ["weight", "bias"].map(|part| format!("adam/first/classifier.output.{part}"));
    swapped[&one] = header[&other].clone();
    swapped[&other] = header[&one].clone();
    std::fs::write(&state, joined(&swapped, values)).unwrap();
    let said = program.call(["train", "--resume", &run.display().to_string()]);
    let error = said.error();
    assert!(error.contains("the optimiser's state of `classifier.output."), "{error}");
    let mut late = header.clone();
    let mut progress = configuration(&header);
    progress["step"] = json!(u64::MAX);
    late["__metadata__"]["config"] = Value::String(progress.to_string());
    std::fs::write(&state, joined(&late, values)).unwrap();
    let said = program.call(["train", "--resume", &run.display().to_string()]);
    assert!(said.error().contains("the progress is of another model"), "{}", said.stderr);
}

/// How many damaged files of each model are tried: more with `GLEANER_MUTATIONS`.
fn mutations() -> u64 {
    std::env::var("GLEANER_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(60)
}

/// A file with some bytes changed, or numbers of its header.
fn damaged(bytes: &[u8], noise: &Noise) -> Vec<u8> {
    let mut noise = noise.split("damage");
    let mut draw = |below: usize| (f64::from(noise.uniform(1)[0]) * below as f64) as usize;
    let (mut header, values) = parts(bytes);
    match draw(3) {
        0 => {
            let mut bytes = bytes.to_vec();
            // Most of them where the file says what it holds.
            let end = if draw(4) == 0 { bytes.len() } else { bytes.len() - values.len() };
            for _ in 0..=draw(3) {
                bytes[draw(end)] ^= 1 << draw(8);
            }
            bytes
        }
        of => {
            let mut config = configuration(&header);
            for _ in 0..=draw(3) {
                let target = if of == 1 { &mut config } else { &mut header };
                let mut places = Vec::new();
                each_number(target, "", &mut |place| places.push(place.to_owned()));
                let place = places[draw(places.len())].clone();
                *target.pointer_mut(&place).unwrap() = json!(LIES[draw(LIES.len())]);
            }
            joined(&with_configuration(&header, &config), values)
        }
    }
}

#[test]
fn damaged_files_are_refused_and_never_crash() {
    for config in models() {
        let bytes = written(&config);
        let (mut read, mut refused) = (0, 0);
        for number in 0..mutations() {
            let damaged = damaged(&bytes, &Noise::new(number));
            match catch_unwind(|| built(&damaged)) {
                Ok(Ok(())) => read += 1,
                Ok(Err(_)) => refused += 1,
                Err(_) => panic!("file {number} of {} panics", config.name()),
            }
        }
        assert!(refused > read, "{refused} refused, {read} read");
    }
}
