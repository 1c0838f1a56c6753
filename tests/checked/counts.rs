//! Counts of options and recipes, each of them absurd.

use std::process::Command;
use std::sync::LazyLock;

use gleaner_tests::program::{Program, SMALL, Said};
use tempfile::{TempDir, tempdir};

/// What no count is.
const COUNTS: [&str; 4] = ["2147483648", "9007199254740992", "18446744073709551615", "-1"];

fn gleaner() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"))
}

/// A run, made once.
static RUN: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = tempdir().unwrap();
    gleaner().train_small(&dir.path().join("run"), &[]).done();
    dir
});

/// A call with at most six gigabytes of addresses.
fn limited(args: &[&str]) -> Said {
    let command = gleaner().command(args);
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -v 6000000; exec \"$0\" \"$@\""]).arg(command.get_program());
    shell.args(command.get_args()).env_remove("GLEANER_DATA");
    Said::from(shell.output().unwrap())
}

/// Checks that a call fails in one line, for the reason or as wrong usage.
fn refused(args: &[&str]) {
    let said = limited(args);
    match said.code {
        Some(2) => assert!(said.stderr.contains("error:"), "{}", said.stderr),
        _ => {
            let error = said.error();
            assert!(
                ["at most", "need", "limit", "not valid", "invalid", "set it to"]
                    .iter()
                    .any(|word| error.contains(word)),
                "{args:?}: {error}"
            );
        }
    }
}

#[test]
fn no_count_of_a_recipe_overflows_or_fills_the_memory() {
    let dir = tempdir().unwrap();
    let out = format!("--out={}", dir.path().join("run").display());
    for setting in [
        "model.hidden=[{}]",
        "model.latent={}",
        "model.classifier-hidden=[4,{}]",
        "train.batch-size={}",
        "train.labelled-batch-size={}",
        "train.parts={}",
        "train.threads={}",
        "data.labels-per-class={}",
        "objective.classifier-draws={}",
        "objective.classifier-shift={}",
    ] {
        for count in COUNTS {
            let set = format!("--set={}", setting.replace("{}", count));
            refused(&["train", &out, "--steps=1", &set]);
        }
    }
    for setting in
        ["train.epochs={}", "train.steps={}", "train.baseline-steps={}", "train.warm-up-steps={}"]
    {
        for count in &COUNTS[1..] {
            let set = format!("--set={}", setting.replace("{}", count));
            refused(&["train", &out, &set]);
        }
    }
    // Each is allowed, all together are not: two layers of a million units are four terabytes.
    let said = limited(&["train", &out, "--set=model.hidden=[1048576,1048576]"]);
    assert!(said.error().contains("numbers needs about"), "{}", said.stderr);
}

#[test]
fn no_count_of_an_option_overflows_or_fills_the_memory() {
    let run = RUN.path().join("run").display().to_string();
    let out = |name: &str| format!("--out={}", RUN.path().join(name).display());
    let (npz, png) = (out("x.npz"), out("x.png"));
    for count in COUNTS {
        let option = |name: &str| format!("--{name}={count}");
        refused(&["sample", &run, &npz, &option("per-class")]);
        refused(&["eval", &run, &option("iwae-samples")]);
        refused(&["traverse", &run, &png, &option("rows")]);
        refused(&["traverse", &run, &png, "--manifold", &option("columns")]);
        for name in ["points", "dims", "size"] {
            refused(&["bench", "coreset", "--steps=1", &option(name)]);
        }
        for name in ["chains", "langevin-steps", "latent", "classes", "hidden"] {
            refused(&["bench", "langevin", "--steps=1", &option(name)]);
        }
        for name in ["batch-size", "labelled-batch-size", "latent", "classes", "hidden", "parts"] {
            refused(&["bench", "step", "--steps=1", &option(name)]);
        }
        refused(&["reproduce", "mier-1", &out("tables"), &option("draws")]);
        for verb in ["coreset", "langevin", "step"] {
            refused(&["bench", verb, &option("steps")]);
        }
    }
}

#[test]
fn the_longest_sum_over_classes_is_a_sum_over_all() {
    let dir = tempdir().unwrap();
    let run = dir.path().join("run");
    let exact = ["--marginalize=sum-and-sample:18446744073709551615"];
    let out = run.display().to_string();
    let args = ["train", "--json", "--out", &out];
    gleaner().call(args.iter().chain(SMALL).chain(&exact)).done();
}
