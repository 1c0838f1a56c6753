//! What a page trains is what the command line trains: the same curve, a run that either goes on with, the same predictions.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use gleaner_core::data::Values;
use gleaner_core::data::formats::digits::digits;
use gleaner_core::data::toy::Toy;
use gleaner_core::noise::Noise;
use gleaner_tests::program::Program;
use gleaner_tests::wait;
use gleaner_training::file::{File, Rows};
use gleaner_training::training::Training;
use serde_json::{Map, Value, json};
use tempfile::tempdir;

fn gleaner() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"))
}

/// Two moons with six labels, and points that are held out.
fn moons() -> File {
    let noise = Noise::new(5);
    let points = Toy::TwoMoons.draw(120, 0.1, &noise);
    let given = points.given(6, 2, &noise).unwrap();
    let held = Toy::TwoMoons.draw(50, 0.1, &noise.split("held out"));
    let (train, test) =
        (Rows { x: Values::F32(points.x), y: given }, Rows { x: Values::F32(held.x), y: held.y });
    File::of_points("moons.csv", &train, &test).unwrap()
}

/// Some of the digits, some of them labelled.
fn pictures() -> File {
    let data = digits().unwrap();
    let rows: Vec<usize> = (0..200).collect();
    let (x, labels) = (data.train.gather(&rows), &data.train.labels[..200]);
    let y = labels.iter().enumerate().map(|(row, &y)| if row % 4 == 0 { y } else { -1 }).collect();
    let bytes =
        |x: Vec<f32>| Values::U8(x.into_iter().map(|x| (x * 255.0).round() as u8).collect());
    let test = data.test.gather(&rows[..60]);
    let test = Rows { x: bytes(test), y: data.test.labels[..60].to_vec() };
    File::of_pictures("digits.npz", &[8, 8, 1], &Rows { x: bytes(x), y }, &test).unwrap()
}

fn settings(pairs: &[(&str, Value)]) -> Map<String, Value> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn m2() -> Map<String, Value> {
    settings(&[
        ("model.kind", json!("m2")),
        ("model.hidden", json!([16])),
        ("model.classifier-hidden", json!([16])),
        ("objective.mier.beta", json!(1)),
        ("objective.mier.gamma", json!(0.5)),
        ("train.steps", json!(47)),
        ("train.baseline-steps", json!(30)),
        ("train.seed", json!(3)),
    ])
}

fn latent_ebm() -> Map<String, Value> {
    let mut settings = settings(&[
        ("model.kind", json!("latent-ebm")),
        ("model.latent", json!(2)),
        ("model.hidden", json!([16])),
        ("model.energy-hidden", json!([16])),
        ("objective.latent-ebm.start", json!("persistent")),
        ("train.steps", json!(31)),
        ("train.batch-size", json!(20)),
    ]);
    settings.insert("objective.latent-ebm.chains.steps".to_owned(), json!(5));
    settings
}

/// `gleaner train` on the same file with the same settings.
fn on_the_command_line(folder: &Path, file: &File, settings: &Map<String, Value>) -> PathBuf {
    let path = folder.join(&file.name);
    fs::write(&path, &file.bytes).unwrap();
    let run = folder.join("run");
    let mut arguments = vec![
        "train".to_owned(),
        format!("--data={}", path.display()),
        format!("--out={}", run.display()),
    ];
    arguments.extend(settings.iter().map(|(name, value)| format!("--set={name}={value}")));
    gleaner().call(arguments.iter().map(String::as_str)).done();
    run
}

fn in_the_page(file: &File, settings: &Map<String, Value>) -> Training {
    Training::new(file.clone(), settings, &Device::flex()).unwrap()
}

fn to_the_end(run: &mut Training) {
    wait(run.advance(&|| true)).unwrap();
    assert!(run.is_done());
}

fn lines(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The lines of a run in a page, as its folder has them.
fn lines_of(run: &Training, folder: &Path) -> Vec<Value> {
    lines(&unpacked(run, folder))
}

fn unpacked(run: &Training, folder: &Path) -> PathBuf {
    let bytes = wait(run.run()).unwrap();
    zip::ZipArchive::new(Cursor::new(bytes)).unwrap().extract(folder).unwrap();
    folder.join(run.name())
}

/// Numbers of lines are the same but for rounding: the command line has other threads.
fn assert_same_curve(page: &[Value], native: &[Value]) {
    assert!(page.len() > 2 && page.len() == native.len(), "{} and {}", page.len(), native.len());
    for (ours, theirs) in page.iter().zip(native) {
        let (ours, theirs) = (ours.as_object().unwrap(), theirs.as_object().unwrap());
        assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
        for (name, value) in ours {
            let (a, b) = (value.as_f64().unwrap(), theirs[name].as_f64().unwrap());
            assert!((a - b).abs() <= 1e-4 * b.abs().max(1.0), "{name}: {a} in the page, {b}");
        }
    }
}

/// What both networks are right about on the test split, to the last example.
fn assert_same_accuracy(run: &Training, native: &Path) {
    let summary = fs::read_to_string(native.join("summary.json")).unwrap();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    let [model, labels_only] = wait(run.score_held_out()).unwrap();
    for (score, name) in [(model, "test_accuracy"), (labels_only, "baseline_accuracy")] {
        let native = summary[name].as_f64().unwrap_or_else(|| panic!("{name}: {summary}"));
        assert_eq!(score.right as f64 / score.count as f64, native, "{name}");
    }
}

#[test]
fn the_curve_is_that_of_the_command_line() {
    let cases = [(moons(), m2()), (moons(), latent_ebm()), (pictures(), m2())];
    for (number, (file, settings)) in cases.into_iter().enumerate() {
        let folder = tempdir().unwrap();
        let native = on_the_command_line(folder.path(), &file, &settings);
        let mut run = in_the_page(&file, &settings);
        to_the_end(&mut run);
        assert_same_accuracy(&run, &native);
        let page = lines_of(&run, &folder.path().join("page"));
        assert_same_curve(&page, &lines(&native));
        if number == 0 {
            // The seed is heard.
            let mut other = settings.clone();
            other.insert("train.seed".to_owned(), json!(4));
            let mut other = in_the_page(&file, &other);
            to_the_end(&mut other);
            assert_ne!(lines_of(&other, &folder.path().join("other")), page);
        }
    }
}

#[test]
fn a_run_from_the_page_goes_on_on_the_command_line_and_in_another_page() {
    let folder = tempdir().unwrap();
    for (name, file, settings) in [("m2", moons(), m2()), ("ebm", moons(), latent_ebm())] {
        let mut whole = in_the_page(&file, &settings);
        to_the_end(&mut whole);
        let whole = lines_of(&whole, &folder.path().join(name));

        let mut half = in_the_page(&file, &settings);
        for _ in 0..17 {
            wait(half.advance(&|| false)).unwrap();
        }
        let kept = wait(half.run()).unwrap();
        let native = unpacked(&half, &folder.path().join(format!("{name}-half")));
        let native = fs::canonicalize(native).unwrap();
        gleaner().call(["train", "--resume", &native.display().to_string()]).done();
        assert_same_curve(&lines(&native), &whole);

        let mut again = Training::resume(&kept, &Device::flex()).unwrap();
        to_the_end(&mut again);
        assert_eq!(lines_of(&again, &folder.path().join(format!("{name}-again"))), whole);
    }
}

#[test]
fn a_run_that_is_cut_off_or_put_together_from_two_is_refused_in_one_sentence() {
    let mut run = in_the_page(&moons(), &m2());
    to_the_end(&mut run);
    let kept = wait(run.run()).unwrap();
    let said = |bytes: &[u8]| {
        let error = Training::resume(bytes, &Device::flex()).unwrap_err().to_string();
        assert!(!error.contains('\n') && error.contains("this is not a run"), "{error}");
        error
    };
    said(&kept[..kept.len() / 2]);
    said(b"");
    let without = |name: &str, instead: Option<&[u8]>| {
        let mut archive = zip::ZipArchive::new(Cursor::new(&kept[..])).unwrap();
        let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for at in 0..archive.len() {
            let mut file = archive.by_index(at).unwrap();
            let path = file.name().unwrap().into_owned();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            if path.ends_with(name) {
                let Some(instead) = instead else { continue };
                bytes = instead.to_vec();
            }
            out.start_file(path, zip::write::SimpleFileOptions::default()).unwrap();
            out.write_all(&bytes).unwrap();
        }
        out.finish().unwrap().into_inner()
    };
    let error = said(&without("config.toml", None));
    assert!(error.contains("config.toml is missing"), "{error}");
    let error = said(&without("moons.csv", None));
    assert!(error.contains("moons.csv is missing"), "{error}");
    // The model of another run.
    let mut other = m2();
    other.insert("model.hidden".to_owned(), json!([7]));
    let mut other = in_the_page(&moons(), &other);
    to_the_end(&mut other);
    let error = said(&without("model.safetensors", Some(&wait(other.model()).unwrap())));
    assert!(error.contains("of another model than config.toml says"), "{error}");
    assert!(Training::resume(&kept, &Device::flex()).is_ok());
}

#[test]
fn the_model_predicts_on_the_command_line_what_it_predicts_in_the_page() {
    let folder = tempdir().unwrap();
    let file = moons();
    let mut run = in_the_page(&file, &m2());
    to_the_end(&mut run);
    let native = unpacked(&run, folder.path());
    let data = folder.path().join("moons.csv");
    fs::write(&data, &file.bytes).unwrap();
    let out = folder.path().join("predicted.csv");
    let (native, data) = (native.display().to_string(), data.display().to_string());
    gleaner().call(["predict", &native, &data, &format!("--out={}", out.display())]).done();
    let page = String::from_utf8(wait(run.predictions(None)).unwrap()).unwrap();
    let native = fs::read_to_string(&out).unwrap();
    assert_eq!(page.lines().count(), 171);
    for (ours, theirs) in page.lines().zip(native.lines()) {
        let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let (ours, theirs) = (cells(ours), cells(theirs));
        assert_eq!(ours[..2], theirs[..2]);
        for (a, b) in ours[2..].iter().zip(&theirs[2..]) {
            let (Ok(a), Ok(b)) = (a.parse::<f64>(), b.parse::<f64>()) else {
                assert_eq!(a, b);
                continue;
            };
            assert!((a - b).abs() < 1e-4, "{a} and {b}");
        }
    }
    assert_eq!(page, String::from_utf8(wait(run.predictions(Some(&file))).unwrap()).unwrap());
}

#[test]
fn weights_of_the_objective_are_changed_in_the_course_of_a_training() {
    let mut run = in_the_page(&moons(), &m2());
    wait(run.advance(&|| false)).unwrap();
    let change =
        |run: &mut Training, name: &str, value: Value| run.change(&settings(&[(name, value)]));
    change(&mut run, "objective.alpha", json!(3.5)).unwrap();
    change(&mut run, "objective.mier", Value::Null).unwrap();
    let advanced = wait(run.advance(&|| false)).unwrap();
    assert!(advanced.terms.iter().all(|(name, _)| !name.contains("mier")), "{:?}", advanced.terms);
    let error = change(&mut run, "train.lr", json!(1)).unwrap_err().to_string();
    assert!(error.starts_with("train.lr cannot be changed"), "{error}");
    let error = change(&mut run, "objective.alpha", json!(-1)).unwrap_err().to_string();
    assert!(error.contains("objective.alpha = -1 is not valid"), "{error}");
    // What was refused has changed nothing.
    let toml = {
        let folder = tempdir().unwrap();
        fs::read_to_string(unpacked(&run, folder.path()).join("config.toml")).unwrap()
    };
    assert!(toml.contains("alpha = 3.5") && !toml.contains("mier"), "{toml}");
}

#[test]
fn other_labels_are_learnt_from_without_a_new_start() {
    let noise = Noise::new(5);
    let points = Toy::TwoMoons.draw(120, 0.1, &noise);
    let file = |labels: usize| {
        let x = Values::F32(points.x.clone());
        let train = Rows { x, y: points.given(labels, 2, &noise).unwrap() };
        File::of_points("moons.csv", &train, &Rows::default()).unwrap()
    };
    let mut run = in_the_page(&file(6), &m2());
    for _ in 0..5 {
        wait(run.advance(&|| false)).unwrap();
    }
    let all = run.described()["steps"];
    let other = File { bytes: moons().bytes, ..file(40) };
    let error = run.relabel(other).unwrap_err().to_string();
    assert!(error.contains("has other examples than the run was trained on"), "{error}");
    run.relabel(file(40)).unwrap();
    assert_eq!((run.described()["step"], run.described()["labelled"]), (5, 40));
    to_the_end(&mut run);
    // With fewer unlabelled points, an epoch would have fewer steps: the run keeps those that it began with.
    assert_eq!((run.described()["steps"], run.described()["step"]), (all, all));
    let folder = tempdir().unwrap();
    for (at, line) in lines_of(&run, folder.path()).iter().enumerate() {
        assert_eq!(line["epoch"], json!(at + 1));
        assert!(line["objective"].is_number(), "{line}");
    }
    // In another page or on the command line, an epoch is as long as the labels make it.
    let mut again = Training::resume(&wait(run.run()).unwrap(), &Device::flex()).unwrap();
    to_the_end(&mut again);
    let y = points.y.iter().map(|&y| y.min(0)).collect();
    let one_class = Rows { x: Values::F32(points.x), y };
    let file = File::of_points("moons.csv", &one_class, &Rows::default()).unwrap();
    assert!(run.relabel(file).unwrap_err().to_string().contains("every class needs a label"));
}

#[test]
fn a_run_that_went_back_after_a_change_can_be_opened_again() {
    let mut run = in_the_page(&moons(), &m2());
    for _ in 0..5 {
        wait(run.advance(&|| false)).unwrap();
    }
    run.change(&settings(&[("objective.alpha", json!(1e38))])).unwrap();
    let noted = (0..5).any(|_| !wait(run.advance(&|| false)).unwrap().notes.is_empty());
    assert!(noted, "the run is to diverge");
    let again = Training::resume(&wait(run.run()).unwrap(), &Device::flex()).unwrap();
    assert_eq!(again.described()["step"], run.described()["step"]);
}

#[test]
fn arrays_of_the_same_kind_are_read_in_the_units_of_training() {
    let data = digits().unwrap();
    let rows: Vec<usize> = (0..200).collect();
    // From 0 to 16, as bytes: no picture's usual range.
    let bytes = data.train.gather(&rows).iter().map(|x| (x * 16.0).round() as u8).collect();
    let y = data.train.labels[..200].to_vec();
    let train = Rows { x: Values::U8(bytes), y };
    let file = File::of_pictures("few.npz", &[8, 8, 1], &train, &Rows::default()).unwrap();
    let run = in_the_page(&file, &m2());
    let mine = String::from_utf8(wait(run.predictions(None)).unwrap()).unwrap();
    let others = String::from_utf8(wait(run.predictions(Some(&file))).unwrap()).unwrap();
    assert_eq!(mine, others);
    let wide = Rows {
        x: Values::F32(data.train.gather(&rows).iter().map(|x| x * 255.0).collect()),
        ..train
    };
    let wide = File::of_pictures("wide.npz", &[8, 8, 1], &wide, &Rows::default()).unwrap();
    let error = wait(run.predictions(Some(&wide))).unwrap_err().to_string();
    assert!(error.contains("give values in the same units"), "{error}");
}

#[test]
fn a_file_with_the_name_of_one_of_a_runs_own_is_refused() {
    let file = File { name: "data.json".to_owned(), bytes: b"[{\"a\":1.5,\"label\":\"x\"},{\"a\":2.5,\"label\":\"y\"},{\"a\":1.25,\"label\":\"x\"},{\"a\":2.75,\"label\":\"y\"},{\"a\":1,\"label\":null}]".to_vec() };
    let error = Training::new(file, &m2(), &Device::flex()).unwrap_err().to_string();
    assert_eq!(error, "data.json: a run keeps a file of its own under this name; rename yours");
}
