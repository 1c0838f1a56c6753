//! What a browser is answered.

use std::io::{self, Cursor};
use std::path::Path;
use std::time::UNIX_EPOCH;

use tiny_http::{Header, Method, Request, Response};

use super::place::{Place, find};

/// A response, whole before its first byte is sent: a file that changes meanwhile cannot make its length wrong.
type Answer = Response<Cursor<Vec<u8>>>;

/// Answers a request with what it names in the folder `site`.
///
/// # Errors
/// If the connection fails.
pub fn answer(request: Request, site: &Path) -> io::Result<()> {
    let answer = match request.method() {
        Method::Get | Method::Head => named(&request, site),
        _ => says(405, "only GET and HEAD are answered", &[("Allow", "GET, HEAD")]),
    };
    // In chunks, the length would not be told.
    request.respond(answer.with_chunked_threshold(usize::MAX))
}

fn named(request: &Request, site: &Path) -> Answer {
    let answer = match find(site, request.url()) {
        Some(Place::File(path)) => file(request, &path),
        Some(Place::Folder(target)) => Ok(says(307, "see the folder", &[("Location", &target)])),
        None => Err(io::ErrorKind::NotFound.into()),
    };
    // A file that cannot be read, or no longer, is none to a browser.
    answer.unwrap_or_else(|_| says(404, "not found", &[]))
}

fn file(request: &Request, path: &Path) -> io::Result<Answer> {
    let tag = tag(path)?;
    let body = std::fs::read(path)?;
    let length = body.len();
    let (status, body) = if is_known(request, &tag) { (304, Vec::new()) } else { (200, body) };
    let headers = [("Content-Type", content_type(path)), ("ETag", &tag)];
    Ok(response(status, &headers, body, length))
}

fn says(status: u16, text: &str, headers: &[(&str, &str)]) -> Answer {
    let headers = [&[("Content-Type", "text/plain; charset=utf-8")], headers].concat();
    response(status, &headers, format!("{text}\n").into_bytes(), text.len() + 1)
}

fn response(status: u16, headers: &[(&str, &str)], body: Vec<u8>, length: usize) -> Answer {
    let headers = headers.iter().chain(&[("Cache-Control", "no-cache")]);
    // Only what is not ASCII fails to be a header, and none of these is.
    let headers = headers.filter_map(|(name, value)| Header::from_bytes(*name, *value).ok());
    Response::new(status.into(), headers.collect(), Cursor::new(body), Some(length), None)
}

/// Tells versions of a file apart by its length and the time of its last change. Read before the file itself: a change
/// in between is then noticed at the next request.
fn tag(path: &Path) -> io::Result<String> {
    let about = path.metadata()?;
    // Clocks set before 1970 are as good as one that stands.
    let age = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(format!("\"{:x}-{:x}\"", about.len(), age.as_nanos()))
}

fn is_known(request: &Request, tag: &str) -> bool {
    let mut asked = request.headers().iter().filter(|header| header.field.equiv("If-None-Match"));
    asked.any(|header| header.value.as_str().split(',').any(|known| known.trim() == tag))
}

fn content_type(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webmanifest" => "application/manifest+json",
        "txt" | "toml" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
