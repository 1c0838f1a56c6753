//! M2's training step: ours and PyTorch's.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use super::environment;
use super::options::Options;
use super::report::{Times, machine, table};
use super::server::Server;
use super::turns;
use crate::shell::Shell;

/// The peers, by variant: classes enumerated as usual, and with first layers split as ours are.
const PLAIN: &str = "PyTorch, plain";
const SPLIT: &str = "PyTorch, split";

/// Both sides compute in single precision, in different orders.
const TOLERANCE: f64 = 1e-4;

/// Steps that nobody times: allocators and caches settle.
const WARM_UP: usize = 4;

/// Between turns. PyTorch's OpenMP threads go on spinning after a step, for less than 20 ms as measured.
/// Forbidding that (`OMP_WAIT_POLICY=PASSIVE`) makes its steps 10 to 30 % slower, so they get time to fall
/// asleep instead.
const REST: Duration = Duration::from_millis(50);

/// Times them in turns and prints a table.
///
/// # Errors
/// When a program fails, or they do not compute the same objective.
pub fn run(options: &Options) -> Result<(), String> {
    // Passive slows PyTorch down; active makes it take processor time while the others are timed.
    if std::env::var_os("OMP_WAIT_POLICY").is_some() {
        return Err("OMP_WAIT_POLICY is set and decides this comparison: unset it".to_owned());
    }
    let python = environment::python()?;
    Shell::cargo(["build", "--release", "--package", "gleaner"]).run()?;
    let machine = machine();
    let mut servers = start(options, &python)?;
    let torch = servers.iter().find_map(|server| server.text("torch")).unwrap_or("?").to_owned();
    let times = measure(&mut servers, options)?;
    let Options { threads, rounds, steps, sizes } = options;
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
    let folder = fixture.0.to_string_lossy();
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
        agree(reference, peer.objective()?).map_err(|problem| {
            format!("{} and {} are not the same work: {problem}", servers[0].name(), peer.name())
        })?;
    }
    Ok(servers)
}

/// Whether two objectives are the same up to rounding.
fn agree(ours: f64, theirs: f64) -> Result<(), String> {
    let difference = (ours - theirs).abs() / ours.abs().max(theirs.abs());
    // Written so that NaN does not pass.
    if difference <= TOLERANCE {
        return Ok(());
    }
    Err(format!(
        "at the same weights, batch and noise, their objectives are {ours} and {theirs} \
         (relative difference {difference:.1e}, allowed {TOLERANCE:.0e})"
    ))
}

/// Lets each warm up, then each in turn take its steps. Only one works at a time.
fn measure(servers: &mut [Server], options: &Options) -> Result<Vec<Times>, String> {
    for server in &mut *servers {
        server.take(WARM_UP)?;
    }
    let mut times: Vec<Times> = servers
        .iter()
        .map(|server| Times { name: server.name().to_owned(), rounds: Vec::new() })
        .collect();
    for round in 0..options.rounds {
        eprint!("\rround {} of {}", round + 1, options.rounds);
        for turn in turns::order(round, servers.len()) {
            sleep(REST);
            times[turn].rounds.push(servers[turn].take(options.steps)?);
        }
    }
    eprintln!();
    Ok(times)
}

/// A folder for the files that one program writes and the others read at their start; gone afterwards.
struct Fixture(PathBuf);

impl Fixture {
    fn new() -> Result<Self, String> {
        let name = format!("gleaner-peers-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder)
            .map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("warning: cannot remove {}: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_agree_up_to_rounding_and_never_when_broken() {
        assert!(agree(700.0, 700.01).is_ok() && agree(-700.0, -700.01).is_ok());
        assert!(agree(700.0, 700.2).unwrap_err().contains("700.2"));
        for broken in [f64::NAN, f64::INFINITY, -700.0] {
            assert!(agree(700.0, broken).is_err(), "{broken}");
            assert!(agree(broken, broken).is_ok() == broken.is_finite(), "{broken}");
        }
    }
}
