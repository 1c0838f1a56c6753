//! The real data sets, when `GLEANER_DATA` names their folder.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs)]

use std::path::PathBuf;

use gleaner::dataset::load;
use gleaner::fetch::sha256;
use gleaner::registry::find;
use gleaner_core::data::cifar::write_cifar10;
use tempfile::tempdir;

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
fn protein_has_ten_equal_classes() {
    let Some(dir) = data("protein") else { return };
    let set = load("protein", &dir).unwrap();
    assert_eq!((set.train.len(), set.test.len(), set.train.features()), (41_157, 4_573, 9));
    for count in set.train.class_counts(10) {
        assert!((4100..=4130).contains(&count), "{count}");
    }
}
