//! Stopped, killed, with a full disk or without a reader: nothing is lost, nothing stays behind, and nothing is done in silence.
#![allow(clippy::unwrap_used, missing_docs)]
#![cfg(unix)]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::data::formats::npz::write_npz;
use gleaner_tests::program::{Program, SMALL, Said, names};
use serde_json::Value;
use tempfile::tempdir;

fn gleaner() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"))
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

fn is_temporary(name: &str) -> bool {
    name.starts_with(".gleaner-")
}

/// Samples that it takes a while to write.
fn write_samples(path: &Path) {
    let rows = 40_000;
    let logits = (0..rows * 2).map(|at| (at % 7) as f32).collect();
    let x = (0..rows * 64).map(|at| (at % 1009) as f32 / 1009.0).collect();
    let labels = (0..rows as i64).map(|row| row % 2).collect();
    let arrays = [
        ("x", NpyArray::f32(&[rows, 64], x)),
        ("logits", NpyArray::f32(&[rows, 2], logits)),
        ("y", NpyArray::i64(&[rows], labels)),
    ];
    fs::write(path, write_npz(&arrays).unwrap()).unwrap();
}

fn filter(folder: &Path) -> Command {
    let mut command = gleaner().command(["filter", "samples.npz", "--max-entropy=1"]);
    command.arg("--out=sure.npz").current_dir(folder);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// A filter that is sent a signal some time after the first temporary file is there: files are made to see whether the folder
/// takes any, too, before the result is written.
fn signalled(folder: &Path, name: &str, after: Duration) -> Said {
    let child = filter(folder).spawn().unwrap();
    while !names(folder).iter().any(|name| is_temporary(name)) {
        std::thread::yield_now();
    }
    std::thread::sleep(after);
    signal(&child, name);
    Said::from(child.wait_with_output().unwrap())
}

/// Times to try: how long a filter takes depends on the machine.
fn times() -> impl Iterator<Item = Duration> {
    (0..40).map(Duration::from_millis)
}

#[test]
fn a_filter_that_is_stopped_while_it_writes_leaves_nothing() {
    let folder = tempdir().unwrap();
    write_samples(&folder.path().join("samples.npz"));
    for name in ["-INT", "-TERM"] {
        let mut stopped = 0;
        for after in times() {
            let said = signalled(folder.path(), name, after);
            if names(folder.path()).iter().any(|name| name == "sure.npz") {
                break;
            }
            stopped += 1;
            assert_eq!(said.code, Some(130), "{}", said.stderr);
            assert_eq!(said.stderr, "stopped; nothing was written\n");
            assert_eq!(names(folder.path()), ["samples.npz"]);
        }
        assert!(stopped > 0, "no signal came while a file was written");
        fs::remove_file(folder.path().join("sure.npz")).ok();
    }
}

#[test]
fn what_a_killed_filter_leaves_goes_with_the_next_call() {
    let folder = tempdir().unwrap();
    write_samples(&folder.path().join("samples.npz"));
    let has_left = |after| {
        signalled(folder.path(), "-KILL", after);
        names(folder.path()).iter().any(|name| is_temporary(name))
    };
    assert!(times().any(has_left), "no kill came while a file was written");
    assert!(filter(folder.path()).status().unwrap().success());
    assert_eq!(names(folder.path()), ["samples.npz", "sure.npz"]);
}

/// With an epoch after each step: as much is measured as is trained.
fn train(run: &Path, settings: &[&str]) -> Command {
    let out = format!("--out={}", run.display());
    let args = ["train", &out, "--batch-size=1292"];
    let mut command = gleaner().command(args.iter().chain(settings));
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn summary(run: &Path) -> Value {
    let mut summary: Value =
        serde_json::from_slice(&fs::read(run.join("summary.json")).unwrap()).unwrap();
    summary.as_object_mut().unwrap().remove("seconds").unwrap();
    summary
}

fn is_continued_to(run: &Path, whole: &Path) {
    gleaner().call(["train", "--resume", &run.display().to_string()]).done();
    assert_eq!(summary(run), summary(whole));
    for file in ["metrics.jsonl", "model.safetensors", "samples.png"] {
        let [ours, theirs] = [run, whole].map(|run| fs::read(run.join(file)).unwrap());
        assert!(ours == theirs, "{file} differs");
    }
    assert_eq!(names(run), names(whole));
    assert_eq!(names(&run.join("state")), names(&whole.join("state")));
}

#[test]
fn a_run_goes_on_from_wherever_it_was_stopped() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let begun = Instant::now();
    assert!(train(&path("whole"), SMALL).status().unwrap().success());
    let whole = begun.elapsed();
    for (number, name) in ["-TERM", "-KILL", "-TERM", "-TERM", "-KILL", "-TERM"].iter().enumerate()
    {
        let run = path(&format!("run-{number}"));
        let child = train(&run, SMALL).spawn().unwrap();
        std::thread::sleep(whole.mul_f64((number as f64 + 2.0) / 8.0));
        signal(&child, name);
        let said = Said::from(child.wait_with_output().unwrap());
        if run.join("config.toml").exists() {
            if said.code == Some(1) {
                assert!(said.error().starts_with("error: stopped"), "{}", said.error());
                assert!(said.error().contains("gleaner train --resume"), "{}", said.error());
            }
            is_continued_to(&run, &path("whole"));
        }
    }
}

/// Support vector machines on the posterior means of all labels take a while.
const SLOW_TO_MEASURE: &[&str] = &[
    "--model=m1",
    "--labels=all",
    "--set=model.hidden=[16]",
    "--set=model.latent=4",
    "--steps=20",
];

#[test]
fn a_run_is_stopped_while_it_is_measured() {
    let folder = tempdir().unwrap();
    let [whole, run] = ["whole", "run"].map(|name| folder.path().join(name));
    assert!(train(&whole, SLOW_TO_MEASURE).status().unwrap().success());
    let epochs = fs::read_to_string(whole.join("metrics.jsonl")).unwrap().lines().count();
    let child = train(&run, SLOW_TO_MEASURE).spawn().unwrap();
    let lines = || fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
    while lines().lines().count() < epochs {
        std::thread::sleep(Duration::from_millis(1));
    }
    signal(&child, "-INT");
    let said = Said::from(child.wait_with_output().unwrap());
    assert!(said.error().starts_with("error: stopped"), "{}", said.error());
    assert!(said.error().contains("continue with: gleaner train --resume"), "{}", said.error());
    assert!(!run.join("summary.json").exists(), "there are no results yet");
    is_continued_to(&run, &whole);
}

#[test]
fn a_run_under_nohup_survives_its_terminal() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    let plain = train(&run, SMALL);
    let mut command = Command::new("nohup");
    command.arg(plain.get_program()).args(plain.get_args());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    said.find(|line| line.contains("labelled")).unwrap();
    signal(&child, "-HUP");
    let rest: Vec<String> = said.collect();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest:?}");
    assert!(run.join("summary.json").exists());
}

/// What the program says where standard output is a full disk, and where nobody reads it.
fn into_full_disk_and_closed_pipe(args: &[&str]) -> [Said; 2] {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let (_, closed) = std::io::pipe().unwrap();
    [Stdio::from(full), Stdio::from(closed)].map(|stdout| {
        let child = gleaner().command(args).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
        Said::from(child.wait_with_output().unwrap())
    })
}

#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_written_are_an_error_unless_nobody_reads_them() {
    for args in [
        &["devices"][..],
        &["devices", "--json"],
        &["data", "list"],
        &["--help"],
        &["train", "--help"],
        &["--version"],
    ] {
        let [full, closed] = into_full_disk_and_closed_pipe(args);
        assert_eq!(
            full.error(),
            "error: cannot write to standard output: the disk is full; free some space or choose another disk",
            "{args:?}"
        );
        assert_eq!(closed.code, Some(0), "{args:?}: {}", closed.stderr);
        assert!(!closed.stderr.contains("error"), "{args:?}: {}", closed.stderr);
    }
}

#[test]
fn a_run_whose_messages_nobody_reads_is_finished() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    let (_, closed) = std::io::pipe().unwrap();
    assert!(train(&run, SMALL).stderr(closed).status().unwrap().success());
    assert!(run.join("summary.json").exists());
}
