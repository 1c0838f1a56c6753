//! `bench-peers coreset --before COMMIT`: facility location by the program of another commit and by today's, how the times of both grow
//! with the number of samples.

mod builds;
mod cases;
mod growth;
mod plot;
mod race;
mod results;

use std::io::Write;

use super::environment;
use super::fixture::Fixture;
use super::options::{Before, Options};
use super::report::machine;
use crate::shell::Shell;
use builds::{Program, earlier, today};
use cases::{Case, cases};
use race::{Race, Rules};
use results::{csv, growths, save, table};

/// Classes of the samples.
const CLASSES: usize = 10;

/// Races both programs for each number of samples and each share of them, and prints two tables.
///
/// # Errors
/// When a program cannot be built or fails.
pub fn run(before: &Before, options: &Options) -> Result<(), String> {
    let cases = cases(&options.sizes)?;
    let python = environment::python("peers-coreset", "benches/peers/requirements-coreset.txt")?;
    let fixture = Fixture::new()?;
    let programs = [earlier(&before.commit)?, today(&fixture)?];
    let machine = machine();
    let rules = Rules { threads: options.threads, rounds: options.rounds, limit: before.limit };
    let mut races = Vec::new();
    for case in cases {
        let samples = samples(&python, &fixture, case)?;
        races.push(Race::run(case, &programs, &python, &samples, &rules)?);
        // Also while others are still running: a long measurement may be interrupted.
        eprintln!("\n{}", table(&races));
    }
    report(&machine, &programs, &rules, &races)?;
    before.out.as_deref().map_or(Ok(()), |stem| {
        save(&format!("{stem}.csv"), &csv(&races))?;
        save(&format!("{stem}.svg"), &plot::svg(&races))
    })
}

/// The file of samples of a case, made if it is not there.
fn samples(python: &str, fixture: &Fixture, case: Case) -> Result<String, String> {
    let file = format!("{}/{}.npz", fixture.path(), case.samples);
    if !std::path::Path::new(&file).is_file() {
        let (samples, classes) = (case.samples.to_string(), CLASSES.to_string());
        Shell::program(python)
            .args(["benches/peers/softmax.py", "--out", &file])
            .args(["--samples", &samples, "--classes", &classes])
            .run()?;
    }
    Ok(file)
}

fn report(
    machine: &str,
    programs: &[Program; 2],
    rules: &Rules,
    races: &[Race],
) -> Result<(), String> {
    let [before, now] = programs;
    let text = format!(
        "\nFacility location on softmax outputs, {CLASSES} classes, {machine}\n{} threads, before: {}, now: {}\n\n{}\n\
         Seconds: medians over so many rounds; with one, the programs ran once. Ratios: medians over the rounds with \
         their 95 % interval.\nCPU seconds: the whole process, with what it writes; other work on the machine \
         lengthens them less.\nf(S)/bound: what is certain of the best possible selection's worth.\n\nCPU seconds grow \
         as samples to the power of\n\n{}",
        rules.threads,
        before.name,
        now.name,
        table(races),
        growths(races)
    );
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| format!("cannot print: {error}"))
}
