//! Runs that an earlier version wrote, one of each model: their settings, checkpoints and results still hold.
//!
//! `tests/written_before/MODEL/` was written before the configurations shared a part.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use gleaner::run::RunDir;
use gleaner_core::checkpoint::Checkpoint;
use gleaner_core::models::{Architecture as _, ModelConfig};
use gleaner_tests::program::Program;
use serde_json::Value;

fn runs() -> Vec<PathBuf> {
    let folder = fs::read_dir("written_before").unwrap();
    let runs: Vec<_> = folder.map(|run| run.unwrap().path()).collect();
    let named = |name| runs.iter().any(|run| run.ends_with(name));
    assert!(ModelConfig::NAMES.iter().all(named), "a run of every model: {runs:?}");
    runs
}

/// The configuration in a checkpoint, as it is written there.
fn written(checkpoint: &[u8]) -> Value {
    let length = u64::from_le_bytes(checkpoint[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&checkpoint[8..8 + length]).unwrap();
    serde_json::from_str(header["__metadata__"]["config"].as_str().unwrap()).unwrap()
}

fn model(run: &Path) -> Vec<u8> {
    fs::read(run.join("model.safetensors")).unwrap()
}

#[test]
fn configurations_are_read_and_written_as_they_were() {
    for run in runs() {
        let bytes = model(&run);
        let checkpoint = Checkpoint::from_bytes(&bytes).unwrap();
        checkpoint.build(&Device::flex()).unwrap();
        let again = checkpoint.to_bytes().unwrap();
        assert_eq!(written(&again), written(&bytes), "{}", run.display());
    }
}

#[test]
fn settings_of_a_run_give_the_configuration_of_its_checkpoint() {
    for run in runs() {
        let recipe = RunDir::open(&run).unwrap().recipe().unwrap();
        let mut checkpoint = Checkpoint::from_bytes(&model(&run)).unwrap().config;
        let config = recipe.model.config(checkpoint.shape(), checkpoint.classes(), &[]).unwrap();
        // Which dimensions of M1 are active is found in training.
        if let ModelConfig::M1M2(stacked) = &mut checkpoint {
            assert!(stacked.active.take().is_some(), "M2 was trained on some of M1's dimensions");
        }
        assert_eq!(config, checkpoint, "{}", run.display());
    }
}

#[test]
fn results_are_measured_again() {
    let gleaner = Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"));
    for run in runs() {
        let summary: Value =
            serde_json::from_slice(&fs::read(run.join("summary.json")).unwrap()).unwrap();
        let measured = gleaner.call(["eval", "--json", run.to_str().unwrap()]).done().json();
        for (then, now) in [("test_accuracy", "accuracy"), ("elbo", "elbo")] {
            let [then, now] = [&summary[then], &measured[now]].map(|v| v.as_f64().unwrap());
            // Vector lanes of another processor round otherwise; an image more or less would be 0.003.
            assert!(
                (then - now).abs() < 1e-3 * then.abs().max(1.0),
                "{}: {then} {now}",
                run.display()
            );
        }
    }
}
