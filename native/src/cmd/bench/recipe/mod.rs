//! `gleaner bench recipe`: times the training step of a recipe, or its model's predictions, on random examples.

mod args;
mod draws;
mod fixture;
mod prepare;
mod subject;

use anyhow::{Result, bail};
use serde_json::json;

use super::clock::Clock;
use super::serve::serve;
use crate::cmd::ceilings::{MOST_REPEATED, at_most};
use crate::system::device::on_cpu;
use crate::system::memory;
use crate::system::output::Output;
pub use args::Args;
use prepare::prepare;

/// Rounds that are not timed: the first ones also allocate.
const WARM_UP: usize = 2;

/// Times.
///
/// # Errors
/// If the recipe cannot be read, its model cannot be built, or the device fails.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    if args.steps == 0 || args.predict == Some(0) {
        bail!("--steps and --predict must be at least 1");
    }
    at_most("--steps", args.steps, MOST_REPEATED, "the time of each is kept")?;
    let recipe = args.resolved()?;
    let mut prepared = prepare(args, recipe)?;
    let first =
        args.fixture.as_deref().map(|dir| fixture::write(dir, &mut prepared)).transpose()?;
    let mut clock = Clock::new(!on_cpu(&prepared.recipe.train.device) && args.predict.is_none());
    let threads = prepared.subject.threads();
    if args.serve {
        let ready = json!({
            "ready": true, "threads": threads, "resident_bytes": memory::peak(),
            "objective": first.map(|first| first.objective),
            "gradient_norm": first.and_then(|first| first.gradient_norm),
        });
        return serve(&ready, |steps| clock.time(steps, |count| prepared.take(count)));
    }
    clock.time(WARM_UP, |count| prepared.take(count))?;
    let mut times = clock.time(args.steps, |count| prepared.take(count))?;
    times.sort_by(f64::total_cmp);
    let [min, median, max] = [0, times.len() / 2, times.len() - 1].map(|i| times[i]);
    let train = &prepared.recipe.train;
    let what = match args.predict {
        Some(count) => format!("the classes of {count} examples"),
        None => format!(
            "a step, batch {} + {} labelled in {} parts",
            train.batch_size, train.labelled_batch_size, train.parts
        ),
    };
    let peak = memory::peak();
    let in_words =
        peak.map_or(String::new(), |peak| format!(", at most {} MB of memory", peak >> 20));
    out.line(format!(
        "{}: {what}: {median:.1} ms (fastest {min:.1}, slowest {max:.1}), {} times{in_words}",
        args.recipe.display(),
        args.steps
    ));
    out.object(&json!({
        "ms": median, "ms_min": min, "ms_max": max, "steps": args.steps, "predict": args.predict,
        "batch_size": train.batch_size, "labelled_batch_size": train.labelled_batch_size,
        "parts": train.parts, "threads": threads, "device": train.device,
        "objective": args.predict.is_none().then_some(clock.objective), "peak_bytes": peak,
    }))
}
