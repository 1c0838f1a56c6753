//! M2's training step: ours and PyTorch's.

use std::io::Write;

use super::agreement::agree;
use super::environment;
use super::fixture::Fixture;
use super::options::Options;
use super::report::{machine, table};
use super::server::Server;
use super::turns::measure;
use crate::shell::Shell;

/// The peers, by variant: classes enumerated as usual, and with first layers split as ours are.
const PLAIN: &str = "PyTorch, plain";
const SPLIT: &str = "PyTorch, split";

/// Both sides compute in single precision, in different orders.
const TOLERANCE: f64 = 1e-4;

/// Steps that nobody times: allocators and caches settle.
const WARM_UP: usize = 4;

/// Times them in turns and prints a table.
///
/// # Errors
/// When a program fails, or they do not compute the same objective.
pub fn run(options: &Options) -> Result<(), String> {
    // Passive slows PyTorch down; active makes it take processor time while the others are timed.
    if std::env::var_os("OMP_WAIT_POLICY").is_some() {
        return Err("OMP_WAIT_POLICY is set and decides this comparison: unset it".to_owned());
    }
    let python = environment::python("peers", "benches/peers/requirements.txt")?;
    Shell::cargo(["build", "--release", "--package", "gleaner"]).run()?;
    let machine = machine();
    let mut servers = start(options, &python)?;
    let torch = servers.iter().find_map(|server| server.text("torch")).unwrap_or("?").to_owned();
    let times = measure(&mut servers, options, WARM_UP)?;
    let Options { threads, rounds, steps, sizes, .. } = options;
    let sizes = if sizes.is_empty() { "default sizes".to_owned() } else { sizes.join(" ") };
    let text = format!(
        "\nM2 training step, {machine}\n{threads} threads each, {rounds} rounds of {steps} steps, \
         {sizes}, PyTorch {torch}\n\n{}\nRatios: median over the rounds, and its 95 % interval.\n",
        table(&times, &[PLAIN, SPLIT])
    );
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| format!("cannot print: {error}"))
}

/// The programs, ready, those that should compute the same seen to do so.
fn start(options: &Options, python: &str) -> Result<Vec<Server>, String> {
    let fixture = Fixture::new()?;
    let folder = fixture.path();
    let threads = options.threads.to_string();
    let common = |shell: Shell| {
        shell.args(["--threads", &threads]).args(options.sizes.iter().map(String::as_str))
    };
    let ours = |name: &str, args: &[&str]| {
        let command = ["run", "--release", "--package", "gleaner", "--quiet", "--"];
        let shell = Shell::cargo(command).args(["bench", "step", "--serve"]);
        Server::start(name, common(shell).args(args.iter().copied()))
    };
    let theirs = |name: &str, variant: &str| {
        let shell = Shell::program(python).args(["benches/peers/m2_step.py", "--variant", variant]);
        Server::start(name, common(shell).args(["--fixture", &folder]))
    };
    // The first writes the fixture that the peers read.
    let servers = vec![
        ours("gleaner, exact", &["--marginalize", "exact", "--fixture", &folder])?,
        ours("gleaner, sum-and-sample:1", &["--marginalize", "sum-and-sample:1"])?,
        theirs(PLAIN, "plain")?,
        theirs(SPLIT, "split")?,
    ];
    let reference = servers[0].objective()?;
    for peer in &servers[2..] {
        agree(reference, peer.objective()?, TOLERANCE).map_err(|problem| {
            let (ours, theirs) = (servers[0].name(), peer.name());
            format!(
                "{ours} and {theirs} are not the same work: at the same weights, batch and noise, {problem}"
            )
        })?;
    }
    Ok(servers)
}
