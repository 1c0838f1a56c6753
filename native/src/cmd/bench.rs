//! `gleaner bench`: times the training step, so that speed is measured the same way every time.

use std::time::Instant;

use anyhow::{Result, bail};
use gleaner_core::data::{Labelled, SemiBatch, one_hot};
use gleaner_core::models::{Likelihood, M2Config};
use gleaner_core::nets::Activation;
use gleaner_core::noise::Noise;
use gleaner_core::objective::{M2Objective, M2ObjectiveConfig, WarmUp};
use gleaner_core::train::{Learner, TrainState};
use serde_json::json;

use burn::tensor::{Tensor, TensorData};
use gleaner_core::infer;

use crate::device;
use crate::output::Output;

/// Time the training step.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gleaner bench step --steps 20 --json")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// One M2 step on MNIST shapes: 784 inputs, z 50, hidden 600-600, 10 classes summed
    Step(StepArgs),
}

#[derive(Debug, clap::Args)]
struct StepArgs {
    /// Steps to time, after two that are not
    #[arg(long, default_value_t = 20)]
    steps: usize,
    /// Unlabelled examples in a step
    #[arg(long, default_value_t = 200)]
    batch_size: usize,
    /// Labelled examples in a step
    #[arg(long, default_value_t = 100)]
    labelled_batch_size: usize,
    /// Where to compute
    #[arg(long, default_value = "cpu")]
    device: String,
    /// CPU threads; 0 takes all
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

/// Times.
///
/// # Errors
/// If the device fails.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    let What::Step(args) = &args.what;
    if [args.steps, args.batch_size, args.labelled_batch_size].contains(&0) {
        bail!("--steps, --batch-size and --labelled-batch-size must be at least 1");
    }
    device::set_threads(args.threads)?;
    let device = device::parse(&args.device)?.autodiff();
    let noise = Noise::new(0);
    let config = M2Config {
        shape: vec![28, 28, 1],
        classes: 10,
        latent: 50,
        hidden: vec![600, 600],
        classifier_hidden: vec![600, 600],
        activation: Activation::Softplus,
        likelihood: Likelihood::Bernoulli,
    };
    let pixels = |purpose: &str, rows: usize| {
        let values = noise.split(purpose).uniform(rows * 784);
        Tensor::<2>::from_data(TensorData::new(values, [rows, 784]), &device)
    };
    let labels = (0..args.labelled_batch_size as i64).map(|row| row % 10);
    let batch = SemiBatch {
        labelled: Labelled {
            x: pixels("labelled", args.labelled_batch_size),
            y: one_hot(labels, 10, &device),
        },
        unlabelled: pixels("unlabelled", args.batch_size),
    };
    let objective = M2Objective::new(M2ObjectiveConfig::exact(50.0));
    let learner = Learner { objective, clip_norm: 50.0, noise: noise.split("training") };
    let mut state = TrainState::new(config.init(&noise, &device)?);
    let mut times = Vec::with_capacity(args.steps);
    let mut objective = 0.0;
    for step in 0..args.steps + 2 {
        let started = Instant::now();
        let (next, terms) = learner.step(state, &batch, 1e-3, WarmUp::DONE);
        state = next;
        objective = pollster::block_on(infer::read(terms.total.inner()))?[0];
        if step >= 2 {
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    let [min, median, max] = [0, times.len() / 2, times.len() - 1].map(|i| times[i]);
    out.line(format!(
        "M2 step, batch {} + {} labelled: {median:.1} ms (fastest {min:.1}, slowest {max:.1}), \
         {} steps, objective {objective:.3}",
        args.batch_size, args.labelled_batch_size, args.steps
    ));
    out.object(&json!({
        "step_ms": median, "step_ms_min": min, "step_ms_max": max, "steps": args.steps,
        "batch_size": args.batch_size, "labelled_batch_size": args.labelled_batch_size,
        "objective": objective, "device": args.device,
    }))
}
