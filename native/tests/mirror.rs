//! Whole data sets from a local mirror: single files, and files inside an archive.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs)]

mod server;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use gleaner::data::fetch::fetch;
use gleaner::data::registry::{Entry, File};
use server::{Answer, Server};
use tempfile::tempdir;

const FILES: &[File] = &[
    File { name: "a.bin", sha256: Some(ABC), bytes: [3, 3] },
    File { name: "CASP.csv", sha256: None, bytes: [100, 1000] },
];

const ARCHIVE: File = File { name: "tiny.tar.gz", sha256: None, bytes: [50, 1_000_000] };

/// SHA-256 of `abc` (FIPS 180-4, its first example).
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn entry(archive: Option<File>) -> Entry {
    let variants: &[&[File]] = &[FILES];
    let (base, licence, subset) = ("", "", None);
    Entry { name: "protein", classes: 2, sizes: [18, 2], variants, subset, base, archive, licence }
}

fn table(rows: usize) -> Vec<u8> {
    let row = |row: usize| format!("{row}.5,{row},{}\n", row * 2);
    format!("RMSD,F1,F2\n{}", (0..rows).map(row).collect::<String>()).into_bytes()
}

/// Serves the given paths, and 404 for the rest.
fn serve(pages: HashMap<&'static str, Vec<u8>>) -> Server {
    Server::new(move |request| match pages.get(&*request.path) {
        Some(body) => Answer::whole(body),
        None => Answer::new("404 Not Found", b""),
    })
}

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, name, *bytes).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn is_there(dir: &Path) {
    assert_eq!(fs::read(dir.join("protein/a.bin")).unwrap(), b"abc");
    assert_eq!(fs::read(dir.join("protein/CASP.csv")).unwrap(), table(20));
    assert_eq!(fs::read_dir(dir.join("protein")).unwrap().count(), 2);
}

#[test]
fn files_come_from_a_mirror_one_by_one() {
    let pages = [("/protein/a.bin", b"abc".to_vec()), ("/protein/CASP.csv", table(20))];
    let server = serve(pages.into());
    let dir = tempdir().unwrap();
    fetch(&entry(None), Some(&server.address), dir.path()).unwrap();
    is_there(dir.path());
}

#[test]
fn files_come_out_of_an_archive_and_nothing_else_does() {
    let table = table(20);
    let packed = archive(&[("deep/a.bin", b"abc"), ("readme", b"no"), ("deep/CASP.csv", &table)]);
    let server = serve([("/protein/tiny.tar.gz", packed)].into());
    let dir = tempdir().unwrap();
    fetch(&entry(Some(ARCHIVE)), Some(&server.address), dir.path()).unwrap();
    is_there(dir.path());
    fetch(&entry(Some(ARCHIVE)), Some(&server.address), dir.path()).unwrap();
    assert_eq!(server.requests().len(), 1, "what is there and right is kept");
}

#[test]
fn an_archive_that_broke_is_resumed() {
    let table = table(20);
    let packed = archive(&[("a.bin", b"abc"), ("CASP.csv", &table)]);
    let server = Server::new(move |request| {
        let answer = Answer::rest(request, &packed).with("ETag", "\"one\"");
        if request.number == 0 { answer.cut_after(100) } else { answer }
    });
    let dir = tempdir().unwrap();
    fetch(&entry(Some(ARCHIVE)), Some(&server.address), dir.path()).unwrap();
    is_there(dir.path());
    assert!(server.requests()[1].start() > 0);
}

#[test]
fn a_file_that_is_a_gzip_itself_may_be_declared_as_packed() {
    let table = table(20);
    let packed = archive(&[("a.bin", b"abc"), ("CASP.csv", &table)]);
    let server = Server::new(move |_| Answer::whole(&packed).with("Content-Encoding", "x-gzip"));
    let dir = tempdir().unwrap();
    fetch(&entry(Some(ARCHIVE)), Some(&server.address), dir.path()).unwrap();
    is_there(dir.path());
}

#[test]
fn a_wrong_or_incomplete_archive_is_named_and_its_wrong_member_has_no_name() {
    let (right, short, cut) = (table(20), table(19), &table(20)[..150]);
    let long = [table(20), b"1,2,3\n".repeat(200)].concat();
    let good: &[(&str, &[u8])] = &[("a.bin", b"abc"), ("CASP.csv", &right)];
    let packed = archive(good);
    // Far more than the files and what may lie beside them, packed into little.
    let beside = vec![0; 70 << 20];
    let mut wrong_sum = packed.clone();
    let last = wrong_sum.len() - 6;
    wrong_sum[last] ^= 1;
    for (packed, named, left) in [
        (archive(&[("a.bin", b"abd"), ("CASP.csv", &right)]), "a.bin: sha256", &[][..]),
        (archive(&[("a.bin", b"abcd"), ("CASP.csv", &right)]), "a.bin: 4 bytes, expected 3", &[]),
        (archive(&[("a.bin", b"abc"), ("CASP.csv", &short)]), "19 examples", &["a.bin"]),
        (archive(&[("a.bin", b"abc"), ("CASP.csv", cut)]), "CASP.csv: the last line", &["a.bin"]),
        (archive(&[("a.bin", b"abc"), ("CASP.csv", &long)]), "expected 100 to 1000", &["a.bin"]),
        (archive(&[("a.bin", b"abc")]), "the archive has no CASP.csv", &["a.bin"]),
        (archive(&[("beside", &beside), good[0], good[1]]), "the archive", &[]),
        (packed[..packed.len() / 2].to_vec(), "the archive is damaged", &["a.bin"]),
        (b"<html>log in</html>".repeat(10), "the archive is damaged", &[]),
    ] {
        let server = serve([("/protein/tiny.tar.gz", packed)].into());
        let dir = tempdir().unwrap();
        let error = format!(
            "{:#}",
            fetch(&entry(Some(ARCHIVE)), Some(&server.address), dir.path()).unwrap_err()
        );
        assert!(error.contains(named) && error.contains("--mirror URL"), "{named}: {error}");
        assert!(!error.contains('\n'), "{error}");
        let folder = fs::read_dir(dir.path().join("protein"));
        let found: Vec<_> = folder.into_iter().flatten().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(found, left, "{named}");
    }
    // All members are right, and the archive's own checksum is not: it is not taken, its members are.
    let server = serve([("/protein/tiny.tar.gz", wrong_sum)].into());
    let dir = tempdir().unwrap();
    let error = fetch(&entry(Some(ARCHIVE)), Some(&server.address), dir.path()).unwrap_err();
    assert!(format!("{error:#}").contains("damaged"), "{error:#}");
    is_there(dir.path());
}

#[test]
fn a_mirror_without_the_data_set_leaves_no_folder() {
    let server = serve(HashMap::new());
    let dir = tempdir().unwrap();
    let error = fetch(&entry(None), Some(&server.address), dir.path()).unwrap_err();
    assert!(format!("{error:#}").contains("404"), "{error:#}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
