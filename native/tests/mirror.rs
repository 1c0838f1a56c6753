//! Whole data sets from a local mirror: single files, and files inside an archive.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs)]

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;
use gleaner::data::fetch::fetch;
use gleaner::data::registry::{Entry, File};
use tempfile::tempdir;

const FILES: &[File] = &[
    File { name: "a.bin", sha256: Some(ABC), bytes: Some(3) },
    File { name: "b.bin", sha256: None, bytes: None },
];

/// SHA-256 of `abc` (FIPS 180-4, its first example).
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn entry(archive: Option<&'static str>) -> Entry {
    let variants: &[&[File]] = &[FILES];
    let (base, licence, subset) = ("", "", None);
    Entry { name: "tiny", classes: 2, sizes: [1, 1], variants, subset, base, archive, licence }
}

/// Serves the given paths, and 404 for the rest.
fn serve(pages: HashMap<&'static str, Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head: Vec<String> =
                lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let path = head[0].split(' ').nth(1).unwrap_or_default();
            let (status, body) =
                pages.get(path).map_or(("404 Not Found", &[][..]), |body| ("200 OK", &body[..]));
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            let _ = stream.write_all(body);
        }
    });
    address
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

#[test]
fn files_come_from_a_mirror_one_by_one() {
    let pages = [("/tiny/a.bin", b"abc".to_vec()), ("/tiny/b.bin", b"xyz".to_vec())];
    let address = serve(pages.into());
    let dir = tempdir().unwrap();
    fetch(&entry(None), Some(&address), dir.path()).unwrap();
    assert_eq!(fs::read(dir.path().join("tiny/a.bin")).unwrap(), b"abc");
    assert_eq!(fs::read(dir.path().join("tiny/b.bin")).unwrap(), b"xyz");
    assert_eq!(fs::read_dir(dir.path().join("tiny")).unwrap().count(), 2);
}

#[test]
fn files_come_out_of_an_archive_and_nothing_else_does() {
    let packed = archive(&[("deep/a.bin", b"abc"), ("readme", b"no"), ("deep/b.bin", b"xyz")]);
    let address = serve([("/tiny/tiny.tar.gz", packed)].into());
    let dir = tempdir().unwrap();
    fetch(&entry(Some("tiny.tar.gz")), Some(&address), dir.path()).unwrap();
    assert_eq!(fs::read(dir.path().join("tiny/a.bin")).unwrap(), b"abc");
    assert_eq!(fs::read(dir.path().join("tiny/b.bin")).unwrap(), b"xyz");
    assert_eq!(fs::read_dir(dir.path().join("tiny")).unwrap().count(), 2);
}

#[test]
fn a_wrong_or_incomplete_archive_is_named() {
    for (members, named) in [
        (&[("a.bin", &b"abd"[..]), ("b.bin", b"xyz")][..], "sha256"),
        (&[("a.bin", b"abc")], "\" has no b.bin"),
    ] {
        let address = serve([("/tiny/tiny.tar.gz", archive(members))].into());
        let dir = tempdir().unwrap();
        let error = fetch(&entry(Some("tiny.tar.gz")), Some(&address), dir.path()).unwrap_err();
        assert!(format!("{error:#}").contains(named), "{error:#}");
        assert!(!dir.path().join("tiny/b.bin.part").exists());
    }
}

#[test]
fn a_mirror_without_the_data_set_leaves_no_folder() {
    let mirror = serve(HashMap::new());
    let dir = tempdir().unwrap();
    let error = fetch(&entry(None), Some(&mirror), dir.path()).unwrap_err();
    assert!(format!("{error:#}").contains("404"), "{error:#}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
