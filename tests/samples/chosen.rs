//! What samples are compared by, and choices from what was chosen.

use super::{Folder, NpyArray, NpyValues, Npz, gleaner, replaced, samples};
use gleaner_core::checkpoint::TensorFile;
use gleaner_core::noise::Noise;
use gleaner_tests::program::{SMALL, SMALL_LATENT_EBM};

/// The samples with more arrays.
fn with(more: &[(&'static str, NpyArray)]) -> Vec<(&'static str, NpyArray)> {
    [&samples()[..], more].concat()
}

fn normal(seed: u64, width: usize) -> NpyArray {
    NpyArray::f32(&[60, width], Noise::new(seed).normal(60 * width))
}

/// Facility location by definition, in double precision, on distances that are given: picks and their worth, class by class.
fn greedy(y: &[i64], size: [usize; 3], distance: impl Fn(usize, usize) -> f64) -> (Vec<i64>, f64) {
    let (mut all, mut worth) = (Vec::new(), 0.0);
    for (class, size) in size.into_iter().enumerate() {
        let rows: Vec<usize> = (0..y.len()).filter(|&row| y[row] == class as i64).collect();
        let pairs = || rows.iter().flat_map(|&a| rows.iter().map(move |&b| (a, b)));
        let largest = pairs().map(|(a, b)| distance(a, b)).fold(0.0, f64::max);
        let mut picks: Vec<usize> = Vec::new();
        let of = |picks: &[usize]| -> f64 {
            let near =
                |&row: &usize| picks.iter().map(|&p| distance(row, p)).fold(largest, f64::min);
            rows.iter().map(|row| largest - near(row)).sum()
        };
        for _ in 0..size {
            let left = rows.iter().copied().filter(|row| !picks.contains(row));
            let with = |row: usize| of(&[&picks[..], &[row]].concat());
            let best = left.rev().max_by(|&a, &b| with(a).total_cmp(&with(b))).unwrap();
            picks.push(best);
        }
        worth += of(&picks);
        all.extend(picks.iter().map(|&row| row as i64));
    }
    (all, worth)
}

#[test]
fn every_space_compares_what_it_says() {
    let folder = Folder::new();
    let arrays = with(&[("features", normal(1, 5)), ("clip", normal(2, 4)), ("z", normal(3, 3))]);
    folder.save("in.npz", &arrays);
    let file = folder.read("in.npz");
    let (y, logits) = (file.integers("y"), file.floats("logits"));
    let gradient = |row: usize| -> Vec<f64> {
        let exps: Vec<f64> =
            logits[row * 3..row * 3 + 3].iter().map(|&l| f64::from(l).exp()).collect();
        let sum: f64 = exps.iter().sum();
        (0..3).map(|k| exps[k] / sum - f64::from(u8::from(k as i64 == y[row]))).collect()
    };
    let rows = |name: &str, width: usize| -> Vec<Vec<f64>> {
        let values = file.floats(name);
        values.chunks(width).map(|row| row.iter().copied().map(f64::from).collect()).collect()
    };
    let apart = |a: &[f64], b: &[f64]| -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
    };
    let product = |row: usize, h: &[Vec<f64>]| -> Vec<f64> {
        gradient(row).iter().flat_map(|g| h[row].iter().map(move |h| g * h)).collect()
    };
    let unit = |row: &[f64]| -> Vec<f64> {
        let length = apart(row, &vec![0.0; row.len()]);
        row.iter().map(|x| x / length).collect()
    };
    let (h, c, z) = (rows("features", 5), rows("clip", 4), rows("z", 3));
    type Distance<'a> = &'a dyn Fn(usize, usize) -> f64;
    let cases: [(&[&str], Distance<'_>); 5] = [
        (&["--space=gradient"], &|a, b| apart(&gradient(a), &gradient(b))),
        (&["--space=last-layer"], &|a, b| apart(&product(a, &h), &product(b, &h))),
        (&["--space=latent"], &|a, b| apart(&z[a], &z[b])),
        (&["--space=embedding", "--array=clip"], &|a, b| apart(&c[a], &c[b])),
        (&["--space=embedding", "--array=clip", "--distance=cosine"], &|a, b| {
            apart(&unit(&c[a]), &unit(&c[b]))
        }),
    ];
    for (flags, distance) in cases {
        let (picks, worth) = greedy(&y, [2, 4, 6], distance);
        let flags = [&["--method=craig", "--size=12"], flags].concat();
        let said = folder.coreset("in.npz", "out.npz", &flags).done().json();
        assert_eq!(folder.read("out.npz").integers("index"), picks, "{flags:?}");
        let found = said["objective"].as_f64().unwrap();
        assert!((found / worth - 1.0).abs() < 1e-6, "{flags:?}: {found} {worth}");
    }
    // As before there was a choice.
    let said = folder.coreset("in.npz", "out.npz", &["--method=adacore", "--size=9"]).done().json();
    assert_eq!(said["space"], "last-layer");
    let said = folder.coreset("in.npz", "out.npz", &["--method=craig", "--size=9"]).done().json();
    assert_eq!((&said["space"], &said["optimizer"]), (&"gradient".into(), &"lazy".into()));
}

#[test]
fn without_a_method_samples_are_chosen_at_random_and_in_a_space_by_craig() {
    let folder = Folder::new();
    folder.save("in.npz", &with(&[("z", normal(1, 3))]));
    let chosen = |flags: &[&str]| {
        let said = folder.coreset("in.npz", "out.npz", &[flags, &["--size=12"]].concat()).done();
        let method = said.json()["method"].as_str().unwrap().to_owned();
        (folder.read("out.npz").integers("index"), method, said.stderr)
    };
    let (rows, method, said) = chosen(&[]);
    assert!(method == "random" && said.contains("chosen at random; --method craig"), "{said}");
    assert_eq!(rows, chosen(&["--method=random"]).0);
    let (rows, method, said) = chosen(&["--space=latent"]);
    assert!(method == "craig" && !said.contains("at random"), "{said}");
    assert_eq!(rows, chosen(&["--space=latent", "--method=craig"]).0);
}

#[test]
fn a_space_without_its_array_says_what_to_do() {
    let folder = Folder::new();
    folder.save("in.npz", &samples());
    folder.save("nan.npz", &with(&[("z", NpyArray::f32(&[60, 1], vec![f32::NAN; 60]))]));
    folder.save("zero.npz", &with(&[("embedding", NpyArray::f32(&[60, 2], vec![0.0; 120]))]));
    folder.save("few.npz", &with(&[("clip", NpyArray::f32(&[59, 2], vec![0.0; 118]))]));
    let cases = [
        ("in.npz", &["--space=latent"][..], "no array z (found \"x\", \"y\""),
        ("in.npz", &["--space=last-layer"], "no array features"),
        ("in.npz", &["--space=embedding"], "no array embedding or features"),
        ("in.npz", &["--space=embedding", "--array=clip"], "no array clip"),
        ("in.npz", &["--array=x"], "--array needs --space"),
        ("in.npz", &["--space=latent", "--distance=cosine"], "--distance needs --space embedding"),
        ("nan.npz", &["--space=latent"], "z of row 0 holds NaN"),
        (
            "zero.npz",
            &["--space=embedding", "--distance=cosine"],
            "--distance cosine is not valid: row 0",
        ),
        ("few.npz", &["--space=embedding", "--array=clip"], "clip has shape [59, 2]"),
    ];
    for (file, flags, problem) in cases {
        let flags = [&["--method=craig", "--size=9"], flags].concat();
        let error = folder.coreset(file, "out.npz", &flags).error().to_owned();
        assert!(error.contains(problem), "{flags:?}: {error}");
        assert!(!folder.path("out.npz").exists());
    }
    let useless = folder.coreset("in.npz", "out.npz", &["--size=9", "--optimizer=naive"]);
    assert!(useless.error().contains("--optimizer needs --method craig"), "{}", useless.stderr);
    let adacore = ["--method=adacore", "--space=embedding", "--array=x", "--size=9"];
    let error = folder.coreset("in.npz", "out.npz", &adacore).error().to_owned();
    assert!(error.contains("adacore divides gradients by curvature"), "{error}");
}

#[test]
fn numbers_in_double_precision_are_compared_by_their_differences() {
    let folder = Folder::new();
    for (seed, near, far) in [(4, "near.npz", "far.npz"), (5, "near2.npz", "far2.npz")] {
        let values = Noise::new(seed).normal(60 * 3);
        // There, single precision tells only sixteenths apart.
        let moved = values.iter().map(|&value| f64::from(value) + 1e6).collect();
        let moved = NpyArray { shape: vec![60, 3], values: NpyValues::F64(moved) };
        folder.save(near, &with(&[("clip", NpyArray::f32(&[60, 3], values))]));
        folder.save(far, &with(&[("clip", moved)]));
    }
    let flags = ["--method=craig", "--space=embedding", "--array=clip", "--size=20"];
    let out = folder.text("out.npz");
    let chosen = |names: &[&str]| {
        let files: Vec<String> = names.iter().map(|name| folder.text(name)).collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let call = [&["coreset"], &files[..], &flags, &["--json", "--out", &out]].concat();
        let worth = gleaner().call(call).done().json()["objective"].as_f64().unwrap();
        (folder.read("out.npz").integers("index"), worth)
    };
    // Of several files, all are held against one row.
    let pairs: [[&[&str]; 2]; 2] =
        [[&["near.npz"], &["far.npz"]], [&["near.npz", "near2.npz"], &["far.npz", "far2.npz"]]];
    for [near, far] in pairs {
        let (near, far) = (chosen(near), chosen(far));
        assert_eq!(near.0, far.0);
        assert!((near.1 / far.1 - 1.0).abs() < 1e-6, "{near:?} {far:?}");
    }
}

/// Rows of the samples, with where they stood.
fn part(rows: &[usize]) -> Vec<(&'static str, NpyArray)> {
    let order: Vec<(usize, usize)> = rows.iter().map(|&row| (0, row)).collect();
    let picked =
        |array: &NpyArray| NpyArray::from_rows_of(std::slice::from_ref(array), &order).unwrap();
    let all = samples();
    let arrays = all.iter().filter(|(_, array)| array.shape[0] == 60);
    arrays.map(|(name, array)| (*name, picked(array))).collect()
}

#[test]
fn parts_are_chosen_from_and_then_what_was_chosen() {
    let folder = Folder::new();
    let (even, odd): (Vec<usize>, Vec<usize>) = (0..60).partition(|row| row % 2 == 0);
    folder.save("a.npz", &part(&even));
    folder.save("b.npz", &part(&odd));
    for name in ["a", "b"] {
        let flags = ["--method=craig", "--size=15"];
        folder.coreset(&format!("{name}.npz"), &format!("{name}-chosen.npz"), &flags).done();
    }
    let out = folder.text("two.npz");
    let files = ["a-chosen.npz", "b-chosen.npz"].map(|name| folder.text(name));
    let call =
        ["coreset", &files[0], &files[1], "--method=craig", "--size=12", "--json", "--out", &out];
    let said = gleaner().call(call).done().json();
    assert_eq!(said["samples"], 30);
    let two = folder.read("two.npz");
    // Everybody is still counted, each class by what it stands for.
    assert_eq!(two.floats("weight").iter().sum::<f32>(), 60.0);
    let classes = said["classes"].as_array().unwrap();
    let of = |key: &str| classes.iter().map(|c| c[key].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!((of("stand_for"), of("chosen")), (vec![10, 20, 30], vec![2, 4, 6]));
    // Each comes from the file and row that it had at first, with all that it had there.
    let (file, row) = (two.integers("source_file"), two.integers("source_row"));
    let names = match two.array("source_files").values {
        NpyValues::Text(names) => names,
        other => panic!("{other:?}"),
    };
    assert_eq!(names, ["a.npz", "b.npz"].map(|name| folder.text(name)));
    let tags = two.integers("tag");
    for at in 0..12 {
        let first = [&even, &odd][file[at] as usize][row[at] as usize];
        assert_eq!(tags[2 * at..2 * at + 2], [2 * first as i64, 2 * first as i64 + 1]);
    }
    // `index` is the row of both files, one after the other.
    let chosen = ["a-chosen.npz", "b-chosen.npz"].map(|name| folder.read(name));
    let both = chosen.map(|file| file.integers("source_row")).concat();
    let index = two.integers("index");
    assert!((0..12).all(|at| both[index[at] as usize] == row[at]));
    assert!((0..12).all(|at| i64::from(index[at] >= 15) == file[at]));
    assert_eq!(two.array("x").shape, [12, 2, 2]);
    // Unweighted, every sample counts once.
    let call = [
        "coreset",
        &files[0],
        &files[1],
        "--method=craig",
        "--size=12",
        "--unweighted",
        "--out",
        &out,
    ];
    gleaner().call(call).done();
    assert_eq!(folder.read("two.npz").floats("weight").iter().sum::<f32>(), 30.0);
}

#[test]
fn several_files_are_one_file() {
    let folder = Folder::new();
    folder.save("all.npz", &part(&(0..60).collect::<Vec<_>>()));
    folder.save("a.npz", &part(&(0..25).collect::<Vec<_>>()));
    folder.save("b.npz", &part(&(25..60).collect::<Vec<_>>()));
    let out = folder.text("out.npz");
    let choose = |files: &[&str]| {
        let files: Vec<String> = files.iter().map(|name| folder.text(name)).collect();
        let flags = ["--method=craig", "--size=12", "--out", &out].map(String::from);
        gleaner().call([&["coreset".to_owned()][..], &files, &flags].concat()).done();
        let file = folder.read("out.npz");
        (file.integers("tag"), file.integers("index"), file.floats("weight"), file.floats("gain"))
    };
    assert_eq!(choose(&["all.npz"]), choose(&["a.npz", "b.npz"]));
}

#[test]
fn arrays_of_several_files_keep_their_types_and_every_digit() {
    let folder = Folder::new();
    let exact = |from: usize| NpyArray {
        shape: vec![60],
        values: NpyValues::F64((from..from + 60).map(|row| 1.7e9 + row as f64 / 4.0).collect()),
    };
    let single = NpyArray::f32(&[60], vec![0.5; 60]);
    let bytes = NpyValues::U8(samples_y().iter().map(|&y| y as u8).collect());
    let mut a = replaced("y", &NpyArray { shape: vec![60], values: bytes });
    a.extend([("when", exact(0)), ("mixed", exact(0)), ("words", single.clone())]);
    let words = NpyArray::texts(vec!["a"; 60]);
    folder.save("a.npz", &a);
    folder.save(
        "b.npz",
        &with(&[("when", exact(60)), ("mixed", single), ("words", words), ("more", exact(0))]),
    );
    let [first, second, out] = ["a.npz", "b.npz", "out.npz"].map(|name| folder.text(name));
    let flags = ["--method=random", "--size=40", "--out", &out];
    let said = gleaner().call([&["coreset", &first, &second][..], &flags].concat()).done();
    for left_out in [format!("more, which {first} lacks"), "words, whose rows are of".to_owned()] {
        assert!(said.stderr.contains(&format!("note: left out: {left_out}")), "{}", said.stderr);
    }
    let bytes = std::fs::read(&out).unwrap();
    let mut file = Npz::open(&bytes, "out").unwrap();
    let mut exactly = |name: &str| file.labels(name).unwrap().values;
    let index = folder.read("out.npz").integers("index");
    let when = |row: &i64| 1.7e9 + *row as f64 / 4.0;
    assert_eq!(exactly("when"), NpyValues::F64(index.iter().map(when).collect()));
    let mixed = |row: &i64| if *row < 60 { when(row) } else { 0.5 };
    assert_eq!(exactly("mixed"), NpyValues::F64(index.iter().map(mixed).collect()));
    // Bytes in one file and numbers in the other: the classes, whatever they are kept as.
    let labels = |row: &i64| samples_y()[*row as usize % 60];
    assert_eq!(exactly("y"), NpyValues::I64(index.iter().map(labels).collect()));
}

fn samples_y() -> Vec<i64> {
    match &samples()[1].1.values {
        NpyValues::I64(values) => values.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let folder = Folder::new();
    folder.save("a.npz", &samples());
    let names = |names: [&str; 3]| with(&[("classes", NpyArray::texts(names))]);
    folder.save("named.npz", &names(["cat", "dog", "cow"]));
    folder.save("otherwise.npz", &names(["dog", "cat", "cow"]));
    folder.save("probs.npz", &{
        let mut arrays: Vec<_> =
            samples().into_iter().filter(|(name, _)| *name != "logits").collect();
        arrays.push(("probs", NpyArray::f32(&[60, 3], vec![1.0 / 3.0; 180])));
        arrays
    });
    folder.save("four.npz", &replaced("logits", &normal(4, 4)));
    folder.save("weighted.npz", &with(&[("weight", NpyArray::f32(&[60], vec![2.0; 60]))]));
    folder.save("negative.npz", &with(&[("weight", NpyArray::f32(&[60], vec![-1.0; 60]))]));
    folder.save("twice.npz", &names(["cat", "dog", "cat"]));
    let cases: [(&[&str], &str); 8] = [
        (&["a.npz", "a.npz"], "given twice"),
        (&["twice.npz"], "classes names two classes \"cat\""),
        (&["named.npz", "otherwise.npz"], "its classes are \"dog\", \"cat\", \"cow\", those of"),
        (&["a.npz", "named.npz"], "those of"),
        (&["a.npz", "probs.npz"], "logits in one and probs in the other"),
        (&["a.npz", "four.npz"], "predictions for 3 classes and for 4"),
        (&["weighted.npz", "a.npz"], "give weights in all files"),
        (&["negative.npz"], "weight of row 0 is -1"),
    ];
    for (files, problem) in cases {
        let files: Vec<String> = files.iter().map(|name| folder.text(name)).collect();
        let out = folder.text("out.npz");
        let flags = ["--method=craig", "--size=12", "--out", &out].map(String::from);
        let said = gleaner().call([&["coreset".to_owned()][..], &files, &flags].concat());
        assert!(said.error().contains(problem), "{problem}: {}", said.error());
    }
}

#[test]
fn the_features_of_samples_are_what_the_classifier_decides_from() {
    let folder = Folder::new();
    for (name, small, last) in [
        ("m2", SMALL, "classifier.output"),
        ("latent-ebm", SMALL_LATENT_EBM, "prior.energy.output"),
    ] {
        let (run, samples) = (folder.text(name), folder.text("drawn.npz"));
        gleaner().call(["train", "--out", &run].iter().chain(small)).done();
        let sample = ["sample", &run, "--per-class=3", "--features", "--out", &samples];
        gleaner().call(sample).done();
        let file = folder.read("drawn.npz");
        let (features, logits) = (file.floats("features"), file.floats("logits"));
        let bytes = std::fs::read(folder.path(name).join("model.safetensors")).unwrap();
        let tensors = TensorFile::from_bytes(&bytes).unwrap().tensors;
        let (weight, bias) =
            (&tensors[&format!("{last}.weight")], &tensors[&format!("{last}.bias")]);
        let width = weight.shape[0];
        assert_eq!([features.len(), logits.len()], [30 * width, 30 * 10], "{name}");
        for (row, logits) in features.chunks_exact(width).zip(logits.chunks_exact(10)) {
            for class in 0..10 {
                let terms = row.iter().enumerate();
                let product: f32 = terms.map(|(i, h)| h * weight.values[i * 10 + class]).sum();
                let expected = product + bias.values[class];
                let off = (logits[class] - expected).abs();
                assert!(off < 1e-3 * (1.0 + expected.abs()), "{name}: {logits:?} {expected}");
            }
        }
        let flags = ["--method=craig", "--space=last-layer", "--size=12"];
        let said = folder.coreset("drawn.npz", "few.npz", &flags).done().json();
        assert_eq!(
            (said["chosen"].as_u64(), said["space"].as_str()),
            (Some(12), Some("last-layer"))
        );
    }
    let table = folder.text("drawn.csv");
    let run = folder.text("m2");
    let said = gleaner().call(["sample", &run, "--per-class=3", "--features", "--out", &table]);
    assert!(said.error().contains("--features is for arrays"), "{said:?}");
}
