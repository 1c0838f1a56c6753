//! One writer per run folder, and no run that goes on with other settings or other data than its own.
#![allow(clippy::unwrap_used, missing_docs)]
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use gleaner_tests::program::{Program, SMALL, Said, names};
use serde_json::Value;
use tempfile::tempdir;

fn gleaner() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"))
}

/// A run that goes on until it is killed, in epochs of 40 steps.
fn start(run: &Path) -> Child {
    let out = format!("--out={}", run.display());
    let small = SMALL.iter().copied().filter(|arg| !arg.starts_with("--steps"));
    let args = ["train", "--steps=400000", &out].into_iter().chain(small);
    let child = gleaner().command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child = child.unwrap();
    let has_epochs = || {
        let metrics = fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
        metrics.lines().count() >= 2
    };
    let waited = (0..3000).take_while(|_| !has_epochs());
    waited.for_each(|_| std::thread::sleep(Duration::from_millis(10)));
    assert!(has_epochs(), "no epochs within 30 seconds");
    child
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn resume(run: &Path) -> Said {
    gleaner().call(["train", "--resume", &run.display().to_string()])
}

fn replace(file: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(old), "{text}");
    fs::write(file, text.replace(old, new)).unwrap();
}

#[test]
fn a_second_writer_is_told_who_the_first_is_and_changes_nothing() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    let first = start(&run);
    let holder = format!("process {} on ", first.id());
    let lines = || fs::read_to_string(run.join("metrics.jsonl")).unwrap().lines().count();
    let before = lines();
    for second in [gleaner().train_small(&run, &[]), resume(&run)] {
        assert!(second.error().contains(&holder), "{}", second.stderr);
    }
    assert!(lines() >= before);
    kill(first);
    // Whoever is gone holds nothing.
    let again = gleaner().train_small(&run, &[]);
    assert!(again.error().contains("already holds a run"), "{}", again.stderr);
}

#[test]
fn of_trainings_that_start_at_once_into_one_folder_one_is_a_run() {
    let folder = tempdir().unwrap();
    let alone = folder.path().join("alone");
    gleaner().train_small(&alone, &[]).done();
    let run = folder.path().join("run");
    let out = format!("--out={}", run.display());
    let children: Vec<Child> = (0..4)
        .map(|_| {
            let args = ["train", &out].into_iter().chain(SMALL.iter().copied());
            let mut command = gleaner().command(args);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    let ended = children.into_iter().map(|child| child.wait_with_output().unwrap().status);
    assert_eq!(ended.filter(|status| status.success()).count(), 1);
    for file in ["metrics.jsonl", "model.safetensors"] {
        assert!(fs::read(alone.join(file)).unwrap() == fs::read(run.join(file)).unwrap(), "{file}");
    }
    assert_eq!(names(&alone), names(&run));
}

#[test]
fn trainings_without_a_folder_find_one_each() {
    let folder = tempdir().unwrap();
    let children: Vec<Child> = (0..3)
        .map(|_| {
            let mut command = gleaner().command(["train"].iter().chain(SMALL));
            command.current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let runs = folder.path().join("runs");
    assert_eq!(names(&runs), ["digits-m2-seed0", "digits-m2-seed0-2", "digits-m2-seed0-3"]);
}

#[test]
fn a_folder_that_holds_anything_else_is_left_alone() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("results");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("summary.json"), "mine").unwrap();
    let refused = gleaner().train_small(&out, &[]);
    assert!(refused.error().contains("it holds summary.json"), "{}", refused.stderr);
    assert_eq!(names(&out), ["summary.json"]);
    assert_eq!(fs::read(out.join("summary.json")).unwrap(), b"mine");
    // What a run leaves that was killed before its settings were written is nothing.
    fs::remove_file(out.join("summary.json")).unwrap();
    fs::create_dir(out.join("state")).unwrap();
    fs::write(out.join(".lock"), "process 1 on elsewhere").unwrap();
    gleaner().train_small(&out, &[]).done();
}

#[test]
fn a_state_of_other_settings_is_not_gone_on_with() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    kill(start(&run));
    let config = run.join("config.toml");
    let state = fs::read(run.join("state/state.safetensors")).unwrap();
    replace(&config, "seed = 0", "seed = 7");
    let refused = resume(&run);
    assert!(refused.error().contains("train.seed = 0, not 7"), "{}", refused.stderr);
    fs::remove_file(&config).unwrap();
    fs::remove_file(run.join("model.safetensors")).unwrap();
    let refused = gleaner().train_small(&run, &["--seed=7"]);
    assert!(refused.error().contains("neither empty nor a run"), "{}", refused.stderr);
    assert!(fs::read(run.join("state/state.safetensors")).unwrap() == state);
}

#[test]
fn where_a_run_computes_may_change() {
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    gleaner().train_small(&run, &["--threads=2"]).done();
    replace(&run.join("config.toml"), "threads = 2", "threads = 1");
    resume(&run).done();
}

#[test]
fn a_run_that_was_stopped_while_it_began_is_begun_again() {
    let folder = tempdir().unwrap();
    let [whole, cut] = ["whole", "cut"].map(|name| folder.path().join(name));
    gleaner().train_small(&whole, &[]).done();
    fs::create_dir(&cut).unwrap();
    fs::copy(whole.join("config.toml"), cut.join("config.toml")).unwrap();
    resume(&cut).done();
    for file in ["data.json", "metrics.jsonl", "model.safetensors"] {
        assert!(fs::read(whole.join(file)).unwrap() == fs::read(cut.join(file)).unwrap(), "{file}");
    }
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let folder = tempdir().unwrap();
    let train = |threads: &str| {
        let run = folder.path().join(threads);
        gleaner().train_small(&run, &[&format!("--threads={threads}")]).done();
        ["metrics.jsonl", "model.safetensors", "samples.png", "reliability.svg"]
            .map(|file| fs::read(run.join(file)).unwrap())
    };
    let one = train("1");
    assert!(one == train("2") && one == train("3"));
}

/// Two blobs of two numbers in a table, with a label.
fn table(rows: usize, columns: &str, classes: [&str; 2], shift: f64) -> String {
    let row = |row: usize| {
        let side = (row % 2) as f64;
        let [a, b] = [1.0, 7.0].map(|by| (row as f64 * by).sin() + 4.0 * side + shift);
        let more =
            if columns.contains(",c,") { format!(",{}", row * 7 % 11) } else { String::new() };
        format!("{a},{b}{more},{}\n", classes[row % 2])
    };
    (0..rows).fold(format!("{columns}label\n"), |text, at| text + &row(at))
}

#[test]
fn a_run_says_what_has_changed_about_its_data() {
    let folder = tempdir().unwrap();
    let [data, run] = ["own.csv", "run"].map(|name| folder.path().join(name));
    fs::write(&data, table(60, "a,b,", ["x", "y"], 0.0)).unwrap();
    let named = format!("--data={}", data.display());
    let train = ["--model=m2", "--set=data.folds=2"];
    gleaner().train_small(&run, &[&[&named[..]], &train[..]].concat()).done();
    let known: Value =
        serde_json::from_str(&fs::read_to_string(run.join("data.json")).unwrap()).unwrap();
    assert_eq!(known["source"], data.display().to_string());
    assert_eq!(known["classes"], serde_json::json!(["x", "y"]));
    let run_name = run.display().to_string();
    let picture = folder.path().join("map.svg").display().to_string();
    let ask = || {
        let calls = [
            vec!["eval", &run_name],
            vec!["embed", &run_name, "--out", &picture],
            vec!["train", "--resume", &run_name],
        ];
        calls.map(|call| gleaner().call(call))
    };
    for said in ask() {
        said.done();
    }
    for (text, named) in [
        (table(60, "a,b,c,", ["x", "y"], 0.0), "the shape was [2] and is [3] now"),
        (table(60, "a,b,", ["x", "z"], 0.0), "the classes were x, y and are x, z now"),
        (table(62, "a,b,", ["x", "y"], 0.0), "60 rows then, 62 now"),
        (table(60, "a,b,", ["x", "y"], 0.5), "with other values or labels"),
    ] {
        fs::write(&data, text).unwrap();
        for said in ask() {
            assert!(said.error().contains(named), "{}", said.stderr);
            assert!(said.stderr.contains("own.csv"), "{}", said.stderr);
        }
    }
    // The same data, elsewhere.
    let moved = folder.path().join("moved.csv");
    fs::write(&moved, table(60, "a,b,", ["x", "y"], 0.0)).unwrap();
    replace(&run.join("config.toml"), "own.csv", "moved.csv");
    gleaner().call(["eval", &run_name]).done();
}

#[test]
fn rows_that_stand_ten_times_do_not_make_noise_look_learnt() {
    let folder = tempdir().unwrap();
    // Labels that have nothing to do with the rows.
    let mut text = String::from("a,b,c,label\n");
    for copy in 0..10 {
        for row in 0..40 {
            let at = ((row * 7 + copy * 3) % 40) as f64;
            let label = (at * at * 0.37).sin() > 0.0;
            text +=
                &format!("{},{},{},{}\n", (at * 1.3).sin(), (at * 2.9).cos(), at, i32::from(label));
        }
    }
    let [data, run] = ["copies.csv", "run"].map(|name| folder.path().join(name));
    fs::write(&data, text).unwrap();
    let named = format!("--data={}", data.display());
    let said = gleaner().train_small(&run, &[&named, "--model=m2", "--set=data.folds=5"]).done();
    assert!(
        said.stderr.contains("360 of 400 labelled rows have the same features"),
        "{}",
        said.stderr
    );
    let pool = gleaner().call(["baselines", &run.display().to_string(), "--json"]).done().json();
    let nearest = pool["accuracy"]["label spreading (kNN)"].as_f64();
    let nearest = nearest.unwrap_or_else(|| panic!("{pool}"));
    assert!(nearest < 0.75, "{pool}");
}
