//! Writes what the browser test compares with: small checkpoints, and the numbers this native build gets
//! from them.
//!
//! `browser_reference DIRECTORY` writes `NAME.safetensors` and `NAME.json` there for `m2`, `m2-tanh` and `latent-ebm`.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;
use std::task::{Context, Poll, Waker};
use std::{env, fs, thread};

use burn::tensor::{Device, Tensor, TensorData};
use gleaner_core::checkpoint::{Checkpoint, Parameter};
use gleaner_core::measures::eval;
use gleaner_core::models::{
    Classified, Common, Generative, LangevinConfig, LatentEbmConfig, Likelihood, M2Config, Model,
    ModelConfig,
};
use gleaner_core::nets::{Activation, Classes};
use gleaner_core::noise::Noise;
use gleaner_core::workers::InTurn;
use gleaner_core::{infer, sample};
use serde_json::{Value, json};

/// Rows of the decoder's test, classes in turn.
const ROWS: usize = 12;
/// How much further from the middle of the prior than a draw the far ones of these rows are.
const FAR: f32 = 1000.0;
/// What the test asks `generate` for.
const SEED: u32 = 7;
const PER_CLASS: usize = 3;

fn main() -> ExitCode {
    let Some(directory) = env::args().nth(1) else {
        eprintln!("usage: browser_reference DIRECTORY");
        return ExitCode::from(2);
    };
    match write(Path::new(&directory)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(directory: &Path) -> Result<(), Box<dyn Error>> {
    let device = Device::flex();
    fs::create_dir_all(directory)?;
    let models = [
        ("m2", m2(Activation::default())),
        ("m2-tanh", m2(Activation::Tanh)),
        ("latent-ebm", latent_ebm()),
    ];
    for (name, config) in models {
        let checkpoint = checkpoint(config, &device)?;
        let model = checkpoint.build(&device)?;
        let expected = json!({
            "config": serde_json::to_value(&checkpoint.config)?,
            "decode": decoded(&model, 1.0, &device)?,
            "far": decoded(&model, FAR, &device)?,
            "generate": generated(&model, &device)?,
        });
        fs::write(directory.join(format!("{name}.safetensors")), checkpoint.to_bytes()?)?;
        fs::write(directory.join(format!("{name}.json")), serde_json::to_vec(&expected)?)?;
    }
    Ok(())
}

/// Of a small image and two hidden layers.
fn common(activation: Activation) -> Common {
    Common {
        shape: vec![8, 8, 1],
        classes: 10,
        hidden: vec![32, 24],
        activation,
        likelihood: Likelihood::Bernoulli,
        columns: Vec::new(),
        masking: 0.0,
    }
}

fn m2(activation: Activation) -> ModelConfig {
    ModelConfig::M2(M2Config {
        common: common(activation),
        latent: 8,
        classifier_hidden: vec![32],
        convolution: None,
    })
}

/// With few steps: a software GPU takes a while for each.
fn latent_ebm() -> ModelConfig {
    ModelConfig::LatentEbm(LatentEbmConfig {
        common: common(Activation::default()),
        latent: 8,
        energy_hidden: vec![32, 32],
        energy_activation: Activation::LeakyRelu,
        langevin: LangevinConfig { steps: 6, ..LangevinConfig::default() },
        classified: Classified::Draw,
        convolution: None,
    })
}

/// An untrained model, every parameter (biases too, which start at zero) moved by noise, so that no misplaced one goes
/// unnoticed.
fn checkpoint(config: ModelConfig, device: &Device) -> Result<Checkpoint, Box<dyn Error>> {
    let noise = Noise::new(1);
    let mut moves = noise.split("moves");
    let move_all = |Parameter { shape, values }| {
        let moves = moves.normal(values.len());
        Parameter { shape, values: values.iter().zip(moves).map(|(v, m)| v + 0.2 * m).collect() }
    };
    let found = wait(infer::parameters(&config.init(&noise, device)?))?;
    let (names, values): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let parameters: BTreeMap<_, _> =
        names.into_iter().zip(values.into_iter().map(move_all)).collect();
    Ok(Checkpoint { config, data: None, parameters })
}

fn decoded(model: &Model, distance: f32, device: &Device) -> Result<Value, Box<dyn Error>> {
    let classes = model.classes();
    let mut z = Noise::new(2).normal(ROWS * model.latent());
    z.iter_mut().for_each(|value| *value *= distance);
    let y: Vec<usize> = (0..ROWS).map(|row| row % classes).collect();
    let one_hot: Vec<f32> =
        y.iter().flat_map(|&y| (0..classes).map(move |k| f32::from(u8::from(k == y)))).collect();
    let tensor = |values: &[f32], columns| -> Tensor<2> {
        Tensor::from_data(TensorData::new(values.to_vec(), [ROWS, columns]), device)
    };
    let x =
        model.decode(tensor(&z, model.latent()), &Classes::Given(tensor(&one_hot, classes))).mean();
    Ok(json!({ "z": z, "y": y, "x": wait(infer::read(x))? }))
}

fn generated(model: &Model, device: &Device) -> Result<Value, Box<dyn Error>> {
    let classes = model.classes();
    let mut noise = Noise::new(u64::from(SEED)).split("samples");
    let drawn = sample::class_conditional(model, PER_CLASS, &mut noise, device, &InTurn);
    let logits = wait(infer::read(drawn.logits))?;
    let entropy: Vec<f64> = logits.chunks(classes).map(eval::entropy_of_logits).collect();
    Ok(json!({
        "seed": SEED,
        "per_class": PER_CLASS,
        "x": wait(infer::read(drawn.x))?,
        "z": wait(infer::read(drawn.z))?,
        "y": (0..classes * PER_CLASS).map(|row| row / PER_CLASS).collect::<Vec<_>>(),
        "logits": logits,
        "entropy": entropy,
    }))
}

/// Blocks on a future; the CPU's are ready at once.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::yield_now(),
        }
    }
}
