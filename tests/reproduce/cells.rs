//! A table as jobs: cells by number, several at a time, stopped and gone on with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::tempdir;

use super::{CHOSEN, gleaner, table};

/// Arguments that mean the cells of a table in a folder.
fn call(table: &str, out: &Path) -> Vec<String> {
    let words = ["reproduce", table, "--quick", "--draws=2", "--json", "--out"];
    words.map(str::to_owned).into_iter().chain([out.display().to_string()]).collect()
}

fn with(call: &[String], more: &[&str]) -> Vec<String> {
    call.iter().cloned().chain(more.iter().map(|&word| word.to_owned())).collect()
}

/// The cells of a list.
fn cells(call: &[String]) -> Vec<Value> {
    let listed = gleaner().call(with(call, &["--list"])).done().json();
    listed["cells"].as_array().unwrap().clone()
}

/// Every file below a folder but those that tell the time, by its place in there.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    let place = |path: &Path| path.strip_prefix(folder).unwrap().to_owned();
    found.into_iter().map(|path| (place(&path), timeless(&path))).collect()
}

/// A file without its seconds.
fn timeless(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    match path.file_name().unwrap().to_str().unwrap() {
        "summary.json" => {
            let mut summary: Value = serde_json::from_slice(&bytes).unwrap();
            summary["seconds"] = Value::Null;
            summary.to_string().into_bytes()
        }
        "metrics.jsonl" => {
            let text = String::from_utf8(bytes).unwrap();
            let lines = text.lines().map(|line| {
                let mut line: Value = serde_json::from_str(line).unwrap();
                line["seconds"] = Value::Null;
                line.to_string()
            });
            lines.collect::<Vec<_>>().join("\n").into_bytes()
        }
        // What it holds, without its header, which tells the seconds.
        "state.safetensors" => {
            let header = u64::from_le_bytes(bytes[..8].try_into().unwrap());
            bytes[8 + header as usize..].to_vec()
        }
        _ => bytes,
    }
}

fn assert_same(one: &Path, other: &Path) {
    let (one, other) = (files(one), files(other));
    let names =
        |files: &[(PathBuf, Vec<u8>)]| files.iter().map(|(p, _)| p.clone()).collect::<Vec<_>>();
    assert_eq!(names(&one), names(&other));
    for ((path, one), (_, other)) in one.iter().zip(&other) {
        assert!(one == other, "{} differs", path.display());
    }
}

#[test]
fn cells_by_number_make_the_table_of_one_call() {
    let folder = tempdir().unwrap();
    let table = table(folder.path());
    let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
    gleaner().call(call(&table, &whole)).done();
    let call = call(&table, &parts);

    let listed = cells(&call);
    assert_eq!(listed.len(), 16, "two draws of four rows on two data sets");
    let of = |cell: &Value| (cell["data"].clone(), cell["row"].clone(), cell["seed"].clone());
    assert_eq!(of(&listed[0]), ("digits".into(), "M2".into(), 0.into()));
    assert_eq!(of(&listed[15]), ("svhn".into(), "label spreading".into(), 1.into()));
    assert!(gleaner().call(with(&call, &["--gather"])).error().contains("holds no result"));
    // From the last to the first: no cell needs another one.
    for cell in listed.iter().rev() {
        let number = format!("--cell={}", cell["number"]);
        let said = gleaner().call(with(&call, &[&number]));
        match cell["data"].as_str().unwrap() {
            "svhn" => {
                assert_eq!(cell["state"], "no data");
                assert!(said.error().contains("run: gleaner data fetch svhn"), "{said:?}");
            }
            _ => {
                assert_eq!(cell["state"], "to do");
                assert!(said.done().json()["test_accuracy"].is_number());
            }
        }
    }
    let listed = cells(&call);
    assert_eq!(listed.iter().filter(|cell| cell["state"] == "done").count(), 8);
    let said = gleaner().call(with(&call, &["--gather"])).done();
    assert!(!said.stderr.contains("not done"), "{}", said.stderr);
    assert!(said.stderr.contains("8 of 16 cells have no data here: 5-8,13-16"), "{}", said.stderr);
    assert_same(&whole, &parts);

    // One that is done is not trained again.
    let before = files(&parts);
    gleaner().call(with(&call, &["--cell=1"])).done();
    assert!(files(&parts) == before);
    // What is not done is named, and the others are shown.
    fs::remove_file(parts.join("tiny/quick-digits-network-seed1.json")).unwrap();
    let said = gleaner().call(with(&call, &["--gather"])).done();
    assert!(said.stderr.contains("1 of 16 cells are not done: 11"), "{}", said.stderr);

    for (more, named) in [
        ("--cell=0", "there are the cells 1 to 16"),
        ("--cell=17", "--draws 2 --list shows them"),
        ("--set=train.lr=0.5", "other settings"),
    ] {
        let said = gleaner()
            .call(with(&call, &["--cell=1", more][usize::from(more.starts_with("--cell"))..]));
        assert!(said.error().contains(named), "{more}: {}", said.stderr);
    }
}

#[test]
fn a_cell_may_be_done_on_one_device_and_gathered_from_another() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("out");
    let call = call(&table(folder.path()), &out);
    // Two names of the same device, as two servers have.
    gleaner().call(with(&call, &["--cell=1", "--device=flex"])).done();
    assert_eq!(cells(&call)[0]["state"], "done");
    gleaner().call(with(&call, &["--cell=1", "--device=cpu"])).done();
    let said = gleaner().call(with(&call, &["--gather"])).done();
    assert!(said.stderr.contains("cells are not done: 2-"), "{}", said.stderr);
}

#[test]
fn seeds_can_be_any_range() {
    let folder = tempdir().unwrap();
    let (table, out) = (table(folder.path()), folder.path().join("out").display().to_string());
    let call =
        ["reproduce", &table, "--quick", "--only=label spreading", "--only=digits", "--json"];
    let call = [&call[..], &["--out", &out]].concat();
    let run = |more: &[&str]| gleaner().call([&call[..], more].concat());
    let named = run(&["--seeds=3..5"]).done().json();
    let read = |key: &str| fs::read_to_string(named[key].as_str().unwrap()).unwrap();
    assert!(read("markdown").contains("- Seeds: 3, 4\n"), "{}", read("markdown"));
    assert!(read("markdown").contains("--seeds 3..5"), "{}", read("markdown"));
    // Seeds of another call are there, however far away.
    run(&["--seeds=0..=0", "--resume"]).done();
    assert!(read("markdown").contains("- Seeds: 0, 3, 4\n"), "{}", read("markdown"));
    assert!(read("markdown").contains("and other commands"), "{}", read("markdown"));
    for bad in ["--seeds=3", "--seeds=4..4", "--seeds=0..2000"] {
        assert!(run(&[bad]).error().contains("--seeds"), "{bad}");
    }
}

/// A cell in a process of its own.
struct Job(Child);

impl Job {
    fn start(args: &[String]) -> Self {
        let mut command = gleaner().command(args);
        Self(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
    }

    fn said(self) -> gleaner_tests::program::Said {
        self.0.wait_with_output().unwrap().into()
    }
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(60), "never: {what}");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_cell_has_one_writer_and_goes_on_after_a_kill() {
    let folder = tempdir().unwrap();
    let table = table(folder.path());
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
    // Long enough that there is a middle.
    let long = ["--set=train.steps=400", "--set=train.batch-size=200", "--cell=1"];
    gleaner().call(with(&call(&table, &whole), &long)).done();
    let call = call(&table, &killed);
    let cell = with(&call, &long);
    let list = with(&call, &long[..2]);

    let mut first = Job::start(&cell);
    let state = killed.join("tiny/quick-digits-m2-seed0/state/state.safetensors");
    wait_until("a saved state", || state.exists());
    let (pid, listed) = (first.0.id(), &cells(&list)[0]);
    assert_eq!(listed["state"], "running", "{listed}");
    assert!(listed["detail"].as_str().unwrap().starts_with(&format!("process {pid} on ")));
    let second = gleaner().call(&cell);
    assert!(
        second.error().contains(&format!("is being written by process {pid} on ")),
        "{second:?}"
    );
    first.0.kill().unwrap();
    first.0.wait().unwrap();

    let listed = &cells(&list)[0];
    assert_eq!(listed["state"], "begun", "{listed}");
    let done = gleaner().call(&cell).done();
    assert!(!done.stderr.contains("epoch 1/"), "it went on: {}", done.stderr);
    assert_same(&whole, &killed);
}

#[test]
fn cells_that_need_the_same_generator_wait_for_it() {
    let folder = tempdir().unwrap();
    let (table, out) = (folder.path().join("chosen.toml"), folder.path().join("out"));
    fs::write(&table, CHOSEN).unwrap();
    let call = with(&call(&table.display().to_string(), &out), &["--set=train.steps=300"]);
    let jobs: Vec<Job> =
        (2..=6).map(|n| Job::start(&with(&call, &[&format!("--cell={n}")]))).collect();
    let said: Vec<_> = jobs.into_iter().map(|job| job.said().done()).collect();
    let trained = said.iter().filter(|said| said.stderr.contains("effective alpha")).count();
    assert_eq!(trained, 1, "one of them trained the model");
    assert!(said.iter().any(|said| said.stderr.contains("waiting for ")), "{said:?}");
}
