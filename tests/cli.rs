//! The command line as a user meets it: run directories, results, pictures, refusals.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::Path;

use gleaner_core::checkpoint::Checkpoint;
use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::data::formats::npz::{Npz, write_npz};
use gleaner_core::measures::estimate::Estimate;
use gleaner_tests::program::Program;
use serde_json::{Value, json};
use tempfile::tempdir;

fn gleaner() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"))
}

fn text(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_run_leaves_everything_that_was_promised() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    let summary = gleaner().train_small(&run, &["--seed=3"]).done().json();
    for file in [
        "config.toml",
        "metrics.jsonl",
        "summary.json",
        "model.safetensors",
        "samples.png",
        "curves.svg",
        "reliability.svg",
    ] {
        assert!(run.join(file).is_file(), "{file}");
    }
    assert!(run.join("state/state.safetensors").is_file());
    let written: Value = serde_json::from_str(&text(run.join("summary.json"))).unwrap();
    for key in [
        "test_accuracy",
        "baseline_accuracy",
        "elbo",
        "entropy",
        "ece",
        "brier",
        "labels",
        "seed",
        "seconds",
        "effective_alpha",
    ] {
        assert!(written[key].is_number(), "{key}");
        assert_eq!(written[key], summary[key], "{key}");
    }
    assert_eq!((&written["labels"], &written["seed"]), (&100.into(), &3.into()));
    // 40 steps an epoch over 1,292 examples in batches of 32; 120 steps are 3 epochs.
    assert_eq!(text(run.join("metrics.jsonl")).lines().count(), 3);
    // alpha = 0.1 N / N_labelled.
    let alpha = written["effective_alpha"].as_f64().unwrap();
    let pool = written["unlabelled"].as_f64().unwrap();
    assert!((alpha - 0.1 * pool / 100.0).abs() < 1e-12, "{alpha}");
}

#[test]
fn the_same_settings_give_the_same_run_and_another_seed_another() {
    let folder = tempdir().unwrap();
    let run = |name: &str| folder.path().join(name);
    gleaner().train_small(&run("a"), &[]).done();
    let out = run("b").display().to_string();
    let config = run("a").join("config.toml").display().to_string();
    gleaner().call(["train", &config, "--out", &out]).done();
    gleaner().train_small(&run("c"), &["--seed=1"]).done();
    let metrics = |name: &str| text(run(name).join("metrics.jsonl"));
    assert_eq!(metrics("a"), metrics("b"));
    assert_ne!(metrics("a"), metrics("c"));
    let weights = |name: &str| fs::read(run(name).join("model.safetensors")).unwrap();
    assert_eq!(weights("a"), weights("b"));
}

#[test]
fn evaluation_agrees_with_the_summary_and_iwae_is_no_less_than_the_elbo() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    let summary = gleaner().train_small(&run, &[]).done().json();
    let path = run.display().to_string();
    let test = gleaner().call(["eval", &path, "--json", "--iwae-samples", "5"]).done().json();
    assert_eq!(test["accuracy"], summary["test_accuracy"]);
    assert_eq!(test["elbo"], summary["elbo"]);
    assert!(test["iwae"].as_f64() > test["elbo"].as_f64(), "{test}");
    assert_eq!(test["elbo_se"], summary["elbo_se"]);
    // In words, the bounds end where their errors begin.
    let estimate = |key: &str| {
        let number = |key: &str| test[key].as_f64().unwrap();
        Estimate { value: number(key), error: Some(number(&format!("{key}_se"))) }.to_string()
    };
    let said = gleaner().call(["eval", &path, "--iwae-samples", "5"]).done().stdout;
    for bound in ["elbo", "iwae"].map(estimate) {
        assert!(bound.contains(" ± ") && said.contains(&format!("{bound} nats")), "{said}");
    }
    let val = gleaner().call(["eval", &path, "--split", "val", "--json"]).done().json();
    assert_eq!(val["accuracy"], summary["validation_accuracy"]);
}

#[test]
fn samples_are_judged_beside_examples_by_any_run_of_the_same_data() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    let summary = gleaner().train_small(&run, &[]).done().json();
    let [run, seen, samples] =
        [run, folder.path().join("seen.npz"), folder.path().join("samples.npz")]
            .map(|path| path.display().to_string());
    gleaner().call(["data", "export", &run, "--out", &seen]).done();
    let seen = fs::read(&seen).unwrap();
    let mut seen = Npz::open(&seen, "seen.npz").unwrap();
    let [x, y] = ["x_test", "y_test"].map(|name| seen.require(name).unwrap());
    let judge = |x: NpyArray, y: NpyArray| {
        fs::write(&samples, write_npz(&[("x", x), ("y", y)]).unwrap()).unwrap();
        gleaner().call(["eval", &run, "--samples", &samples, "--json"])
    };
    // The examples themselves are as like the examples as can be.
    let said = judge(x.clone(), y.clone()).done().json();
    assert_eq!(said["agreement"], summary["test_accuracy"]);
    assert_eq!([&said["precision"], &said["recall"], &said["coverage"]], [&json!(1.0); 3]);
    assert_eq!(said["drawn"], said["examples"]);
    // Without a light, digits are alike: nothing of the real ones is covered.
    let count = y.shape[0];
    let dark = NpyArray::f32(&x.shape, vec![0.0; count * 64]);
    let judged = judge(dark, y.clone()).done();
    assert!(judged.json()["coverage"].as_f64().unwrap() < 0.2, "{}", judged.stdout);
    assert!(judged.stderr.contains("samples are copies of others"), "{}", judged.stderr);
    judged_by_copies(folder.path());
    let long = NpyArray::f32(&[count, 65], vec![0.0; count * 65]);
    assert!(judge(long, y).error().contains("give a run of the same data"));
    let few = NpyArray::f32(&[5, 8, 8, 1], vec![0.0; 5 * 64]);
    assert!(judge(few, NpyArray::i64(&[5], vec![0; 5])).error().contains("too few"));
    let other = NpyArray::f32(&[6, 8, 8, 1], vec![0.0; 6 * 64]);
    assert!(judge(other, NpyArray::i64(&[6], vec![10; 6])).error().contains("0 to 9"));
}

/// Examples that each stand ten times are as good to compare with as the same examples once.
fn judged_by_copies(folder: &Path) {
    let values = |row: usize| [1.0, 2.7].map(|by| (row as f32 * by).sin() + 3.0 * (row % 2) as f32);
    let x: Vec<f32> = (0..400).flat_map(|row| values(row / 10)).collect();
    let y: Vec<i64> = (0..400).map(|row| row / 10 % 2).collect();
    let arrays = |name: &str, rows: usize| {
        [
            (format!("x{name}"), NpyArray::f32(&[rows, 2], x[..2 * rows].to_vec())),
            (format!("y{name}"), NpyArray::i64(&[rows], y[..rows].to_vec())),
        ]
    };
    let path = |name: &str| folder.join(name).display().to_string();
    let both: Vec<_> = arrays("", 400).into_iter().chain(arrays("_test", 400)).collect();
    let both: Vec<_> = both.iter().map(|(name, array)| (&name[..], array.clone())).collect();
    fs::write(path("copies.npz"), write_npz(&both).unwrap()).unwrap();
    let once: Vec<f32> = (0..40).flat_map(values).collect();
    let once = [
        ("x", NpyArray::f32(&[40, 2], once)),
        ("y", NpyArray::i64(&[40], (0..40).map(|row| row % 2).collect())),
    ];
    fs::write(path("once.npz"), write_npz(&once).unwrap()).unwrap();
    let named = format!("--data={}", path("copies.npz"));
    gleaner().train_small(&folder.join("of-copies"), &[&named, "--model=m2"]).done();
    let args = ["eval", &path("of-copies"), "--samples", &path("once.npz"), "--json"];
    let judged = gleaner().call(args).done();
    assert!(judged.stderr.contains("360 examples are copies"), "{}", judged.stderr);
    let said = judged.json();
    assert_eq!(
        [&said["precision"], &said["recall"], &said["coverage"]],
        [&json!(1.0); 3],
        "{said}"
    );
}

#[test]
fn samples_are_class_conditional_arrays_fixed_by_the_seed() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    gleaner().train_small(&run, &[]).done();
    let sample = |seed: &str, name: &str| {
        let out = folder.path().join(name);
        let grid = folder.path().join("grid.png");
        let [run, out_text, grid] = [&run, &out, &grid].map(|p| p.display().to_string());
        let args = ["sample", &run, "--per-class", "3", "--seed", seed, "--out", &out_text];
        gleaner().call(args.iter().chain(&["--grid", &grid])).done();
        fs::read(out).unwrap()
    };
    let first = sample("0", "a.npz");
    assert_eq!(first, sample("0", "b.npz"));
    assert_ne!(first, sample("1", "c.npz"));
    assert!(fs::read(folder.path().join("grid.png")).unwrap().starts_with(b"\x89PNG"));
    let mut arrays = Npz::open(&first, "a.npz").unwrap();
    let shape = |arrays: &mut Npz<'_>, name: &str| arrays.require(name).unwrap().shape;
    assert_eq!(shape(&mut arrays, "x"), [30, 8, 8, 1]);
    assert_eq!(shape(&mut arrays, "y"), [30]);
    assert_eq!(shape(&mut arrays, "z"), [30, 4]);
    assert_eq!(shape(&mut arrays, "logits"), [30, 10]);
    assert_eq!(shape(&mut arrays, "entropy"), [30]);
}

#[test]
fn a_picture_shows_no_more_than_20_samples_of_a_class() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    gleaner().train_small(&run, &[]).done();
    let [run, out] = [&run, &folder.path().join("a.npz")].map(|p| p.display().to_string());
    let size = |count: &str| {
        let grid = folder.path().join(format!("{count}.png"));
        let text = grid.display().to_string();
        gleaner()
            .call(["sample", &run, "--per-class", count, "--out", &out, "--grid", &text])
            .done();
        let png = fs::read(grid).unwrap();
        // The header: width, then height.
        [16, 20].map(|at| u32::from_be_bytes(png[at..at + 4].try_into().unwrap()))
    };
    let [few, many] = ["20", "50"].map(size);
    assert_eq!(few, many);
    assert!(size("10")[0] < few[0]);
}

#[test]
fn reconstructions_are_a_picture_and_impossible_sizes_are_refused() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    gleaner().train_small(&run, &[]).done();
    let out = folder.path().join("pairs.png");
    let huge = folder.path().join("huge.npz").display().to_string();
    let run_text = run.display().to_string();
    for (count, named) in [("0", "at least 1"), ("99999999999999", "the first with --shard 1/")] {
        let said = gleaner().call(["sample", &run_text, "--per-class", count, "--out", &huge]);
        assert!(said.error().contains(named), "{}", said.error());
    }
    let [run, out_text] = [&run, &out].map(|p| p.display().to_string());
    gleaner().call(["reconstruct", &run, "--out", &out_text]).done();
    assert!(fs::read(out).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn mier_changes_the_objective_and_is_written_down() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    gleaner().train_small(&run, &["--mier", "--mier-beta=2"]).done();
    let config = text(run.join("config.toml"));
    assert!(config.contains("[objective.mier]") && config.contains("beta = 2.0"), "{config}");
    let plain = folder.path().join("plain");
    gleaner().train_small(&plain, &[]).done();
    assert_ne!(text(run.join("metrics.jsonl")), text(plain.join("metrics.jsonl")));
}

#[test]
fn sampling_classes_trains_and_is_written_down_with_the_parts() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    gleaner().train_small(&run, &["--marginalize=sum-and-sample:2", "--threads=2"]).done();
    let config = text(run.join("config.toml"));
    assert!(config.contains("marginalize = \"sum-and-sample:2\""), "{config}");
    assert!(config.contains("parts = 2"), "what 0 stood for is written down: {config}");
}

#[test]
fn a_diverging_run_goes_back_halves_the_rate_and_says_so() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    let said = gleaner().train_small(&run, &["--lr=300", "--set=train.warm-up-steps=0"]);
    assert!(said.stderr.contains("learning rate halved"), "{}", said.stderr);
    let summary = said.done().json();
    assert!(summary["roll_backs"].as_u64() > Some(0));
    // What is kept is a model that has not exploded.
    assert!(summary["elbo"].as_f64() > Some(-1000.0), "{summary}");
}

#[test]
fn a_run_that_keeps_diverging_is_given_up_with_advice() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    let said = gleaner().train_small(&run, &["--lr=1e30", "--set=train.warm-up-steps=0"]);
    assert!(said.error().contains("smaller --lr"), "{}", said.stderr);
    assert!(!run.join("summary.json").exists());
}

#[test]
fn wrong_settings_are_named_and_leave_nothing_behind() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    for (arg, named) in [
        ("--set=train.learning-rate=1", "unknown field `learning-rate`"),
        ("--set=lr", "--set lr"),
        ("--lr=-1", "train.lr = -1"),
        ("--labels-per-class=500", "labels-per-class = 500"),
        ("--labels=55", "data.labels = 55"),
        ("--set=model.kind=m3", "m1, m2, m1m2"),
        ("--set=model.auxiliary=5", "auxiliary"),
        ("--model=ladder", "in `latent`"),
        ("--model=ladder --set=model.latent=[4,2]", "one width for each"),
        ("--device=tpu", "--device tpu"),
        ("--device=cuda", "scripts/cuda.sh build --release"),
        ("--noise=device", "needs a GPU"),
        ("--set=objective.marginalize=most", "sum-and-sample:K"),
        ("--data=nothing", "nothing"),
        ("--batch-size=0", "batch-size = 0"),
        ("--threads=5000", "--threads 5000: this machine has"),
        ("--set=model.latent=0", "latent = 0"),
        ("--set=objective.classifier-shift=8", "classifier-shift = 8"),
        ("--set=data.standardise=true", "likelihood=gaussian"),
    ] {
        let said = gleaner().train_small(&run, &arg.split(' ').collect::<Vec<_>>());
        assert!(said.error().contains(named), "{arg}: {}", said.error());
        assert!(!run.exists(), "{arg}");
    }
    assert_eq!(gleaner().call(["train", "--epochs"]).code, Some(2));
    assert_eq!(gleaner().call(["train", "--model", "m3"]).code, Some(2));
    assert_eq!(gleaner().call(["trian"]).code, Some(2));
}

#[test]
fn broken_recipes_and_runs_are_refused_in_one_line() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("broken.toml"), "[train]\nlr = 1\nepo").unwrap();
    fs::write(path("unknown.toml"), "[train]\nspeed = 1").unwrap();
    let out = path("run");
    for (recipe, named) in [
        ("broken.toml", "line 3: not valid TOML"),
        ("unknown.toml", "unknown field `speed`"),
        ("none.toml", "none.toml"),
    ] {
        let said = gleaner().call(["train", &path(recipe), "--out", &out]);
        assert!(said.error().contains(named), "{}", said.error());
    }
    assert!(gleaner().call(["eval", &path("none")]).error().contains("none\" is not a run"));
    assert!(gleaner().call(["train", "--resume", &path("none")]).error().contains("is not a run"));
}

#[test]
fn a_run_whose_settings_are_cut_off_is_refused_by_every_verb() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    gleaner().train_small(&run, &[]).done();
    let config = text(run.join("config.toml"));
    fs::write(run.join("config.toml"), config.split("kl-warm-up").next().unwrap()).unwrap();
    let run = run.to_str().unwrap();
    let out = folder.path().join("out.npz");
    let out = out.to_str().unwrap();
    for arguments in [
        &["train", "--resume", run][..],
        &["eval", run],
        &["sample", run, "--per-class=1", "--out", out],
        &["baselines", run],
        &["report", run],
        &["embed", run],
        &["traverse", run],
        &["reconstruct", run],
        &["publish", run, "--out", out],
        &["data", "export", run, "--out", out],
    ] {
        let said = gleaner().call(arguments);
        let said = said.error();
        assert!(said.contains("copy it again as a whole"), "{arguments:?}: {said}");
        assert!(said.contains("config.toml"), "{arguments:?}: {said}");
    }
    assert!(!folder.path().join("out.npz").exists());
}

#[test]
fn a_run_is_not_written_over() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    gleaner().train_small(&run, &[]).done();
    let before = text(run.join("summary.json"));
    assert!(gleaner().train_small(&run, &[]).error().contains("--resume"));
    assert_eq!(text(run.join("summary.json")), before);
}

#[test]
fn broken_checkpoints_are_refused_in_one_line() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    gleaner().train_small(&run, &[]).done();
    let model = run.join("model.safetensors");
    let good = fs::read(&model).unwrap();
    let mut poisoned = Checkpoint::from_bytes(&good).unwrap();
    poisoned.parameters.values_mut().next().unwrap().values[0] = f32::NAN;
    let mut lacking = Checkpoint::from_bytes(&good).unwrap();
    lacking.parameters.remove("classifier.output.bias");
    let mut other = Checkpoint::from_bytes(&good).unwrap();
    other.parameters.get_mut("classifier.output.bias").unwrap().shape = vec![5, 2];
    let mut wrong_magic = good.clone();
    wrong_magic[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    let cases: [(&str, Vec<u8>); 7] = [
        ("cut off", good[..good.len() / 2].to_vec()),
        ("empty", Vec::new()),
        ("wrong magic", wrong_magic),
        ("a text", b"{}".to_vec()),
        ("NaN", poisoned.to_bytes().unwrap()),
        ("a missing parameter", lacking.to_bytes().unwrap()),
        ("another shape", other.to_bytes().unwrap()),
    ];
    for (case, bytes) in cases {
        fs::write(&model, bytes).unwrap();
        let said = gleaner().call(["eval", &run.display().to_string()]);
        assert!(said.error().contains("model.safetensors"), "{case}: {}", said.error());
        let out = folder.path().join("x.npz");
        let args = ["sample", "--per-class=2", "--out"];
        let said = gleaner().call(
            args.iter().map(AsRef::<std::ffi::OsStr>::as_ref).chain([out.as_ref(), run.as_ref()]),
        );
        said.error();
        assert!(!out.exists(), "{case}");
    }
    fs::remove_file(&model).unwrap();
    fs::create_dir(&model).unwrap();
    gleaner().call(["eval", &run.display().to_string()]).error();
}

#[test]
fn broken_data_files_end_in_one_line_and_leave_nothing() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("infinite.csv"), "a,b,label\n1,inf,0\n2,3,1\n").unwrap();
    fs::write(path("ragged.csv"), "a,b,label\n1,2,0\n2,3\n").unwrap();
    fs::write(path("empty.csv"), "").unwrap();
    fs::write(path("cut.csv.gz"), [0x1f, 0x8b, 8, 0, 0]).unwrap();
    fs::write(path("not.npz"), b"PK\x03\x04 and no more").unwrap();
    fs::create_dir(path("folder.npz")).unwrap();
    fs::create_dir(path("no-classes")).unwrap();
    for name in [
        "infinite.csv",
        "ragged.csv",
        "empty.csv",
        "cut.csv.gz",
        "not.npz",
        "folder.npz",
        "no-classes",
    ] {
        let data = format!("--data={}", path(name).display());
        gleaner().train_small(&run, &[&data]).error();
        assert!(!run.exists(), "{name}");
    }
}

#[test]
fn the_step_of_a_recipe_is_timed_and_written_down() {
    let folder = tempdir().unwrap();
    let recipe = format!("{}/../recipes/digits.toml", env!("CARGO_MANIFEST_DIR"));
    let call = ["bench", "recipe", &recipe, "--json", "--steps=1", "--set=train.batch-size=2"];
    let bench = gleaner().call(call).done().json();
    assert!(bench["ms"].as_f64() > Some(0.0) && bench["batch_size"] == 2, "{bench}");
    let predicted = gleaner().call([&call[..], &["--predict=3"]].concat()).done().json();
    assert!(predicted["ms"].as_f64() > Some(0.0) && predicted["predict"] == 3, "{predicted}");
    let unknown = gleaner().call([&call[..], &["--set=data.name=protein"]].concat());
    assert!(unknown.error().contains("--shape 50"), "{}", unknown.stderr);
    let fixture = folder.path().join("fixture");
    let fixture_flag = format!("--fixture={}", fixture.display());
    gleaner().call([&call[..], &[&fixture_flag]].concat()).done();
    for name in ["model.safetensors", "batch.npz", "step.json"] {
        assert!(fixture.join(name).is_file(), "{name}");
    }
}

#[test]
fn small_verbs_answer_in_json() {
    let devices = gleaner().call(["devices", "--json"]).done().json();
    assert_eq!(devices["devices"][0], "cpu");
    let folder = tempdir().unwrap();
    let dir = folder.path().display().to_string();
    let list = gleaner().call(["data", "list", "--json", "--data-dir", &dir]).done().json();
    assert_eq!(list["sets"][0]["name"], "digits");
    let licences = gleaner().call(["licences", "--json"]).done().json();
    assert!(licences["licences"].as_str().unwrap().contains("Apache License"));
    let bench = gleaner()
        .call(["bench", "step", "--json", "--steps=1", "--batch-size=2", "--labelled-batch-size=2"])
        .done()
        .json();
    assert!(bench["step_ms"].as_f64() > Some(0.0));
    assert!(gleaner().call(["bench", "step", "--steps=0"]).error().contains("at least 1"));
    let call = ["bench", "coreset", "--json", "--steps=1", "--points=50", "--dims=3", "--size=5"];
    let bench = gleaner().call(call).done().json();
    assert!(bench["ms"].as_f64() > Some(0.0) && bench["objective"].as_f64() > Some(0.0));
    assert!(
        gleaner().call(["bench", "coreset", "--points=5"]).error().contains("at most --points")
    );
    let stem = folder.path().join("sweep");
    let sweep = ["--rounds=1", "--steps=1", "--", "--batch-size=2", "--hidden=4", "--latent=2"];
    let stem_flag = format!("--out={}", stem.display());
    let call = [&["bench", "sweep", "classes", "--json", "--values=3,2", &stem_flag], &sweep[..]];
    let swept = gleaner().call(call.concat()).done().json();
    assert_eq!(swept["times"].as_array().map(Vec::len), Some(4), "two values, two ways");
    let table = fs::read_to_string(stem.with_extension("csv")).unwrap();
    assert!(table.lines().nth(1).is_some_and(|row| row.starts_with("2,exact,")), "{table}");
    assert!(stem.with_extension("svg").exists());
    let nowhere = format!("--out={dir}/missing/sweep");
    let said = gleaner().call(["bench", "sweep", "latent", "--rounds=999", &nowhere]);
    assert!(said.error().contains("missing"), "before the first round: {}", said.stderr);
    let call = ["bench", "sweep", "latent", "--values=2", "--rounds=1", &stem_flag];
    for (wrong, named) in [
        (&["--values=0"][..], "--values must be"),
        (&["--", "--latnt=3"], "latent 2: unexpected argument '--latnt'"),
        (&["--", "--hidden=0"], "latent 2: model.hidden"),
    ] {
        let said = gleaner().call([&call[..], wrong].concat());
        assert!(said.error().contains(named), "{wrong:?}: {}", said.stderr);
    }
    for verb in [
        "train",
        "eval",
        "sample",
        "filter",
        "coreset",
        "reconstruct",
        "traverse",
        "embed",
        "report",
        "data",
        "devices",
        "bench",
    ] {
        let help = gleaner().call([verb, "--help"]).done().stdout;
        assert!(help.contains("Usage: gleaner"), "{help}");
    }
}
