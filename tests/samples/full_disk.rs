//! A disk that takes no more: one line says so, and of two results none is there without the other.

use std::process::Command;

use gleaner_core::data::formats::npy::NpyArray;
use gleaner_tests::program::names;

use super::*;

/// Blocks of 512 bytes that a file may take here, instead of a disk that is full.
const BLOCKS: usize = 120;

/// Calls the program where a file may not be larger.
fn call_with_little_room(args: &[&str]) -> Said {
    let call = gleaner().command(args);
    let script = format!("trap '' XFSZ; ulimit -f {BLOCKS}; exec \"$@\"");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, "sh"]).arg(call.get_program()).args(call.get_args());
    Said::from(shell.output().unwrap())
}

#[test]
fn a_file_that_finds_no_room_is_one_line_and_its_picture_is_not_there_alone() {
    let folder = Folder::new();
    let more = ("more", NpyArray::f32(&[60, 400], vec![0.5; 24_000]));
    folder.save("in.npz", &[samples(), vec![more]].concat());
    let (from, to, grid) = (folder.text("in.npz"), folder.text("out.npz"), folder.text("out.png"));
    for verb in [
        &["filter", &from, "--max-entropy=9"][..],
        &["coreset", &from, "--method=random", "--size=60"],
    ] {
        let said = call_with_little_room(&[verb, &["--out", &to, "--grid", &grid]].concat());
        let error = said.error();
        assert!(error.starts_with(&format!("error: cannot write {to}: ")), "{error}");
        assert!(!said.stderr.contains("Zip"), "{}", said.stderr);
        assert_eq!(names(folder.0.path()), ["in.npz"], "{verb:?}");
    }
}
