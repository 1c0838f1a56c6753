//! Arrays of the input that filter and coreset write anew: who loses values is told so.

use super::{Folder, NpyArray, samples};

/// The notes of a call.
fn notes(stderr: &str) -> Vec<&str> {
    stderr.lines().filter(|line| line.starts_with("note:")).collect()
}

#[test]
fn arrays_that_lose_their_values_are_named_in_one_note() {
    let folder = Folder::new();
    let own = |name| (name, NpyArray::f32(&[60], (0..60).map(|row| 100.0 + row as f32).collect()));
    let arrays = [&samples()[..], &["weight", "index", "entropy", "source_index"].map(own)];
    folder.save("in.npz", &arrays.concat());
    let said = folder.coreset("in.npz", "few.npz", &["--method=craig", "--size=8"]).done().stderr;
    let [weighted, note] = notes(&said)[..] else { panic!("{said}") };
    assert!(note.contains("in.npz") && note.contains("in the place of weight, index;"), "{note}");
    assert!(
        weighted.contains("60 samples stand for 7770") && weighted.contains("--unweighted"),
        "{weighted}"
    );
    assert!(folder.read("few.npz").floats("entropy").iter().all(|&value| value >= 100.0));
    let said = folder.filter("in.npz", "sure.npz", &["--max-entropy=0.5"]).done().stderr;
    let [note] = notes(&said)[..] else { panic!("{said}") };
    assert!(note.contains("in the place of entropy, source_index;"), "{note}");
    assert!(folder.read("sure.npz").floats("weight").iter().all(|&value| value >= 100.0));
}

#[test]
fn what_stays_the_same_or_is_not_there_needs_no_note() {
    let folder = Folder::new();
    folder.save("in.npz", &samples());
    let filter = |from: &str, to: &str| folder.filter(from, to, &["--max-entropy=0.5"]).done();
    assert_eq!(notes(&filter("in.npz", "sure.npz").stderr), [""; 0]);
    let size = ["--method=craig", "--size=8"];
    let said = folder.coreset("sure.npz", "few.npz", &size).done().stderr;
    assert_eq!(notes(&said), [""; 0]);
    // The entropies of a second filter are those of the first; where the rows stood is not.
    let said = filter("sure.npz", "again.npz").stderr;
    let [note] = notes(&said)[..] else { panic!("{said}") };
    assert!(note.contains("in the place of source_index;"), "{note}");
    let said = folder.coreset("few.npz", "fewer.npz", &["--method=craig", "--size=4"]).done();
    // What a choice from chosen samples counts anew is nothing lost.
    let [note] = notes(&said.stderr)[..] else { panic!("{}", said.stderr) };
    assert!(note.contains("8 samples stand for"), "{note}");
}
