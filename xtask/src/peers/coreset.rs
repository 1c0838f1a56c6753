//! Facility location: ours and apricot's.

use std::io::Write;

use super::agreement::agree;
use super::environment;
use super::fixture::Fixture;
use super::options::Options;
use super::report::{machine, table};
use super::server::Server;
use super::turns::measure;
use crate::shell::Shell;

/// The peer.
const APRICOT: &str = "apricot, lazy";

/// Ours is single precision, theirs double.
const TOLERANCE: f64 = 1e-6;

/// Selections that nobody times.
const WARM_UP: usize = 1;

/// Times them in turns and prints a table.
///
/// # Errors
/// When a program fails, or the selections are not worth the same.
pub fn run(options: &Options) -> Result<(), String> {
    let python = environment::python("peers-coreset", "benches/peers/requirements-coreset.txt")?;
    Shell::cargo(["build", "--release", "--package", "gleaner"]).run()?;
    let machine = machine();
    let mut servers = start(options, &python)?;
    let apricot = servers[1].text("apricot").unwrap_or("?").to_owned();
    let objective = servers[0].objective()?;
    let times = measure(&mut servers, options, WARM_UP)?;
    let Options { threads, rounds, steps, sizes, .. } = options;
    let sizes = if sizes.is_empty() { "default sizes".to_owned() } else { sizes.join(" ") };
    let text = format!(
        "\nFacility location, similarities included, {machine}\n{threads} threads, {rounds} rounds of {steps} \
         selections, {sizes}, apricot {apricot}, f(S) {objective:.3} for both\n\n{}\nRatios: median over the \
         rounds, and its 95 % interval.\n",
        table(&times, &[APRICOT])
    );
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| format!("cannot print: {error}"))
}

/// The programs, ready, and seen to select equally well.
fn start(options: &Options, python: &str) -> Result<Vec<Server>, String> {
    let fixture = Fixture::new()?;
    let folder = fixture.path();
    let sizes = || options.sizes.iter().map(String::as_str);
    let threads = options.threads.to_string();
    let command = ["run", "--release", "--package", "gleaner", "--quiet", "--"];
    let ours = Shell::cargo(command)
        .args(["bench", "coreset", "--serve", "--fixture", &folder, "--threads", &threads])
        .args(sizes());
    let theirs = Shell::program(python)
        .args(["benches/peers/facility_location.py", "--fixture", &folder])
        // What scikit-learn and numba may use.
        .env("OMP_NUM_THREADS", &threads)
        .env("NUMBA_NUM_THREADS", &threads)
        .args(sizes());
    // The first writes the points that the second reads.
    let servers = vec![Server::start("gleaner, lazy", ours)?, Server::start(APRICOT, theirs)?];
    agree(servers[0].objective()?, servers[1].objective()?, TOLERANCE)
        .map_err(|problem| format!("from the same points, {problem}"))?;
    Ok(servers)
}
