//! One file over HTTP: it arrives beside its final name, goes on after a break, and has at most the bytes that it may have.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Error, Result, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use ureq::http::{HeaderMap, Response};
use ureq::{Agent, Body};

use crate::system::files::{explain, write_atomic};

/// Tries in a row that bring nothing new.
const ATTEMPTS: u32 = 4;
const CHUNK: usize = 64 * 1024;

/// A file on its way. What has arrived lies in `<path>.part`, and where it came from in `<path>.part.json`.
#[derive(Debug)]
pub struct Download {
    url: String,
    part: PathBuf,
    note: PathBuf,
    bytes: [u64; 2],
    compared: bool,
    agent: Agent,
}

/// Where a partial file came from, so that the rest can be asked of the same file only.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Origin {
    url: String,
    /// A strong entity tag, else the date of the last change (RFC 9110, section 13.1.5).
    validator: Option<String>,
    total: Option<u64>,
}

/// A try that failed.
enum Failure {
    /// Another try may work.
    Again(Error),
    /// The server would do it again.
    Fatal(Error),
    /// The disk, not the server.
    Here(Error),
}

/// What a try brought.
enum Arrived {
    /// Everything; some of it in earlier tries.
    All { resumed: bool },
    /// A piece, and the server has more.
    Piece,
}

/// The bytes that an answer holds.
struct Piece {
    start: u64,
    /// One past the last, where the server says it.
    end: Option<u64>,
    /// Bytes of the whole file, where known.
    total: Option<u64>,
}

type Tried<T> = std::result::Result<T, Failure>;

fn again(error: impl Into<Error>) -> Failure {
    Failure::Again(error.into())
}

impl Download {
    /// A download of `url` to `path` of at least `bytes[0]` and at most `bytes[1]` bytes. If it is `compared` with a
    /// checksum afterwards, a partial file of unknown origin is continued, else begun anew.
    #[must_use]
    pub fn new(url: &str, path: &Path, bytes: [u64; 2], compared: bool) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_per_read(Some(Duration::from_secs(60)))
            .build()
            .into();
        Self {
            url: url.to_owned(),
            part: path.with_file_name(format!("{name}.part")),
            note: path.with_file_name(format!("{name}.part.json")),
            bytes,
            compared,
            agent,
        }
    }

    /// Where the bytes are.
    #[must_use]
    pub fn part(&self) -> &Path {
        &self.part
    }

    /// Transfers what is missing. Says whether some of it came in an earlier try: then a wrong content can come from a
    /// file that has changed in between.
    ///
    /// # Errors
    /// The server cannot be reached, refuses, or sends other than it announces; the disk cannot be written. What has
    /// arrived stays for the next call, unless the answers show that it is of no use.
    pub fn run(&self) -> Result<bool> {
        let (mut attempt, mut longest) = (0, self.have());
        loop {
            let tried = self.transfer();
            let grown = self.have() > longest;
            longest = longest.max(self.have());
            attempt = if grown { 0 } else { attempt + 1 };
            let error = match tried {
                Ok(Arrived::All { resumed }) => return Ok(resumed),
                Ok(Arrived::Piece) if grown => continue,
                Ok(Arrived::Piece) => {
                    anyhow!("the server sends no more than {} bytes", self.have())
                }
                Err(Failure::Again(_)) if attempt < ATTEMPTS => {
                    sleep(Duration::from_millis(200 << attempt));
                    continue;
                }
                Err(Failure::Again(error) | Failure::Fatal(error)) => error,
                Err(Failure::Here(error)) => return Err(error),
            };
            let advice = "check the connection, or use --mirror URL";
            return Err(error.context(format!("cannot download {}; {advice}", self.url)));
        }
    }

    /// Gives the whole file its final name.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn name(&self, path: &Path) -> Result<()> {
        fs::rename(&self.part, path).map_err(|error| explain("write", path, &error))?;
        self.remove(&self.note)
    }

    /// Removes what has arrived.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn discard(&self) -> Result<()> {
        self.remove(&self.part)?;
        self.remove(&self.note)
    }

    fn remove(&self, path: &Path) -> Result<()> {
        match fs::remove_file(path) {
            Err(error) if path.exists() => Err(explain("remove", path, &error)),
            _ => Ok(()),
        }
    }

    fn have(&self) -> u64 {
        fs::metadata(&self.part).map_or(0, |meta| meta.len())
    }

    /// What a partial file can be continued by, if it can; else it is removed.
    fn origin(&self) -> Result<Option<Origin>> {
        let have = self.have();
        let note = fs::read(&self.note).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let origin = note.filter(|origin: &Origin| origin.url == self.url).unwrap_or_default();
        if have > 0 && have <= self.bytes[1] && (self.compared || origin.validator.is_some()) {
            return Ok(Some(origin));
        }
        self.discard()?;
        Ok(None)
    }

    fn transfer(&self) -> Tried<Arrived> {
        let origin = self.origin().map_err(Failure::Here)?;
        let have = self.have();
        if origin.is_some() && self.bytes == [have; 2] {
            return Ok(Arrived::All { resumed: true });
        }
        // Packed for the way, the bytes of a range would be those of the packed file.
        let mut request = self.agent.get(&self.url).header("Accept-Encoding", "identity");
        if let Some(origin) = &origin {
            request = request.header("Range", format!("bytes={have}-"));
            if let Some(validator) = &origin.validator {
                request = request.header("If-Range", validator);
            }
        }
        let response = request.call().map_err(again)?;
        match (response.status().as_u16(), origin) {
            (200, _) => self.receive(response, None),
            (206, Some(origin)) => self.receive(response, Some(&origin)),
            (416, Some(_)) => {
                let whole = header(response.headers(), "content-range")
                    .and_then(|range| range.strip_prefix("bytes */")?.parse().ok());
                if whole == Some(have) && have >= self.bytes[0] {
                    return Ok(Arrived::All { resumed: true });
                }
                Err(self.begin_anew("the server has no more, but the file is not whole"))
            }
            (status @ (206 | 416 | 429 | 500..=599), _) => {
                Err(again(anyhow!("the server answered {status}")))
            }
            (status, _) => Err(Failure::Fatal(anyhow!("the server answered {status}"))),
        }
    }

    /// What has arrived does not go with what the server has: the next try begins anew.
    fn begin_anew(&self, reason: &str) -> Failure {
        match self.discard() {
            Ok(()) => again(anyhow!("{reason}")),
            Err(error) => Failure::Here(error),
        }
    }

    /// The bytes that an answer holds: all, or those after the ones that are there.
    fn piece(
        &self,
        headers: &HeaderMap,
        origin: Option<&Origin>,
        length: Option<u64>,
    ) -> Tried<Piece> {
        let piece = match origin {
            None => Piece { start: 0, end: length, total: length },
            Some(origin) => {
                let range = header(headers, "content-range").and_then(content_range);
                let Some((start, end, total)) = range.filter(|range| range.0 <= self.have()) else {
                    return Err(self.begin_anew("the server sent another part than was asked for"));
                };
                // A server that says nothing may not have compared: then a checksum must.
                let changed =
                    |old: &str| validator(headers).map_or(!self.compared, |new| new != old);
                let resized = |old: u64| total.is_some_and(|new| new != old);
                if origin.validator.as_deref().is_some_and(changed)
                    || origin.total.is_some_and(resized)
                {
                    return Err(self.begin_anew("the file on the server has changed"));
                }
                Piece { start, end: Some(end), total: total.or(origin.total) }
            }
        };
        let [least, most] = self.bytes;
        if let Some(total) = piece.total.filter(|total| !(least..=most).contains(total)) {
            let expected =
                if least == most { format!("{most}") } else { format!("{least} to {most}") };
            return Err(Failure::Fatal(anyhow!(
                "the server has {total} bytes, expected {expected}"
            )));
        }
        let size = piece.total.or((least == most).then_some(most));
        Ok(Piece { total: size, ..piece })
    }

    fn receive(&self, response: Response<Body>, origin: Option<&Origin>) -> Tried<Arrived> {
        let headers = response.headers();
        self.refuse_packed(headers)?;
        let Piece { start, end, total } = self.piece(headers, origin, announced(headers))?;
        let new = Origin { url: self.url.clone(), validator: validator(headers), total };
        let mut file = self.open_at(start).map_err(Failure::Here)?;
        if origin.is_none() {
            // Written when the old bytes are gone, so that it never speaks of them.
            let text = serde_json::to_vec(&new).map_err(|error| Failure::Here(error.into()))?;
            write_atomic(&self.note, &text).map_err(Failure::Here)?;
        }
        let most = end.or(total).unwrap_or(u64::MAX).min(self.bytes[1]).saturating_sub(start);
        let received = self.copy(response.into_body(), &mut file, start, most, total)?;
        file.sync_all().map_err(|error| Failure::Here(explain("write", &self.part, &error)))?;
        match end {
            Some(end) if start + received < end => Err(again(anyhow!(
                "the connection broke after {} of {end} bytes",
                start + received
            ))),
            _ if total.is_some_and(|total| start + received < total) => Ok(Arrived::Piece),
            _ => Ok(Arrived::All { resumed: start > 0 }),
        }
    }

    /// A `.gz` that is declared as packed is what it is; of any other file the bytes are not the file's own.
    fn refuse_packed(&self, headers: &HeaderMap) -> Tried<()> {
        let encoding = header(headers, "content-encoding").unwrap_or_default().to_lowercase();
        match encoding.as_str() {
            "" | "identity" => Ok(()),
            "gzip" | "x-gzip" if self.url.ends_with("gz") => Ok(()),
            _ => Err(Failure::Fatal(anyhow!(
                "the server packs the file for the way ({encoding}), although asked not to"
            ))),
        }
    }

    /// The partial file, cut to `start` bytes and open for the next ones.
    fn open_at(&self, start: u64) -> Result<File> {
        let open = || {
            let mut file =
                OpenOptions::new().create(true).truncate(false).write(true).open(&self.part)?;
            file.set_len(start)?;
            file.seek(SeekFrom::Start(start))?;
            Ok(file)
        };
        open().map_err(|error| explain("write", &self.part, &error))
    }

    /// Writes at most `most` bytes of the body; more are a failure. Returns how many there were.
    fn copy(
        &self,
        body: Body,
        file: &mut File,
        start: u64,
        most: u64,
        total: Option<u64>,
    ) -> Tried<u64> {
        let bar = progress(&self.url, total, start);
        let mut body = body.into_reader();
        let mut buffer = vec![0; CHUNK];
        let mut received = 0;
        loop {
            let count = body.read(&mut buffer).map_err(again)?;
            if count == 0 {
                bar.finish_and_clear();
                return Ok(received);
            }
            received += count as u64;
            if received > most {
                self.discard().map_err(Failure::Here)?;
                return Err(Failure::Fatal(anyhow!("the server sends more than {most} bytes")));
            }
            let written = file.write_all(&buffer[..count]);
            written.map_err(|error| Failure::Here(explain("write", &self.part, &error)))?;
            bar.inc(count as u64);
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

/// Bytes of the body that follows, if the head says it. The client's own answer leaves out a body of none.
fn announced(headers: &HeaderMap) -> Option<u64> {
    match header(headers, "transfer-encoding") {
        Some(_) => None,
        None => header(headers, "content-length")?.parse().ok(),
    }
}

/// First byte, one past the last, and bytes of the whole file of `bytes 5-9/20` or `bytes 5-9/*`.
fn content_range(text: &str) -> Option<(u64, u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, end): (u64, u64) = (first.parse().ok()?, last.parse::<u64>().ok()?.checked_add(1)?);
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    (first < end && total.is_none_or(|total| end <= total)).then_some((first, end, total))
}

/// What stands for this very content: a strong entity tag, else the date of the last change, unless the file may change
/// once more within the second.
fn validator(headers: &HeaderMap) -> Option<String> {
    let tag = header(headers, "etag").filter(|tag| tag.starts_with('"'));
    let changed = || {
        let changed = header(headers, "last-modified")?;
        (header(headers, "date") != Some(changed)).then_some(changed)
    };
    tag.or_else(changed).map(str::to_owned)
}

fn progress(url: &str, total: Option<u64>, start: u64) -> ProgressBar {
    let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let template = "{msg} {bytes}/{total_bytes} {bar:30} {bytes_per_sec} {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(url.rsplit('/').next().unwrap_or(url).to_owned());
    bar.set_position(start);
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_or_refused() {
        assert_eq!(content_range("bytes 5-9/20"), Some((5, 10, Some(20))));
        assert_eq!(content_range("bytes 0-0/*"), Some((0, 1, None)));
        let last = format!("bytes 0-{}/*", u64::MAX);
        for wrong in
            ["bytes 9-5/20", "bytes 5-20/20", "bytes */20", "items 0-1/2", "bytes 5-9", &last]
        {
            assert_eq!(content_range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn weak_tags_and_dates_of_this_second_do_not_stand_for_a_content() {
        let of = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            validator(&headers)
        };
        assert_eq!(of(&[("etag", "\"a\""), ("last-modified", "then")]).as_deref(), Some("\"a\""));
        assert_eq!(of(&[("etag", "W/\"a\""), ("last-modified", "then")]).as_deref(), Some("then"));
        assert_eq!(of(&[("last-modified", "now"), ("date", "now")]), None);
        assert_eq!(of(&[("etag", "W/\"a\"")]), None);
    }
}
