//! Devices of other processes: the bits of one process wherever the parts of a batch are worked on, and one line where something is wrong.
#![cfg(all(unix, feature = "remote"))]
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use gleaner_tests::program::{Program, Said};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

/// Every model of the family, and a network of each kind.
const FAMILY: [(&str, &str); 10] = [
    ("m1", "latent=4 hidden=[16]"),
    ("m2", "latent=4 hidden=[16] classifier-hidden=[16]"),
    ("m1m2", "feature-latent=5 feature-hidden=[16] latent=4 hidden=[16] classifier-hidden=[16]"),
    ("adgm", "latent=4 auxiliary=3 hidden=[16] classifier-hidden=[16]"),
    ("sdgm", "latent=4 auxiliary=3 hidden=[16] classifier-hidden=[16]"),
    ("ladder", "latent=[4,2] hidden=[16,12] classifier-hidden=[16]"),
    ("untapped", "latent=2 hidden=[16] encoder-hidden=[8] classifier-hidden=[16]"),
    ("latent-ebm", "latent=4 hidden=[16] energy-hidden=[8]"),
    ("m2", "latent=4 convolution.maps=[4,8,8] convolution.dropout=0.0"),
    (
        "latent-ebm",
        "latent=4 energy-hidden=[8] convolution.kind=wide-resnet convolution.depth=10 convolution.width=1 convolution.generator=[8,8,4]",
    ),
];

fn gleaner() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"))
}

/// A folder with a token.
fn folder() -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "a token of the tests\n").unwrap();
    (folder, token)
}

/// A server of the CPU.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(token: &Path, listen: &str) -> Self {
        let token = token.display().to_string();
        let args = ["serve-device", "--threads=1", "--token-file", &token, "--listen", listen];
        let mut process =
            gleaner().command(args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split([' ', ';']).find(|word| word.starts_with("ws://"));
        Self { address: address.unwrap_or_else(|| panic!("{line}")).to_owned(), process }
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A training of fifty steps on devices of servers.
struct Training<'a> {
    model: (&'a str, &'a str),
    token: &'a Path,
}

/// The devices of servers; the CPU of the process itself without any.
fn device(servers: &[&Server]) -> String {
    let addresses: Vec<&str> = servers.iter().map(|server| server.address.as_str()).collect();
    match addresses.is_empty() {
        true => "--device=cpu".to_owned(),
        false => format!("--device={}", addresses.join(",")),
    }
}

impl Training<'_> {
    fn command(&self, run: &Path, servers: &[&Server]) -> Command {
        let (kind, sizes) = self.model;
        let mut command = gleaner().command(["train", "--json", "--steps=50", "--threads=1"]);
        command
            .args([format!("--model={kind}"), device(servers)])
            .args(sizes.split(' ').map(|size| format!("--set=model.{size}")))
            .args(["--batch-size=64", "--set=train.labelled-batch-size=20", "--set=train.parts=2"])
            .args(["--set=train.baseline-steps=0", "--set=train.feature-epochs=2", "--out"])
            .args([run, Path::new("--token-file"), self.token]);
        command
    }

    fn resume(&self, run: &Path, servers: &[&Server]) -> Said {
        let [run, token] = [run, self.token].map(|path| path.display().to_string());
        let device = device(servers);
        gleaner().call(["train", "--json", "--resume", &run, "--token-file", &token, &device])
    }
}

/// Starts it, and waits until it has begun an epoch after the first.
fn begun(mut command: Command, run: &Path) -> Child {
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    while fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default().lines().count() < 1 {
        assert!(started.elapsed() < Duration::from_secs(120), "no epoch within two minutes");
        sleep(Duration::from_millis(5));
    }
    child
}

/// Weights, the state to go on from without the seconds in its header, and the epochs without theirs.
fn result(run: &Path) -> (Vec<u8>, Vec<u8>, Vec<Value>) {
    let state = fs::read(run.join("state/state.safetensors")).unwrap();
    let header = 8 + u64::from_le_bytes(state[..8].try_into().unwrap()) as usize;
    let lines = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let lines = lines.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        line["seconds"] = Value::Null;
        line
    });
    (fs::read(run.join("model.safetensors")).unwrap(), state[header..].to_vec(), lines.collect())
}

#[test]
fn one_server_and_two_give_the_bits_of_one_process_stopped_or_killed() {
    let (folder, token) = folder();
    for (number, model) in FAMILY.into_iter().enumerate() {
        let [first, mut second] = [(), ()].map(|()| Server::start(&token, "127.0.0.1:0"));
        let training = Training { model, token: &token };
        let path = |name: &str| folder.path().join(format!("{name}-{number}"));
        let [here, one, two, stopped, killed] =
            ["here", "one", "two", "stopped", "killed"].map(path);

        Said::from(training.command(&here, &[]).output().unwrap()).done();
        Said::from(training.command(&one, &[&first]).output().unwrap()).done();
        Said::from(training.command(&two, &[&first, &second]).output().unwrap()).done();
        let expected = result(&here);
        assert!(result(&one) == expected, "{model:?}: a server differs from this process");
        assert!(result(&two) == expected, "{model:?}: two servers differ from this process");

        let child = begun(training.command(&stopped, &[&first, &second]), &stopped);
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let said = Said::from(child.wait_with_output().unwrap());
        assert!(said.error().contains("stopped at step"), "{model:?}: {}", said.stderr);
        // Without a server: nothing of it is needed to go on.
        training.resume(&stopped, &[]).done();
        assert!(result(&stopped) == expected, "{model:?}: stopped and resumed");

        let child = begun(training.command(&killed, &[&first, &second]), &killed);
        second.kill();
        let said = Said::from(child.wait_with_output().unwrap());
        let gone = format!("{} no longer answers, and the training is stopped", second.address);
        assert!(said.error().contains(&gone), "{model:?}: {}", said.stderr);
        let go_on = format!(
            "continue with: gleaner train --resume {} --device {},{} --token-file",
            killed.display(),
            first.address,
            second.address
        );
        assert!(said.error().contains(&go_on), "{}", said.stderr);
        // On another server: what it is trained on has no part in the result.
        let third = Server::start(&token, "127.0.0.1:0");
        training.resume(&killed, &[&first, &third]).done();
        assert!(result(&killed) == expected, "{model:?}: killed and resumed");
        // What is done needs neither a server nor a token.
        gleaner().call(["train", "--resume", &killed.display().to_string()]).done();
    }
}

#[test]
fn a_slow_server_only_slows() {
    let (folder, token) = folder();
    let servers = [(), ()].map(|()| Server::start(&token, "127.0.0.1:0"));
    let both: Vec<&Server> = servers.iter().collect();
    let training = Training { model: FAMILY[1], token: &token };
    let [quick, slow] = ["quick", "slow"].map(|name| folder.path().join(name));
    Said::from(training.command(&quick, &both).output().unwrap()).done();
    let child = begun(training.command(&slow, &both), &slow);
    let signal = |name: &str| {
        let pid = servers[1].process.id().to_string();
        Command::new("kill").args([name, &pid]).status().unwrap();
    };
    for _ in 0..3 {
        signal("-STOP");
        sleep(Duration::from_millis(700));
        signal("-CONT");
        sleep(Duration::from_millis(100));
    }
    Said::from(child.wait_with_output().unwrap()).done();
    assert!(result(&slow) == result(&quick), "held up or not");
}

#[test]
fn what_cannot_be_reached_is_said_in_a_line() {
    let (folder, token) = folder();
    let run = folder.path().join("run").display().to_string();
    let other = folder.path().join("other");
    fs::write(&other, "another token of the tests").unwrap();
    let server = Server::start(&token, "127.0.0.1:0");
    // Listens, and hangs up.
    let no_server = TcpListener::bind("127.0.0.1:0").unwrap();
    let stranger = format!("ws://{}", no_server.local_addr().unwrap());
    std::thread::spawn(move || no_server.incoming().for_each(drop));
    let [token, other] = [&token, &other].map(|path| path.display().to_string());
    for (device, token, named) in [
        (server.address.as_str(), &other, "the server has another token"),
        (&stranger, &token, "start one there with: gleaner serve-device"),
        ("ws://nowhere", &token, "no address of a server"),
        ("cpu,ws://127.0.0.1:1", &token, "not both"),
        ("ws://gpu1:7878,ws://gpu1:7878", &token, "named twice"),
        ("ws://gpu1:7878,", &token, "a comma with nothing beside it"),
        ("http://gpu1:7878", &token, "ws://HOST:PORT"),
        ("ws://gpu1:78780", &token, "a port up to 65535"),
        ("cpu,cpu", &token, "the CPU is one device"),
        (server.address.as_str(), &"nowhere".to_owned(), "cannot read the token"),
    ] {
        let args = ["train", "--steps=5", "--device", device, "--token-file", token, "--out", &run];
        let said = gleaner().call(args);
        assert!(said.error().contains(named), "{device}: {}", said.stderr);
        assert!(!Path::new(&run).exists(), "{device}: nothing is begun");
    }
    let said = gleaner().call(["train", "--device", &server.address, "--out", &run]);
    assert!(said.error().contains("no token to show"), "{}", said.stderr);
}

#[test]
fn a_server_wants_a_secret() {
    let (folder, token) = folder();
    let short = folder.path().join("short");
    fs::write(&short, "guess me").unwrap();
    let [token, short] = [token, short].map(|path| path.display().to_string());
    for (args, named) in [
        (["--token-file", "nowhere", "--listen", "0"], "openssl rand -hex 32"),
        (["--token-file", &short, "--listen", "0"], "fewer than 16 characters"),
        (["--token-file", &token, "--listen", "somewhere"], "--listen somewhere"),
        (["--token-file", &token, "--device", "cuda,cuda"], "unknown device"),
    ] {
        let said = gleaner().call([&["serve-device"][..], &args].concat());
        assert!(said.error().contains(named), "{args:?}: {}", said.stderr);
    }
}
