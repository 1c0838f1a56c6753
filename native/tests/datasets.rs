//! Loading by name and by path, on files that the tests write themselves.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs)]

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use gleaner::data::dataset::{self, Loaded};
use gleaner::data::own::{self, Asked};
use gleaner::data::registry::{Entry, find};
use gleaner_core::data::Dataset;
use gleaner_core::data::formats::idx::write_idx;
use gleaner_core::data::formats::npy::{NpyArray, write_npy};
use gleaner_core::data::formats::npz::write_npz;
use gleaner_core::data::own::{Columns, OwnData};
use image::{Rgb, RgbImage};
use tempfile::{TempDir, tempdir};

fn load(name: &str, dir: &Path) -> anyhow::Result<Dataset> {
    examples(dataset::load(name, dir)?)
}

/// Loads a data set of other sizes than the official ones.
fn load_sized(name: &str, sizes: [usize; 2], dir: &Path) -> anyhow::Result<Dataset> {
    let entry = Entry { sizes, ..*find(name).unwrap() };
    examples(dataset::load_entry(&entry, dir)?)
}

fn examples(loaded: Loaded) -> anyhow::Result<Dataset> {
    match loaded {
        Loaded::Examples(data) => Ok(data),
        Loaded::Texts(texts) => panic!("{} are texts", texts.name),
    }
}

/// Why a data set of those sizes is refused.
fn refused_sized(name: &str, sizes: [usize; 2], dir: &Path) -> String {
    let entry = Entry { sizes, ..*find(name).unwrap() };
    let text = format!("{:#}", dataset::load_entry(&entry, dir).unwrap_err());
    assert!(!text.contains('\n'), "one line: {text}");
    text
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
    let set = load_sized("Fashion_MNIST", [3, 2], dir.path()).unwrap();
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
    let set = load_sized("CIFAR10", [5, 1], dir.path()).unwrap();
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
    let set = load_sized("MiniBooNE", [36, 4], dir.path()).unwrap();
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
    let all = load_sized("hepmass", [10, 10], dir.path()).unwrap();
    assert_eq!((all.name.as_str(), all.train.features(), all.test.len()), ("hepmass-all", 28, 10));
    assert!(
        message("hepmass", tempdir().unwrap().path()).contains("1000_train.csv\" does not exist")
    );
    for split in ["train", "test"] {
        write(&dir, &format!("hepmass/1000_{split}.csv"), rows(27).as_bytes());
    }
    let one = load_sized("hepmass", [10, 10], dir.path()).unwrap();
    assert_eq!((one.name.as_str(), one.train.features()), ("hepmass", 27));
}

fn rows(count: usize) -> String {
    (0..count).map(|row| format!("\"{}\",\"a title\",\"a text\"\n", row % 4 + 1)).collect()
}

fn without_the_last(text: &str) -> &str {
    let end = text.trim_end().rfind('\n').unwrap() + 1;
    &text[..end]
}

#[test]
fn fewer_or_more_examples_than_a_data_set_has_are_refused() {
    let dir = tempdir().unwrap();
    idx_set(&dir, "mnist");
    load_sized("mnist", [3, 2], dir.path()).unwrap();
    for (sizes, said) in
        [([4, 2], "3 examples, expected 4"), ([2, 2], "3 examples"), ([3, 3], "2 examples")]
    {
        let text = refused_sized("mnist", sizes, dir.path());
        assert!(text.contains(said) && text.contains("idx3-ubyte: "), "{text}");
        assert!(text.contains("run `gleaner data fetch mnist --data-dir"), "{text}");
    }
    for batch in 1..=5 {
        write(&dir, &format!("cifar-10/data_batch_{batch}.bin"), &[1; 2 * 3073]);
    }
    write(&dir, "cifar-10/test_batch.bin", &[1; 3073]);
    load_sized("cifar-10", [10, 1], dir.path()).unwrap();
    write(&dir, "cifar-10/data_batch_4.bin", &[1; 3073]);
    let text = refused_sized("cifar-10", [10, 1], dir.path());
    assert!(text.contains("data_batch_4.bin: 1 examples, expected 2"), "{text}");
    write(&dir, "cifar-100/train.bin", &[1; 3 * 3074]);
    write(&dir, "cifar-100/test.bin", &[1; 3074]);
    load_sized("cifar-100", [3, 1], dir.path()).unwrap();
    let text = refused_sized("cifar-100", [3, 2], dir.path());
    assert!(text.contains("test.bin: 1 examples, expected 2"), "{text}");
}

#[test]
fn texts_and_tables_that_are_cut_are_refused_wherever_that_is() {
    let dir = tempdir().unwrap();
    let (news, table, events) = (rows(40), protein(100), collisions(20));
    let (train, test) = ("ag-news/train.csv", "ag-news/test.csv");
    for (name, path, whole, sizes, beside) in [
        ("ag-news", train, &news, [40, 8], Some((test, rows(8)))),
        ("protein", "protein/CASP.csv", &table, [90, 10], None),
        (
            "hepmass",
            "hepmass/1000_train.csv",
            &events,
            [20, 5],
            Some(("hepmass/1000_test.csv", collisions(5))),
        ),
    ] {
        if let Some((other, text)) = beside {
            write(&dir, other, text.as_bytes());
        }
        let entry = Entry { sizes, ..*find(name).unwrap() };
        let last = without_the_last(whole);
        for cut in
            [&whole[..whole.len() / 2], last, &whole[..whole.len() - 2], &whole[..last.len() + 1]]
        {
            for packed in [false, true] {
                let path = if packed { format!("{path}.gz") } else { path.to_owned() };
                let all = if packed { gzip(whole.as_bytes()) } else { whole.as_bytes().to_vec() };
                write(&dir, &path, &all);
                dataset::load_entry(&entry, dir.path()).unwrap();
                let (part, said) = match packed {
                    true => (all[..all.len() * cut.len() / whole.len()].to_vec(), "fetch"),
                    false => (cut.as_bytes().to_vec(), "gleaner data fetch"),
                };
                write(&dir, &path, &part);
                let text = refused_sized(name, sizes, dir.path());
                assert!(text.contains(said) || text.contains("use the official"), "{text}");
                assert!(text.contains(&path), "{text}");
                fs::remove_file(dir.path().join(path)).unwrap();
            }
        }
    }
}

/// The sample of AG News goes by its own name, and is whole or refused as well.
#[test]
fn a_known_part_of_a_data_set_has_its_own_size() {
    let dir = tempdir().unwrap();
    write(&dir, "ag_news/train_sample10k.csv", rows(10_000).as_bytes());
    write(&dir, "ag_news/test.csv", rows(7_600).as_bytes());
    let Loaded::Texts(texts) = dataset::load("ag-news", dir.path()).unwrap() else { panic!() };
    assert_eq!((texts.name.as_str(), texts.train.labels.len()), ("ag-news-10k", 10_000));
    write(&dir, "ag_news/train_sample10k.csv", rows(9_999).as_bytes());
    let error = dataset::load("ag-news", dir.path()).unwrap_err().to_string();
    assert!(error.contains("train_sample10k.csv: 9999 examples, expected 10000"), "{error}");
    // The whole set is looked for first, and must be whole.
    write(&dir, "ag_news/train.csv", rows(10_000).as_bytes());
    let error = dataset::load("ag-news", dir.path()).unwrap_err().to_string();
    assert!(error.contains("train.csv: 10000 examples, expected 120000"), "{error}");
    write(&dir, "ag_news/train.csv", rows(120_000).as_bytes());
    let Loaded::Texts(texts) = dataset::load("ag-news", dir.path()).unwrap() else { panic!() };
    assert_eq!((texts.name.as_str(), texts.train.labels.len()), ("ag-news", 120_000));
}

fn protein(count: usize) -> String {
    let row = |row: usize| format!("{}.5,{row},{}5\r\n", (row * 37) % count, row * 2 + 1);
    format!("RMSD,F1,F2\r\n{}", (0..count).map(row).collect::<String>())
}

fn collisions(count: usize) -> String {
    let row = |row: usize| {
        let cells: Vec<String> = (0..27).map(|cell| format!("{}.55", row * 27 + cell)).collect();
        format!("{}.0,{}\n", row % 2, cells.join(","))
    };
    format!("# label,f0\n{}", (0..count).map(row).collect::<String>())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
