//! The examples of the core do what they say.
#![allow(clippy::unwrap_used, missing_docs)]

use std::process::Command;

/// Standard output of a program that succeeds.
fn output(program: &str) -> String {
    let output = Command::new(program).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_example_of_filter_and_coreset_keeps_the_sure_ones_and_weighs_the_picks() {
    let expected = "\
kept rows [0, 1, 3, 5]
row 0 represents 2 samples
row 3 represents 1 samples
row 5 represents 1 samples
";
    assert_eq!(output(env!("CARGO_BIN_EXE_filter_and_pick")), expected);
}

#[test]
fn the_example_of_training_learns_the_digits() {
    let text = output(env!("CARGO_BIN_EXE_train_m2"));
    let (accuracy, drawn) = text.trim().split_once('\n').unwrap();
    let share = accuracy.strip_prefix("test accuracy ").and_then(|rest| rest.strip_suffix(" %"));
    // Ten labels a class: 85 to 92 % by seed and settings; a tenth would be chance.
    assert!(share.unwrap().parse::<f64>().unwrap() > 80.0, "{accuracy}");
    assert_eq!(drawn, "50 samples of 64 values each");
}
