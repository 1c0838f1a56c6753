//! Stopping at any moment, and going on as if nothing had happened.
#![allow(clippy::unwrap_used, missing_docs)]
#![cfg(unix)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gleaner_core::checkpoint::{Checkpoint, TensorFile};
use gleaner_tests::program::{Program, SMALL, SMALL_LATENT_EBM};
use serde_json::Value;
use tempfile::tempdir;

/// Long enough to be interrupted, in epochs of 40 steps.
const STEPS: &str = "--steps=800";

fn gleaner() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"))
}

fn start(run: &Path) -> Child {
    start_with(run, SMALL)
}

fn start_with(run: &Path, settings: &[&str]) -> Child {
    let out = format!("--out={}", run.display());
    let small = settings.iter().filter(|arg| !arg.starts_with("--steps"));
    gleaner()
        .command(["train", STEPS, &out].iter().chain(small))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

fn wait_for_lines(run: &Path, lines: usize) {
    for _ in 0..3000 {
        let metrics = fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
        if metrics.lines().count() >= lines {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("no {lines} epochs within 30 seconds");
}

fn resume(run: &Path) {
    gleaner().call(["train", "--resume", &run.display().to_string()]).done();
}

fn assert_same_run(a: &Path, b: &Path) {
    for file in ["metrics.jsonl", "model.safetensors", "samples.png"] {
        assert!(
            fs::read(a.join(file)).unwrap() == fs::read(b.join(file)).unwrap(),
            "{file} differs"
        );
    }
}

#[test]
fn an_interrupted_run_goes_on_bit_for_bit() {
    let folder = tempdir().unwrap();
    let [whole, broken] = ["whole", "broken"].map(|name| folder.path().join(name));
    assert!(start(&whole).wait().unwrap().success());
    let mut child = start(&broken);
    wait_for_lines(&broken, 3);
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(!broken.join("summary.json").exists());
    resume(&broken);
    assert_same_run(&whole, &broken);
}

#[test]
fn chains_that_last_survive_an_interruption_bit_for_bit() {
    let folder = tempdir().unwrap();
    let [whole, broken] = ["whole", "broken"].map(|name| folder.path().join(name));
    let persistent =
        ["--set=objective.latent-ebm.start=persistent", "--set=objective.latent-ebm.persistent=3"];
    let settings = [SMALL_LATENT_EBM, &persistent].concat();
    assert!(start_with(&whole, &settings).wait().unwrap().success());
    let mut child = start_with(&broken, &settings);
    wait_for_lines(&broken, 3);
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let chains = |run: &Path| {
        let state = fs::read(run.join("state/state.safetensors")).unwrap();
        TensorFile::from_bytes(&state).unwrap().tensors.remove("chains").unwrap()
    };
    // Batches of 32, three chains for each unlabelled example.
    assert_eq!(chains(&broken).shape, [96, 4]);
    resume(&broken);
    assert_same_run(&whole, &broken);
    assert!(chains(&whole) == chains(&broken), "the chains themselves");
}

#[test]
fn an_augmented_run_goes_on_with_its_set_bit_for_bit() {
    let folder = tempdir().unwrap();
    let [whole, broken] = ["whole", "broken"].map(|name| folder.path().join(name));
    // Sets are made in the middle of epochs, so a state lies between a set and the next one.
    let augmented = [
        "--augment-at=25",
        "--augment-every=100",
        "--augment-pool=200",
        "--max-entropy=2.2",
        "--coreset=0.2",
        "--set=augment.method=adacore",
        "--pseudo-label",
    ];
    let settings = [SMALL_LATENT_EBM, &augmented].concat();
    assert!(start_with(&whole, &settings).wait().unwrap().success());
    let mut child = start_with(&broken, &settings);
    wait_for_lines(&broken, 2);
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let sets = |run: &Path| fs::read_to_string(run.join("augmentation.jsonl")).unwrap();
    assert!(sets(&broken).lines().count() < sets(&whole).lines().count(), "stopped between sets");
    resume(&broken);
    assert_same_run(&whole, &broken);
    // Each set is chosen by what AdaCore has averaged over those before.
    let choices = |run: &Path| -> Vec<Value> {
        let mut sets: Vec<Value> =
            sets(run).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        sets.iter_mut().for_each(|set| drop(set.as_object_mut().unwrap().remove("seconds")));
        sets
    };
    assert_eq!(choices(&whole), choices(&broken));
}

#[test]
fn a_run_is_stopped_in_its_baseline_too() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    let args = ["train", "--set=train.baseline-steps=100000000", "--out", run.to_str().unwrap()];
    let mut child =
        gleaner().command(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // The line that introduces the run is the last one before the baseline.
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    said.find(|line| line.as_ref().is_ok_and(|line| line.contains("labelled"))).unwrap().unwrap();
    signal(&child, "-INT");
    let last = said.map(Result::unwrap).last().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{last}");
    assert!(last.starts_with("error: stopped; continue with: gleaner train --resume"), "{last}");
}

#[test]
fn a_comparison_of_methods_that_is_stopped_goes_on() {
    let folder = tempdir().unwrap();
    let point =
        |row: usize| format!("{},{},{}\n", row * 7 % 11, row * 5 % 13 + row % 2 * 6, row % 2);
    let data = folder.path().join("points.csv");
    fs::write(&data, "a,b,kind\n".to_owned() + &(0..30).map(point).collect::<String>()).unwrap();
    let args = |run: &Path| {
        let small = SMALL.iter().filter(|arg| !arg.starts_with("--steps"));
        let small = small.copied().map(str::to_owned).collect::<Vec<_>>();
        let asked = [format!("--data={}", data.display()), format!("--out={}", run.display())];
        [vec!["train".to_owned(), "--steps=150".to_owned()], small, asked.to_vec()].concat()
    };
    let whole = folder.path().join("whole");
    gleaner().call(args(&whole)).done();
    let summary = |run: &Path| {
        let text = fs::read(run.join("summary.json")).unwrap();
        let mut summary: Value = serde_json::from_slice(&text).unwrap();
        summary.as_object_mut().unwrap().remove("seconds").unwrap();
        summary
    };
    for (name, moment) in
        [("parts", "cross-validation: 5 models"), ("methods", "comparing methods")]
    {
        let run = folder.path().join(name);
        let mut child = gleaner()
            .command(args(&run))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        said.find(|line| line.contains(moment)).unwrap();
        signal(&child, "-INT");
        let last = said.last().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1), "{last}");
        assert!(last.starts_with("error: stopped") && last.contains("--resume"), "{last}");
        assert!(!run.join("classifier.json").exists(), "{last}");
        assert!(!run.join("summary.json").exists(), "there are no results yet");
        resume(&run);
        let same =
            |file: &str| fs::read(run.join(file)).unwrap() == fs::read(whole.join(file)).unwrap();
        assert!(same("classifier.json") && same("model.safetensors"), "{name}");
        assert_eq!(summary(&run), summary(&whole), "{name}");
    }
}

#[test]
fn a_killed_run_keeps_its_last_checkpoint_and_goes_on_bit_for_bit() {
    let folder = tempdir().unwrap();
    let whole = folder.path().join("whole");
    assert!(start(&whole).wait().unwrap().success());
    // Kills at moments that fall anywhere: between epochs, and while files are being written.
    for (attempt, (lines, pause)) in
        [(1, 0), (1, 3), (2, 1), (4, 0), (4, 7), (7, 2), (9, 5), (12, 4)].into_iter().enumerate()
    {
        let run = folder.path().join(format!("killed-{attempt}"));
        let mut child = start(&run);
        wait_for_lines(&run, lines);
        std::thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
        let model = fs::read(run.join("model.safetensors")).unwrap();
        Checkpoint::from_bytes(&model).unwrap();
        if let Ok(state) = fs::read(run.join("state/state.safetensors")) {
            TensorFile::from_bytes(&state).unwrap();
        }
        resume(&run);
        assert_same_run(&whole, &run);
    }
}

#[test]
fn a_run_killed_before_its_first_epoch_starts_again() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    let mut child = start(&run);
    for _ in 0..3000 {
        if run.join("config.toml").exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    resume(&run);
    assert!(run.join("summary.json").is_file());
}

#[test]
fn an_epoch_whose_model_cannot_be_written_leaves_no_line() {
    let folder = tempdir().unwrap();
    let [whole, run] = ["whole", "run"].map(|name| folder.path().join(name));
    gleaner().train_small(&whole, &[]).done();
    let model = run.join("model.safetensors");
    fs::create_dir_all(&model).unwrap();
    fs::copy(whole.join("config.toml"), run.join("config.toml")).unwrap();
    let said = gleaner().call(["train", "--resume", &run.display().to_string()]);
    assert!(said.error().contains("model.safetensors"), "{}", said.error());
    assert!(!run.join("metrics.jsonl").exists());
    fs::remove_dir(&model).unwrap();
    resume(&run);
    assert_same_run(&whole, &run);
}

#[test]
fn settings_cannot_be_changed_while_resuming() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    gleaner().train_small(&run, &[]).done();
    let said = gleaner().call(["train", "--resume", &run.display().to_string(), "--lr=1"]);
    assert!(said.error().contains("its own settings"), "{}", said.error());
}

#[test]
fn a_broken_state_is_refused_in_one_line() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    gleaner().train_small(&run, &[]).done();
    let state = run.join("state/state.safetensors");
    let good = fs::read(&state).unwrap();
    for bytes in [
        &good[..good.len() / 2],
        &b"{}"[..],
        &[],
        &fs::read(run.join("model.safetensors")).unwrap(),
    ] {
        fs::write(&state, bytes).unwrap();
        let said = gleaner().call(["train", "--resume", &run.display().to_string()]);
        assert!(said.error().contains("state.safetensors"), "{}", said.error());
    }
}
