//! What a browser is answered.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use tower_http::services::ServeDir;
use tower_http::services::fs::DefaultServeDirFallback;

use super::site::Site;

/// A response, sent piece by piece.
type Answer = Response<UnsyncBoxBody<Bytes, io::Error>>;

/// Goes with every answer.
///
/// The page may load what is on this server, compile WebAssembly and show pictures that it made itself, and nothing else.
/// No other page may hold it in a frame or use its files. What the browser keeps, it asks about each time.
const POLICY: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; \
         style-src 'self'; img-src 'self' blob: data:; manifest-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
    ),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-cache"),
    (header::VARY, "accept-encoding"),
];

/// Pieces of a file that are sent at once, bytes.
const PIECE: usize = 256 << 10;

/// Answers requests for the files of a site.
#[derive(Clone, Debug)]
pub struct Answers {
    names: Vec<String>,
    advice: String,
    files: ServeDir<DefaultServeDirFallback, Site>,
}

impl Answers {
    /// For the site in `folder`, at `address`. Browsers may also call the server by the names in `hosts`.
    pub fn new(folder: &Path, site: Site, address: SocketAddr, hosts: &[String]) -> Self {
        Self {
            names: names(address, hosts),
            advice: format!(
                "this is http://{address}/; gleaner serve --host NAME answers to another name"
            ),
            files: ServeDir::with_backend(folder, site)
                .precompressed_gzip()
                .ignore_multi_range_requests(true)
                .with_buf_chunk_size(PIECE),
        }
    }

    /// Answers one request.
    pub async fn answer<B: Send + 'static>(&self, request: Request<B>) -> Answer {
        let mut answer = if !self.is_meant(&request) {
            says(StatusCode::MISDIRECTED_REQUEST, &self.advice)
        } else if [Method::GET, Method::HEAD].contains(request.method()) {
            self.named(request).await
        } else {
            let mut refusal =
                says(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered");
            refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            refusal
        };
        for (name, value) in POLICY {
            answer.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        answer
    }

    /// Whether this server is the one that was asked. A name of someone else's that leads here is a trap: the page that
    /// bears it would be allowed to read all answers.
    fn is_meant<B>(&self, request: &Request<B>) -> bool {
        let is_own = |host: &str| self.names.iter().any(|own| own.eq_ignore_ascii_case(host));
        let mut hosts = request.headers().get_all(header::HOST).iter();
        let (host, another) = (hosts.next(), hosts.next());
        another.is_none()
            && host.and_then(|host| host.to_str().ok()).is_some_and(is_own)
            && request.uri().authority().is_none_or(|authority| is_own(authority.as_str()))
    }

    /// What the target of a request names.
    async fn named<B: Send + 'static>(&self, mut request: Request<B>) -> Answer {
        let none = || says(StatusCode::NOT_FOUND, "not found");
        // As the target of a redirection, two slashes would name another server.
        if request.uri().path().contains("//") {
            return none();
        }
        let is_head = request.method() == Method::HEAD;
        let headers = request.headers_mut();
        // A whole file is a right answer, too, and here the plain one.
        if is_head || headers.contains_key(header::IF_RANGE) {
            headers.remove(header::RANGE);
        }
        // A part is one of the file itself.
        if let Some(range) = headers.get_mut(header::RANGE) {
            if let Some(countable) = range.to_str().ok().and_then(countable) {
                *range = countable;
            }
            headers.remove(header::ACCEPT_ENCODING);
        }
        match self.files.clone().try_call(request).await {
            Ok(response) if response.status() != StatusCode::NOT_FOUND => {
                with_charset(whole_if_empty(response.map(|body| body.boxed_unsync())))
            }
            // A file that cannot be read, or no longer, is none to a browser.
            _ => none(),
        }
    }
}

/// The names by which a browser calls this server, as it writes them: it leaves out the port that it takes anyway.
fn names(address: SocketAddr, hosts: &[String]) -> Vec<String> {
    let port = address.port();
    let own = [address.ip().to_string(), "localhost".to_owned(), "[::1]".to_owned()];
    let mut names: Vec<String> =
        own.iter().chain(hosts).map(|host| format!("{host}:{port}")).collect();
    names.extend(own.into_iter().filter(|_| port == 80));
    names.extend_from_slice(hosts);
    names
}

/// The same range of bytes, in numbers that can be counted with: an end beyond all files is the end of any.
fn countable(range: &str) -> Option<HeaderValue> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(last) || last.parse::<u64>().is_ok() {
        return None;
    }
    match first {
        // So many bytes before the end are all there are.
        "" => Some(HeaderValue::from_static("bytes=0-")),
        first if is_number(first) => format!("bytes={first}-").parse().ok(),
        _ => None,
    }
}

/// A file without bytes has no part, so that it is sent whole.
fn whole_if_empty(answer: Answer) -> Answer {
    let span = answer.headers().get(header::CONTENT_RANGE);
    let is_empty = span.is_some_and(|span| span.as_bytes().ends_with(b"/0"));
    if !is_empty || answer.status() != StatusCode::PARTIAL_CONTENT {
        return answer;
    }
    let mut whole = answer.map(|_| Empty::new().map_err(|never| match never {}).boxed_unsync());
    *whole.status_mut() = StatusCode::OK;
    whole.headers_mut().remove(header::CONTENT_RANGE);
    whole.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    whole
}

/// All texts of a page are UTF-8.
fn with_charset(mut answer: Answer) -> Answer {
    if let Some(kind) = answer.headers_mut().get_mut(header::CONTENT_TYPE)
        && let Ok(text) = kind.to_str()
        && text.starts_with("text/")
        && let Ok(full) = format!("{text}; charset=utf-8").parse()
    {
        *kind = full;
    }
    answer
}

fn says(status: StatusCode, text: &str) -> Answer {
    let body = Full::from(format!("{text}\n")).map_err(|never| match never {});
    let mut answer = Response::new(body.boxed_unsync());
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}
