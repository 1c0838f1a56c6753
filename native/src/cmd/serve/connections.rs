//! How many clients are served at once, and how long each may take.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;

/// For one client who was asked to give way, before the next one is.
const GIVES_WAY: Duration = Duration::from_millis(20);

/// What one client may ask of the server. Its memory is bounded by these, whatever comes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections that are served at once. For another one, the oldest that asks for nothing is closed; where all are being
    /// answered, it waits.
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
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error: std::error::Error + Send + Sync> + Send + 'static,
{
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_header_size(limits.head_bytes)
        .max_buf_size(limits.head_bytes)
        .max_headers(limits.headers);
    let mut places = Places::of(limits.connections);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // The client has gone, or the system is short of something, which passes.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (place, give_way) = places.take().await;
        let answered = answer_one(http.clone(), stream, limits, service.clone(), give_way);
        tokio::spawn(async move {
            answered.await;
            drop(place);
        });
    }
}

/// Answers one client until it goes, or is asked to give way and its answer has been sent.
async fn answer_one<S, B>(
    http: http1::Builder,
    stream: TcpStream,
    limits: Limits,
    service: S,
    mut give_way: oneshot::Receiver<()>,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    B: Body<Error: std::error::Error + Send + Sync> + 'static,
{
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.stall));
    let has_asked = Arc::new(AtomicBool::new(false));
    let asks = Arc::clone(&has_asked);
    let service = service_fn(move |request| {
        asks.store(true, Ordering::Relaxed);
        service.call(request)
    });
    let mut connection = pin!(http.serve_connection(TokioIo::new(Box::pin(stream)), service));
    let has_ended = poll_fn(|context| match connection.as_mut().poll(context) {
        // A client that breaks off, is too slow or makes no sense is told so by the end of its connection.
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending => Pin::new(&mut give_way).poll(context).map(|_| false),
    });
    // Who has asked may still wait for the end of the answer. Who has not, in all the time since, has nothing to lose.
    if !has_ended.await && has_asked.load(Ordering::Relaxed) {
        connection.as_mut().graceful_shutdown();
        drop(connection.await);
    }
}

/// Places for so many clients.
struct Places {
    free: Arc<Semaphore>,
    /// Asks one who has a place to give way, from the first who came to the last.
    taken: VecDeque<oneshot::Sender<()>>,
}

impl Places {
    fn of(number: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(number)), taken: VecDeque::new() }
    }

    /// A place for a client who has come. If none is free, those who came first are asked to give way, one after the other.
    /// Nobody closes the semaphore, which would give none then.
    async fn take(&mut self) -> (Option<OwnedSemaphorePermit>, oneshot::Receiver<()>) {
        self.taken.retain(|client| !client.is_closed());
        let mut place = Arc::clone(&self.free).try_acquire_owned().ok();
        while place.is_none() {
            // Who has gone in the meantime hears nothing, and has left a place.
            let _ = self.taken.pop_front().map(|client| client.send(()));
            let next = timeout(GIVES_WAY, Arc::clone(&self.free).acquire_owned()).await;
            place = next.ok().and_then(Result::ok);
        }
        let (ask, give_way) = oneshot::channel();
        self.taken.push_back(ask);
        (place, give_way)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read as _, Write as _};
    use std::net::{SocketAddr, TcpStream};
    use std::time::Instant;

    use http_body_util::Full;
    use hyper::body::Bytes;
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
    fn whoever_asks_for_nothing_gives_way_to_whoever_asks() {
        let patient = Limits { head: Duration::from_secs(60), ..brief() };
        let address = served(patient);
        let mut silent: Vec<TcpStream> = (0..20).map(|_| connect(address)).collect();
        // Some have begun to ask.
        silent.iter_mut().step_by(2).for_each(|stream| stream.write_all(b"GET / HT").unwrap());
        for _ in 0..4 {
            // Each stays open after its answer.
            let mut asking = connect(address);
            asking.write_all(REQUEST).unwrap();
            assert!(read(&mut asking) >= LARGE);
            silent.push(asking);
        }
        assert!(is_closed(&mut silent[0]));
    }

    #[test]
    fn where_all_are_being_answered_the_next_one_waits_and_nobody_loses_an_answer() {
        let patient = Duration::from_secs(60);
        let address = served(Limits { head: patient, stall: patient, ..brief() });
        let mut held = [connect(address), connect(address)];
        for stream in &mut held {
            stream.write_all(REQUEST).unwrap();
            // Its answer has begun.
            stream.read_exact(&mut [0]).unwrap();
        }
        let mut waiting = connect(address);
        waiting.write_all(REQUEST).unwrap();
        waiting.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        assert!(waiting.read(&mut [0]).is_err(), "two are served at once");
        for stream in &mut held {
            assert!(read(stream) + 1 >= LARGE);
        }
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
