//! Trains an M2 on the built-in digits with ten labels per class, measures it, and draws samples from it.
//!
//! `cargo run --release -p gleaner-core --example train_m2`
#![allow(clippy::print_stdout)]

use burn::tensor::Device;
use gleaner_core::data::{Batches, Binarise, Split, SplitConfig, formats::digits::digits};
use gleaner_core::measures::eval::classification;
use gleaner_core::models::{Architecture as _, Common, Likelihood, M2, M2Config};
use gleaner_core::nets::Activation;
use gleaner_core::noise::Noise;
use gleaner_core::objective::{Elapsed, SemiSupervised, SemiSupervisedConfig, effective_alpha};
use gleaner_core::train::{Learner, TrainState};
use gleaner_core::{infer, sample::class_conditional, workers::InTurn};

const EPOCHS: u64 = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (data, noise, device) = (digits()?, Noise::new(0), Device::flex());
    let classes = data.classes.len();
    let split = SplitConfig {
        labels_per_class: Some(10),
        validation: 0.0,
        labelled_in_pool: true,
        unlabelled: None,
        labelled_classes: None,
    };
    let split = Split::draw(&data.train, classes, &split, &noise.split("split"))?;

    let (shape, hidden, likelihood) = (vec![8, 8, 1], vec![128], Likelihood::Bernoulli);
    let common = Common {
        shape,
        classes,
        hidden,
        activation: Activation::Relu,
        likelihood,
        columns: Vec::new(),
        masking: 0.0,
    };
    let config = M2Config { common, latent: 16, classifier_hidden: vec![128], convolution: None };
    let model = M2::new(&config, &noise.split("model"), &device.clone().autodiff())?;

    // The weight of the cross-entropy: 0.1 N / N_labelled (E4).
    let alpha = effective_alpha(0.1, split.unlabelled.len(), split.labelled.len());
    let objective = SemiSupervised::new(SemiSupervisedConfig::exact(alpha));
    let learner = Learner::whole(objective, 50.0, noise.split("training"));
    let mut batches =
        Batches::new(&data.train, &split, classes, [32, 100], Binarise::None, &noise)?;
    let mut state = TrainState::new(model);
    for step in 0..EPOCHS * batches.steps_per_epoch() {
        let elapsed = Elapsed(step as f64 / batches.steps_per_epoch() as f64);
        let batch = batches.at(step, &device.clone().autodiff());
        (state, _) = learner.step(state, &batch, 1e-3, elapsed);
    }

    let model = burn::module::Module::valid(&state.model);
    let rows: Vec<usize> = (0..data.test.len()).collect();
    let logits = pollster::block_on(infer::classify(&model, &data.test, &rows, &device))?;
    let measured = classification(&logits, &data.test.labels, classes).ok_or("no test labels")?;
    println!("test accuracy {:.2} %", 100.0 * measured.accuracy);

    let drawn = class_conditional(&model, 5, &mut noise.split("samples"), &device, &InTurn);
    let y = (0..classes as i64).flat_map(|class| [class; 5]).collect();
    let samples = pollster::block_on(infer::samples(&model, drawn, config.shape(), y))?;
    println!("{} samples of {} values each", samples.len(), config.features());
    Ok(())
}
