//! `gleaner bench langevin`: times conditional chains in an energy.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use burn::tensor::{Device, Tensor};
use gleaner_core::checkpoint::Parameter;
use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::data::formats::npz::write_npz;
use gleaner_core::data::one_hot;
use gleaner_core::infer;
use gleaner_core::models::{LatentPrior, Target};
use gleaner_core::nets::Activation;
use gleaner_core::noise::Noise;
use gleaner_core::sampler::{Chains, Convention, Langevin, StepSize};
use gleaner_core::workers::Workers;
use serde_json::json;

use super::serve::serve;
use crate::cmd::ceilings::{MOST_REPEATED, MOST_WIDE, at_most, ensure_room};
use crate::system::device;
use crate::system::files::{ensure_writable_dir, write_atomic};
use crate::system::output::Output;
use crate::system::threads::Threads;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gleaner bench langevin --chains 1000")]
pub struct Args {
    /// Runs to time, after a warm-up
    #[arg(long, default_value_t = 5)]
    steps: usize,
    /// Number of chains, divided evenly among the classes
    #[arg(long, default_value_t = 10_000)]
    chains: usize,
    /// Langevin steps of a chain
    #[arg(long, default_value_t = 60)]
    langevin_steps: usize,
    /// Dimensions of z
    #[arg(long, default_value_t = 100)]
    latent: usize,
    /// Widths of the energy's hidden layers, separated by commas
    #[arg(long, value_delimiter = ',', default_values_t = [200, 200])]
    hidden: Vec<usize>,
    /// Number of classes
    #[arg(long, default_value_t = 10)]
    classes: usize,
    /// Where to compute
    #[arg(long, default_value = "cpu")]
    device: String,
    /// CPU threads; 0 uses all
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Write the energy's weights and the start of the chains to this folder, for another program to run from
    #[arg(long, value_name = "DIR")]
    fixture: Option<PathBuf>,
    /// For each number N read from stdin, time N runs and print their milliseconds as a line of JSON
    #[arg(long)]
    serve: bool,
}

/// Pang et al.'s step.
const STEP: f64 = 0.4;

/// Times.
///
/// # Errors
/// If a size is zero or the device fails.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    if [args.steps, args.chains, args.latent, args.classes].contains(&0) || args.hidden.contains(&0)
    {
        bail!("--steps, --chains, --latent, --hidden and --classes must be at least 1");
    }
    device::set_threads(args.threads)?;
    at_most("--steps", args.steps, MOST_REPEATED, "the time of each is kept")?;
    let why = "a chain is done after a few hundred";
    at_most("--langevin-steps", args.langevin_steps, MOST_REPEATED, why)?;
    let widths = [&[args.latent][..], &args.hidden, &[args.classes]].concat();
    for &width in &widths {
        let why = "no machine has memory for a layer on more";
        at_most("--latent, --hidden or --classes", width, MOST_WIDE, why)?;
    }
    let mut sizes: Vec<&[usize]> = widths.windows(2).collect();
    let chains = [args.chains, args.latent + args.classes];
    sizes.push(&chains);
    ensure_room("--chains, --latent, --hidden and --classes", &sizes)?;
    let device = device::of_command(Some(&args.device), "cpu")?;
    let bench = Bench::prepare(args, &device)?;
    if let Some(dir) = &args.fixture {
        bench.write_fixture(dir)?;
    }
    // Without noise, every program's chains end in the same place.
    let (height, _) = bench.time(0.0)?;
    bench.time(1.0)?;
    if args.serve {
        let threads = bench.threads;
        let ready = json!({"ready": true, "objective": height, "threads": threads});
        return serve(&ready, |runs| (0..runs).map(|_| Ok(bench.time(1.0)?.1)).collect());
    }
    let times = (0..args.steps).map(|_| Ok(bench.time(1.0)?.1)).collect::<Result<Vec<_>>>();
    let mut times = times?;
    times.sort_by(f64::total_cmp);
    let [min, median, max] = [0, times.len() / 2, times.len() - 1].map(|at| times[at]);
    out.line(format!(
        "{} chains x {} steps: {median:.1} ms (fastest {min:.1}, slowest {max:.1})",
        args.chains, args.langevin_steps
    ));
    out.object(&json!({
        "ms": median, "ms_min": min, "ms_max": max, "steps": args.steps, "chains": args.chains,
        "langevin_steps": args.langevin_steps, "latent": args.latent, "hidden": args.hidden,
        "classes": args.classes, "threads": bench.threads, "device": args.device,
        "objective": height,
    }))
}

struct Bench {
    prior: LatentPrior,
    y: Tensor<2>,
    start: Tensor<2>,
    steps: usize,
    workers: Arc<dyn Workers>,
    threads: usize,
}

impl Bench {
    fn prepare(args: &Args, device: &Device) -> Result<Self> {
        let threads = Arc::new(Threads::start(args.threads)?);
        let noise = Noise::new(0);
        let Args { chains, latent, classes, ref hidden, .. } = *args;
        let labels = (0..chains).map(|chain| (chain % classes) as i64);
        Ok(Self {
            prior: LatentPrior::new(latent, hidden, classes, Activation::LeakyRelu, &noise, device),
            y: one_hot(labels, classes, device),
            start: noise.split("start").normal_tensor([chains, latent], device),
            steps: args.langevin_steps,
            workers: device::workers(&args.device, &threads),
            threads: threads.count(),
        })
    }

    /// The mean of `F(z)[y]` where the chains end, and the milliseconds of the run.
    fn time(&self, temperature: f64) -> Result<(f32, f64)> {
        let step = StepSize::new(STEP, Convention::Pang);
        let sampler = Langevin { step, temperature, adjusted: false };
        let chains = Chains { sampler, steps: self.steps };
        let density = self.prior.density(Target::Given(self.y.clone()));
        let started = Instant::now();
        let z = chains.run(&density, self.start.clone(), &Noise::new(1), &*self.workers);
        let height = (self.prior.logits(z) * self.y.clone()).sum() / self.y.dims()[0] as f64;
        let height = pollster::block_on(infer::read(height))?[0];
        Ok((height, started.elapsed().as_secs_f64() * 1e3))
    }

    fn write_fixture(&self, dir: &Path) -> Result<()> {
        ensure_writable_dir(dir).context("--fixture")?;
        let mut arrays = Vec::new();
        for (name, Parameter { shape, values }) in
            pollster::block_on(infer::parameters(&self.prior.energy))?
        {
            arrays.push((name, NpyArray::f32(&shape, values)));
        }
        for (name, tensor) in [("start", &self.start), ("y", &self.y)] {
            let values = pollster::block_on(infer::read(tensor.clone()))?;
            arrays.push((name.into(), NpyArray::f32(&tensor.dims(), values)));
        }
        let named: Vec<_> =
            arrays.iter().map(|(name, array)| (name.as_str(), array.clone())).collect();
        write_atomic(dir.join("energy.npz"), &write_npz(&named)?)
    }
}
