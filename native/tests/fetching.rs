//! Downloads from a local server that breaks, lies and refuses: what is left under the final name is the right file or
//! nothing.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs)]

mod server;

use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use gleaner::data::fetch::fetch;
use gleaner::data::known_file::sha256;
use gleaner::data::registry::{Entry, File};
use server::{Answer, Ends, Request, Server};
use tempfile::{TempDir, tempdir};

/// A small table of proteins, which says nothing about itself but what its reader sees.
fn content() -> Vec<u8> {
    table(1000, 0)
}

fn table(rows: usize, seed: usize) -> Vec<u8> {
    let row = |row: usize| format!("{}.5,{row},{}\r\n", (row * 37) % rows, row * 2 + seed);
    format!("RMSD,F1,F2\r\n{}", (0..rows).map(row).collect::<String>()).into_bytes()
}

fn checksum(bytes: &[u8]) -> &'static str {
    let dir = tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, bytes).unwrap();
    sha256(&path).unwrap().leak()
}

/// Whether a checksum is known of the file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    Checksum,
    Reader,
}

const BOTH: [Known; 2] = [Known::Checksum, Known::Reader];

/// A folder into which one file is fetched.
struct Case {
    dir: TempDir,
    entry: Entry,
}

impl Case {
    fn new(known: Known) -> Self {
        let size = content().len() as u64;
        let file = match known {
            Known::Checksum => {
                File { name: "CASP.csv", sha256: Some(checksum(&content())), bytes: [size; 2] }
            }
            Known::Reader => {
                File { name: "CASP.csv", sha256: None, bytes: [size - 9000, size + 9000] }
            }
        };
        let files: &'static [File] = vec![file].leak();
        let entry = Entry {
            name: "protein",
            classes: 10,
            sizes: [900, 100],
            variants: vec![files].leak(),
            subset: None,
            base: "",
            archive: None,
            licence: "",
        };
        Self { dir: tempdir().unwrap(), entry }
    }

    /// What has arrived in an earlier try, from the server at that address if one is given.
    fn with_part(self, part: &[u8], from: Option<(&Server, &str)>) -> Self {
        fs::create_dir_all(self.path("")).unwrap();
        fs::write(self.path("CASP.csv.part"), part).unwrap();
        if let Some((server, validator)) = from {
            let url = format!("{}/protein/CASP.csv", server.address);
            let note = format!("{{\"url\":{url:?},\"validator\":{validator:?},\"total\":null}}");
            fs::write(self.path("CASP.csv.part.json"), note).unwrap();
        }
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("protein").join(name)
    }

    fn fetch(&self, server: &Server) -> anyhow::Result<()> {
        fetch(&self.entry, Some(&server.address), self.dir.path())
    }

    /// The fetch succeeds, and leaves the right file alone.
    fn is_right(&self, server: &Server) {
        self.fetch(server).unwrap();
        assert!(fs::read(self.path("CASP.csv")).unwrap() == content(), "another file");
        assert_eq!(self.names(), ["CASP.csv"]);
        assert_eq!(fs::read_dir(self.dir.path()).unwrap().count(), 1, "no lock is left");
    }

    /// The fetch fails in one line that says `why`, and leaves no file under the final name.
    fn is_refused(&self, server: &Server, why: &str) {
        let error = format!("{:#}", self.fetch(server).unwrap_err());
        assert!(error.contains(why) && !error.contains('\n'), "{error}");
        assert!(error.contains("--mirror URL"), "says what to do: {error}");
        assert!(!self.path("CASP.csv").exists(), "{error}");
    }

    fn names(&self) -> Vec<String> {
        let Ok(names) = fs::read_dir(self.path("")) else { return Vec::new() };
        let mut names: Vec<_> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn a_broken_connection_is_resumed_where_it_broke() {
    for known in BOTH {
        let server = Server::new(|request| {
            let answer = Answer::rest(request, &content()).with("ETag", "\"one\"");
            if request.number == 0 { answer.cut_after(4000) } else { answer }
        });
        Case::new(known).is_right(&server);
        let requests = server.requests();
        assert_eq!(requests.len(), 2);
        assert!((1..=4000).contains(&requests[1].start()), "{:?}", requests[1]);
        assert_eq!(requests[1].headers["if-range"], "\"one\"");
        for request in requests {
            assert_eq!(request.headers["accept-encoding"], "identity");
        }
    }
}

#[test]
fn a_server_that_breaks_again_and_again_is_not_given_up_while_it_sends() {
    let server = Server::new(|request| {
        Answer::rest(request, &content()).with("ETag", "\"one\"").cut_after(2000)
    });
    Case::new(Known::Reader).is_right(&server);
    assert!(server.requests().len() > 5);
}

#[test]
fn a_later_call_goes_on_where_an_earlier_one_stopped() {
    let down = Arc::new(Mutex::new(true));
    let says = down.clone();
    let server = Server::new(move |request| match (*says.lock().unwrap(), request.number) {
        (true, 0) => Answer::whole(&content()).with("Last-Modified", "yesterday").cut_after(4000),
        (true, _) => Answer::new("503 Service Unavailable", b""),
        (false, _) => Answer::rest(request, &content()).with("Last-Modified", "yesterday"),
    });
    let case = Case::new(Known::Reader);
    case.is_refused(&server, "the server answered 503");
    assert_eq!(case.names(), ["CASP.csv.part", "CASP.csv.part.json"]);
    *down.lock().unwrap() = false;
    case.is_right(&server);
    let last = server.requests().pop().unwrap();
    assert!(last.start() > 0, "{last:?}");
    assert_eq!(last.headers["if-range"], "yesterday");
}

#[test]
fn a_mirror_without_validators_or_ranges_works() {
    for known in BOTH {
        let server = Server::new(|_| Answer::whole(&content()));
        Case::new(known).is_right(&server);
        let server = Server::new(|request| {
            let answer = Answer::whole(&content());
            if request.number == 0 { answer.cut_after(4000) } else { answer }
        });
        Case::new(known).is_right(&server);
    }
    for ends in [Ends::Chunk, Ends::Close] {
        for known in BOTH {
            let server = Server::new(move |_| Answer::whole(&content()).ending(ends));
            Case::new(known).is_right(&server);
        }
    }
}

#[test]
fn a_part_of_unknown_origin_is_continued_only_if_a_checksum_judges_the_whole() {
    for (known, start) in [(Known::Checksum, 1234), (Known::Reader, 0)] {
        let server = Server::new(|request| Answer::rest(request, &content()));
        Case::new(known).with_part(&content()[..1234], None).is_right(&server);
        assert_eq!(server.requests()[0].start(), start, "{known:?}");
    }
    // From another address, it is of unknown origin as well.
    let (server, other) =
        [(); 2].map(|()| Server::new(|request| Answer::rest(request, &content()))).into();
    let case = Case::new(Known::Reader).with_part(&content()[..1234], Some((&other, "\"one\"")));
    case.is_right(&server);
    assert!(!server.requests()[0].has("range"));
}

#[test]
fn a_login_page_or_an_empty_answer_is_not_the_file() {
    for known in BOTH {
        for body in [&b"<html>log in</html>"[..], b""] {
            for ends in [Ends::Length, Ends::Chunk] {
                let server = Server::new(move |_| {
                    Answer::whole(body).with("Content-Type", "text/html").ending(ends)
                });
                let case = Case::new(known);
                case.is_refused(&server, "bytes");
                assert!(matches!(ends, Ends::Chunk) || !case.path("").exists(), "no part is left");
            }
        }
    }
}

#[test]
fn a_page_as_long_as_the_file_is_not_the_file() {
    for (known, why) in [(Known::Checksum, "sha256"), (Known::Reader, "no column RMSD")] {
        let server = Server::new(|_| {
            let (line, size) = ("<html>,</html>\r\n", content().len());
            let page = "x".repeat(size % line.len()) + &line.repeat(size / line.len());
            Answer::whole(page.as_bytes())
        });
        Case::new(known).is_refused(&server, why);
    }
}

#[test]
fn what_is_cut_before_it_is_sent_is_refused_by_its_reader() {
    let whole = content();
    let line_end = |before: usize| {
        whole[..before].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1)
    };
    for (end, why) in [
        (line_end(whole.len() - 1000), "examples, expected 1000"),
        (line_end(whole.len() - 1), "999 examples, expected 1000"),
        (whole.len() - 3, "the last line does not end"),
    ] {
        let server = Server::new(move |_| Answer::whole(&content()[..end]));
        Case::new(Known::Reader).is_refused(&server, why);
    }
}

#[test]
fn a_file_that_changed_since_the_try_that_broke_is_fetched_anew() {
    let old = table(1000, 1);
    // The server sends the new file as a whole, as it should.
    let server = Server::new(|request| match request.headers.get("if-range") {
        Some(tag) if tag == "\"new\"" => Answer::rest(request, &content()),
        _ => Answer::whole(&content()).with("ETag", "\"new\""),
    });
    let case = Case::new(Known::Reader).with_part(&old[..5000], Some((&server, "\"old\"")));
    case.is_right(&server);
    // It sends the rest of the new file, and says so.
    let server = Server::new(|request| Answer::rest(request, &content()).with("ETag", "\"new\""));
    let case = Case::new(Known::Reader).with_part(&old[..5000], Some((&server, "\"old\"")));
    case.is_right(&server);
    // It sends the rest of the new file and says nothing: that is not taken without a checksum, and a checksum tells.
    let server = Server::new(|request| Answer::rest(request, &content()));
    let case = Case::new(Known::Reader).with_part(&old[..5000], Some((&server, "\"old\"")));
    case.is_right(&server);
    let server = Server::new(|request| Answer::rest(request, &content()));
    Case::new(Known::Checksum).with_part(&old[..5000], None).is_right(&server);
    assert_eq!(server.requests().iter().map(Request::start).collect::<Vec<_>>(), [5000, 0]);
    // The new file is not the one that is known.
    let server = Server::new(|request| Answer::rest(request, &table(1000, 1)));
    Case::new(Known::Checksum).with_part(&content()[..5000], None).is_refused(&server, "sha256");
}

#[test]
fn no_more_to_send_is_believed_only_if_the_part_is_whole() {
    let no_more = |request: &Request| match request.has("range") {
        true => Answer::new("416 Range Not Satisfiable", b""),
        false => Answer::whole(&content()).with("ETag", "\"one\""),
    };
    for known in BOTH {
        let server = Server::new(no_more);
        let case = Case::new(known).with_part(&content()[..5000], Some((&server, "\"one\"")));
        case.is_right(&server);
        assert_eq!(server.requests().len(), 2);
    }
    // The size goes with the part, and the content does not.
    let server = Server::new(|request| Answer::rest(request, &content()));
    let case = Case::new(Known::Reader)
        .with_part(&b"x".repeat(content().len()), Some((&server, "\"one\"")));
    case.is_right(&server);
    assert_eq!(server.requests().len(), 2);
    // Both do.
    let server = Server::new(|request| Answer::rest(request, &content()));
    let case = Case::new(Known::Reader).with_part(&content(), Some((&server, "\"one\"")));
    case.is_right(&server);
    assert_eq!(server.requests().len(), 1);
    // Nothing has to be asked where size and checksum are known.
    let server = Server::new(|_| Answer::new("500 Internal Server Error", b""));
    Case::new(Known::Checksum).with_part(&content(), None).is_right(&server);
    assert!(server.requests().is_empty());
}

#[test]
fn a_part_that_begins_elsewhere_is_put_where_it_belongs() {
    for known in BOTH {
        for start in [0, 3000] {
            let server = Server::new(move |request| match request.has("range") {
                true => Answer::part(&content(), start, content().len()).with("ETag", "\"one\""),
                false => Answer::whole(&content()),
            });
            let case = Case::new(known).with_part(&content()[..5000], Some((&server, "\"one\"")));
            case.is_right(&server);
            assert_eq!(server.requests().len(), 1);
        }
        // After a gap, or of unknown place, it is of no use.
        for range in ["bytes 6000-9000/20000", "bytes 9000-6000/20000", "items 1-2/3"] {
            let server = Server::new(move |request| match request.has("range") {
                true => Answer::new("206 Partial Content", &content()[6000..9001])
                    .with("Content-Range", range),
                false => Answer::whole(&content()),
            });
            let case = Case::new(known).with_part(&content()[..5000], Some((&server, "\"one\"")));
            case.is_right(&server);
        }
    }
}

#[test]
fn a_part_that_ends_early_is_followed_by_the_next() {
    for known in BOTH {
        let server = Server::new(|request| {
            let end = (request.start() + 3000).min(content().len());
            match request.has("range") {
                true => Answer::part(&content(), request.start(), end).with("ETag", "\"one\""),
                false => Answer::whole(&content()).with("ETag", "\"one\"").cut_after(100),
            }
        });
        Case::new(known).is_right(&server);
        assert!(server.requests().len() > 4);
        assert!(server.requests().iter().skip(1).all(|request| request.start() > 0));
    }
}

#[test]
fn a_file_that_is_packed_for_the_way_is_refused() {
    for known in BOTH {
        let packed = b"\x1f\x8b".repeat(content().len() / 2);
        let server = Server::new(move |_| Answer::whole(&packed).with("Content-Encoding", "gzip"));
        Case::new(known).is_refused(&server, "packs the file for the way (gzip)");
    }
}

#[test]
fn more_bytes_than_there_can_be_are_cut_off_and_refused() {
    let long = || [content(), content()].concat();
    for known in BOTH {
        for ends in [Ends::Length, Ends::Chunk, Ends::Close] {
            let server = Server::new(move |_| Answer::whole(&long()).ending(ends));
            let case = Case::new(known);
            case.is_refused(&server, "bytes");
            assert_eq!(server.requests().len(), 1, "{ends:?}: a second try would bring the same");
            assert!(case.names().is_empty(), "{ends:?}");
        }
        // More than the part that it announces.
        let server = Server::new(move |request| {
            let mut answer = Answer::rest(request, &content()).with("ETag", "\"one\"");
            if request.has("range") {
                answer.body.extend(b"more");
            }
            answer
        });
        let case = Case::new(known).with_part(&content()[..5000], Some((&server, "\"one\"")));
        case.is_refused(&server, "sends more than");
    }
}

#[test]
fn a_missing_file_is_not_retried() {
    let server = Server::new(|_| Answer::new("404 Not Found", b""));
    let case = Case::new(Known::Checksum);
    case.is_refused(&server, "the server answered 404");
    assert_eq!(server.requests().len(), 1);
    assert_eq!(fs::read_dir(case.dir.path()).unwrap().count(), 0);
}

#[test]
fn a_wrong_file_under_the_final_name_is_replaced_and_a_right_one_kept() {
    for known in BOTH {
        let server = Server::new(|_| Answer::whole(&content()));
        let case = Case::new(known).with_part(b"", None);
        fs::write(case.path("CASP.csv"), &content()[..content().len() - 500]).unwrap();
        case.is_right(&server);
        case.is_right(&server);
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn the_second_of_two_fetches_is_told_who_is_at_work() {
    let (go, wait): (Sender<()>, Receiver<()>) = channel();
    let (came, asked): (Sender<()>, Receiver<()>) = channel();
    let wait = Mutex::new(wait);
    let server = Server::new(move |_| {
        came.send(()).unwrap();
        wait.lock().unwrap().recv().unwrap();
        Answer::whole(&content())
    });
    let case = Case::new(Known::Reader);
    thread::scope(|scope| {
        let first = scope.spawn(|| case.fetch(&server));
        asked.recv().unwrap();
        let error = format!("{:#}", case.fetch(&server).unwrap_err());
        let holder = format!("by process {} on ", std::process::id());
        assert!(error.contains(&holder) && !error.contains('\n'), "{error}");
        go.send(()).unwrap();
        first.join().unwrap().unwrap();
    });
    case.is_right(&server);
    assert_eq!(server.requests().len(), 1);
}
