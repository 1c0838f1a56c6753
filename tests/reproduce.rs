//! Tables, classical rows, frozen features, classes without labels, and the stacked model, as a user meets them.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "reproduce/cells.rs"]
mod cells;

use std::fs;
use std::path::Path;

use gleaner_core::data::formats::digits::digits;
use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::data::formats::npz::write_npz;
use gleaner_tests::program::Program;
use tempfile::tempdir;

fn gleaner() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"))
}

const TABLE: &str = r#"
title = "Two rows"
source = "nobody, table 0"
runs = "tiny"
full-budget = "ten steps"
quick-budget = "five steps"
metrics = [{ key = "test_accuracy", name = "Accuracy, %", factor = 100.0 }, { key = "elbo", name = "Bound" }]
columns = [
  { name = "digits", settings = { data = { name = "digits" } } },
  { name = "svhn", settings = { data = { name = "svhn", dir = "nowhere" } } },
]
settings = { model = { latent = 3, hidden = [8], classifier-hidden = [8] }, train = { baseline-steps = 10 } }
full = { train = { steps = 10 } }
quick = { train = { steps = 5 } }

[[rows]]
name = "M2"
paper.test_accuracy = { "digits" = 50.0, "svhn" = 20.0 }

[[rows]]
name = "M2+MIER"
against = "M2"
paper.test_accuracy = { "digits" = 60.0 }
settings = { objective = { mier = { beta = 5.0, gamma = 1.0 } } }

[[rows]]
name = "network"
method = "network"

[[rows]]
name = "label spreading"
method = "spreading-knn"
"#;

fn table(folder: &Path) -> String {
    let path = folder.join("tiny.toml");
    fs::write(&path, TABLE).unwrap();
    path.display().to_string()
}

#[test]
fn a_table_without_data_fails_and_leaves_nothing() {
    let folder = tempdir().unwrap();
    let (table, out) = (table(folder.path()), folder.path().join("out"));
    let call = ["reproduce", &table, "--quick", "--only=svhn", "--out"];
    let said = gleaner().call([&call[..], &[&out.display().to_string()]].concat());
    assert!(
        said.error().contains("nowhere\" has no svhn; run: gleaner data fetch svhn"),
        "{said:?}"
    );
    let left: Vec<_> =
        fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["tiny"], "an empty folder of runs, and no table");
}

#[test]
fn a_table_is_run_drawn_and_gone_on_with() {
    let folder = tempdir().unwrap();
    let (table, out) = (table(folder.path()), folder.path().join("out"));
    let call = ["reproduce", &table, "--quick", "--draws=2", "--json", "--out"];
    let out_text = out.display().to_string();
    let call = [&call[..], &[&out_text]].concat();
    let said = gleaner().call(&call).done();
    let named = said.json();
    let text = fs::read_to_string(named["markdown"].as_str().unwrap()).unwrap();
    for expected in [
        "Paper: nobody, table 0",
        "Budget: five steps",
        "Seeds: 0, 1",
        "Skipped: svhn",
        "| M2 | 50.00 |",
        "| label spreading | – |",
        "| M2+MIER against M2 | digits | +10.00 |",
        "## Bound",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!text.contains("NaN") && !text.contains("other commands"), "{text}");
    let rows = fs::read_to_string(named["csv"].as_str().unwrap()).unwrap();
    // Two draws of four rows, and the bound of the two that have one.
    assert_eq!(rows.lines().count(), 1 + 8 + 4, "{rows}");
    let svg = fs::read_to_string(named["svg"].as_str().unwrap()).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("label spreading"), "{svg}");

    assert!(gleaner().call(&call).error().contains("--resume"));
    let run = out.join("tiny/quick-digits-m2-seed1/summary.json");
    let before = fs::metadata(&run).unwrap().modified().unwrap();
    fs::remove_file(out.join("tiny/quick-digits-network-seed0.json")).unwrap();
    let again = gleaner().call([&call[..], &["--resume"]].concat()).done();
    assert_eq!(fs::read_to_string(named["csv"].as_str().unwrap()).unwrap(), rows);
    assert_eq!(fs::metadata(&run).unwrap().modified().unwrap(), before, "{}", again.stderr);

    let other = [&call[..], &["--resume", "--set=train.lr=0.5"]].concat();
    assert!(gleaner().call(other).error().contains("other settings"));
    let network = ["--resume", "--only=network", "--set=data.labels-per-class=5"];
    assert!(gleaner().call([&call[..], &network].concat()).error().contains("other settings"));

    let whole = fs::read(&run).unwrap();
    fs::write(&run, &whole[..20]).unwrap();
    let cut = gleaner().call([&call[..], &["--resume"]].concat());
    assert!(cut.error().contains("summary.json\" is not a valid summary; delete it"));
    fs::write(&run, whole).unwrap();

    // What was not asked for this time stays in the table.
    let few = ["reproduce", &table, "--quick", "--draws=1", "--only=MIER", "--resume", "--out"];
    gleaner().call([&few[..], &[&out_text]].concat()).done();
    assert_eq!(fs::read_to_string(named["csv"].as_str().unwrap()).unwrap(), rows);
    let text = fs::read_to_string(named["markdown"].as_str().unwrap()).unwrap();
    assert!(text.contains("--only MIER`, and other commands with the same folder"), "{text}");
    assert!(!text.contains("not comparable"), "{text}");

    // A run says by the name of its data that they were a part.
    let part = fs::read_to_string(&run).unwrap().replace("\"digits\"", "\"ag-news-10k\"");
    fs::write(&run, part).unwrap();
    gleaner().call([&call[..], &["--resume"]].concat()).done();
    let text = fs::read_to_string(named["markdown"].as_str().unwrap()).unwrap();
    assert!(text.contains("- ag-news-10k: 10000 of the 120000 training examples"), "{text}");
}

const CHOSEN: &str = r#"
title = "Samples of one generator"
source = "nobody, table 1"
runs = "chosen"
full-budget = "ten steps"
quick-budget = "five steps"
metrics = [{ key = "test_accuracy", name = "Accuracy, %", factor = 100.0 }]
columns = [{ name = "digits", settings = { data = { name = "digits" } } }]
full = { train = { steps = 10 } }
quick = { train = { steps = 5 } }

[[plots]]
name = "budget"
title = "Accuracy against samples"
x = "samples"
series = ["random", "CRAIG"]
levels = ["network"]

[settings]
model = { latent = 3, hidden = [8], classifier-hidden = [8] }
train = { baseline-steps = 10 }
augment = { at = 0, every = 1, pool = 100, keep-agreeing = false, method = "random", weight = 1.0, pseudo-label = false }

[[rows]]
name = "network"
method = "network"

[[rows]]
name = "generator"
against = "network"
method = "generator"

[[rows]]
name = "random"
against = "network"
method = "chosen"
each = { setting = "augment.at-most", values = [20, 50] }

[[rows]]
name = "CRAIG"
against = "random"
method = "chosen"
settings = { augment = { method = "craig", space = "last-layer" } }
each = { setting = "augment.at-most", values = [20, 70] }
"#;

#[test]
fn rows_choose_from_the_samples_of_one_generator() {
    let folder = tempdir().unwrap();
    let (table, out) = (folder.path().join("chosen.toml"), folder.path().join("out"));
    fs::write(&table, CHOSEN).unwrap();
    let [table_text, out_text] = [&table, &out].map(|path| path.display().to_string());
    let call = ["reproduce", &table_text, "--quick", "--draws=1", "--json", "--out", &out_text];
    // A row alone trains the generator that it needs.
    let alone = gleaner().call([&call[..], &["--only=random, 20"]].concat()).done();
    assert!(alone.stderr.contains("100 drawn") && alone.stderr.contains("20 chosen"), "{alone:?}");
    let generator = out.join("chosen/quick-digits-generator-seed0/summary.json");
    let before = fs::metadata(&generator).unwrap().modified().unwrap();
    let said = gleaner().call([&call[..], &["--resume"]].concat()).done();
    assert_eq!(fs::metadata(&generator).unwrap().modified().unwrap(), before, "one for all");
    for chosen in ["50 chosen", "20 chosen", "70 chosen"] {
        assert!(said.stderr.contains(chosen), "{chosen}: {}", said.stderr);
    }
    let named = said.json();
    let text = fs::read_to_string(named["markdown"].as_str().unwrap()).unwrap();
    let measured = fs::read_to_string(&generator).unwrap();
    let measured: serde_json::Value = serde_json::from_str(&measured).unwrap();
    let accuracy = 100.0 * measured["test_accuracy"].as_f64().unwrap();
    for expected in [
        "| | digits |\n".to_owned(),
        format!("| generator | {accuracy:.2} |"),
        // The same number of samples of the other rows, or that row itself if it has a single one.
        "| CRAIG, 20 against random, 20 | digits |".to_owned(),
        "| random, 50 against network | digits |".to_owned(),
        "![Accuracy against samples](chosen-quick-budget.svg)".to_owned(),
    ] {
        assert!(text.contains(&expected), "{expected}: {text}");
    }
    assert!(!text.contains("paper |") && !text.contains("beside the paper"), "{text}");
    let plot = fs::read_to_string(named["plots"][0].as_str().unwrap()).unwrap();
    for expected in ["random", "CRAIG", "network", ">20<", ">50<", ">70<", "samples"] {
        assert!(plot.contains(expected), "{expected}: {plot}");
    }

    let wrong = CHOSEN.replace("[\"random\", \"CRAIG\"]", "[\"random\", \"Craig\"]");
    fs::write(&table, wrong).unwrap();
    let said = gleaner().call([&call[..], &["--resume"]].concat());
    assert!(said.error().contains("plot `budget` shows `Craig`"), "{}", said.stderr);
}

#[test]
fn what_is_no_table_is_refused_in_one_line() {
    let folder = tempdir().unwrap();
    let (table, broken) = (table(folder.path()), folder.path().join("broken.toml"));
    fs::write(&broken, "title = 1").unwrap();
    let out = format!("--out={}", folder.path().join("out").display());
    for (args, named) in [
        (&["mier-9"][..], "mier-1, mier-2"),
        (&[&broken.display().to_string()], "not a valid table"),
        (&[&table, "--draws=0"], "--draws 0"),
        (&[&table, "--only=digits", "--only=cifar"], "has no such data set or row; data sets: "),
        (&[&table, "--set=train.speed=1"], "speed"),
        (&[&table, "--device=gpu"], "--device gpu: unknown device"),
    ] {
        let said = gleaner().call([&["reproduce", &out], args].concat());
        assert!(said.error().contains(named), "{args:?}: {}", said.stderr);
        assert!(!folder.path().join("out").exists(), "{args:?}");
    }
}

#[test]
fn classical_methods_learn_the_digits() {
    let said = gleaner().call(["baselines", "--json", "--set=train.baseline-steps=100"]).done();
    let shares = said.json()["accuracy"].as_object().unwrap().clone();
    assert_eq!(shares.len(), 7, "{shares:?}");
    // Ten labels a class of an easy set: guessing would be a tenth.
    for (name, share) in shares {
        assert!(share.as_f64().unwrap() > 0.7, "{name}: {share}");
    }
}

#[test]
fn frozen_features_take_the_examples_place() {
    let folder = tempdir().unwrap();
    let data = digits().unwrap();
    // Features that give the class away: only a run that reads them can be right every time.
    let split = |examples: &gleaner_core::data::Examples| {
        let rows = examples.labels.iter();
        let values = rows.flat_map(|&class| (0..10).map(move |k| f32::from(k == class))).collect();
        NpyArray::f32(&[examples.len(), 10], values)
    };
    let path = folder.path().join("features.npz");
    let file = write_npz(&[("x", split(&data.train)), ("x_test", split(&data.test))]).unwrap();
    fs::write(&path, file).unwrap();
    let features = format!("--features={}", path.display());
    let run = folder.path().join("run");
    let more = [features.as_str(), "--set=train.baseline-steps=300"];
    let summary = gleaner().train_small(&run, &more).done().json();
    assert_eq!(summary["baseline_accuracy"], 1.0, "{summary}");
    let eval = gleaner().call(["eval", "--json", &run.display().to_string()]).done().json();
    assert_eq!(eval["accuracy"], summary["test_accuracy"]);

    let short = write_npz(&[("x", split(&data.test)), ("x_test", split(&data.test))]).unwrap();
    fs::write(&path, short).unwrap();
    let said = gleaner().train_small(&folder.path().join("short"), &[&features]);
    assert!(said.error().contains("features.npz"), "{}", said.stderr);
}

#[test]
fn every_model_trains_is_measured_and_sampled() {
    for (model, sizes) in [
        ("m1", "latent=4 hidden=[16]"),
        (
            "m1m2",
            "feature-latent=5 feature-hidden=[16] latent=4 hidden=[16] classifier-hidden=[16]",
        ),
        ("adgm", "latent=4 auxiliary=3 hidden=[16] classifier-hidden=[16]"),
        ("sdgm", "latent=4 auxiliary=3 hidden=[16] classifier-hidden=[16]"),
        ("ladder", "latent=[4,2] hidden=[16,12] classifier-hidden=[16]"),
        ("untapped", "latent=2 hidden=[16] encoder-hidden=[8] classifier-hidden=[16]"),
    ] {
        let sizes = sizes.split(' ').map(|size| format!("--set=model.{size}"));
        let more = [
            "--steps=300",
            "--batch-size=32",
            "--lr=5e-3",
            "--set=model.activation=relu",
            "--set=train.baseline-steps=20",
            "--set=train.feature-epochs=15",
        ];
        let more: Vec<String> = sizes.chain(more.map(str::to_owned)).collect();
        let folder = tempdir().unwrap();
        let run = folder.path().join("run").display().to_string();
        let name = format!("--model={model}");
        let start = ["train", "--json", "--out", &run, &name];
        let more = more.iter().map(String::as_str);
        let said = gleaner().call(start.into_iter().chain(more));
        let summary = said.done().json();
        assert_eq!(summary["model"], model);
        assert!(summary["elbo"].as_f64().unwrap() > -60.0, "{summary}");
        // M1's machines are right more often than one time in ten, and so is every classifier.
        assert!(summary["test_accuracy"].as_f64().unwrap() > 0.2, "{summary}");
        assert_eq!(summary["svm"].is_object(), model == "m1", "{summary}");

        let eval = gleaner().call(["eval", "--json", "--iwae-samples=3", &run]).done().json();
        let (bound, tighter) = (eval["elbo"].as_f64().unwrap(), eval["iwae"].as_f64().unwrap());
        assert!((bound - summary["elbo"].as_f64().unwrap()).abs() < 1e-6, "{model}: {eval}");
        assert_eq!(eval["accuracy"], summary["test_accuracy"], "{model}: {eval}");
        for certainty in ["entropy", "ece", "brier", "nll"] {
            assert_eq!(eval[certainty], summary[certainty], "{model}: {eval}");
            assert_eq!(eval[certainty].is_null(), model == "m1", "{model}: {eval}");
        }
        assert!(tighter > bound, "{model}: {eval}");
        let samples = folder.path().join("x.npz").display().to_string();
        let call = ["sample", &run, "--per-class=2", "--out", &samples];
        gleaner().call(call).done();
        assert!(gleaner().train_small(Path::new(&run), &[]).error().contains("--resume"));
    }
}

#[test]
fn classes_without_labels_are_given_names_by_a_judge() {
    let folder = tempdir().unwrap();
    let more = [
        "--model=untapped",
        "--set=data.labelled-classes=[0,1,2,3,4]",
        "--set=data.validation=0.0",
        "--set=model.latent=2",
    ];
    let summary = gleaner().train_small(&folder.path().join("run"), &more).done().json();
    assert_eq!(summary["labels"], 50);
    let names: Vec<u64> =
        summary["stands_for"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
    assert_eq!(names[..5], [0, 1, 2, 3, 4]);
    let mut sorted = names;
    sorted.sort_unstable();
    assert_eq!(sorted, (0..10).collect::<Vec<_>>());
    assert!(summary["unseen_cross_entropy"].as_f64().unwrap() > 0.0);
    let said = gleaner().train_small(
        &folder.path().join("other"),
        &["--model=untapped", "--set=data.labelled-classes=[0,11]"],
    );
    assert!(said.error().contains("labelled-classes"), "{}", said.stderr);
}
