//! Files of data whose numbers, names or sizes are odd.

use std::fs;
use std::path::Path;
use std::process::Command;

use gleaner_core::data::formats::npy::NpyArray;
use gleaner_core::data::formats::npz::write_npz;
use gleaner_tests::program::{Program, Said};
use serde_json::{Value, json};
use tempfile::tempdir;

fn gleaner() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"))
}

fn show(path: &Path) -> Said {
    gleaner().call(["data", "show", &path.display().to_string()])
}

/// A table of two measurements and a label.
fn table(label: impl Fn(usize) -> String) -> String {
    let row =
        |at: usize| format!("0.{:03},0.{:03},{}\n", at * 37 % 1000, at * 61 % 1000, label(at));
    std::iter::once("a,b,label\n".to_owned()).chain((1..61).map(row)).collect()
}

#[test]
fn labels_that_numbers_cannot_keep_apart_are_refused_and_words_of_them_stay_apart() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("t.csv");
    let large = |at: usize| (9_007_199_254_740_992_u64 + at as u64 % 3).to_string();
    fs::write(&path, table(large)).unwrap();
    let said = show(&path);
    assert!(said.error().contains("not all kept apart"), "{}", said.stderr);
    // One word makes the column one of words.
    let words = |at: usize| if at == 3 { "other".to_owned() } else { large(at) };
    fs::write(&path, table(words)).unwrap();
    let said = show(&path).done();
    assert!(said.stdout.contains("9007199254740993 20"), "{}", said.stdout);
    let lines: String =
        (0..60).map(|at| format!("{{\"a\": 0.{at}, \"label\": {}}}\n", large(at))).collect();
    let path = dir.path().join("t.jsonl");
    fs::write(&path, lines).unwrap();
    assert!(show(&path).error().contains("kept apart"));
}

#[test]
fn long_numbers_that_lose_digits_are_noted() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("t.csv");
    let rows = (0..60).map(|at| {
        format!("{},0.{at},{}\n", 9_007_199_254_740_993_u64 + 977 * (at * 7 % 60), at % 2)
    });
    fs::write(&path, std::iter::once("id,b,label\n".to_owned()).chain(rows).collect::<String>())
        .unwrap();
    let said = show(&path).done();
    assert!(
        said.stdout.contains("id: whole numbers of 16 digits and more lose their last digits"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("--leave-out id"), "{}", said.stdout);
}

#[test]
fn a_class_with_a_control_character_is_drawn_as_xml() {
    let dir = tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("t.csv"), table(|at| ["r\u{1b}ed", "b\u{1}", "c"][at % 3].to_owned())).unwrap();
    let [run, data, svg] = ["run", "t.csv", "e.svg"].map(|name| path(name).display().to_string());
    let small = ["--steps=2", "--set=model.hidden=[4]", "--set=train.baseline-steps=2"];
    let args = ["train", "--model=m2", "--data", &data, "--labels-per-class=5", "--out", &run];
    gleaner().call(args.iter().chain(&small)).done();
    gleaner().call(["embed", &run, "--out", &svg]).done();
    let html = path("r.html").display().to_string();
    gleaner().call(["report", &run, "--out", &html]).done();
    for file in [svg, html] {
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains("r\u{fffd}ed"), "{file}");
        let odd = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
        assert_eq!(odd, None, "{file}");
    }
}

#[test]
fn samples_without_a_row_or_a_feature_end_in_one_line() {
    let dir = tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    gleaner().train_small(&dir.path().join("run"), &[]).done();
    let array = |shape: &[usize]| NpyArray::f32(shape, vec![0.5; shape.iter().product()]);
    let files: [(&str, &[usize], &[usize]); 4] = [
        ("none", &[0, 64], &[0, 10]),
        ("many", &[0, 1 << 61], &[0, 10]),
        ("flat", &[6, 0], &[6, 10]),
        ("unsure", &[6, 64], &[6, 0]),
    ];
    for (name, x, logits) in files {
        let rows = x[0];
        let y = NpyArray::i64(&[rows], vec![0; rows]);
        let bytes = write_npz(&[("x", array(x)), ("y", y), ("logits", array(logits))]).unwrap();
        let file = path(name);
        fs::write(&file, bytes).unwrap();
        let out = path("out.npz");
        gleaner().call(["eval", &path("run"), "--samples", &file]).error();
        if name != "flat" {
            gleaner().call(["filter", &file, "--max-entropy=9", "--out", &out]).error();
            gleaner().call(["coreset", &file, "--method=craig", "--size=1", "--out", &out]).error();
        }
        gleaner()
            .call([
                "coreset",
                &file,
                "--method=craig",
                "--size=1",
                "--out",
                &out,
                "--grid",
                &path("g.png"),
            ])
            .error();
    }
}

#[test]
fn a_lack_of_memory_is_called_that() {
    let dir = tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    // 600 MB of a file without content, whose blocks no disk holds.
    let sparse = |name: &str| {
        let file = fs::File::create(path(name)).unwrap();
        file.set_len(600_000_000).unwrap();
        path(name).display().to_string()
    };
    let limited = |file: &str| {
        let command = gleaner().command(["data", "show", file]);
        let mut shell = Command::new("sh");
        let program = command.get_program();
        shell
            .args(["-c", "ulimit -v 1000000; exec \"$0\" \"$@\""])
            .arg(program)
            .args(command.get_args());
        Said::from(shell.output().unwrap())
    };
    let said = limited(&sparse("large.csv"));
    assert!(said.error().contains("needs about 1.2 GB, and "), "{}", said.stderr);
    assert!(said.error().contains("of memory are free"), "{}", said.stderr);
}

/// Every place of an array of numbers or of a count in a value, and what may stand there instead.
fn changes(value: &Value, path: &str, into: &mut Vec<(String, Value)>) {
    match value {
        Value::Array(all) => {
            if all.len() > 1 && all.iter().all(Value::is_number) {
                into.push((path.to_owned(), Value::Array(all[1..].to_vec())));
                into.push((path.to_owned(), Value::Array(all.iter().rev().cloned().collect())));
            }
            // The first ones are like the others.
            all.iter()
                .take(2)
                .enumerate()
                .for_each(|(at, v)| changes(v, &format!("{path}/{at}"), into));
        }
        Value::Object(all) => {
            all.iter().for_each(|(key, v)| changes(v, &format!("{path}/{key}"), into));
        }
        Value::Number(number) if number.is_u64() => {
            into.extend([0, 1, 1_u64 << 40].map(|lie| (path.to_owned(), json!(lie))));
        }
        _ => {}
    }
}

#[test]
fn a_damaged_classifier_is_named_and_never_crashes() {
    let dir = tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    fs::write(path("t.csv"), table(|at| ["red", "blue", "green"][at * 37 % 1000 / 334].to_owned()))
        .unwrap();
    let args = [
        "train",
        "--data",
        &path("t.csv"),
        "--labels-per-class=8",
        "--steps=3",
        "--out",
        &path("run"),
    ];
    gleaner().call(args).done();
    let file = dir.path().join("run/classifier.json");
    let kept: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let mut all = Vec::new();
    changes(&kept, "", &mut all);
    assert!(all.len() > 30, "{}", all.len());
    let (mut refused, each) = (0, all.len().div_ceil(60));
    for (place, change) in all.into_iter().step_by(each) {
        let mut damaged = kept.clone();
        *damaged.pointer_mut(&place).unwrap() = change;
        fs::write(&file, damaged.to_string()).unwrap();
        let said =
            gleaner().call(["predict", &path("run"), &path("t.csv"), "--out", &path("p.csv")]);
        assert!(!said.stderr.contains("panicked"), "{place}: {}", said.stderr);
        if said.code == Some(0) {
            continue;
        }
        assert!(said.error().contains("classifier.json"), "{place}: {}", said.stderr);
        refused += 1;
    }
    assert!(refused > 10, "{refused}");
}
