//! Loading by name and by path, on files that the tests write themselves.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs)]

use std::fs;
use std::path::Path;

use gleaner::data::dataset::{self, Loaded};
use gleaner::data::own::{self, Asked};
use gleaner_core::data::Dataset;
use gleaner_core::data::formats::idx::write_idx;
use gleaner_core::data::formats::npy::{NpyArray, write_npy};
use gleaner_core::data::formats::npz::write_npz;
use gleaner_core::data::own::{Columns, OwnData};
use image::{Rgb, RgbImage};
use tempfile::{TempDir, tempdir};

fn load(name: &str, dir: &Path) -> anyhow::Result<Dataset> {
    match dataset::load(name, dir)? {
        Loaded::Examples(data) => Ok(data),
        Loaded::Texts(texts) => panic!("{} are texts", texts.name),
    }
}

fn open(path: &str) -> anyhow::Result<OwnData> {
    let asked = Asked {
        columns: Columns::default(),
        label_file: None,
        unlabelled_dir: None,
        size: None,
        vocabulary: 10,
        words: None,
    };
    own::open(Path::new(path), &asked)
}

fn refused(path: &str) -> String {
    let text = format!("{:#}", open(path).unwrap_err());
    assert!(!text.contains('\n'), "one line: {text}");
    text
}

fn message(name: &str, dir: &Path) -> String {
    let error = load(name, dir).unwrap_err();
    let text = format!("{error:#}");
    assert!(!text.contains('\n'), "one line: {text}");
    text
}

fn write(dir: &TempDir, path: &str, bytes: &[u8]) -> String {
    let path = dir.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

fn picture(dir: &TempDir, path: &str, green: u8) {
    let path = dir.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_pixel(4, 4, Rgb([255, green, 51])).save(path).unwrap();
}

fn idx_set(dir: &TempDir, folder: &str) {
    for (split, count) in [("train", 3), ("t10k", 2)] {
        let images = write_idx(&[count, 2, 2], &vec![7; 4 * count as usize]);
        write(dir, &format!("{folder}/{split}-images-idx3-ubyte"), &images);
        let labels: Vec<u8> = (0..count as u8).collect();
        write(dir, &format!("{folder}/{split}-labels-idx1-ubyte"), &write_idx(&[count], &labels));
    }
}

#[test]
fn digits_need_no_folder() {
    let set = load("Digits", Path::new("/nowhere")).unwrap();
    assert_eq!((set.train.len(), set.test.len(), set.num_classes()), (1437, 360, 10));
}

#[test]
fn names_in_any_spelling() {
    let dir = tempdir().unwrap();
    idx_set(&dir, "fashion_mnist");
    let set = load("Fashion_MNIST", dir.path()).unwrap();
    assert_eq!((set.train.len(), set.test.len()), (3, 2));
    assert_eq!(set.name, "fashion-mnist");
    assert_eq!(set.classes[9], "ankle boot");
    assert!(message("AG_News", dir.path()).contains("train.csv\" does not exist"));
}

#[test]
fn a_missing_set_says_how_to_get_it() {
    let dir = tempdir().unwrap();
    let text = message("mnist", dir.path());
    assert!(text.contains("mnist/train-images-idx3-ubyte.gz\" does not exist"), "{text}");
    assert!(text.contains("gleaner data fetch mnist --data-dir"), "{text}");
    assert!(text.contains("GLEANER_DATA"), "{text}");
    assert!(refused("no-such-set").contains("or a known data set; known data sets are digits"));
}

#[test]
fn broken_files_are_named() {
    let dir = tempdir().unwrap();
    idx_set(&dir, "mnist");
    let images = dir.path().join("mnist/train-images-idx3-ubyte");
    fs::write(&images, b"").unwrap();
    assert!(message("mnist", dir.path()).contains("train-images-idx3-ubyte: the file is empty"));
    fs::write(&images, &write_idx(&[3, 2, 2], &[7; 12])[..20]).unwrap();
    assert!(message("mnist", dir.path()).contains("bytes follow"));
    fs::write(&images, write_idx(&[4, 2, 2], &[7; 16])).unwrap();
    assert!(message("mnist", dir.path()).contains("3 labels for the 4 images"));
    fs::remove_file(&images).unwrap();
    fs::create_dir(&images).unwrap();
    assert!(message("mnist", dir.path()).contains("is a folder, not a file"));
    write(&dir, "svhn/train_32x32.mat", b"MATLAB 7.3 MAT-file");
    assert!(message("svhn", dir.path()).contains("7.3"));
    write(&dir, "cifar-100/train.bin", &[1; 100]);
    assert!(message("cifar-100", dir.path()).contains("whole number of records"));
    write(&dir, "cifar-10/data_batch_1.webp", b"RIFFxxxx");
    assert!(
        message("cifar-10", dir.path()).contains("train-labels-idx1-ubyte.gz\" does not exist")
    );
    write(&dir, "protein/CASP.csv", b"RMSD,F1\n1,nan\n");
    assert!(message("protein", dir.path()).contains("F1 has missing cells"));
}

#[test]
fn cifar_binary_batches_are_joined() {
    let dir = tempdir().unwrap();
    for batch in 1..=5 {
        let mut record = vec![9; 3073];
        record[0] = batch;
        write(&dir, &format!("cifar-10/data_batch_{batch}.bin"), &record);
    }
    write(&dir, "cifar-10/test_batch.bin", &[1; 3073]);
    let set = load("CIFAR10", dir.path()).unwrap();
    assert_eq!(set.train.labels, [1, 2, 3, 4, 5]);
    assert_eq!(set.train.shape, [32, 32, 3]);
}

#[test]
fn own_files_by_path() {
    let dir = tempdir().unwrap();
    let rows: String =
        (0..20).map(|row| format!("{}.5,{},{}\n", row % 7, row * 2, row % 2)).collect();
    let csv = open(&write(&dir, "own.csv", rows.as_bytes())).unwrap();
    assert_eq!((csv.name.as_str(), csv.raw.len(), &csv.raw.shape[..]), ("own", 20, &[2][..]));
    let y = NpyArray::i64(&[20], (0..20).map(|row| row % 2).collect());
    let x = NpyArray::f32(&[20, 3], (0..60).map(|at| at as f32 / 7.0).collect());
    let npz = write(&dir, "own.npz", &write_npz(&[("x", x), ("y", y)]).unwrap());
    assert_eq!(open(&npz).unwrap().raw.shape, [3]);
    assert!(refused(&write(&dir, "own.xyz", b"hello")).contains("unknown kind of file"));
    assert!(refused(&write(&dir, "broken.npz", b"PK\x03\x04")).contains("broken.npz"));
    assert!(refused(&write(&dir, "empty.csv", b"")).contains("empty"));
}

#[test]
fn labels_and_test_splits_lie_beside_arrays() {
    let dir = tempdir().unwrap();
    idx_set(&dir, "mine");
    let path = dir.path().join("mine/train-images-idx3-ubyte").display().to_string();
    // Two labels of the test split, three of the training split; the pixels are all alike.
    assert!(refused(&path).contains("every example is the same"));
    let images = write_idx(&[3, 2, 2], &(0..12).map(|at| at * 20).collect::<Vec<u8>>());
    write(&dir, "mine/train-images-idx3-ubyte", &images);
    let data = open(&path).unwrap();
    assert_eq!((data.rows.train.len(), data.rows.test.as_ref().map(Vec::len)), (3, Some(2)));
    assert_eq!((&data.raw.shape[..], &data.raw.labels[..]), (&[2, 2, 1][..], &[0, 1, 2, 0, 1][..]));
    assert!(data.profile.notes.iter().any(|note| note.contains("train-labels-idx1-ubyte")));
    let x = NpyArray::f32(&[4, 2], vec![1.5, 2.0, 9.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    let path = write(&dir, "X.npy", &write_npy(&x));
    assert!(refused(&path).contains("--label-file"));
    write(&dir, "y.npy", &write_npy(&NpyArray::texts(["a", "b", "a", "b"])));
    assert_eq!(open(&path).unwrap().schema.classes, ["a", "b"]);
}

#[test]
fn class_folders_of_pictures() {
    let dir = tempdir().unwrap();
    for index in 0..5 {
        picture(&dir, &format!("pets/cat/{index}.png"), 51 * index);
        picture(&dir, &format!("pets/dog/{index}.bmp"), 7);
    }
    write(&dir, "pets/dog/notes.txt", b"not a picture");
    let data = open(&dir.path().join("pets").display().to_string()).unwrap();
    assert_eq!(data.schema.classes, ["cat", "dog"]);
    assert_eq!((data.raw.len(), &data.raw.shape[..]), (10, &[4, 4, 3][..]));
    assert_eq!(data.raw.gather(&[0])[..3], [1.0, 0.0, 0.2]);
    assert!(data.profile.left_out.iter().any(|left_out| left_out.what.contains(".txt")));
    assert!(data.files[0].ends_with("pets/cat/0.png"));
}

#[test]
fn tables_of_events_are_found_packed_or_not() {
    let dir = tempdir().unwrap();
    let event = |value: usize| format!("{}\n", format!(" {value}").repeat(50));
    let events = (0..40).map(event).collect::<String>();
    write(&dir, "miniboone/MiniBooNE_PID.txt", format!(" 20 20\n{events}").as_bytes());
    let set = load("MiniBooNE", dir.path()).unwrap();
    assert_eq!((set.train.len(), set.test.len(), set.name.as_str()), (36, 4, "miniboone"));

    let rows = |features: usize| {
        let row = |row: usize| {
            let cells: Vec<String> =
                (0..features).map(|cell| format!("{}.5", row * features + cell)).collect();
            format!("{}.0,{}\n", row % 2, cells.join(","))
        };
        format!("# label,f0\n{}", (0..10).map(row).collect::<String>())
    };
    for split in ["train", "test"] {
        write(&dir, &format!("hepmass/all_{split}.csv"), rows(28).as_bytes());
    }
    let all = load("hepmass", dir.path()).unwrap();
    assert_eq!((all.name.as_str(), all.train.features(), all.test.len()), ("hepmass-all", 28, 10));
    assert!(
        message("hepmass", tempdir().unwrap().path()).contains("1000_train.csv\" does not exist")
    );
    for split in ["train", "test"] {
        write(&dir, &format!("hepmass/1000_{split}.csv"), rows(27).as_bytes());
    }
    let one = load("hepmass", dir.path()).unwrap();
    assert_eq!((one.name.as_str(), one.train.features()), ("hepmass", 27));
}
