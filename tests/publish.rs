//! `gleaner publish`, and what was published with the page.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

use gleaner_core::data::formats::npy::{NpyArray, NpyValues};
use gleaner_core::data::formats::npz::Npz;
use gleaner_tests::program::Program;
use serde_json::Value;
use tempfile::tempdir;

fn gleaner() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"))
}

/// The `x` of some samples of a run.
fn drawn(run: &str, out: &Path) -> Vec<f32> {
    let file = out.display().to_string();
    gleaner().call(["sample", run, "--per-class", "2", "--out", &file]).done();
    let bytes = fs::read(out).unwrap();
    let NpyArray { values, .. } = Npz::open(&bytes, "samples").unwrap().require("x").unwrap();
    let NpyValues::F32(values) = values else { panic!("x is f32") };
    values
}

#[test]
fn a_published_run_is_half_the_size_and_draws_the_same() {
    let dir = tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let text = |name: &str| path(name).display().to_string();
    gleaner().train_small(&path("run"), &["--data-dir", &text("data")]).done();
    let said = gleaner().call(["publish", &text("run"), "--out", &text("gift"), "--json"]).done();
    let size = |name: &str| fs::metadata(path(name).join("model.safetensors")).unwrap().len();
    assert_eq!(said.json()["bytes"], size("gift"));
    assert!(size("gift") * 10 < size("run") * 6, "{} of {}", size("gift"), size("run"));
    let (own, gift) = (drawn(&text("run"), &path("a.npz")), drawn(&text("gift"), &path("b.npz")));
    let worst = own.iter().zip(&gift).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst > 0.0 && worst < 0.02, "{worst}");
    let read = |name: &str, file: &str| fs::read_to_string(path(name).join(file)).unwrap();
    let summary =
        |name: &str| -> Value { serde_json::from_str(&read(name, "summary.json")).unwrap() };
    assert_eq!(summary("run"), summary("gift"));
    // Where the data lay stays at home.
    assert!(read("run", "config.toml").contains("\ndir = "));
    assert!(!read("gift", "config.toml").contains("\ndir = "));
    let again = gleaner().call(["publish", &text("run"), "--out", &text("gift")]);
    assert!(again.error().contains("already holds a run"), "{}", again.stderr);
}

#[test]
fn what_cannot_be_published_is_refused_in_a_line() {
    let dir = tempdir().unwrap();
    let text = |name: &str| dir.path().join(name).display().to_string();
    let publish = |run: &str| gleaner().call(["publish", &text(run), "--out", &text("gift")]);
    assert!(publish("nothing").error().contains("is not a run"));
    gleaner().train_small(&dir.path().join("run"), &[]).done();
    let whole = fs::read(dir.path().join("run/model.safetensors")).unwrap();
    fs::write(dir.path().join("run/model.safetensors"), &whole[..whole.len() / 2]).unwrap();
    assert!(publish("run").error().contains("not a complete safetensors file"));
    fs::write(dir.path().join("run/model.safetensors"), &whole).unwrap();
    fs::remove_file(dir.path().join("run/summary.json")).unwrap();
    assert!(publish("run").error().contains("finish the run with: gleaner train --resume"));
    assert!(!dir.path().join("gift").exists());
}

#[test]
fn the_models_of_the_page_are_small_whole_and_have_their_cards() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../web/checkpoints");
    let index = fs::read_to_string(folder.join("index.json")).unwrap();
    let index: Vec<Value> = serde_json::from_str(&index).unwrap();
    let ids: Vec<&str> = index.iter().map(|model| model["id"].as_str().unwrap()).collect();
    for wanted in ["mnist-m2-mier", "mnist-latent-ebm", "fashion-m2-mier", "fashion-latent-ebm"] {
        assert!(ids.contains(&wanted), "{wanted} of {ids:?}");
    }
    let out = tempdir().unwrap();
    let mut bytes = 0;
    for id in ids {
        let run = folder.join(id);
        bytes += fs::metadata(run.join("model.safetensors")).unwrap().len();
        let summary = fs::read_to_string(run.join("summary.json")).unwrap();
        let summary: Value = serde_json::from_str(&summary).unwrap();
        for field in ["test_accuracy", "entropy", "labels", "unlabelled"] {
            assert!(summary[field].as_f64().unwrap() > 0.0, "{id}: {field}");
        }
        let x = drawn(&run.display().to_string(), &out.path().join("x.npz"));
        assert_eq!(x.len(), 20 * 784, "{id}");
    }
    assert!(bytes <= 6_000_000, "{bytes} bytes are to be downloaded");
}
