//! Paths that are no valid text.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use gleaner_tests::program::Program;
use tempfile::tempdir;

fn gleaner() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"))
}

#[test]
fn every_verb_shows_a_path_that_is_no_text_and_never_fails_after_its_work() {
    let dir = tempdir().unwrap();
    let odd: PathBuf = dir.path().join(OsStr::from_bytes(b"n\xffn"));
    fs::create_dir(&odd).unwrap();
    let path = |name: &str| odd.join(name).into_os_string();
    let plain = dir.path().join("x.npz").into_os_string();
    let call = |args: &[&OsStr]| gleaner().call(args.iter().copied().chain([OsStr::new("--json")]));
    let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
    let done = |line: &str, more: &[&OsStr]| {
        let words = words(line);
        let args: Vec<&OsStr> =
            words.iter().map(OsString::as_os_str).chain(more.iter().copied()).collect();
        let said = call(&args).done();
        assert!(said.stdout.ends_with("}\n"), "{line}: {}", said.stdout);
        said.json()
    };
    let out = OsStr::new("--out");
    let run = path("run");
    gleaner().train_small(&dir.path().join("run"), &[]).done();
    fs::rename(dir.path().join("run"), &run).unwrap();
    let json = done(
        "sample --per-class=3",
        &[&run, out, &path("s.npz"), OsStr::new("--grid"), &path("s.png")],
    );
    assert!(json["out"].as_str().unwrap().contains("n\u{fffd}n"), "{json}");
    done("sample --per-class=20", &[&run, out, &plain]);
    done(
        "filter --max-entropy=9",
        &[&plain, out, &path("f.npz"), OsStr::new("--grid"), &path("f.png")],
    );
    done("coreset --method=craig --size=10", &[&plain, out, &path("c.npz")]);
    done("eval", &[&run]);
    done("predict --pool", &[&run, out, &path("p.csv")]);
    done("embed --rows=30", &[&run, out, &path("e.svg")]);
    done("reconstruct", &[&run, out, &path("r.png")]);
    done("traverse", &[&run, out, &path("t.png")]);
    done("report", &[&run, out, &path("r.html")]);
    done("baselines", &[&run]);
    done("publish", &[&run, out, &path("gift")]);
    done("data export", &[&run, out, &path("x.npz")]);
    done("data list", &[OsStr::new("--data-dir"), &path("data")]);
    // Where settings are written as text, nothing is written before the path is refused.
    let fresh = dir.path().join("fresh");
    for option in ["--data-dir", "--features", "--label-file", "--unlabelled"] {
        let said = call(&[
            OsStr::new("train"),
            OsStr::new(option),
            &path("x.npz"),
            out,
            fresh.as_os_str(),
        ]);
        assert!(said.error().contains("not valid text"), "{}", said.stderr);
        assert!(!fresh.exists());
    }
    for line in ["filter --max-entropy=9", "coreset --method=craig --size=10"] {
        let words = words(line);
        let input = path("s.npz");
        let mut args: Vec<&OsStr> = words.iter().map(OsString::as_os_str).collect();
        args.extend([&input, out, fresh.as_os_str()]);
        assert!(!call(&args).stderr.contains("panicked"));
    }
    assert!(
        call(&[OsStr::new("data"), OsStr::new("show"), &path("s.npz")])
            .error()
            .contains("not valid text")
    );
}
