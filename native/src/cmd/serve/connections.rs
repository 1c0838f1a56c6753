//! How many clients are served at once, and how long each may take.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::Response;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::HttpService;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;

/// What one client may ask of the server. Its memory is bounded by these, whatever comes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections that are open at once. Others wait until one of these ends.
    pub connections: usize,
    /// From the start of a connection, or the end of an answer, to the last header of a request.
    pub head: Duration,
    /// For a client that takes nothing of its answer.
    pub stall: Duration,
    /// Of the first line and the headers of a request, bytes.
    pub head_bytes: usize,
    /// Headers of a request.
    pub headers: usize,
}

impl Limits {
    /// A browser opens six connections to a host and sends a dozen headers, a kilobyte in all.
    pub const USUAL: Self = Self {
        connections: 64,
        head: Duration::from_secs(10),
        stall: Duration::from_secs(30),
        head_bytes: 16 << 10,
        headers: 64,
    };
}

/// Answers all that come, for ever.
pub async fn answer_all<S, B>(listener: TcpListener, limits: Limits, service: S)
where
    S: HttpService<Incoming, ResBody = B, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error: std::error::Error + Send + Sync> + Send + 'static,
    Response<B>: Send,
{
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_header_size(limits.head_bytes)
        .max_buf_size(limits.head_bytes)
        .max_headers(limits.headers);
    let places = Arc::new(Semaphore::new(limits.connections));
    loop {
        // Only a semaphore that was closed gives none, and nobody closes this one.
        let place = Arc::clone(&places).acquire_owned().await.ok();
        let Ok((stream, _)) = listener.accept().await else {
            // The client has gone, or the system is short of something, which passes.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(limits.stall));
        let connection = http.serve_connection(TokioIo::new(Box::pin(stream)), service.clone());
        tokio::spawn(async move {
            // A client that breaks off, is too slow or makes no sense is told so by the end of its connection.
            drop(connection.await);
            drop(place);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read as _, Write as _};
    use std::net::{SocketAddr, TcpStream};
    use std::time::Instant;

    use http_body_util::Full;
    use hyper::body::Bytes;
    use hyper::service::service_fn;
    use tokio::runtime;

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n";

    /// More than the system keeps for a client that does not read.
    const LARGE: usize = 16 << 20;

    /// A server of long answers, which ends with the test.
    fn served(limits: Limits) -> SocketAddr {
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let answer =
                    |_| async { Ok(Response::new(Full::new(Bytes::from(vec![0; LARGE])))) };
                answer_all(listener, limits, service_fn(answer)).await;
            });
        });
        told.recv().unwrap()
    }

    fn connect(address: SocketAddr) -> TcpStream {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Reads until the end of an answer, or of the connection.
    fn read(stream: &mut TcpStream) -> usize {
        let mut piece = vec![0; 1 << 20];
        let mut all = 0;
        while all < LARGE {
            match stream.read(&mut piece) {
                Ok(0) | Err(_) => break,
                Ok(length) => all += length,
            }
        }
        all
    }

    fn brief() -> Limits {
        let short = Duration::from_millis(300);
        Limits { connections: 2, head: short, stall: short, ..Limits::USUAL }
    }

    /// Whether the other end closes the connection without a byte.
    fn is_closed(stream: &mut TcpStream) -> bool {
        match stream.read(&mut [0]) {
            Ok(length) => length == 0,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    #[test]
    fn whoever_is_slow_to_ask_loses_the_connection() {
        let address = served(brief());
        let begun = Instant::now();
        let mut silent = connect(address);
        assert!(is_closed(&mut silent));
        assert!(begun.elapsed() >= Duration::from_millis(290), "but not at once");
        // A byte at a time, none of them late.
        let mut dripping = connect(address);
        let endless = REQUEST[..REQUEST.len() - 2].iter().chain(std::iter::repeat(&b'x'));
        let drops = endless.take_while(|byte| {
            std::thread::sleep(Duration::from_millis(20));
            dripping.write_all(&[**byte]).is_ok()
        });
        assert!(drops.take(1000).count() < 100);
    }

    #[test]
    fn whoever_takes_nothing_of_an_answer_loses_it_and_the_slow_do_not() {
        let address = served(brief());
        let mut stalled = connect(address);
        stalled.write_all(REQUEST).unwrap();
        let mut slow = connect(address);
        slow.write_all(REQUEST).unwrap();
        let mut all = 0;
        // Longer than either limit, but never for long without taking a piece.
        for _ in 0..8 {
            std::thread::sleep(Duration::from_millis(100));
            let mut piece = vec![0; 1 << 20];
            slow.read_exact(&mut piece).unwrap();
            all += piece.len();
        }
        assert!(all + read(&mut slow) >= LARGE);
        assert!(read(&mut stalled) < LARGE);
    }

    #[test]
    fn those_beyond_the_limit_wait_for_a_place() {
        let address = served(Limits { head: Duration::from_secs(10), ..brief() });
        let held = [connect(address), connect(address)];
        let mut waiting = connect(address);
        waiting.write_all(REQUEST).unwrap();
        waiting.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        assert!(waiting.read(&mut [0]).is_err(), "two are served at once");
        drop(held);
        waiting.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        assert!(read(&mut waiting) >= LARGE);
    }

    #[test]
    fn a_connection_answers_one_request_after_the_other() {
        let mut stream = connect(served(brief()));
        for _ in 0..3 {
            stream.write_all(REQUEST).unwrap();
            let mut head = [0; 15];
            stream.read_exact(&mut head).unwrap();
            assert_eq!(&head, b"HTTP/1.1 200 OK");
            let mut rest = Vec::new();
            while !rest.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                rest.push(byte[0]);
            }
            stream.read_exact(&mut vec![0; LARGE]).unwrap();
        }
    }
}
