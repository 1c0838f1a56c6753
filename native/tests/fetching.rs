//! Downloads from a local server that breaks, lies and refuses.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::thread;

use gleaner::fetch::{download, sha256};
use tempfile::tempdir;
use tiny_http::{Header, Response, Server};

fn content() -> Vec<u8> {
    (0..300_000u32).map(|at| (at * 31 % 251) as u8).collect()
}

/// Serves `/file` with ranges; the first answer breaks off in the middle. Returns the address and
/// the `Range` headers seen.
fn flaky_server() -> (String, Arc<Mutex<Vec<Option<String>>>>) {
    let server = Server::http("127.0.0.1:0").unwrap();
    let address = format!("http://{}", server.server_addr());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    thread::spawn(move || {
        for request in server.incoming_requests() {
            let range = request.headers().iter().find(|header| header.field.equiv("Range"));
            let range = range.map(|header| header.value.to_string());
            let first = log.lock().unwrap().is_empty();
            log.lock().unwrap().push(range.clone());
            if request.url() != "/file" {
                let _ = request.respond(Response::from_string("no").with_status_code(404));
            } else if first {
                let mut stream = request.into_writer();
                let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n");
                let _ = stream.write_all(&content()[..100_000]);
            } else {
                let start: usize = range
                    .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok())
                    .unwrap_or(0);
                let header = format!("Content-Range: bytes {start}-299999/300000");
                let response = Response::from_data(&content()[start..])
                    .with_status_code(if start > 0 { 206 } else { 200 })
                    .with_header(header.parse::<Header>().unwrap());
                let _ = request.respond(response);
            }
        }
    });
    (address, seen)
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
