//! `gleaner bench step`: times the training step, so that speed is measured the same way every time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use burn::module::Module as _;
use burn::tensor::{Device, Tensor};
use gleaner_core::checkpoint::Checkpoint;
use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::data::formats::npz::write_npz;
use gleaner_core::data::{Labelled, SemiBatch, one_hot};
use gleaner_core::infer;
use gleaner_core::models::{Common, Likelihood, M2, M2Config, ModelConfig};
use gleaner_core::nets::Activation;
use gleaner_core::noise::{Noise, NoiseSource};
use gleaner_core::objective::{
    Draws, Elapsed, LatentDraws, Looks, Marginalize, SemiSupervised, SemiSupervisedConfig,
};
use gleaner_core::train::{Learner, TrainState};
use serde_json::json;

use super::clock::Clock;
use super::serve::serve;
use crate::cmd::ceilings::{MOST_REPEATED, MOST_WIDE, at_most, ensure_room};
use crate::system::device;
use crate::system::device::on_cpu;
use crate::system::files::{ensure_writable_dir, write_atomic};
use crate::system::output::Output;
use crate::system::threads::Threads;
use crate::training::Places;

/// Steps that are not timed: the first ones also allocate.
const WARM_UP: usize = 2;

const FEATURES: usize = 784;
const CLIP_NORM: f64 = 50.0;
const RATE: f64 = 1e-3;
const ALPHA: f64 = 50.0;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner bench step --steps 20 --json\n  \
    gleaner bench step --classes 100 --batch-size 50 --threads 1")]
pub struct Args {
    /// Steps to time, after two warm-up steps
    #[arg(long, default_value_t = 20)]
    steps: usize,
    /// Unlabelled examples per step
    #[arg(long, default_value_t = 200)]
    batch_size: usize,
    /// Labelled examples per step
    #[arg(long, default_value_t = 100)]
    labelled_batch_size: usize,
    /// Dimensions of z
    #[arg(long, default_value_t = 50)]
    latent: usize,
    /// Widths of the hidden layers of classifier, encoder and decoder, separated by commas
    #[arg(long, value_delimiter = ',', default_values_t = [600, 600])]
    hidden: Vec<usize>,
    /// Classes to sum over
    #[arg(long, default_value_t = 10)]
    classes: usize,
    /// Where to compute
    #[arg(long, default_value = "cpu")]
    device: String,
    /// CPU threads; 0 uses all
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Parts of a batch that are computed in parallel; 0 uses one for each thread
    #[arg(long, default_value_t = 0)]
    parts: usize,
    /// How the sum over classes is computed: exact or sum-and-sample:K
    #[arg(long, default_value_t = Marginalize::Exact)]
    marginalize: Marginalize,
    /// Draw the noise on the device instead of on the host
    #[arg(long)]
    device_noise: bool,
    /// Count what the device is asked for in these steps, too: kernels, streams, writes and reads
    #[cfg(feature = "counts")]
    #[arg(long)]
    count: bool,
    /// Write the weights, the batch and the noise of the first objective to this folder, for another program to repeat
    #[arg(long, value_name = "DIR")]
    fixture: Option<PathBuf>,
    /// For each number N read from stdin, time N steps and print their milliseconds as a line of JSON
    #[arg(long)]
    serve: bool,
}

/// Times.
///
/// # Errors
/// If the device fails.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    for (name, value) in [
        ("--steps", args.steps),
        ("--batch-size", args.batch_size),
        ("--labelled-batch-size", args.labelled_batch_size),
    ] {
        if value == 0 {
            bail!("{name} must be at least 1");
        }
    }
    device::set_threads(args.threads)?;
    at_most("--steps", args.steps, MOST_REPEATED, "the time of each is kept")?;
    at_most("--parts", args.parts, MOST_WIDE, "a part has at least one example")?;
    let hidden = args.hidden.iter().map(|&width| ("--hidden", width));
    for (option, width) in hidden.chain([("--latent", args.latent), ("--classes", args.classes)]) {
        at_most(option, width, MOST_WIDE, "no machine has memory for a layer on more")?;
    }
    let widest = args.hidden.iter().copied().max().unwrap_or(0).max(FEATURES);
    let rows = args.batch_size.saturating_mul(args.classes);
    let sizes: [&[usize]; 2] =
        [&[rows, widest], &[args.labelled_batch_size, widest + args.classes]];
    ensure_room("--batch-size, --hidden and --classes", &sizes)?;
    let device = device::parse(&args.device)?;
    let mut bench = Bench::prepare(args, &device)?;
    let fixture =
        args.fixture.as_deref().map(|dir| bench.write_fixture(dir, &device)).transpose()?;
    if args.serve {
        let ready = json!({"ready": true, "objective": fixture, "threads": bench.threads});
        return serve(&ready, |steps| bench.time(steps));
    }
    bench.time(WARM_UP)?;
    #[cfg(feature = "counts")]
    if args.count {
        return bench.count(args.steps, out);
    }
    let mut times = bench.time(args.steps)?;
    times.sort_by(f64::total_cmp);
    let [min, median, max] = [0, times.len() / 2, times.len() - 1].map(|i| times[i]);
    out.line(format!(
        "M2 step, batch {} + {} labelled: {median:.1} ms (fastest {min:.1}, slowest {max:.1}), \
         {} steps, objective {:.3}",
        args.batch_size, args.labelled_batch_size, args.steps, bench.clock.objective
    ));
    out.object(&json!({
        "step_ms": median, "step_ms_min": min, "step_ms_max": max, "steps": args.steps,
        "batch_size": args.batch_size, "labelled_batch_size": args.labelled_batch_size,
        "latent": args.latent, "hidden": args.hidden, "classes": args.classes,
        "threads": bench.threads, "parts": bench.learner.parts, "marginalize": args.marginalize,
        "objective": bench.clock.objective, "device": args.device,
    }))
}

/// Whether there is memory for weights, gradients and two moments of each.
fn ensure_room_for_model(config: &M2Config, device: &Device) -> Result<()> {
    let weights = ModelConfig::M2(config.clone()).parameters(device)?;
    let weights = usize::try_from(weights).unwrap_or(usize::MAX);
    ensure_room("--latent, --hidden and --classes", &[&[4, weights]])
}

/// A model, a batch and everything else that a step needs.
struct Bench {
    config: M2Config,
    learner: Learner<SemiSupervised>,
    state: Option<TrainState<M2>>,
    batch: SemiBatch,
    labels: Vec<i64>,
    threads: usize,
    clock: Clock,
}

impl Bench {
    fn prepare(args: &Args, device: &Device) -> Result<Self> {
        let noise = Noise::new(0);
        let config = M2Config {
            common: Common {
                shape: vec![28, 28, 1],
                classes: args.classes,
                hidden: args.hidden.clone(),
                activation: Activation::Softplus,
                likelihood: Likelihood::Bernoulli,
                columns: Vec::new(),
                masking: 0.0,
            },
            latent: args.latent,
            classifier_hidden: args.hidden.clone(),
            convolution: None,
        };
        let workers = Arc::new(Threads::start(args.threads)?);
        let threads = workers.count();
        let objective = SemiSupervised::new(SemiSupervisedConfig {
            marginalize: args.marginalize,
            ..SemiSupervisedConfig::exact(ALPHA)
        });
        let training_noise = noise.split("training").drawn_on(match args.device_noise {
            true => NoiseSource::Device,
            false => NoiseSource::Host,
        });
        let learner = Learner {
            parts: match args.parts {
                0 if on_cpu(&args.device) => threads,
                parts => parts.max(1),
            },
            workers: device::workers(&args.device, &workers),
            ..Learner::whole(objective, CLIP_NORM, training_noise)
        };
        let places = Places::of(&args.device)?;
        let learner =
            places.given(learner, &ModelConfig::M2(config.clone()), Path::new("bench"))?;
        let labels: Vec<i64> =
            (0..args.labelled_batch_size).map(|row| (row % args.classes.max(1)) as i64).collect();
        ensure_room_for_model(&config, device)?;
        let model = M2::new(&config, &noise, &device.clone().autodiff())?;
        let pixels =
            |purpose: &str, rows| noise.split(purpose).uniform_tensor([rows, FEATURES], device);
        let batch = SemiBatch {
            labelled: Labelled {
                x: pixels("labelled", args.labelled_batch_size),
                y: one_hot(labels.iter().copied(), args.classes, device),
            },
            unlabelled: pixels("unlabelled", args.batch_size),
            augmented: None,
        };
        let state = Some(TrainState::new(model));
        Ok(Self {
            config,
            learner,
            state,
            batch,
            labels,
            threads,
            clock: Clock::new(!on_cpu(&args.device)),
        })
    }

    /// Milliseconds of each of some steps.
    fn time(&mut self, steps: usize) -> Result<Vec<f64>> {
        let mut clock = self.clock;
        let times = clock.time(steps, |count| self.steps(count))?;
        self.clock = clock;
        Ok(times)
    }

    /// Prints what the device is asked for in a step.
    #[cfg(feature = "counts")]
    fn count(&mut self, steps: usize, out: &Output) -> Result<()> {
        // Read while it is counted: what is queued for the device is counted when it gets there.
        let counted = super::count::Counted::during(|| {
            if let Some(objective) = self.steps(steps)? {
                pollster::block_on(infer::read(objective))?;
            }
            Ok(())
        })?;
        counted.in_words(steps).into_iter().for_each(|line| out.line(line));
        out.object(&counted.per_step(steps))
    }

    /// Takes some steps and returns the last one's objective, still on the device.
    fn steps(&mut self, steps: usize) -> Result<Option<Tensor<1>>> {
        let mut objective = None;
        for _ in 0..steps {
            let Some(state) = self.state.take() else { bail!("the last step did not end") };
            let (next, terms) = self.learner.step(state, &self.batch, RATE, Elapsed::ALL);
            self.state = Some(next);
            objective = Some(terms.total);
        }
        Ok(objective)
    }

    /// Writes `model.safetensors` and `batch.npz` and returns the objective at exactly these numbers.
    fn write_fixture(&self, dir: &Path, device: &Device) -> Result<f32> {
        let Some(state) = &self.state else { bail!("the last step did not end") };
        ensure_writable_dir(dir).context("--fixture")?;
        let parameters = pollster::block_on(infer::parameters(&state.model.valid()))?;
        let checkpoint =
            Checkpoint { config: ModelConfig::M2(self.config.clone()), data: None, parameters };
        write_atomic(dir.join("model.safetensors"), &checkpoint.to_bytes()?)?;

        let ([labelled, _], [unlabelled, _]) =
            (self.batch.labelled.x.dims(), self.batch.unlabelled.dims());
        let draw = |purpose: &str, rows| {
            Noise::new(1).split(purpose).normal_tensor([rows, self.config.latent], device)
        };
        let draws = LatentDraws {
            labelled: draw("labelled", labelled),
            unlabelled: draw("unlabelled", self.config.common.classes * unlabelled),
            picks: None,
        };
        let array = |tensor: &Tensor<2>| -> Result<NpyArray> {
            let shape = tensor.dims();
            Ok(NpyArray::f32(&shape, pollster::block_on(infer::read(tensor.clone()))?))
        };
        let arrays = [
            ("x_l", array(&self.batch.labelled.x)?),
            ("y_l", NpyArray::i64(&[labelled], self.labels.clone())),
            ("x_u", array(&self.batch.unlabelled)?),
            ("eps_l", array(&draws.labelled)?),
            ("eps_u", array(&draws.unlabelled)?),
        ];
        write_atomic(dir.join("batch.npz"), &write_npz(&arrays)?)?;
        let draws = Draws { looks: Looks::default(), latent: draws, seen: None };
        let model = state.model.valid();
        let terms = self.learner.objective.terms_at(&model, &self.batch, Elapsed::ALL, draws);
        Ok(pollster::block_on(infer::read(terms.total))?[0])
    }
}
