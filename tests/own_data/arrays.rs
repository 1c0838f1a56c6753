//! Arrays: their names, types and orders, which numbers are pixels, which rows have a label; also those of samples.

use std::io::{Cursor, Write as _};

use gleaner_core::data::formats::npy::{NpyArray, NpyValues, parse_npy, write_npy};
use half::f16;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{Home, bytes, digits};

/// An array of a type that the program itself does not write.
fn npy(descr: &str, shape: &[usize], values: &[u8]) -> Vec<u8> {
    let shape: String = shape.iter().map(|size| format!("{size},")).collect();
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    header += &" ".repeat((64 - (10 + header.len() + 1) % 64) % 64);
    header.push('\n');
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00".as_slice(), &length, header.as_bytes(), values].concat()
}

/// An archive of arrays, each as bytes.
fn archive(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, array) in arrays {
        zip.start_file(format!("{name}.npy"), SimpleFileOptions::default()).unwrap();
        zip.write_all(array).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn labels(y: &[i64]) -> NpyArray {
    NpyArray::i64(&[y.len()], y.to_vec())
}

/// `0 10, 1 11, ...` of digits.
fn classes_of(y: &[i64]) -> String {
    let count = |class: i64| y.iter().filter(|&&y| y == class).count();
    (0..10).map(|class| format!("{class} {}", count(class))).collect::<Vec<_>>().join(", ")
}

fn floats(pixels: &[u8]) -> Vec<f32> {
    pixels.iter().map(|&pixel| f32::from(pixel)).collect()
}

#[test]
fn pixels_as_floats_up_to_255_are_scaled() {
    let home = Home::new();
    let (pixels, y) = digits(200);
    let x = NpyArray::f32(&[200, 8, 8], floats(&pixels));
    home.write_npz("float.npz", &[("x", x), ("y", labels(&y))]);
    home.write_npz(
        "flat.npz",
        &[("x", NpyArray::f32(&[200, 64], floats(&pixels))), ("y", labels(&y))],
    );
    for name in ["float.npz", "flat.npz"] {
        let seen = home.show(name, &[]);
        assert_eq!(
            (seen.likelihood(), seen.scaling()),
            ("bernoulli", "from 0..255 to 0..1"),
            "{name}"
        );
        assert_eq!((seen.features(), seen.range()), ("64 pixel".into(), [0.0, 255.0]), "{name}");
        assert!(seen.notes("pixels from 0 to 255"), "{name}: {seen:?}");
        // A Bernoulli likelihood of values within [0, 1] has no positive bound; of 0..255 it was +17,708 nats.
        let elbo = home.trained(name, name.trim_end_matches(".npz"))["elbo"].as_f64().unwrap();
        assert!((-100.0..0.0).contains(&elbo), "{name}: {elbo}");
    }
}

#[test]
fn a_table_of_pixels_is_scaled_too() {
    let home = Home::new();
    let (pixels, y) = digits(100);
    let header: String = (0..64).map(|at| format!(",pixel{at}")).collect();
    let row = |(row, label): (usize, &i64)| {
        let cells: String =
            pixels[64 * row..][..64].iter().map(|pixel| format!(",{pixel}")).collect();
        format!("{label}{cells}\n")
    };
    home.write(
        "kaggle.csv",
        format!("label{header}\n") + &y.iter().enumerate().map(row).collect::<String>(),
    );
    let seen = home.show("kaggle.csv", &[]);
    assert_eq!((seen.likelihood(), seen.scaling()), ("bernoulli", "from 0..255 to 0..1"));
    assert_eq!(
        (seen.label(), seen.features(), seen.classes()),
        ("label", "64 pixel".into(), classes_of(&y))
    );
    assert!(seen.notes("pixels from 0 to 255"));
}

#[test]
fn values_that_are_no_pixels_are_not_taken_for_bits() {
    let home = Home::new();
    let (pixels, y) = digits(100);
    let normed = floats(&pixels).iter().map(|value| (value / 255.0 - 0.13) / 0.31).collect();
    home.write_npz("normed.npz", &[("x", NpyArray::f32(&[100, 8, 8], normed)), ("y", labels(&y))]);
    let seen = home.show("normed.npz", &[]);
    assert_eq!(
        (seen.likelihood(), seen.scaling()),
        ("gaussian", "each feature to mean 0 and variance 1")
    );
    // Asking for a Bernoulli likelihood of them is refused before anything is trained.
    let said = home.train("normed.npz", "run", &["--folds=2", "--set=model.likelihood=bernoulli"]);
    assert!(
        said.error().contains("a Bernoulli likelihood describes values from 0 to 1 alone"),
        "{}",
        said.stderr
    );
}

#[test]
fn splits_are_found_under_the_names_of_keras_and_medmnist() {
    let home = Home::new();
    let (pixels, y) = digits(150);
    let part =
        |from: usize, to: usize| bytes(&[to - from, 8, 8], pixels[64 * from..64 * to].to_vec());
    let keras = [
        ("x_train", part(0, 120)),
        ("y_train", labels(&y[..120])),
        ("x_test", part(120, 150)),
        ("y_test", labels(&y[120..])),
    ];
    home.write_npz("keras.npz", &keras);
    let seen = home.show("keras.npz", &[]);
    assert_eq!((seen.classes(), &seen.0["splits"]["test"]), (classes_of(&y[..120]), &30.into()));
    let column = |y: &[i64]| NpyArray::i64(&[y.len(), 1], y.to_vec());
    let medmnist = [
        ("train_images", part(0, 100)),
        ("val_images", part(100, 120)),
        ("test_images", part(120, 150)),
        ("train_labels", column(&y[..100])),
        ("val_labels", column(&y[100..120])),
        ("test_labels", column(&y[120..])),
    ];
    home.write_npz("med.npz", &medmnist);
    let seen = home.show("med.npz", &[]);
    assert_eq!(
        (seen.classes(), &seen.0["splits"]),
        (classes_of(&y[..100]), &serde_json::json!({"validation": 20, "test": 30}))
    );
    let said = home.train("med.npz", "run", &[]).done();
    assert!(
        said.stderr.contains("100 labelled, 100 unlabelled, 20 validation, 30 test"),
        "{}",
        said.stderr
    );
    assert_eq!(said.json()["tested"], 30);
}

#[test]
fn labels_may_be_a_column_words_or_floats() {
    let home = Home::new();
    let (pixels, y) = digits(100);
    let x = || ("x", bytes(&[100, 8, 8], pixels.clone()));
    home.write_npz("column.npz", &[x(), ("y", NpyArray::i64(&[100, 1], y.clone()))]);
    assert_eq!(home.show("column.npz", &[]).classes(), classes_of(&y));
    let named = |y: &i64| {
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
            [*y as usize]
    };
    home.write_npz("words.npz", &[x(), ("y", NpyArray::texts(y.iter().map(named)))]);
    let seen = home.show("words.npz", &[]);
    assert!(seen.classes().starts_with("eight ") && seen.classes().contains("zero "), "{seen:?}");
    let half = |(row, &y): (usize, &i64)| if row % 2 == 0 { f32::NAN } else { y as f32 };
    let some = y.iter().enumerate().map(half).collect();
    home.write_npz("floats.npz", &[x(), ("y", NpyArray::f32(&[100], some))]);
    let seen = home.show("floats.npz", &[]);
    let kept: Vec<i64> = y.iter().copied().skip(1).step_by(2).collect();
    assert_eq!((seen.classes(), seen.unlabelled()), (classes_of(&kept), 50));
    assert!(seen.notes("50 "));
}

#[test]
fn half_floats_big_ends_and_channels_first_are_read() {
    let home = Home::new();
    let (pixels, y) = digits(60);
    let y = ("y", write_npy(&labels(&y)));
    let halves: Vec<u8> = pixels
        .iter()
        .flat_map(|&pixel| f16::from_f32(f32::from(pixel) / 255.0).to_le_bytes())
        .collect();
    home.write("half.npz", archive(&[("x", npy("<f2", &[60, 8, 8], &halves)), y.clone()]));
    let seen = home.show("half.npz", &[]);
    assert_eq!(
        (seen.features(), seen.range(), seen.scaling()),
        ("64 pixel".into(), [0.0, 1.0], "none")
    );
    let big: Vec<u8> = pixels.iter().flat_map(|&pixel| f64::from(pixel).to_be_bytes()).collect();
    home.write("big.npz", archive(&[("x", npy(">f8", &[60, 8, 8], &big)), y.clone()]));
    assert_eq!(home.show("big.npz", &[]).range(), [0.0, 255.0]);
    let first: Vec<u8> = pixels.chunks(64).flat_map(|image| image.repeat(3)).collect();
    home.write("first.npz", archive(&[("x", npy("|u1", &[60, 3, 8, 8], &first)), y]));
    let seen = home.show("first.npz", &[]);
    assert!(seen.notes("channels come first, read as [60, 8, 8, 3]"), "{seen:?}");
    home.trained("first.npz", "run");
    home.call(&["data", "export", &home.path("run"), "--out", &home.path("out.npz")]).done();
    // Every pixel is grey, so its three channels lie side by side.
    let x = home.array("out.npz", "x");
    let NpyValues::F32(values) = &x.values else { panic!("floats") };
    assert_eq!(x.shape, [60, 8, 8, 3]);
    assert!(values.chunks(3).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]));
}

/// Samples of another generator, `[120, 3]` logits.
fn sampled() -> (Vec<f32>, Vec<i64>) {
    let logit = |at: usize| {
        ((at * 37 % 101) as f32 - 50.0) / 25.0 + if at % 3 == at / 3 % 3 { 4.0 } else { 0.0 }
    };
    ((0..360).map(logit).collect(), (0..120).map(|row| row % 3).collect())
}

/// Calls filter and coreset on a file; the numbers of samples that each wrote.
fn sift(home: &Home, name: &str) -> [usize; 2] {
    let [samples, sure, few] = [name, "sure.npz", "few.npz"].map(|name| home.path(name));
    home.call(&["filter", &samples, "--max-entropy", "0.3", "--out", &sure]).done();
    home.call(&["coreset", &samples, "--method", "craig", "--size", "12", "--out", &few]).done();
    ["sure.npz", "few.npz"].map(|file| home.array(file, "y").shape[0])
}

#[test]
fn samples_of_other_generators_are_sifted_alike_in_every_form() {
    let home = Home::new();
    let (logits, y) = sampled();
    let array = || NpyArray::f32(&[120, 3], logits.clone());
    home.write_npz("plain.npz", &[("logits", array()), ("y", labels(&y))]);
    let [sure, few] = sift(&home, "plain.npz");
    assert!(sure > 20 && sure < 120 && few == 12, "{sure} {few}");
    home.write_npz(
        "column.npz",
        &[("logits", array()), ("y", NpyArray::i64(&[120, 1], y.clone()))],
    );
    assert_eq!(sift(&home, "column.npz"), [sure, few]);
    let named = NpyArray::texts(y.iter().map(|&y| ["ant", "bee", "cat"][y as usize]));
    home.write_npz("words.npz", &[("logits", array()), ("y", named)]);
    assert_eq!(sift(&home, "words.npz"), [sure, few]);
    let halves: Vec<u8> =
        logits.iter().flat_map(|&logit| f16::from_f32(logit).to_le_bytes()).collect();
    home.write(
        "half.npz",
        archive(&[("logits", npy("<f2", &[120, 3], &halves)), ("y", write_npy(&labels(&y)))]),
    );
    let [of_halves, few] = sift(&home, "half.npz");
    // Rounding moves a sample across the threshold at most here and there.
    assert!(of_halves.abs_diff(sure) <= 2 && few == 12, "{of_halves} {sure}");
}

#[test]
fn probabilities_under_the_name_of_logits_are_asked_about() {
    let home = Home::new();
    let (logits, y) = sampled();
    let probs: Vec<f32> = logits
        .chunks(3)
        .flat_map(|row| {
            let sum: f32 = row.iter().map(|logit| logit.exp()).sum();
            row.iter().map(move |logit| logit.exp() / sum).collect::<Vec<_>>()
        })
        .collect();
    let file = |name| [(name, NpyArray::f32(&[120, 3], probs.clone())), ("y", labels(&y))];
    home.write_npz("wrong.npz", &file("logits"));
    home.write_npz("right.npz", &file("probs"));
    let [wrong, out] = ["wrong.npz", "out.npz"].map(|name| home.path(name));
    for args in [
        ["filter", &wrong, "--max-entropy", "0.3"].as_slice(),
        &["coreset", &wrong, "--method", "craig", "--size", "9"],
    ] {
        let said = home.call(&[args, &["--out", &out]].concat());
        assert!(said.error().contains("are these probabilities?"), "{}", said.stderr);
    }
    assert_eq!(sift(&home, "right.npz")[1], 12);
}

#[test]
fn idx_files_find_their_labels_or_are_told_where_these_lie() {
    let home = Home::new();
    let (pixels, y) = digits(60);
    // Magic number (bytes, rank), sizes, values (http://yann.lecun.com/exdb/mnist/).
    let idx = |sizes: &[u32], values: &[u8]| {
        let mut file = vec![0, 0, 8, sizes.len() as u8];
        file.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
        file.extend(values);
        file
    };
    let classes: Vec<u8> = y.iter().map(|&class| u8::try_from(class).unwrap()).collect();
    home.write("toys-images-idx3-ubyte", idx(&[60, 8, 8], &pixels));
    home.write("toys-labels-idx1-ubyte", idx(&[60], &classes));
    let seen = home.show("toys-images-idx3-ubyte", &[]);
    assert!(seen.classes() == classes_of(&y) && seen.notes("toys-labels-idx1-ubyte"), "{seen:?}");
    std::fs::rename(home.path("toys-labels-idx1-ubyte"), home.path("other-idx1-ubyte")).unwrap();
    assert!(home.refused("toys-images-idx3-ubyte", &[]).contains("--label-file"));
    let file = home.path("other-idx1-ubyte");
    assert_eq!(
        home.show("toys-images-idx3-ubyte", &["--label-file", &file]).classes(),
        classes_of(&y)
    );
    let images = home.path("toys-images-idx3-ubyte");
    let said = home.refused("toys-images-idx3-ubyte", &["--label-file", &images]);
    assert!(said.contains("one class for each example"), "{said}");
}

#[test]
fn an_array_of_its_own_finds_the_labels_beside_it() {
    let home = Home::new();
    let (pixels, y) = digits(60);
    home.write("toys_images.npy", write_npy(&bytes(&[60, 8, 8], pixels)));
    home.write("toys_labels.npy", write_npy(&labels(&y)));
    let seen = home.show("toys_images.npy", &[]);
    assert!(seen.classes() == classes_of(&y) && seen.notes("toys_labels.npy"), "{seen:?}");
    std::fs::rename(home.path("toys_labels.npy"), home.path("other.npy")).unwrap();
    assert!(home.refused("toys_images.npy", &[]).contains("--label-file"));
    let seen = home.show("toys_images.npy", &["--label-file", &home.path("other.npy")]);
    assert_eq!(seen.classes(), classes_of(&y));
    assert_eq!(parse_npy(&npy("<f4", &[1], &[0, 0, 0, 0]), "x").unwrap().shape, [1]);
}
