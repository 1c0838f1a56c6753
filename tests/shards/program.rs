//! `gleaner sample --shard`: files of shards, what carries their rows on, what is refused.

use std::fs;
use std::path::Path;

use gleaner_core::data::formats::npy::{NpyArray, NpyValues};
use gleaner_core::data::formats::npz::Npz;
use gleaner_tests::program::{Program, Said};
use serde_json::json;
use tempfile::{TempDir, tempdir};

/// A run of a model, and a folder to write to.
struct Sampled {
    folder: TempDir,
    run: String,
}

impl Sampled {
    fn of(run: impl Into<String>) -> Self {
        Self { folder: tempdir().unwrap(), run: run.into() }
    }

    /// That of a model of digits that an earlier version wrote.
    fn of_digits(model: &str) -> Self {
        Self::of(format!("written_before/{model}"))
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn sample(&self, out: &str, more: &[&str]) -> Said {
        let out = self.path(out);
        gleaner().call(["sample", &self.run, "--json", "--out", &out].iter().chain(more))
    }

    fn array(&self, file: &str, name: &str) -> NpyArray {
        let bytes = fs::read(self.path(file)).unwrap();
        Npz::open(&bytes, file).unwrap().require(name).unwrap()
    }

    fn names(&self, file: &str) -> Vec<String> {
        Npz::open(&fs::read(self.path(file)).unwrap(), file).unwrap().names()
    }

    fn draw_rows(&self, file: &str) -> Vec<usize> {
        match self.array(file, "draw_row").values {
            NpyValues::I64(rows) => rows.into_iter().map(|row| row as usize).collect(),
            other => panic!("draw_row holds {other:?}"),
        }
    }
}

fn gleaner() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"))
}

/// The rows of an array, as bits.
fn rows(array: NpyArray) -> Vec<Vec<u64>> {
    let width = array.shape[1..].iter().product();
    let bits: Vec<u64> = match array.values {
        NpyValues::F32(values) => values.into_iter().map(|v| u64::from(v.to_bits())).collect(),
        NpyValues::I64(values) => values.into_iter().map(|v| v as u64).collect(),
        other => panic!("rows of {other:?}"),
    };
    bits.chunks_exact(width).map(<[u64]>::to_vec).collect()
}

#[test]
fn files_of_shards_are_the_file_of_the_draw() {
    for model in ["m1", "m2", "m2-convolutional", "m1m2", "adgm", "sdgm", "ladder", "untapped"] {
        shared_out(&Sampled::of_digits(model), &[]);
    }
    for more in [&["--adjusted"][..], &["--steps=7", "--temperature=0.5"]] {
        shared_out(&Sampled::of_digits("latent-ebm"), more);
    }
}

fn shared_out(sampled: &Sampled, more: &[&str]) {
    let common = [more, &["--per-class=130", "--seed=4", "--features"]].concat();
    let said = sampled.sample("whole.npz", &[&common[..], &["--threads=2"]].concat()).done().json();
    assert_eq!(said["shard"], json!(null));
    let names = sampled.names("whole.npz");
    assert!(!names.contains(&"draw_row".to_owned()), "{names:?}");
    let mut seen = Vec::new();
    for part in 1..=4 {
        let (shard, threads) = (format!("--shard={part}/4"), format!("--threads={}", 1 + part % 2));
        let asked = [&common[..], &[&shard, &threads]].concat();
        let said = sampled.sample("part.npz", &asked).done().json();
        assert_eq!((&said["shard"], &said["per_class"]), (&json!([part, 4]), &json!(130)));
        let of_draw = sampled.draw_rows("part.npz");
        assert_eq!(said["samples"], of_draw.len());
        for name in ["x", "y", "z", "logits", "entropy", "features"] {
            let [part, whole] =
                ["part.npz", "whole.npz"].map(|file| rows(sampled.array(file, name)));
            assert_eq!(part.len(), of_draw.len());
            for (row, &number) in part.iter().zip(&of_draw) {
                assert!(*row == whole[number], "{}: {name} of row {number}", sampled.run);
            }
        }
        seen.extend(of_draw);
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..1300).collect::<Vec<_>>());
}

#[test]
fn tables_of_shards_have_the_lines_of_the_table_of_the_draw() {
    let folder = tempdir().unwrap();
    let [data, run] = ["zoo.csv", "run"].map(|name| folder.path().join(name).display().to_string());
    let line = |row: usize| {
        let kind = ["bird", "fish"][row % 2];
        let size = 3.5 + (row * 7 % 11) as f64 + 10.0 * (row % 2) as f64;
        format!("{size},{},{},{kind}\n", row % 5, ["sea", "land", "air"][row * 5 % 3])
    };
    let lines: String = (0..90).map(line).collect();
    fs::write(&data, format!("size,legs,home,kind\n{lines}")).unwrap();
    let small = ["--model=m2", "--steps=20", "--set=train.baseline-steps=20", "--threads=1"];
    gleaner().call(["train", "--data", &data, "--out", &run].iter().chain(&small)).done();
    let sampled = Sampled::of(run);
    let drawn = |name: &str, more: &[&str]| -> Vec<String> {
        sampled.sample(name, &[&["--per-class=301"], more].concat()).done();
        let text = fs::read_to_string(sampled.path(name)).unwrap();
        text.lines().skip(1).map(str::to_owned).collect()
    };
    let whole = drawn("whole.csv", &[]);
    let parts = ["1/3", "2/3", "3/3"].map(|part| drawn("part.csv", &["--shard", part]));
    assert_eq!(parts.each_ref().map(Vec::len), [200, 200, 202]);
    // Each part has its rows of the first class, then as many of the second.
    let half = |which: usize| {
        parts.iter().flat_map(move |part| part.chunks_exact(part.len() / 2).nth(which).unwrap())
    };
    let joined: Vec<&String> = half(0).chain(half(1)).collect();
    assert_eq!(joined, whole.iter().collect::<Vec<_>>());
}

#[test]
fn a_picture_of_a_shard_is_that_of_its_samples() {
    let sampled = Sampled::of_digits("m2");
    let [picture, few] = ["part.png", "few.png"].map(|name| sampled.path(name));
    sampled.sample("a.npz", &["--per-class=9", "--shard=2/3", "--grid", &picture]).done();
    sampled.sample("b.npz", &["--per-class=3", "--grid", &few]).done();
    // The header: width, then height.
    let size = |path: &str| fs::read(path).unwrap()[16..24].to_vec();
    assert_eq!(size(&picture), size(&few));
}

#[test]
fn the_filter_and_the_coreset_carry_the_rows_on() {
    let sampled = Sampled::of_digits("m2");
    for part in 1..=3 {
        let shard = format!("--shard={part}/3");
        sampled.sample(&format!("part-{part}.npz"), &["--per-class=12", &shard]).done();
    }
    let part = |number: usize| sampled.path(&format!("part-{number}.npz"));
    let sure = sampled.path("sure.npz");
    gleaner().call(["filter", &part(2), "--keep=0.5", "--out", &sure]).done();
    let kept = sampled.draw_rows("sure.npz");
    assert_eq!(kept.len(), 20);
    // Of each class, the second of three parts has the rows 4 to 7.
    assert!(kept.iter().all(|row| (4..8).contains(&(row % 12))), "{kept:?}");
    let few = sampled.path("few.npz");
    gleaner().call(["coreset", &part(1), &part(2), &part(3), "--size=30", "--out", &few]).done();
    sampled.sample("whole.npz", &["--per-class=12"]).done();
    let [chosen, all] = ["few.npz", "whole.npz"].map(|file| rows(sampled.array(file, "x")));
    let of_draw = sampled.draw_rows("few.npz");
    assert_eq!((of_draw.len(), chosen.len()), (30, 30));
    for (row, &number) in chosen.iter().zip(&of_draw) {
        assert!(*row == all[number], "row {number}");
    }
}

#[test]
fn what_is_no_shard_is_refused_in_one_line_that_says_what_to_type() {
    let sampled = Sampled::of_digits("m2");
    let refused = |per_class: &str, shard: &str| {
        let typed = if shard == "\"\"" { "" } else { shard };
        let said = sampled.sample("a.npz", &["--per-class", per_class, "--shard", typed]);
        assert!(!Path::new(&sampled.path("a.npz")).exists());
        said.error().to_owned()
    };
    for (shard, says) in [
        ("0/4", "from 1 to 4, as in --shard 1/4"),
        ("5/4", "from 1 to 4, as in --shard 1/4"),
        ("1/0", "at least one shard, as in --shard 1/4"),
        ("1/11", "there are 10; give at most as many shards, as in --shard 1/10"),
        ("2", "which shard of how many, as in --shard 1/4"),
        ("\"\"", "which shard of how many, as in --shard 1/4"),
        ("1/2/3", "which shard of how many, as in --shard 1/4"),
        ("-1/3", "which shard of how many, as in --shard 1/4"),
        ("1.5/3", "which shard of how many, as in --shard 1/4"),
    ] {
        let error = refused("10", shard);
        assert!(error.contains(&format!("--shard {shard} ")) && error.ends_with(says), "{error}");
    }
    assert!(refused("0", "1/1").contains("--per-class 0 is not valid"));
    // Too much for a file, in shards too.
    let error = refused("99999999999", "1/2");
    let advised = error.rsplit_once("--shard ").unwrap().1;
    assert!(error.contains("--per-class 99999999999 --shard 1/2 gives "), "{error}");
    let said = refused("99999999999999", advised);
    assert!(said.contains("all shards together") || said.contains("more than the limit"), "{said}");
}
