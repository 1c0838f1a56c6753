//! `gleaner bench coreset`: times facility location, distances included.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use gleaner_core::coreset::{Optimizer, Points, select};
use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::data::formats::npz::write_npz;
use gleaner_core::noise::Noise;
use serde_json::json;

use super::serve::serve;
use crate::cmd::ceilings::{MOST_REPEATED, at_most, ensure_room};
use crate::cmd::coreset::Search;
use crate::system::device::check_threads;
use crate::system::files::{ensure_writable_dir, write_atomic};
use crate::system::output::Output;
use crate::system::threads::Crew;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gleaner bench coreset --points 20000 --size 2000")]
pub struct Args {
    /// Selections to time, after one warm-up
    #[arg(long, default_value_t = 5)]
    steps: usize,
    /// Standard normal points to select from
    #[arg(long, default_value_t = 6000)]
    points: usize,
    /// Dimensions of a point
    #[arg(long, default_value_t = 10)]
    dims: usize,
    /// Points to select
    #[arg(long, default_value_t = 600)]
    size: usize,
    #[command(flatten)]
    search: Search,
    /// CPU threads; 0 uses all
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Write the points to this folder, for another program to select from
    #[arg(long, value_name = "DIR")]
    fixture: Option<PathBuf>,
    /// For each number N read from stdin, time N selections and print their milliseconds as a line of JSON
    #[arg(long)]
    serve: bool,
}

/// Times.
///
/// # Errors
/// If a size is out of range or a file cannot be written.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    if args.steps == 0 || args.dims == 0 || args.size == 0 || args.size > args.points {
        bail!("--steps, --dims and --size must be at least 1, --size at most --points");
    }
    check_threads(args.threads)?;
    at_most("--steps", args.steps, MOST_REPEATED, "the time of each is kept")?;
    // As they come, and as they are compared.
    ensure_room("--points times --dims", &[&[2, args.points, args.dims]])?;
    let bench = Bench {
        features: Noise::new(0).split("points").normal(args.points * args.dims),
        dims: args.dims,
        size: args.size,
        optimizer: args.search.optimizer()?,
        crew: Crew::start(args.threads)?,
    };
    if let Some(dir) = &args.fixture {
        bench.write_fixture(dir)?;
    }
    let (objective, _) = bench.time()?;
    if args.serve {
        let threads = bench.crew.count();
        let ready = json!({"ready": true, "objective": objective, "threads": threads});
        return serve(&ready, |steps| (0..steps).map(|_| Ok(bench.time()?.1)).collect());
    }
    let times = (0..args.steps).map(|_| Ok(bench.time()?.1)).collect::<Result<Vec<_>>>();
    let mut times = times?;
    times.sort_by(f64::total_cmp);
    let [min, median, max] = [0, times.len() / 2, times.len() - 1].map(|at| times[at]);
    out.line(format!(
        "{} of {} points in {} dimensions: {median:.1} ms (fastest {min:.1}, slowest {max:.1}), \
         f(S) {objective:.6}",
        args.size, args.points, args.dims
    ));
    out.object(&json!({
        "ms": median, "ms_min": min, "ms_max": max, "steps": args.steps, "points": args.points,
        "dims": args.dims, "size": args.size, "threads": bench.crew.count(),
        "objective": objective,
    }))
}

struct Bench {
    features: Vec<f32>,
    dims: usize,
    size: usize,
    optimizer: Optimizer,
    crew: Crew,
}

impl Bench {
    /// What one selection is worth, and the milliseconds that it took.
    fn time(&self) -> Result<(f64, f64)> {
        self.crew.lead(|| {
            let started = Instant::now();
            let points = Points::from_features(&self.features, self.dims)?;
            let noise = Noise::new(0);
            let (facility, _) =
                select(&points, self.optimizer, self.size, &noise, &self.crew, &mut || ());
            let objective = facility.objective() as f64 * points.unit();
            Ok((objective, started.elapsed().as_secs_f64() * 1e3))
        })
    }

    fn write_fixture(&self, dir: &Path) -> Result<()> {
        ensure_writable_dir(dir).context("--fixture")?;
        let shape = [self.features.len() / self.dims, self.dims];
        let x = NpyArray::f32(&shape, self.features.clone());
        write_atomic(dir.join("points.npz"), &write_npz(&[("x", x)])?)
    }
}
