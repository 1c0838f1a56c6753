//! A server on this machine that answers as a test says, and remembers what it was asked.

// Each file of tests is a program of its own, and none uses everything.
#![allow(dead_code)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What a client asks.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    /// By name in lower case.
    pub headers: HashMap<String, String>,
    /// How many requests came before.
    pub number: usize,
}

impl Request {
    /// The first byte that is asked for; 0 without a range.
    pub fn start(&self) -> usize {
        let range = self.headers.get("range").map_or("bytes=0-", String::as_str);
        range.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse().unwrap()
    }

    pub fn has(&self, header: &str) -> bool {
        self.headers.contains_key(header)
    }
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug)]
pub enum Ends {
    Length,
    Chunk,
    Close,
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// After how many bytes the connection breaks.
    pub cut: Option<usize>,
    pub ends: Ends,
}

impl Answer {
    pub fn new(status: &'static str, body: &[u8]) -> Self {
        Self { status, headers: Vec::new(), body: body.to_vec(), cut: None, ends: Ends::Length }
    }

    pub fn whole(body: &[u8]) -> Self {
        Self::new("200 OK", body)
    }

    /// The rest of a file after what the client has, or all of it.
    pub fn rest(request: &Request, file: &[u8]) -> Self {
        match request.start() {
            0 => Self::whole(file),
            start if start >= file.len() => Self::new("416 Range Not Satisfiable", b"")
                .with("Content-Range", &format!("bytes */{}", file.len())),
            start => Self::part(file, start, file.len()),
        }
    }

    pub fn part(file: &[u8], start: usize, end: usize) -> Self {
        let range = format!("bytes {start}-{}/{}", end - 1, file.len());
        Self::new("206 Partial Content", &file[start..end]).with("Content-Range", &range)
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.cut = Some(bytes);
        self
    }

    pub fn ending(mut self, ends: Ends) -> Self {
        self.ends = ends;
        self
    }

    fn send(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        write!(stream, "HTTP/1.1 {}\r\nConnection: close\r\n", self.status)?;
        for (name, value) in &self.headers {
            write!(stream, "{name}: {value}\r\n")?;
        }
        let sent = &self.body[..self.cut.unwrap_or(self.body.len()).min(self.body.len())];
        match self.ends {
            Ends::Length => write!(stream, "Content-Length: {}\r\n\r\n", self.body.len())?,
            Ends::Close => write!(stream, "\r\n")?,
            Ends::Chunk => write!(stream, "Transfer-Encoding: chunked\r\n\r\n")?,
        }
        match self.ends {
            Ends::Chunk => {
                for chunk in sent.chunks(10_000) {
                    write!(stream, "{:x}\r\n", chunk.len())?;
                    stream.write_all(chunk)?;
                    write!(stream, "\r\n")?;
                }
                if self.cut.is_none() {
                    write!(stream, "0\r\n\r\n")?;
                }
            }
            _ => stream.write_all(sent)?,
        }
        stream.shutdown(Shutdown::Write)
    }
}

/// The address, and the requests so far.
pub struct Server {
    pub address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn new(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (log, answer) = (requests.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, log, answer) = (stream.unwrap(), log.clone(), answer.clone());
                thread::spawn(move || {
                    let Some(request) = asked(&stream, &log) else { return };
                    // The client may have gone.
                    let _ = answer(&request).send(&mut stream);
                });
            }
        });
        Self { address, requests }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn asked(stream: &TcpStream, log: &Mutex<Vec<Request>>) -> Option<Request> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    let head = lines.map_while(Result::ok).take_while(|line| !line.is_empty());
    let headers = head.filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_lowercase(), value.to_owned()))
    });
    let headers = headers.collect();
    let mut log = log.lock().unwrap();
    let request = Request { path, headers, number: log.len() };
    log.push(request.clone());
    Some(request)
}
