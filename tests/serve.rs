//! `gleaner serve`, asked over plain connections.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gleaner_tests::program::{Program, Said};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

const PAGE: &str = "<!doctype html><title>Gleaner</title>";
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

fn gleaner() -> Program {
    Program::new(env!("CARGO_BIN_EXE_gleaner_under_test"))
}

/// A site in a folder of its own, with a secret beside it.
fn site() -> TempDir {
    let folder = tempdir().unwrap();
    let site = folder.path().join("site");
    fs::create_dir_all(site.join("sub")).unwrap();
    fs::write(site.join("index.html"), PAGE).unwrap();
    fs::write(site.join("page_bg.wasm"), MODULE).unwrap();
    fs::write(site.join("sub/index.html"), "below").unwrap();
    fs::write(folder.path().join("secret.txt"), "secret").unwrap();
    folder
}

/// A server that ends with its test.
struct Served {
    child: Child,
    url: String,
    said: Value,
}

impl Served {
    fn start(site: &Path) -> Self {
        let args = ["serve", &site.display().to_string(), "--port=0", "--no-open", "--json"];
        let mut command = gleaner().command(args);
        // What it writes goes with the test, which does not let it clear up.
        command.env("TMPDIR", site.parent().unwrap());
        Self::from(command)
    }

    /// Asks for a target and reads the whole answer.
    fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, "")
    }

    fn ask(&self, method: &str, target: &str, headers: &str) -> Answer {
        let host = self.address();
        self.send(&format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{headers}"))
    }

    /// Sends the head of a request and reads the whole answer.
    fn send(&self, head: &str) -> Answer {
        let mut stream = self.connect();
        write!(stream, "{head}Connection: close\r\n\r\n").unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        Answer::from(bytes.as_slice())
    }

    /// Host and port.
    fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap().trim_end_matches('/')
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }
}

impl From<Command> for Served {
    fn from(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        Self { child, url: said["url"].as_str().unwrap().to_owned(), said }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

/// How a call ended that has nothing to serve.
fn ended(command: &mut Command) -> Said {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let waits = (0..2000).take_while(|_| child.try_wait().unwrap().is_none());
    if waits.map(|_| std::thread::sleep(Duration::from_millis(10))).count() == 2000 {
        child.kill().unwrap();
    }
    Said::from(child.wait_with_output().unwrap())
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl From<&[u8]> for Answer {
    fn from(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head, body: bytes[end + 4..].to_vec() }
    }
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

#[test]
fn the_page_and_its_files_come_whole_with_type_and_length() {
    let folder = site();
    let site = folder.path().join("site");
    let long = vec![7; 300_000];
    fs::write(site.join("weights.safetensors"), &long).unwrap();
    fs::write(site.join("a b.js"), "1").unwrap();
    let served = Served::start(&site);
    assert_eq!(served.said["site"], site.display().to_string());
    for (target, content, body) in [
        ("/", "text/html; charset=utf-8", PAGE.as_bytes()),
        ("/index.html?v=1", "text/html; charset=utf-8", PAGE.as_bytes()),
        ("/page_bg.wasm", "application/wasm", MODULE),
        ("/a%20b.js", "text/javascript; charset=utf-8", b"1"),
        ("/weights.safetensors", "application/octet-stream", &long),
        ("/sub/", "text/html; charset=utf-8", b"below"),
    ] {
        let answer = served.get(target);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(content)));
        assert_eq!(answer.header("content-length"), Some(body.len().to_string().as_str()));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        assert!(answer.body == body, "{target}");
        let head = served.ask("HEAD", target, "");
        assert_eq!((head.status, head.body.len()), (200, 0), "{target}");
        assert_eq!(head.header("content-length"), answer.header("content-length"));
    }
    let sub = served.get("/sub?v=1");
    assert_eq!((sub.status, sub.header("location")), (307, Some("/sub/?v=1")));
}

#[test]
fn what_is_not_there_or_not_asked_for_rightly_is_refused() {
    let folder = site();
    let served = Served::start(&folder.path().join("site"));
    assert_eq!(served.get("/none.js").status, 404);
    assert_eq!(served.get("/index.html/").status, 404);
    assert_eq!(
        served.get("//sub").status,
        404,
        "as a redirection, it would lead to another server"
    );
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"] {
        // Nor is the body waited for.
        let refused = served.ask(method, "/", "Content-Length: 1000000\r\n");
        assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    fs::remove_file(folder.path().join("site/page_bg.wasm")).unwrap();
    assert_eq!(served.get("/page_bg.wasm").status, 404, "vanished");
    assert_eq!(served.get("/").status, 200, "and the server goes on");
}

#[test]
fn nothing_outside_the_site_can_be_had() {
    let folder = site();
    let served = Served::start(&folder.path().join("site"));
    let secret = folder.path().join("secret.txt");
    for target in [
        "/../secret.txt",
        "/sub/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/%2E%2e%2Fsecret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "/.%2e/secret.txt",
        "/%252e%252e/secret.txt",
        "/sub/..",
        "../secret.txt",
        "/../secret.txt%00",
        "/index.html%00.txt",
        &secret.display().to_string(),
        &format!("/{}", secret.display()),
        &format!("/%2f{}", secret.display()),
        &format!("file://{}", secret.display()),
    ] {
        let answer = served.get(target);
        assert!([400, 404, 421].contains(&answer.status), "{target}");
        assert!(!String::from_utf8_lossy(&answer.body).contains("secret"), "{target}");
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_inside_the_site_only() {
    use std::os::unix::fs::symlink;
    let folder = site();
    let site = folder.path().join("site");
    symlink("page_bg.wasm", site.join("inside.wasm")).unwrap();
    symlink("../secret.txt", site.join("outside.txt")).unwrap();
    symlink("..", site.join("above")).unwrap();
    fs::create_dir(site.join("folder")).unwrap();
    symlink("../../secret.txt", site.join("folder/index.html")).unwrap();
    let link = folder.path().join("link");
    symlink("site", &link).unwrap();
    let served = Served::start(&link);
    assert_eq!(served.get("/inside.wasm").body, MODULE);
    for target in ["/outside.txt", "/above/secret.txt", "/above", "/folder/"] {
        assert_eq!(served.get(target).status, 404, "{target}");
    }
}

#[test]
fn what_is_hidden_is_not_there() {
    let folder = site();
    let site = folder.path().join("site");
    fs::create_dir(site.join(".git")).unwrap();
    fs::write(site.join(".git/config"), "secret").unwrap();
    fs::write(site.join(".env"), "secret").unwrap();
    let served = Served::start(&site);
    for target in ["/.env", "/%2eenv", "/.git/config", "/.git/", "/.git"] {
        assert_eq!(served.get(target).status, 404, "{target}");
    }
}

#[test]
fn only_its_own_names_are_answered() {
    let folder = site();
    let site = folder.path().join("site").display().to_string();
    let args = ["serve", &site, "--port=0", "--no-open", "--json"];
    let hosts = ["--host=near:9000", "--host=page.example"];
    let served = Served::from(gleaner().command(args.iter().chain(&hosts)));
    let port = served.address().rsplit(':').next().unwrap();
    let status = |head: &str| served.send(head).status;
    for host in ["127.0.0.1", "localhost", "LocalHost", "[::1]", "page.example"] {
        assert_eq!(status(&format!("GET / HTTP/1.1\r\nHost: {host}:{port}\r\n")), 200, "{host}");
    }
    for host in ["near:9000", "page.example"] {
        assert_eq!(status(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n")), 200, "{host}");
    }
    let foreign = format!("evil.example:{port}");
    for hosts in [
        format!("Host: {foreign}\r\n"),
        format!("Host: localhost.evil.example:{port}\r\n"),
        format!("Host: 127.0.0.1.:{port}\r\n"),
        format!("Host: me@localhost:{port}\r\n"),
        format!("Host: localhost:{port}\r\nHost: {foreign}\r\n"),
        format!("Host: near:{port}0\r\n"),
        "Host: localhost\r\n".to_owned(),
        "Host: localhost:1\r\n".to_owned(),
        "Host: \r\n".to_owned(),
        String::new(),
    ] {
        let answer = served.send(&format!("GET / HTTP/1.1\r\n{hosts}"));
        assert!([400, 421].contains(&answer.status), "{hosts}");
        assert!(!String::from_utf8_lossy(&answer.body).contains("Gleaner</title>"), "{hosts}");
    }
    let refused = served.send(&format!("GET / HTTP/1.1\r\nHost: {foreign}\r\n"));
    let said = String::from_utf8(refused.body).unwrap();
    assert!(said.contains("--host NAME") && said.contains(served.address()), "{said}");
    let own = format!("Host: localhost:{port}\r\n");
    assert_eq!(status(&format!("GET http://{foreign}/ HTTP/1.1\r\n{own}")), 421);
    assert_eq!(status(&format!("GET http://localhost:{port}/ HTTP/1.1\r\n{own}")), 200);
}

#[test]
fn every_answer_says_what_the_page_may_do() {
    let folder = site();
    let served = Served::start(&folder.path().join("site"));
    let tag = served.get("/").header("etag").unwrap().to_owned();
    for (status, answer) in [
        (200, served.get("/")),
        (206, served.ask("GET", "/", "Range: bytes=0-1\r\n")),
        (304, served.ask("GET", "/", &format!("If-None-Match: {tag}\r\n"))),
        (307, served.get("/sub")),
        (404, served.get("/none")),
        (405, served.ask("POST", "/", "")),
        (416, served.ask("GET", "/", "Range: bytes=1000-\r\n")),
        (421, served.send("GET / HTTP/1.1\r\nHost: evil.example\r\n")),
    ] {
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{status}");
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"), "{status}");
        assert_eq!(answer.header("vary"), Some("accept-encoding"), "{status}");
        let policy = answer.header("content-security-policy").unwrap();
        let rules: Vec<&str> = policy.split("; ").collect();
        assert!(rules.contains(&"default-src 'none'"), "{status}: {policy}");
        assert!(rules.contains(&"script-src 'self' 'wasm-unsafe-eval'"), "{status}: {policy}");
        assert!(!policy.contains("'unsafe-"), "{status}: {policy}");
    }
}

#[test]
fn a_part_of_a_file_is_sent_if_only_that_is_asked_for() {
    let folder = site();
    let site = folder.path().join("site");
    let body: Vec<u8> = (0..600_000_u32).map(|number| (number % 251) as u8).collect();
    fs::write(site.join("weights.safetensors"), &body).unwrap();
    fs::write(site.join("long.js"), "x".repeat(5000)).unwrap();
    let served = Served::start(&site);
    let ask = |range: &str| served.ask("GET", "/weights.safetensors", &format!("{range}\r\n"));
    assert_eq!(served.get("/weights.safetensors").header("accept-ranges"), Some("bytes"));
    for (range, first, last) in [
        ("Range: bytes=0-0", 0, 0),
        ("Range: bytes=10-300009", 10, 300_009),
        ("Range: bytes=599990-", 599_990, 599_999),
        ("Range: bytes=-5", 599_995, 599_999),
        ("Range: bytes=599999-700000", 599_999, 599_999),
        ("Range: bytes=5-99999999999999999999", 5, 599_999),
        ("Range: bytes=-99999999999999999999", 0, 599_999),
    ] {
        let answer = ask(range);
        assert_eq!(answer.status, 206, "{range}");
        let span = format!("bytes {first}-{last}/600000");
        assert_eq!(answer.header("content-range"), Some(&*span), "{range}");
        assert!(answer.body == body[first..=last], "{range}");
        assert_eq!(answer.header("content-length"), Some(&*(last - first + 1).to_string()));
    }
    fs::write(site.join("nothing.bin"), "").unwrap();
    for range in ["bytes=0-", "bytes=0-5", "bytes=-5", "bytes=0-99999999999999999999"] {
        let answer = served.ask("GET", "/nothing.bin", &format!("Range: {range}\r\n"));
        assert!([200, 416].contains(&answer.status), "{range}: {}", answer.status);
        assert_eq!(answer.body.len(), 0, "{range}");
        assert!(!answer.head.contains("bytes 0-0"), "{range}: {}", answer.head);
    }
    for range in ["Range: bytes=600000-", "Range: bytes=9-1", "Range: bytes=x-"] {
        let answer = ask(range);
        assert_eq!((answer.status, answer.body.len()), (416, 0), "{range}");
        assert_eq!(answer.header("content-range"), Some("bytes */600000"), "{range}");
    }
    let tag = served.get("/weights.safetensors").header("etag").unwrap().to_owned();
    for whole in
        ["Range: bytes=0-1,5-9".to_owned(), format!("Range: bytes=0-1\r\nIf-Range: {tag}x")]
    {
        let answer = ask(&whole);
        assert_eq!((answer.status, answer.body.len()), (200, body.len()), "{whole}");
    }
    let part = "Range: bytes=0-1\r\nAccept-Encoding: gzip\r\n";
    let part = served.ask("GET", "/long.js", part);
    assert_eq!((part.status, &*part.body), (206, &b"xx"[..]));
    assert_eq!(part.header("content-encoding"), None);
    let head = served.ask("HEAD", "/weights.safetensors", "Range: bytes=0-1\r\n");
    assert_eq!((head.status, head.header("content-length")), (200, Some("600000")));
}

#[test]
fn a_file_is_compressed_for_those_who_take_it() {
    let folder = site();
    let site = folder.path().join("site");
    let text = "let gleaned = [];\n".repeat(2000);
    for name in ["long.js", "page_bg.wasm", "weights.safetensors", "note.txt.bin"] {
        fs::write(site.join(name), &text).unwrap();
    }
    let served = Served::start(&site);
    let ask = |method: &str, target: &str, encodings: &str| {
        served.ask(method, target, &format!("Accept-Encoding: {encodings}\r\n"))
    };
    let mut tags = Vec::new();
    for target in ["/long.js", "/page_bg.wasm"] {
        let plain = served.get(target);
        for encodings in ["gzip, deflate, br, zstd", "br, gzip;q=0.5", "GZIP"] {
            let small = ask("GET", target, encodings);
            assert_eq!(small.header("content-encoding"), Some("gzip"), "{target} {encodings}");
            assert!(small.body.len() < 500, "{target}: {}", small.body.len());
            let mut whole = String::new();
            flate2::read::GzDecoder::new(&*small.body).read_to_string(&mut whole).unwrap();
            assert_eq!(whole, text);
            assert_eq!(small.header("content-type"), plain.header("content-type"));
            let head = ask("HEAD", target, encodings);
            assert_eq!(head.header("content-length"), Some(&*small.body.len().to_string()));
            assert_ne!(small.header("etag"), plain.header("etag"));
            tags.push(small.header("etag").unwrap().to_owned());
        }
        for encodings in ["gzip;q=0", "gzip; q=0.000, br", "identity", "br", "gzip;q=0.1, identity"]
        {
            let plain = ask("GET", target, encodings);
            assert_eq!(plain.header("content-encoding"), None, "{target} {encodings}");
            assert_eq!(plain.body, text.as_bytes(), "{target} {encodings}");
        }
    }
    for target in ["/weights.safetensors", "/note.txt.bin", "/", "/sub/"] {
        assert_eq!(ask("GET", target, "gzip").header("content-encoding"), None, "{target}");
    }
    let known = format!("Accept-Encoding: gzip\r\nIf-None-Match: {}\r\n", tags[0]);
    assert_eq!(served.ask("GET", "/long.js", &known).status, 304);
    fs::write(site.join("long.js"), text.replace("gleaned", "changed")).unwrap();
    let changed = served.ask("GET", "/long.js", &known);
    let mut whole = String::new();
    flate2::read::GzDecoder::new(&*changed.body).read_to_string(&mut whole).unwrap();
    assert_eq!((changed.status, whole), (200, text.replace("gleaned", "changed")));
    drop(served);
    // A browser that comes back to a server that was started again has the file still.
    let again =
        Served::start(&site).ask("GET", "/page_bg.wasm", &known.replace(&tags[0], &tags[3]));
    assert_eq!(again.status, 304);
}

#[test]
fn a_file_is_sent_again_only_if_it_changed() {
    let folder = site();
    let served = Served::start(&folder.path().join("site"));
    let first = served.get("/");
    let tag = first.header("etag").unwrap();
    let known = format!("If-None-Match: \"other\", {tag}\r\n");
    let since = format!("If-Modified-Since: {}\r\n", first.header("last-modified").unwrap());
    for condition in [&known, &since] {
        let again = served.ask("GET", "/", condition);
        assert_eq!((again.status, again.body.len()), (304, 0), "{condition}");
    }
    let page = folder.path().join("site/index.html");
    fs::write(&page, "a new page").unwrap();
    let later = std::time::SystemTime::now() + Duration::from_secs(5);
    fs::File::options().write(true).open(&page).unwrap().set_modified(later).unwrap();
    for condition in [&known, &since] {
        let changed = served.ask("GET", "/", condition);
        assert_eq!((changed.status, &*changed.body), (200, &b"a new page"[..]), "{condition}");
    }
}

#[test]
fn a_request_without_end_is_refused() {
    let folder = site();
    let served = Served::start(&folder.path().join("site"));
    let host = format!("GET / HTTP/1.1\r\nHost: {}\r\n", served.address());
    let many = (0..80).map(|number| format!("X-{number}: 1\r\n")).collect::<String>();
    assert_eq!(served.send(&format!("{host}{many}")).status, 431);
    let long = format!("{host}X-Long: {}\r\n", "x".repeat(12_000));
    assert_eq!(served.send(&long).status, 200, "a long one is not refused");
    let endless = [format!("{host}X-Long: "), "GET /?".to_owned()];
    for head in endless {
        let mut stream = served.connect();
        stream.write_all(head.as_bytes()).unwrap();
        // It may be refused before all is written.
        let sent = (0..1000).take_while(|_| stream.write_all(&[b'x'; 10_000]).is_ok()).count();
        assert!(sent < 1000, "10 MB of one line are taken");
    }
    assert_eq!(served.get("/").status, 200);
}

#[test]
fn nobody_waits_for_the_slow() {
    let folder = site();
    let site = folder.path().join("site");
    // More than the system keeps for a reader that does not read.
    fs::File::create(site.join("large.bin")).unwrap().set_len(16 << 20).unwrap();
    let served = Served::start(&site);
    let _silent = served.connect();
    // As many as a browser opens to one host.
    let _stalled: Vec<TcpStream> = (0..6)
        .map(|_| {
            let mut stream = served.connect();
            let host = served.address();
            write!(stream, "GET /large.bin HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
            // Its answer has begun.
            stream.read_exact(&mut [0]).unwrap();
            stream
        })
        .collect();
    assert_eq!(served.get("/").body, PAGE.as_bytes());
}

#[test]
fn those_who_only_hold_a_connection_keep_nobody_out() {
    let folder = site();
    let served = Served::start(&folder.path().join("site"));
    let _idle: Vec<TcpStream> = (0..100)
        .map(|number| {
            let mut stream = served.connect();
            if number % 2 == 0 {
                // It may have had to give way already.
                let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: ");
            }
            stream
        })
        .collect();
    let begun = std::time::Instant::now();
    assert_eq!(served.get("/").body, PAGE.as_bytes());
    // Less than the ten seconds that each of them may take to ask.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn a_name_that_no_browser_calls_is_refused() {
    for host in ["", "http://x/y"] {
        let said =
            ended(&mut gleaner().command(["serve", "--port=0", "--no-open", "--host", host]));
        let named = format!("--host '{host}' is no name of a server");
        assert!(said.error().contains(&named), "{}", said.error());
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_and_is_no_failure() {
    for signal in ["-TERM", "-INT"] {
        let folder = site();
        fs::write(folder.path().join("site/long.js"), "x".repeat(5000)).unwrap();
        let mut served = Served::start(&folder.path().join("site"));
        served.ask("GET", "/long.js", "Accept-Encoding: gzip\r\n");
        let _open = served.connect();
        let id = served.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        assert_eq!(served.child.wait().unwrap().code(), Some(0), "{signal}");
        let left = folder.path().read_dir().unwrap().count();
        assert_eq!(left, 2, "{signal}: the site, the secret, and no copy of a file");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_browser_is_opened_if_there_is_one_and_was_not_declined() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = site();
    let site = folder.path().join("site").display().to_string();
    let [opener, opened] = ["xdg-open", "opened"].map(|name| folder.path().join(name));
    let served = |more: &[&str]| {
        let args = ["serve", &site, "--port=0", "--json"];
        let mut command = gleaner().command(args.iter().chain(more));
        Served::from(std::mem::replace(command.env("PATH", folder.path()), Command::new("")))
    };
    let script =
        format!("#!/bin/sh\necho \"$1\" > '{0}.part'; /bin/mv '{0}.part' '{0}'", opened.display());
    fs::write(&opener, script).unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let wait = |milliseconds: u64| {
        let waits = (0..milliseconds / 10).take_while(|_| !opened.exists());
        waits.for_each(|_| std::thread::sleep(Duration::from_millis(10)));
        opened.exists()
    };
    let declined = served(&["--no-open"]);
    assert!(!wait(1000), "--no-open");
    drop(declined);
    let opening = served(&[]);
    assert!(wait(20_000));
    assert_eq!(fs::read_to_string(&opened).unwrap().trim(), opening.url);
    fs::remove_file(opener).unwrap();
    fs::remove_file(&opened).unwrap();
    let alone = served(&[]);
    assert!(!wait(1000));
    assert_eq!(alone.get("/").status, 200, "without a browser");
}

#[test]
fn without_a_page_it_says_where_it_looked_and_how_to_get_one() {
    let folder = tempdir().unwrap();
    let called = |args: &[&str]| {
        let mut command = gleaner().command(["serve", "--port=0", "--no-open"].iter().chain(args));
        ended(command.current_dir(folder.path()))
    };
    let said = called(&[]);
    for part in
        ["no index.html in dist, ", "share/gleaner/site", "trunk build", "gleaner serve DIR"]
    {
        assert!(said.error().contains(part), "{}", said.error());
    }
    for name in ["empty", "none"] {
        let site = folder.path().join(name);
        fs::create_dir_all(folder.path().join("empty")).unwrap();
        let said = called(&[&site.display().to_string()]);
        let named = format!("no index.html in {}", site.display());
        assert!(said.error().contains(&named), "{}", said.error());
    }
}

#[test]
fn the_page_in_dist_is_served_for_people_too() {
    let folder = site();
    fs::rename(folder.path().join("site"), folder.path().join("dist")).unwrap();
    let mut command = gleaner().command(["serve", "--no-open", "--port=0"]);
    command.current_dir(folder.path()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.strip_suffix("  (Ctrl-C stops the server)\n").unwrap_or_default().to_owned();
    let served = Served { child, url, said: Value::Null };
    assert!(line.starts_with("http://127.0.0.1:"), "{line}");
    assert_eq!(served.get("/").body, PAGE.as_bytes());
}

#[test]
fn a_taken_port_is_refused_only_if_it_was_asked_for() {
    let folder = site();
    let site = folder.path().join("site").display().to_string();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = format!("--port={}", taken.local_addr().unwrap().port());
    let said = ended(&mut gleaner().command(["serve", &site, "--no-open", &port]));
    assert!(said.error().contains(&port.replace('=', " ")), "{}", said.error());
    // Two at once: the usual port is either's, or another program's, and the other gets a free one.
    let usual = || Served::from(gleaner().command(["serve", &site, "--no-open", "--json"]));
    let [one, two] = [usual(), usual()];
    assert_ne!(one.url, two.url);
    assert_eq!([one.get("/").status, two.get("/").status], [200; 2]);
}

#[test]
fn its_help_gives_examples() {
    let help = gleaner().call(["serve", "--help"]).done().stdout;
    assert!(
        help.contains(" serve [OPTIONS] [SITE]") && help.contains("gleaner serve ~/site"),
        "{help}"
    );
}
