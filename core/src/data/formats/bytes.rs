//! Raw and compressed bytes: gzip and zlib with a ceiling, and a cursor that cannot run past the end.

use std::borrow::Cow;
use std::io::Read;

use flate2::bufread::{GzDecoder, ZlibDecoder};

use crate::error::{Error, Result};

/// No file of the supported data sets inflates to more; a compression bomb stops here.
const MAX_INFLATED: usize = 2 << 30;

const FETCH_AGAIN: &str = "the file is damaged or incomplete: delete it and fetch it again";

/// The content of a file: as it is, or inflated when it begins like gzip.
///
/// # Errors
/// The file is empty, or the gzip stream is damaged, cut short, too large or followed by garbage.
pub(crate) fn content<'a>(bytes: &'a [u8], source_name: &str) -> Result<Cow<'a, [u8]>> {
    if bytes.is_empty() {
        return Err(Error::data(source_name, "the file is empty", FETCH_AGAIN));
    }
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return gunzip(bytes, source_name).map(Cow::Owned);
    }
    Ok(Cow::Borrowed(bytes))
}

/// Inflates every member of a gzip file.
fn gunzip(bytes: &[u8], source_name: &str) -> Result<Vec<u8>> {
    let mut rest = bytes;
    let mut out = Vec::new();
    while !rest.is_empty() {
        if !rest.starts_with(&[0x1f, 0x8b]) {
            let problem = format!("{} extra bytes follow the gzip data", rest.len());
            return Err(Error::data(source_name, problem, FETCH_AGAIN));
        }
        let mut decoder = GzDecoder::new(rest);
        read_limited(&mut decoder, &mut out, source_name, "gzip")?;
        rest = decoder.into_inner();
    }
    Ok(out)
}

/// Inflates one zlib stream, as found inside MATLAB files.
pub(crate) fn inflate_zlib(bytes: &[u8], source_name: &str) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    read_limited(&mut ZlibDecoder::new(bytes), &mut out, source_name, "zlib")?;
    Ok(out)
}

fn read_limited(
    decoder: &mut impl Read,
    out: &mut Vec<u8>,
    source_name: &str,
    kind: &str,
) -> Result<()> {
    let room = MAX_INFLATED.saturating_sub(out.len());
    let read = decoder.take(room as u64 + 1).read_to_end(out);
    match read {
        Err(error) if error.kind() == std::io::ErrorKind::OutOfMemory => {
            Err(Error::out_of_memory(source_name, 2 * out.len() as u64, None))
        }
        Err(error) => {
            let problem = format!("the {kind} data is truncated or damaged ({error})");
            Err(Error::data(source_name, problem, FETCH_AGAIN))
        }
        Ok(count) if count > room => Err(Error::data(
            source_name,
            format!("the {kind} data unpack to more than {} GiB", MAX_INFLATED >> 30),
            "this is not a data file that gleaner knows",
        )),
        Ok(_) => Ok(()),
    }
}

/// Reads little pieces off the front of a slice; every read is checked.
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    source_name: &'a str,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8], source_name: &'a str) -> Self {
        Self { rest: bytes, source_name }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `count` bytes; `what` names them in the message.
    pub(crate) fn take(&mut self, count: usize, what: &str) -> Result<&'a [u8]> {
        match self.rest.split_at_checked(count) {
            Some((head, tail)) => {
                self.rest = tail;
                Ok(head)
            }
            None => Err(Error::data(
                self.source_name,
                format!("truncated: {what} needs {count} bytes and {} are left", self.rest.len()),
                FETCH_AGAIN,
            )),
        }
    }

    pub(crate) fn u32_be(&mut self, what: &str) -> Result<u32> {
        let bytes = self.take(4, what)?;
        Ok(bytes.iter().fold(0, |value, &byte| value << 8 | u32::from(byte)))
    }

    pub(crate) fn u32_le(&mut self, what: &str) -> Result<u32> {
        let bytes = self.take(4, what)?;
        Ok(bytes.iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte)))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn plain_and_gzip_give_the_same_content() {
        let text = b"gleaner ".repeat(100);
        assert_eq!(&*content(&text, "f").unwrap(), &text[..]);
        assert_eq!(&*content(&gzip(&text), "f").unwrap(), &text[..]);
        let two_members = [gzip(b"ab"), gzip(b"cd")].concat();
        assert_eq!(&*content(&two_members, "f").unwrap(), b"abcd");
    }

    #[test]
    fn broken_gzip_is_refused() {
        let good = gzip(&b"gleaner ".repeat(100));
        let message = |bytes: &[u8]| content(bytes, "f.gz").unwrap_err().to_string();
        assert!(message(&[]).contains("empty"));
        for cut in [3, good.len() / 2, good.len() - 1] {
            assert!(message(&good[..cut]).contains("truncated"), "{cut}");
        }
        let trailing = [good.clone(), b"xyz".to_vec()].concat();
        assert!(message(&trailing).contains("3 extra bytes"));
        let mut flipped = good;
        let crc = flipped.len() - 6;
        flipped[crc] ^= 1;
        assert!(message(&flipped).contains("damaged"));
    }

    #[test]
    fn the_cursor_names_what_is_missing() {
        let mut cursor = Cursor::new(&[0, 0, 1, 2, 9], "f");
        assert_eq!(cursor.u32_be("the count").unwrap(), 258);
        let error = cursor.u32_le("the size").unwrap_err().to_string();
        assert!(error.contains("the size needs 4 bytes and 1 are left"), "{error}");
    }
}
