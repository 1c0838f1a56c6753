//! The real data sets, when `GLEANER_DATA` names their folder.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs)]

use std::path::{Path, PathBuf};

use gleaner::data::dataset::{self, Loaded};
use gleaner::data::known_file::sha256;
use gleaner::data::registry::{caveat, find};
use gleaner_core::data::formats::cifar::write_cifar10;
use gleaner_core::data::{Dataset, Split, SplitConfig, Values};
use gleaner_core::noise::Noise;
use tempfile::tempdir;

fn load(name: &str, dir: &Path) -> anyhow::Result<Dataset> {
    match dataset::load(name, dir)? {
        Loaded::Examples(data) => Ok(data),
        Loaded::Texts(texts) => panic!("{} are texts", texts.name),
    }
}

/// The data folder when it holds `set`; says so otherwise.
fn data(set: &str) -> Option<PathBuf> {
    let dir = std::env::var_os("GLEANER_DATA").map(PathBuf::from);
    let dir = dir.filter(|dir| dir.join(set).is_dir());
    if dir.is_none() {
        eprintln!("skipped: set GLEANER_DATA to a folder that holds {set}/");
    }
    dir
}

#[test]
fn idx_sets_have_the_published_class_counts() {
    let mnist = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
    let mnist_test = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009];
    for (name, train, test) in [
        ("mnist", mnist, mnist_test),
        ("fashion-mnist", [6000; 10], [1000; 10]),
        ("kmnist", [6000; 10], [1000; 10]),
    ] {
        let Some(dir) = data(name) else { return };
        let set = load(name, &dir).unwrap();
        assert_eq!(set.train.class_counts(10), train, "{name}");
        assert_eq!(set.test.class_counts(10), test, "{name}");
        assert_eq!(set.train.shape, [28, 28, 1]);
    }
}

#[test]
fn cifar_mosaics_rebuild_the_official_batches() {
    let Some(dir) = data("cifar-10") else { return };
    let set = load("cifar-10", &dir).unwrap();
    let files = find("cifar-10").unwrap().variants[0];
    let scratch = tempdir().unwrap();
    let path = scratch.path().join("batch.bin");
    let check = |examples: &gleaner_core::data::Examples, expected: Option<&str>| {
        std::fs::write(&path, write_cifar10(examples, "batch").unwrap()).unwrap();
        assert_eq!(Some(sha256(&path).unwrap().as_str()), expected);
    };
    for (batch, file) in files[..5].iter().enumerate() {
        let rows: Vec<usize> = (batch * 10_000..(batch + 1) * 10_000).collect();
        check(&set.train.select(&rows), file.sha256);
    }
    check(&set.test, files[5].sha256);
}

#[test]
fn batches_of_cifar_100_are_balanced_and_go_by_another_name() {
    let Some(dir) = data("cifar-100") else { return };
    let set = load("cifar-100", &dir).unwrap();
    let of_each = set.train.len() / 100;
    assert_eq!(set.name, if of_each == 500 { "cifar-100" } else { "cifar-100-30k" });
    let caveat = caveat(&set.name);
    assert_eq!(caveat.is_some(), of_each < 500);
    assert!(caveat.is_none_or(|said| said.contains("30000 of the 50000 training examples")));
    assert_eq!(set.train.class_counts(100), vec![of_each; 100]);
    assert_eq!(set.test.class_counts(100), vec![100; 100]);
    // The means of red, green and blue of the test split, as they are published.
    let Values::U8(pixels) = &set.test.values else { panic!("bytes") };
    for (channel, published) in [0.508_796_41, 0.487_393_01, 0.441_942_21].into_iter().enumerate() {
        let sum: u64 = pixels.iter().skip(channel).step_by(3).map(|&pixel| u64::from(pixel)).sum();
        let mean = sum as f64 / 255.0 / (pixels.len() / 3) as f64;
        assert!((mean - published).abs() < 1e-6, "{mean} {published}");
    }
}

#[test]
fn protein_has_ten_equal_classes() {
    let Some(dir) = data("protein") else { return };
    let set = load("protein", &dir).unwrap();
    assert_eq!((set.train.len(), set.test.len(), set.train.features()), (41_157, 4_573, 9));
    for count in set.train.class_counts(10) {
        assert!((4100..=4130).contains(&count), "{count}");
    }
}

#[test]
fn protein_has_the_sizes_of_the_papers() {
    let Some(dir) = data("protein") else { return };
    let set = load("protein", &dir).unwrap();
    let config = SplitConfig {
        labels_per_class: Some(10),
        validation: 0.0,
        labelled_in_pool: false,
        unlabelled: None,
        labelled_classes: None,
    };
    let split = Split::draw(&set.train, 10, &config, &Noise::new(0)).unwrap();
    // svebm, section 4.3: 100 labelled and 41,057 unlabelled.
    assert_eq!((split.labelled.len(), split.unlabelled.len()), (100, 41_057));
}

#[test]
fn ag_news_has_the_published_class_counts_and_its_sample_another_name() {
    let Some(dir) = data("ag-news").or_else(|| data("ag_news")) else { return };
    let Loaded::Texts(set) = dataset::load("ag_news", &dir).unwrap() else { panic!("texts") };
    let counted = set.counts(&set.vocabulary(30_000).unwrap()).unwrap();
    assert_eq!(counted.test.class_counts(4), [1900; 4]);
    match set.name.as_str() {
        "ag-news" => assert_eq!(counted.train.class_counts(4), [30_000; 4]),
        _ => {
            assert_eq!(set.name, "ag-news-10k");
            assert_eq!(counted.train.class_counts(4), [2514, 2504, 2519, 2463]);
        }
    }
}
