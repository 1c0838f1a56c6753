//! Paths that are no valid text.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use gleaner_tests::program::{Program, Said};
use tempfile::{TempDir, tempdir};

fn gleaner() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"))
}

/// A folder whose name is no text, with a run in it.
struct Odd {
    dir: TempDir,
}

impl Odd {
    fn new() -> Self {
        let odd = Self { dir: tempdir().unwrap() };
        fs::create_dir(odd.dir.path().join(OsStr::from_bytes(b"n\xffn"))).unwrap();
        let plain = odd.dir.path().join("run");
        gleaner().train_small(&plain, &[]).done();
        fs::rename(plain, odd.path("run")).unwrap();
        odd
    }

    /// A path in it.
    fn path(&self, name: &str) -> OsString {
        self.dir.path().join(OsStr::from_bytes(b"n\xffn")).join(name).into_os_string()
    }

    /// Calls the program; words that begin with `@` are paths in it, with `=` paths beside it.
    fn call(&self, line: &str) -> Said {
        let word = |word: &str| match (word.strip_prefix('@'), word.strip_prefix('=')) {
            (Some(name), _) => self.path(name),
            (_, Some(name)) => self.dir.path().join(name).into_os_string(),
            _ => OsString::from(word),
        };
        gleaner().call(line.split(' ').chain(["--json"]).map(word))
    }
}

#[test]
fn every_verb_shows_a_path_that_is_no_text_and_never_fails_after_its_work() {
    let odd = Odd::new();
    for line in [
        "sample @run --per-class 3 --out @s.npz --grid @s.png",
        "sample @run --per-class 20 --out =x.npz",
        "filter =x.npz --max-entropy 9 --out @f.npz --grid @f.png",
        "coreset =x.npz --method craig --size 10 --out @c.npz --grid @c.png",
        "eval @run",
        "predict @run --pool --out @p.csv",
        "embed @run --rows 30 --out @e.svg",
        "reconstruct @run --out @r.png",
        "traverse @run --out @t.png",
        "report @run --out @r.html",
        "baselines @run",
        "publish @run --out @gift",
        "data export @run --out @x.npz",
        "data list --data-dir @data",
        "bench coreset --points 30 --size 3 --steps 1 --fixture @bench",
    ] {
        let said = odd.call(line).done();
        let json = said.json();
        if let Some(out) = json["out"].as_str() {
            assert!(
                out.ends_with(".npz") && out.contains("x.npz") || out.contains("n\u{fffd}n"),
                "{json}"
            );
        }
    }
}

#[test]
fn a_path_that_must_be_text_is_refused_before_anything_is_written() {
    let odd = Odd::new();
    for line in [
        "train --data-dir @data --out =fresh",
        "train --features @s.npz --out =fresh",
        "train --label-file @s.npz --out =fresh",
        "train --unlabelled @data --out =fresh",
        "data show @s.npz",
        "reproduce mier-1 --data-dir @data --out =fresh",
    ] {
        let said = odd.call(line);
        assert!(said.error().contains("n\u{fffd}n"), "{line}: {}", said.stderr);
        assert!(said.error().contains("not valid text"), "{line}: {}", said.stderr);
        assert!(!odd.dir.path().join("fresh").exists(), "{line}");
    }
}
