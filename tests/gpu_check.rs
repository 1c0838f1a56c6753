//! The scripts for a machine with an NVIDIA GPU, as far as they go without one.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::tempdir;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Exit status and all that is said.
fn said(command: &mut Command) -> (Option<i32>, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

fn check(args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new("bash");
    command.arg(repository().join("scripts/gpu-check.sh")).args(args);
    // A Python without PyTorch, as most are, and no data of the user's own.
    said(command.env("PYTHON", "python3").env_remove("GLEANER_DATA"))
}

/// One row of the table, of a program that is a line of bash.
fn row(args: &[&str], program: &str) -> (Option<i32>, String) {
    let script = repository().join("scripts/gpu/row.py");
    said(Command::new("python3").arg(script).args(args).args(["NAME", "--", "bash", "-c", program]))
}

const SERVER: &str = r#"echo '{"ready":true,"objective":100.0}'
while read n; do [ $n = 0 ] || t=$(yes 2.5 | head -n $n | paste -sd,); echo "{\"milliseconds\":[$t],\"peak_bytes\":3145728}"; done"#;

#[test]
fn all_rows_run_on_the_cpu() {
    let folder = tempdir().unwrap();
    let carried = folder.path().join("gleaner-plain");
    fs::copy(env!("CARGO_BIN_EXE_gleaner_under_test"), carried).unwrap();
    let from = folder.path().display().to_string();
    let (code, text) = check(&["--device", "cpu", "--from", &from, "--steps", "1"]);
    assert_eq!(code, Some(0), "{text}");
    for wanted in ["gleaner plain, cpu", "differs by", "sum-and-sample:1", "test accuracy", "done"]
    {
        assert!(text.contains(wanted), "{wanted:?} is missing: {text}");
    }
    assert!(!text.contains("FAILED"), "{text}");
}

#[test]
fn what_is_missing_is_said_in_one_line() {
    let folder = tempdir().unwrap();
    let from = folder.path().display().to_string();
    let (code, text) = check(&["--device", "cpu", "--from", &from]);
    assert!(code == Some(1) && text.contains("scripts/gpu-build.sh"), "{code:?}: {text}");
    fs::write(folder.path().join("gleaner-broken"), "#!/bin/sh\nexit 3\n").unwrap();
    let (code, text) = check(&["--device", "cpu", "--from", &from]);
    assert!(code == Some(1) && text.contains("no binary in"), "{code:?}: {text}");
    let (code, text) = check(&["--device"]);
    assert!(code == Some(2) && text.contains("needs a value"), "{code:?}: {text}");
}

#[test]
fn a_row_is_the_median_of_its_runs() {
    let (code, text) = row(&["--steps", "3", "--reference", "100.0001"], SERVER);
    assert_eq!(code, Some(0), "{text}");
    for wanted in ["2.500 ms (2.500 to 2.500)", "3 MiB", "J 100.000000", "differs by 1.0e-06"] {
        assert!(text.contains(wanted), "{wanted:?} is missing: {text}");
    }
}

#[test]
fn a_program_that_computes_something_else_or_fails_is_named() {
    for (args, program, wanted) in [
        (&["--steps", "0", "--reference", "101"][..], SERVER, "differs by"),
        (
            &["--steps", "0", "--reference", "1"],
            "echo '{\"objective\": NaN}'; read n",
            "differs by nan",
        ),
        (&[], "exit 4", "ended early with status 4"),
        (&[], "echo hello; read n", "said 'hello'"),
        (&["--most", "0.5"], "sleep 20", "not done in time"),
    ] {
        let (code, text) = row(args, program);
        assert_eq!(code, Some(1), "{text}");
        assert!(
            text.contains("NAME") && text.contains("FAILED") && text.contains(wanted),
            "{text}"
        );
    }
}
