//! Texts from a file to words and back: vocabulary, runs, what is refused.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

use gleaner_core::checkpoint::Checkpoint;
use gleaner_tests::program::Program;
use gleaner_tests::program::{SMALL, Said};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

/// A subject that each class is about.
const SUBJECTS: [&str; 4] = ["treaty minister", "goal season", "market shares", "rocket software"];

const TRAIN: usize = 10_000;
const TEST: usize = 7_600;

fn gleaner() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"))
}

/// Rows of AG News as small as they can be: every text has the words of its class and one that few others have.
fn rows(count: usize) -> String {
    let row = |row: usize| {
        let subject = SUBJECTS[row % 4];
        let own: String =
            (row % 80).to_string().bytes().map(|digit| char::from(digit + 49)).collect();
        format!(
            "\"{}\",\"{subject} zz{own}\",\"the &lt;b&gt;said&lt;/b&gt; {subject}\"\n",
            row % 4 + 1
        )
    };
    (0..count).map(row).collect()
}

/// A data folder with as many texts as the sample of the training texts and the official test file have.
fn data() -> TempDir {
    let folder = tempdir().unwrap();
    let news = folder.path().join("ag_news");
    fs::create_dir(&news).unwrap();
    fs::write(news.join("train_sample10k.csv"), rows(TRAIN)).unwrap();
    fs::write(news.join("test.csv"), rows(TEST)).unwrap();
    folder
}

fn train(data: &Path, run: &Path, more: &[&str]) -> Said {
    let data_dir = format!("--data-dir={}", data.display());
    let out = format!("--out={}", run.display());
    let small = ["--set=train.batch-size=20", "--set=data.labels-per-class=5"];
    let first = ["train", "--json", &data_dir, &out];
    gleaner().call(first.iter().chain(SMALL).chain(&small).chain(more))
}

/// The line that refuses.
fn refusal(said: &Said) -> String {
    said.error().to_owned()
}

fn words(run: &Path) -> Vec<String> {
    let text = fs::read_to_string(run.join("vocabulary.txt")).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn run_of(folder: &TempDir) -> PathBuf {
    folder.path().join("run")
}

#[test]
fn a_run_on_texts_keeps_its_words_and_shows_them() {
    let (data, folder) = (data(), tempdir().unwrap());
    let run = run_of(&folder);
    let said = train(data.path(), &run, &["--data=ag_news", "--set=data.vocabulary=9"]).done();
    assert_eq!(said.json()["data"], "ag-news-10k");
    // "said" stands in every text; the words of a class twice in a quarter of them, in the order of the alphabet.
    let expected =
        ["said", "goal", "market", "minister", "rocket", "season", "shares", "software", "treaty"];
    assert_eq!(words(&run), expected);
    let samples = fs::read_to_string(run.join("samples.txt")).unwrap();
    assert!(samples.starts_with("World\n  most probable: "), "{samples}");
    assert!(samples.contains("Sci/Tech\n") && !run.join("samples.png").exists(), "{samples}");

    // log of the mean count of a word: "goal" twice in a quarter of the texts.
    let checkpoint = Checkpoint::from_bytes(&fs::read(run.join("model.safetensors")).unwrap());
    let background = &checkpoint.unwrap().parameters["decoder.background"];
    assert_eq!(background.shape, [9]);
    assert!((background.values[1].exp() - 0.5).abs() < 0.02, "{:?}", background.values);
    assert!((background.values[0].exp() - 1.0).abs() < 1e-6, "{:?}", background.values);

    let path = run.display().to_string();
    let accuracy = said.json()["test_accuracy"].as_f64().unwrap();
    let again = gleaner().call(["eval", &path, "--json"]).done().json();
    assert_eq!(again["accuracy"].as_f64().unwrap(), accuracy);
    let report = gleaner().call(["report", &path, "--json"]).done().json();
    assert_eq!(report["missing"], Value::Array(Vec::new()));
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(page.contains("distinctive:") && !page.contains("Reconstructions"), "{page}");
    for verb in ["reconstruct", "traverse"] {
        let error = refusal(&gleaner().call([verb, &path]));
        assert!(error.contains("not images") && error.contains("samples.txt"), "{error}");
    }
}

#[test]
fn a_run_is_read_with_its_own_words_whatever_the_data_say_now() {
    let (data, folder) = (data(), tempdir().unwrap());
    let run = run_of(&folder);
    let said = train(data.path(), &run, &["--data=ag-news", "--set=data.vocabulary=9"]).done();
    // A new word that stands in every text twice would now be the first column.
    let training = data.path().join("ag_news/train_sample10k.csv");
    fs::write(&training, rows(TRAIN).replace(" zz", " novel novel zz")).unwrap();
    let again = gleaner().call(["eval", &run.display().to_string(), "--json"]).done().json();
    assert_eq!(again["accuracy"], said.json()["test_accuracy"]);
    assert_eq!(again["elbo"], said.json()["elbo"]);
    // The same run from its settings counts anew.
    let other = folder.path().join("other");
    let config = run.join("config.toml").display().to_string();
    let out = format!("--out={}", other.display());
    gleaner().call(["train", &config, &out]).done();
    assert_eq!(words(&other)[0], "novel");
    // With more of its own words, they are other data.
    fs::write(&training, rows(TRAIN).replace(" zz", " treaty zz")).unwrap();
    let refused = refusal(&gleaner().call(["eval", &run.display().to_string()]));
    assert!(refused.contains("17600 rows as then, with other values or labels"), "{refused}");
}

#[test]
fn the_sample_of_the_training_texts_goes_by_its_own_name() {
    let (data, folder) = (data(), tempdir().unwrap());
    let said = train(data.path(), &run_of(&folder), &["--data=ag-news"]).done();
    assert_eq!(said.json()["data"], "ag-news-10k");
    assert!(said.stderr.contains("not comparable with published ones"), "{}", said.stderr);
}

#[test]
fn every_model_of_the_family_takes_texts() {
    let (data, folder) = (data(), tempdir().unwrap());
    let data_dir = format!("--data-dir={}", data.path().display());
    let common = [
        "--set=data.labels-per-class=5",
        "--set=train.batch-size=20",
        "--set=train.baseline-steps=0",
        "--set=train.steps=4",
    ];
    let small = ["--set=model.hidden=[8]", "--set=model.latent=3"];
    let classifier = "--set=model.classifier-hidden=[8]";
    let features = [
        classifier,
        "--set=model.feature-hidden=[8]",
        "--set=model.feature-latent=3",
        "--set=train.feature-epochs=1",
    ];
    let ladder = [classifier, "--set=model.latent=[3,2]", "--set=model.hidden=[8,8]"];
    let sizes: [(&str, &[&str]); 5] = [
        ("m1", &[]),
        ("m1m2", &features),
        ("adgm", &[classifier, "--set=model.auxiliary=3"]),
        ("sdgm", &[classifier, "--set=model.auxiliary=3"]),
        ("ladder", &ladder),
    ];
    for (model, sizes) in sizes {
        let run = folder.path().join(model);
        let out = format!("--out={}", run.display());
        let first = ["train", "--json", "--data=ag-news", &data_dir, &out, "--model", model];
        let said = gleaner().call(first.iter().chain(&common).chain(&small).chain(sizes)).done();
        assert!(run.join("samples.txt").is_file(), "{model}: {}", said.stdout);
        let elbo = said.json()["elbo"].as_f64().unwrap();
        assert!(elbo.is_finite() && elbo < 0.0, "{model}: {elbo}");
    }
    let error =
        refusal(&train(data.path(), &run_of(&folder), &["--data=ag-news", "--model=untapped"]));
    assert!(error.contains("texts"), "{error}");
}

#[test]
fn a_table_of_ones_own_texts_needs_the_names_of_its_columns() {
    let folder = tempdir().unwrap();
    let table = folder.path().join("mail.csv");
    let row =
        |row: usize| format!("{},{},spam and ham\n", ["good", "bad"][row % 2], SUBJECTS[row % 2]);
    fs::write(&table, format!("kind,title,body\n{}", (0..60).map(row).collect::<String>()))
        .unwrap();
    let data = format!("--data={}", table.display());
    let (run, columns) = (run_of(&folder), "--set=data.text=title,body");
    let said = train(folder.path(), &run, &[&data, columns, "--set=data.label=kind"]).done();
    assert_eq!(said.json()["data"], "mail");
    assert_eq!(words(&run), ["ham", "spam", "goal", "minister", "season", "treaty"]);
    let refused = |more: &[&str]| {
        let other = folder.path().join("other");
        let error = refusal(&train(folder.path(), &other, more));
        assert!(!other.exists(), "{error}");
        error
    };
    assert!(refused(&[&data]).contains("one class"));
    assert!(
        refused(&[&data, "--set=data.text=subject"]).contains("there is no column \"subject\"")
    );
    assert!(refused(&["--data=digits", columns]).contains("data.text is for data of your own"));
}

#[test]
fn settings_that_leave_no_counts_are_refused() {
    let (data, folder) = (data(), tempdir().unwrap());
    for (setting, expected) in [
        ("data.standardise=true", "data.standardise = true changes the counts"),
        ("data.grey=true", "data.grey = true"),
        ("data.binarise=dynamic", "data.binarise"),
        ("objective.classifier-noise=0.1", "classifier-noise"),
        ("objective.classifier-shift=1", "classifier-shift = 1 moves images"),
        ("model.likelihood=gaussian", "these examples are texts"),
        ("model.likelihood=bernoulli", "these examples are texts"),
        ("data.vocabulary=0", "data.vocabulary = 0 is not valid"),
    ] {
        let set = format!("--set={setting}");
        let error = refusal(&train(data.path(), &run_of(&folder), &["--data=ag-news", &set]));
        assert!(error.contains(expected), "{setting}: {error}");
    }
    let counts = ["--data=digits", "--set=model.likelihood=multinomial"];
    let error = refusal(&train(data.path(), &run_of(&folder), &counts));
    assert!(error.contains("multinomial describes counts"), "{error}");
    assert!(!run_of(&folder).exists());
}

#[test]
fn embeddings_of_texts_need_no_words() {
    use gleaner_core::data::formats::npy::NpyArray;
    use gleaner_core::data::formats::npz::write_npz;
    let (data, folder) = (data(), tempdir().unwrap());
    let of = |rows: usize| {
        let value = |at: usize| if at % 3 == at / 3 % 4 { 1.0 } else { (at % 7) as f32 * 0.01 };
        NpyArray::f32(&[rows, 3], (0..3 * rows).map(value).collect())
    };
    let file = folder.path().join("x.npz");
    fs::write(&file, write_npz(&[("x", of(TRAIN)), ("x_test", of(TEST))]).unwrap()).unwrap();
    let (run, features) = (run_of(&folder), format!("--features={}", file.display()));
    let said = train(data.path(), &run, &["--data=ag-news", &features]).done();
    assert_eq!(said.json()["data"], "ag-news-10k");
    assert!(!run.join("vocabulary.txt").exists() && !run.join("samples.txt").exists());
    gleaner().call(["eval", &run.display().to_string()]).done();
    // Another number of rows, and no file.
    fs::write(&file, write_npz(&[("x", of(TRAIN - 1)), ("x_test", of(TEST))]).unwrap()).unwrap();
    let wanted = format!("a row for each of the {TRAIN} training and {TEST} test examples");
    let refused = |features: &str| {
        let other = folder.path().join("other");
        let said = train(data.path(), &other, &["--data=ag-news", features]);
        assert!(said.error().contains(&wanted) && !other.exists(), "{}", said.stderr);
        said.error().to_owned()
    };
    refused(&features);
    let missing = format!("--features={}", folder.path().join("missing.npz").display());
    assert!(refused(&missing).contains("there is no such file"));
}
