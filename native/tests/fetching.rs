//! Downloads from a local server that breaks, lies and refuses.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use gleaner::data::fetch::{download, sha256};
use tempfile::tempdir;

fn content() -> Vec<u8> {
    (0..300_000u32).map(|at| (at * 31 % 251) as u8).collect()
}

/// Serves `/file` with ranges, one request per connection; the first answer breaks off in the
/// middle. Returns the address and the `Range` headers seen.
fn flaky_server() -> (String, Arc<Mutex<Vec<Option<String>>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = answer(&mut stream.unwrap(), &log);
        }
    });
    (address, seen)
}

fn answer(stream: &mut TcpStream, log: &Mutex<Vec<Option<String>>>) -> std::io::Result<()> {
    let lines = BufReader::new(stream.try_clone()?).lines();
    let head: Vec<String> =
        lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let range = head.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("range").then(|| value.to_owned())
    });
    let mut log = log.lock().unwrap();
    let first = log.is_empty();
    log.push(range.clone());
    drop(log);
    if !head[0].starts_with("GET /file ") {
        return write!(
            stream,
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    let start = range
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok())
        .unwrap_or(0);
    let status = if start > 0 { "206 Partial Content" } else { "200 OK" };
    let length = 300_000 - start;
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
    let end = if first { 100_000 } else { 300_000 };
    stream.write_all(&content()[start..end])
}

fn checksum(bytes: &[u8]) -> String {
    let dir = tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, bytes).unwrap();
    sha256(&path).unwrap()
}

#[test]
fn a_broken_connection_is_resumed() {
    let (address, seen) = flaky_server();
    let dir = tempdir().unwrap();
    let path = dir.path().join("file");
    download(&format!("{address}/file"), &path, Some(&checksum(&content()))).unwrap();
    assert_eq!(fs::read(&path).unwrap(), content());
    assert!(!dir.path().join("file.part").exists());
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0], None);
    let start: usize = seen[1].as_ref().unwrap()[6..].trim_end_matches('-').parse().unwrap();
    assert!((1..=100_000).contains(&start), "{start}");
}

#[test]
fn a_partial_file_of_an_earlier_run_is_continued() {
    let (address, seen) = flaky_server();
    seen.lock().unwrap().push(None);
    let dir = tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(dir.path().join("file.part"), &content()[..1234]).unwrap();
    download(&format!("{address}/file"), &path, Some(&checksum(&content()))).unwrap();
    assert_eq!(fs::read(&path).unwrap(), content());
    assert_eq!(seen.lock().unwrap()[1].as_deref(), Some("bytes=1234-"));
}

#[test]
fn a_wrong_checksum_leaves_nothing() {
    let (address, _) = flaky_server();
    let dir = tempdir().unwrap();
    let path = dir.path().join("file");
    let error = download(&format!("{address}/file"), &path, Some("00ff")).unwrap_err();
    assert!(format!("{error:#}").contains("expected 00ff"), "{error:#}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_missing_file_is_not_retried() {
    let (address, seen) = flaky_server();
    let dir = tempdir().unwrap();
    let error = download(&format!("{address}/other"), &dir.path().join("f"), None).unwrap_err();
    assert!(format!("{error:#}").contains("the server answered 404"), "{error:#}");
    assert_eq!(seen.lock().unwrap().len(), 1);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
