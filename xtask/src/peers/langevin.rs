//! Conditional Langevin chains: ours and PyTorch's.

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
const TORCH: &str = "PyTorch, autograd";

/// Both are single precision, and chains carry roundings on.
const TOLERANCE: f64 = 1e-4;

/// Runs that nobody times.
const WARM_UP: usize = 1;

/// Times them in turns and prints a table.
///
/// # Errors
/// When a program fails, or chains without noise do not end at the same height.
pub fn run(options: &Options) -> Result<(), String> {
    let python = environment::python("peers", "benches/peers/requirements.txt")?;
    Shell::cargo(["build", "--release", "--package", "gleaner"]).run()?;
    let machine = machine();
    let mut servers = start(options, &python)?;
    let torch = servers[1].text("torch").unwrap_or("?").to_owned();
    let times = measure(&mut servers, options, WARM_UP)?;
    let Options { threads, rounds, steps, sizes, .. } = options;
    let sizes = if sizes.is_empty() { "default sizes".to_owned() } else { sizes.join(" ") };
    let text = format!(
        "\nConditional Langevin chains, {machine}\n{threads} threads each, {rounds} rounds of {steps} runs, {sizes}, \
         PyTorch {torch}\n\n{}\nRatios: median over the rounds, and its 95 % interval.\n",
        table(&times, &[TORCH])
    );
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| format!("cannot print: {error}"))
}

/// The programs, ready, and seen to run the same chains where there is no noise.
fn start(options: &Options, python: &str) -> Result<Vec<Server>, String> {
    let fixture = Fixture::new()?;
    let folder = fixture.path();
    let threads = options.threads.to_string();
    let common = |shell: Shell| {
        shell
            .args(["--fixture", &folder, "--threads", &threads])
            .args(options.sizes.iter().map(String::as_str))
    };
    let command = ["run", "--release", "--package", "gleaner", "--quiet", "--"];
    let ours = Shell::cargo(command).args(["bench", "langevin", "--serve"]);
    let theirs = Shell::program(python).args(["benches/peers/langevin.py"]);
    // The first writes the energy and the start that the second reads.
    let servers =
        vec![Server::start("gleaner", common(ours))?, Server::start(TORCH, common(theirs))?];
    agree(servers[0].objective()?, servers[1].objective()?, TOLERANCE)
        .map_err(|problem| format!("from the same start, {problem}"))?;
    Ok(servers)
}
