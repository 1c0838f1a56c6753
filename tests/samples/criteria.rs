//! What the filter asks of a sample beside its entropy.

use super::{CLASSES, Folder, NpyArray, entropy, samples};
use gleaner_core::noise::Noise;

#[test]
fn the_surest_of_each_class_are_kept_so_that_none_vanishes() {
    let folder = Folder::new();
    folder.save("in.npz", &samples());
    let input = folder.read("in.npz");
    let (logits, y) = (input.floats("logits"), input.integers("y"));
    let surest = |class: i64, count: usize| -> Vec<i64> {
        let mut rows: Vec<usize> = (0..60).filter(|&row| y[row] == class).collect();
        let of = |row: &usize| entropy(&logits[row * CLASSES..][..CLASSES]);
        rows.sort_by(|a, b| of(a).total_cmp(&of(b)));
        rows.into_iter().take(count).map(|row| row as i64).collect()
    };
    let expected = |counts: [usize; 3]| {
        let mut rows: Vec<i64> =
            (0..3).flat_map(|class| surest(class, counts[class as usize])).collect();
        rows.sort_unstable();
        rows
    };
    for (flag, counts) in
        [("--keep=0.15", [2, 3, 5]), ("--keep-per-class=4", [4, 4, 4]), ("--keep=1", [10, 20, 30])]
    {
        folder.filter("in.npz", "out.npz", &[flag]).done();
        assert_eq!(folder.read("out.npz").integers("source_index"), expected(counts), "{flag}");
    }
    // So small a threshold that a class is empty, and what fills it.
    let least =
        (0..60).filter(|&row| y[row] == 0).map(|row| entropy(&logits[row * 3..row * 3 + 3]));
    let threshold = format!("--max-entropy={}", least.fold(f64::INFINITY, f64::min) * 0.9);
    let said = folder.filter("in.npz", "out.npz", &[&threshold]).done();
    assert!(
        said.stderr.contains("no sample of class 0 is kept")
            && said.stderr.contains("--at-least 1")
    );
    assert_eq!(said.json()["empty_classes"][0], "0");
    let said = folder.filter("in.npz", "out.npz", &[&threshold, "--at-least=2"]).done().json();
    assert_eq!((&said["classes"][0]["kept"], &said["classes"][0]["sure"]), (&2.into(), &0.into()));
    assert_eq!(said["empty_classes"].as_array().unwrap().len(), 0);
}

#[test]
fn the_smallest_entropy_that_is_told_is_of_samples_that_meet_the_other_criteria() {
    let folder = Folder::new();
    // Of the first class, the surest is taken for another; of the second, one is very sure.
    let logits = [[0.0, 9.0], [1.0, 0.0], [0.0, 9.0], [0.0, 1.0], [0.0, 20.0]];
    let y = [0, 0, 1, 1, 1];
    let save = |rows: usize| {
        let logits = logits[..rows].concat();
        let y = NpyArray::i64(&[rows], y[..rows].to_vec());
        folder.save("in.npz", &[("y", y), ("logits", NpyArray::f32(&[rows, 2], logits))]);
    };
    save(5);
    let threshold = "--max-entropy=1e-4";
    let said = folder.filter("in.npz", "out.npz", &[threshold]).done().stderr;
    let least = "note: no sample of class 0 is kept: its smallest entropy is 0.001234 nats: raise";
    assert!(said.contains(least), "{said}");
    let said = folder.filter("in.npz", "out.npz", &[threshold, "--keep-agreeing"]).done().stderr;
    let least = "class 0 is kept: the smallest entropy of those that agree is 0.5822 nats: raise";
    assert!(said.contains(least), "{said}");
    save(3);
    let none = folder.filter("in.npz", "none.npz", &["--max-entropy=1e-9"]);
    assert!(none.error().contains("the smallest entropy is 0.001234 nats"), "{}", none.stderr);
}

#[test]
fn what_lies_outside_the_real_examples_or_copies_one_is_dropped_and_counted_by_class() {
    let folder = Folder::new();
    let real = Noise::new(8).normal(200 * 4);
    folder.save("real.npz", &[("x", NpyArray::f32(&[200, 2, 2], real.clone()))]);
    // Among them, but for six that are far away and four that are the same.
    let mut x: Vec<f32> = Noise::new(9).normal(60 * 4).iter().map(|v| v * 0.5).collect();
    (0..6).for_each(|row| x[row * 4] = 50.0);
    x[30 * 4..34 * 4].copy_from_slice(&real[..16]);
    folder.save("in.npz", &super::replaced("x", &NpyArray::f32(&[60, 2, 2], x)));
    let like = format!("--like={}", folder.text("real.npz"));
    let said = folder.filter("in.npz", "out.npz", &[&like]).done();
    let json = said.json();
    assert_eq!(
        (&json["classes"][0]["outside"], &json["classes"][2]["memorised"]),
        (&6.into(), &4.into())
    );
    let kept = folder.read("out.npz").integers("source_index");
    assert!(kept.iter().all(|row| *row >= 6 && !(30..34).contains(row)), "{kept:?}");
    assert_eq!(json["kept"].as_u64().unwrap() as usize, kept.len());
    let outside = json["outside"].as_u64().unwrap() + json["memorised"].as_u64().unwrap();
    assert_eq!(60 - outside as usize, kept.len());
    assert!(said.stderr.contains("60 samples with 200 real examples by x"), "{}", said.stderr);
}

#[test]
fn criteria_that_cannot_be_are_refused() {
    let folder = Folder::new();
    folder.save("in.npz", &samples());
    folder.save("wide.npz", &[("x", NpyArray::f32(&[50, 9], vec![0.5; 450]))]);
    let mut gap = Noise::new(8).normal(50 * 4);
    gap[4 * 3 + 1] = f32::NAN;
    folder.save("gap.npz", &[("x", NpyArray::f32(&[50, 4], gap))]);
    folder.save("single.npz", &[("x", NpyArray::f32(&[1, 4], vec![0.5; 4]))]);
    folder.save("none.npz", &[("pictures", NpyArray::f32(&[50, 4], vec![0.5; 200]))]);
    folder.save(
        "far.npz",
        &[("x", NpyArray::f32(&[50, 4], (0..200).map(|at| 1e4 + at as f32).collect()))],
    );
    let like = |name: &str| format!("--like={}", folder.text(name));
    let cases = [
        (vec!["--keep=0".to_owned()], "--keep 0 is not valid"),
        (vec!["--keep=1.5".to_owned()], "--keep 1.5 is not valid"),
        (vec!["--keep-per-class=0".to_owned()], "--keep-per-class 0 is not valid"),
        (vec!["--keep-per-class=2".to_owned(), "--at-least=5".to_owned()], "--at-least 5"),
        (vec!["--max-entropy=0".to_owned()], "--max-entropy 0"),
        (vec!["--max-entropy".to_owned(), "-1".to_owned()], "--max-entropy -1"),
        (vec![like("missing.npz")], "cannot read"),
        (vec![like("wide.npz")], "x has 4 numbers for each sample"),
        (vec![like("gap.npz")], "gap.npz: x of row 3 holds NaN (the first row is 0)"),
        (vec![like("single.npz")], "single.npz has 1 example; --like needs at least 6"),
        (vec![like("none.npz")], "have no array features or x in common"),
        (vec![like("far.npz")], "are both files in the same units?"),
        (vec![like("in.npz")], "are the real examples these samples themselves?"),
    ];
    for (flags, problem) in cases {
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let said = folder.filter("in.npz", "out.npz", &flags);
        assert!(said.error().contains(problem), "{problem}: {}", said.error());
        assert!(!folder.path("out.npz").exists());
    }
    // Nor is a sample that has no place.
    let mut lost = Noise::new(9).normal(60 * 4);
    lost[4 * 7] = f32::INFINITY;
    folder.save("lost.npz", &super::replaced("x", &NpyArray::f32(&[60, 2, 2], lost)));
    folder.save("real.npz", &[("x", NpyArray::f32(&[50, 4], Noise::new(8).normal(200)))]);
    let said = folder.filter("lost.npz", "out.npz", &[&like("real.npz")]);
    assert!(said.error().contains("x of row 7 holds inf (the first row is 0)"), "{}", said.stderr);
    let real = std::fs::read(folder.path("real.npz")).unwrap();
    let said = folder.filter("in.npz", "real.npz", &[&like("real.npz"), "--keep=1"]);
    assert!(said.error().contains("--out"), "{}", said.stderr);
    assert_eq!(std::fs::read(folder.path("real.npz")).unwrap(), real, "what is read stays");
    assert_eq!(folder.filter("in.npz", "out.npz", &[]).code, Some(2));
    assert_eq!(
        folder.filter("in.npz", "out.npz", &["--keep=0.5", "--keep-per-class=3"]).code,
        Some(2)
    );
    assert_eq!(folder.filter("in.npz", "out.npz", &["--at-least=3"]).code, Some(2));
}
