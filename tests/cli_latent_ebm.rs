//! A latent energy-based model on the command line: trained in each way, sampled by chains, refined in its posterior.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

use gleaner_core::checkpoint::Checkpoint;
use gleaner_core::data::formats::npy::NpyValues;
use gleaner_core::data::formats::npz::Npz;
use gleaner_tests::program::{Program, SMALL_LATENT_EBM, Said};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

fn gleaner() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"))
}

fn train(run: &Path, more: &[&str]) -> Said {
    let out = run.display().to_string();
    let args = ["train", "--json", "--out", &out];
    gleaner().call(args.iter().chain(SMALL_LATENT_EBM).chain(more))
}

fn trained(more: &[&str]) -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    train(&run, more).done();
    (folder, run)
}

fn call(verb: &str, run: &Path, out: &Path, more: &[&str]) -> Said {
    let [run, out] = [run, out].map(|path| path.display().to_string());
    gleaner().call([verb, &run, "--json", "--out", &out].iter().chain(more))
}

#[test]
fn every_start_trains_and_log_z_is_measured_and_written_with_the_model() {
    for start in ["prior", "posterior", "persistent"] {
        let setting = format!("--set=objective.latent-ebm.start={start}");
        let (_folder, run) = trained(&[&setting]);
        let lines = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
        let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
        assert!(last["negative_phase"].is_number(), "{start}: {last}");
        let model = fs::read(run.join("model.safetensors")).unwrap();
        let model = Checkpoint::from_bytes(&model).unwrap();
        // Ten classes whose energies are near zero: log 10, and what was learnt.
        let log_z = model.parameters["prior.log_partition"].values[0];
        assert!((log_z - 10.0_f32.ln()).abs() < 2.0 && log_z != 0.0, "{start}: log Z {log_z}");
        let said = gleaner().call(["eval", run.to_str().unwrap(), "--json", "--iwae-samples=5"]);
        let said = said.done().json();
        assert!(said["iwae"].as_f64() > said["elbo"].as_f64(), "{start}: {said}");
    }
}

#[test]
fn samples_come_from_chains_that_do_as_they_are_told() {
    let (folder, run) = trained(&[]);
    let sample = |name: &str, more: &[&str]| {
        let out = folder.path().join(name);
        call("sample", &run, &out, &[&["--per-class=4"], more].concat()).done();
        fs::read(out).unwrap()
    };
    let first = sample("a.npz", &[]);
    assert_eq!(first, sample("b.npz", &["--sampler=langevin", "--threads=2"]));
    // The model's own settings, named.
    let own = ["--steps=60", "--step-size=0.4", "--convention=pang", "--temperature=1"];
    assert_eq!(first, sample("c.npz", &own));
    // The same step in the other convention: half the square, but for rounding.
    let z = |bytes: &[u8]| {
        let z = Npz::open(bytes, "x.npz").unwrap().require("z").unwrap();
        let NpyValues::F32(values) = z.values else { panic!("floats") };
        values
    };
    let other = z(&sample("d.npz", &["--step-size=0.08", "--convention=pooladzandi"]));
    let apart = z(&first).iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart < 1e-4, "{apart}");
    for changed in ["--seed=1", "--steps=61", "--step-size=0.5", "--temperature=0.5", "--adjusted"]
    {
        assert_ne!(first, sample("e.npz", &[changed]), "{changed}");
    }
    // Where there is no noise, chains of one class climb to the same few places.
    let spread = |more: &[&str]| {
        let z = z(&sample("f.npz", more));
        z.iter().map(|v| v * v).sum::<f32>() / z.len() as f32
    };
    assert!(spread(&["--temperature=0.01", "--steps=400"]) < 0.2 * spread(&[]));
    let out = folder.path().join("no.npz");
    for (wrong, named) in [
        ("--sampler=ancestral", "use --sampler langevin"),
        ("--temperature=-1", "--temperature = -1"),
        ("--step-size=inf", "--step-size = inf"),
        ("--step-size=1e18", "10 of 10 chains diverged"),
    ] {
        let said = call("sample", &run, &out, &["--per-class=1", wrong]);
        assert!(said.error().contains(named), "{wrong}: {}", said.error());
        assert!(!out.exists(), "{wrong}: a file was written");
    }
}

#[test]
fn reconstructions_are_refined_in_the_posterior_and_say_by_how_much() {
    let (folder, run) = trained(&[]);
    let out = folder.path().join("pairs.png");
    let plain = call("reconstruct", &run, &out, &[]).done().json();
    assert!(plain["squared_error_before"].is_null() && plain["accepted"].is_null(), "{plain}");
    let before = fs::read(&out).unwrap();
    let steps = ["--posterior-steps=150", "--posterior-step-size=0.3"];
    let refined = call("reconstruct", &run, &out, &steps).done().json();
    assert_eq!(refined["squared_error_before"], plain["squared_error"]);
    assert_ne!(fs::read(&out).unwrap(), before);
    let accepted = refined["accepted"].as_f64().unwrap();
    assert!(accepted > 0.2 && accepted <= 1.0, "{refined}");
    // A draw where there was a mean: elsewhere, and no better for certain.
    assert_ne!(refined["squared_error"], plain["squared_error"]);
    assert_eq!(call("reconstruct", &run, &out, &steps).done().json(), refined, "fixed by the seed");
    let in_words = gleaner().call(["reconstruct", run.to_str().unwrap()].iter().chain(&steps));
    let in_words = in_words.done().stdout;
    assert!(in_words.contains("before 150 steps in the posterior"), "{in_words}");
    // A step too large by far goes nowhere, and says so.
    let steps = ["--posterior-steps=3", "--posterior-step-size=50"];
    let stuck = call("reconstruct", &run, &out, &steps).done().json();
    assert_eq!(stuck["accepted"].as_f64(), Some(0.0));
    assert_eq!(stuck["squared_error"], stuck["squared_error_before"]);
    for (wrong, named) in [
        (&["--posterior-steps=0"][..], "--posterior-steps 0"),
        (&["--posterior-steps=2", "--posterior-step-size=0"], "--posterior-step-size 0"),
    ] {
        let said = call("reconstruct", &run, &out, wrong);
        assert!(said.error().contains(named), "{}", said.error());
    }
    assert_eq!(call("reconstruct", &run, &out, &["--posterior-step-size=1"]).code, Some(2));
}

#[test]
fn chains_that_diverge_are_an_error_that_names_the_step_size() {
    // Without the check, the first gives NaN, the others a classifier that is certain of everything.
    let (folder, run) = trained(&[]);
    let out = folder.path().join("x.npz");
    for size in ["1e6", "3", "2.2"] {
        let size = format!("--step-size={size}");
        let said = call("sample", &run, &out, &["--per-class=4", "--steps=60", &size]);
        let (error, digits) = (said.error(), size.split('=').nth(1).unwrap().parse::<f64>());
        let named = format!("at step size {}", digits.unwrap());
        assert!(error.contains("40 of 40 chains diverged, the first of them chain 0"), "{error}");
        assert!(error.contains(&named) && error.contains("(--step-size)"), "{error}");
        assert!(!out.exists(), "{size}");
    }
    // Rejected moves leave draws of N(0, I), which are no samples of the model either.
    let stuck = ["--per-class=4", "--steps=60", "--adjusted", "--step-size=1e6"];
    let said = call("sample", &run, &out, &stuck);
    let error = said.error();
    assert!(error.contains("not one of 40 chains moved: --step-size 1000000"), "{error}");
    assert!(!out.exists());
    // Just small enough; and a temperature spreads the density itself.
    for fine in ["--step-size=1.9", "--temperature=900"] {
        call("sample", &run, &out, &["--per-class=4", "--steps=60", fine]).done();
    }
}

#[test]
fn chains_that_diverge_in_training_are_named_and_no_picture_of_them_is_kept() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    let chains = "--set=objective.latent-ebm.chains.";
    let [size, steps] = ["step-size=3", "steps=60"].map(|setting| format!("{chains}{setting}"));
    let said = train(&run, &[&size, &steps]);
    let error = said.error();
    assert!(error.contains("in negative_phase"), "{error}");
    assert!(error.contains("objective.latent-ebm.chains.step-size = 3"), "{error}");
    let run = folder.path().join("another");
    let said = train(&run, &["--set=model.langevin.step-size=5"]).done();
    assert!(said.stderr.contains("no samples.png: samples: 100 of 100 chains"), "{}", said.stderr);
    assert!(said.json()["test_accuracy"].is_number() && !run.join("samples.png").exists());
}

#[test]
fn models_without_an_energy_refuse_chains_in_one_line() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    gleaner().train_small(&run, &[]).done();
    for (verb, name, more) in [
        ("sample", "x.npz", &["--per-class=1", "--sampler=langevin"][..]),
        ("sample", "x.npz", &["--per-class=1", "--steps=5"]),
        ("reconstruct", "x.png", &["--posterior-steps=5"]),
    ] {
        let out = folder.path().join(name);
        let said = call(verb, &run, &out, more);
        assert!(said.error().contains("(m2)"), "{verb}: {}", said.error());
        assert!(!out.exists());
    }
}

#[test]
fn settings_of_the_chains_are_checked() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    for (setting, named) in [
        ("objective.latent-ebm.start=data", "start"),
        ("objective.latent-ebm.persistent=0", "persistent = 0"),
        ("objective.latent-ebm.chains.temperature=-1", "chains.temperature = -1"),
        ("objective.latent-ebm.energy-rate=nan", "energy-rate = NaN"),
        ("objective.latent-ebm.speed=1", "unknown field `speed`"),
        ("model.energy-hidden=[0]", "energy-hidden"),
    ] {
        let said = train(&run, &[&format!("--set={setting}")]);
        assert!(said.error().contains(named), "{setting}: {}", said.error());
        assert!(!run.exists(), "{setting}");
    }
}
