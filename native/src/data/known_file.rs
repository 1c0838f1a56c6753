//! Whether a file of a known data set is the right one: its size, its checksum, and where none is known its content.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use flate2::bufread::MultiGzDecoder;
use gleaner_core::data::Dataset;
use gleaner_core::data::formats::ag_news::parse_ag_news;
use gleaner_core::data::formats::hepmass::parse_hepmass;
use gleaner_core::data::formats::miniboone::parse_miniboone;
use gleaner_core::data::formats::protein::parse_protein;
use sha2::{Digest, Sha256};

use super::reading::read_file;
use super::registry::{self, Entry};

/// How a gzip file begins.
const GZIP: &[u8] = &[0x1f, 0x8b];

const CHUNK: usize = 64 * 1024;

/// Checks the size of a file in `path`, and then its SHA-256, or its content where no checksum is known.
///
/// # Errors
/// The file cannot be read, or is not the one of the data set.
pub fn check(entry: &Entry, file: &registry::File, path: &Path) -> Result<()> {
    let name = file.name;
    if let Some(problem) = wrong_size(file, path)? {
        bail!("{name}: {problem}");
    }
    match file.sha256 {
        Some(expected) => {
            let found = sha256(path)?;
            ensure!(found == expected, "{name}: sha256 is {found}, expected {expected}");
            Ok(())
        }
        None => read_alone(entry, name, path),
    }
}

/// What is wrong with the size of the file in `path`, if anything. Reads nothing of it.
///
/// # Errors
/// There is no such file.
pub fn wrong_size(file: &registry::File, path: &Path) -> Result<Option<String>> {
    let found = path.metadata().with_context(|| format!("cannot read {}", path.display()))?;
    Ok(file.wrong_size(found.len()))
}

/// SHA-256 of a file in hexadecimal.
///
/// # Errors
/// The file cannot be read.
pub fn sha256(path: &Path) -> Result<String> {
    let context = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(context)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = file.read(&mut buffer).with_context(context)?;
        if count == 0 {
            return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hash.update(&buffer[..count]);
    }
}

/// Reads the file `name` of a data set by itself, wherever it lies, to its end.
fn read_alone(entry: &Entry, name: &str, path: &Path) -> Result<()> {
    if let Some(problem) = unfinished_end(path)? {
        bail!("{name}: {problem}");
    }
    let [train, test] = entry.sizes;
    let (found, expected) = match entry.name {
        "protein" | "miniboone" => {
            let parse = if entry.name == "protein" { parse_protein } else { parse_miniboone };
            let data = parse(&read_file(path)?, name)?;
            (data.train.len() + data.test.len(), train + test)
        }
        "hepmass" => {
            let features = if name.starts_with("all") { 28 } else { 27 };
            let data = read_hepmass((path, name), (path, name), features)?;
            unpack(path).with_context(|| format!("{name} is cut short or damaged"))?;
            (data.train.len(), if name.contains("test") { test } else { train })
        }
        "ag-news" => {
            let texts = parse_ag_news(&read_file(path)?, name)?;
            (texts.labels.len(), if name.starts_with("test") { test } else { train })
        }
        other => bail!("{name} of {other} has neither a checksum nor a reader of its own"),
    };
    miscounted(found, expected).map_or(Ok(()), |problem| bail!("{name}: {problem}"))
}

/// Reads the training and the test file of Hepmass, each with its name for messages.
///
/// # Errors
/// A file cannot be opened, or as [`parse_hepmass`].
pub fn read_hepmass(train: (&Path, &str), test: (&Path, &str), features: usize) -> Result<Dataset> {
    let open = |(path, name): (&Path, &str)| -> Result<_> {
        Ok(BufReader::new(File::open(path).with_context(|| format!("cannot read {name}"))?))
    };
    let (mut first, mut second) = (open(train)?, open(test)?);
    Ok(parse_hepmass((&mut first, train.1), (&mut second, test.1), features)?)
}

/// Reads a gzip file to its end, where its own checksum is.
fn unpack(path: &Path) -> io::Result<()> {
    let mut file = BufReader::new(File::open(path)?);
    if file.fill_buf()?.starts_with(GZIP) {
        io::copy(&mut MultiGzDecoder::new(file), &mut io::sink())?;
    }
    Ok(())
}

/// What is wrong with a number of examples, if anything.
#[must_use]
pub fn miscounted(found: usize, expected: usize) -> Option<String> {
    (found != expected).then(|| format!("{found} examples, expected {expected}"))
}

/// What is wrong with the end of a text, if anything: one that is cut in its last cell can still have every row. A gzip
/// file shows by itself that it is cut.
#[must_use]
pub fn unfinished(bytes: &[u8]) -> Option<String> {
    let whole = bytes.starts_with(GZIP) || matches!(bytes.last(), None | Some(b'\n' | b'\r'));
    (!whole).then(|| "the last line does not end".to_owned())
}

/// What is missing of a WebP picture, if anything: it says its length, but its decoder can do without a last byte.
#[must_use]
pub fn short_webp(bytes: &[u8]) -> Option<String> {
    let says = bytes.strip_prefix(b"RIFF")?.first_chunk().copied().map(u32::from_le_bytes)?;
    let (found, says) = (bytes.len() as u64, u64::from(says) + 8);
    (found < says).then(|| format!("{found} bytes, but it says that it has {says}"))
}

/// As [`unfinished`], of a file that may be too large to be read as a whole.
///
/// # Errors
/// The file cannot be read.
pub fn unfinished_end(path: &Path) -> Result<Option<String>> {
    let ends = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let mut ends = Vec::new();
        file.by_ref().take(GZIP.len() as u64).read_to_end(&mut ends)?;
        if !ends.is_empty() {
            file.seek(io::SeekFrom::End(-1))?;
            file.read_to_end(&mut ends)?;
        }
        Ok(ends)
    };
    let ends = ends().with_context(|| format!("cannot read {}", path.display()))?;
    Ok(unfinished(&ends))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::registry::ENTRIES;

    #[test]
    fn every_file_has_a_checksum_or_a_reader() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        crate::system::files::write_atomic(&path, b"no data\n").unwrap();
        for entry in ENTRIES {
            let files = entry.variants.iter().copied().flatten();
            for file in files.filter(|file| file.sha256.is_none()) {
                let error = format!("{:#}", read_alone(entry, file.name, &path).unwrap_err());
                assert!(!error.contains("neither a checksum"), "{error}");
                assert!(error.starts_with(file.name), "{error}");
            }
        }
    }

    #[test]
    fn a_picture_is_as_long_as_it_says() {
        assert_eq!(short_webp(b"RIFF\x02\0\0\0ab"), None);
        assert!(short_webp(b"RIFF\x02\0\0\0a").is_some_and(|problem| problem.contains("has 10")));
        assert_eq!(short_webp(b"RIFF\x02"), None, "its decoder says that it is none");
    }

    #[test]
    fn a_text_that_is_cut_in_its_last_line_is_unfinished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (bytes, whole) in [
            (&b"1,2\n"[..], true),
            (b"1,2\r", true),
            (b"1,2", false),
            (b"1", false),
            (b"", true),
            (b"\x1f\x8b\x08", true),
        ] {
            crate::system::files::write_atomic(&path, bytes).unwrap();
            assert_eq!(unfinished(bytes).is_none(), whole, "{bytes:?}");
            assert_eq!(unfinished_end(&path).unwrap().is_none(), whole, "{bytes:?}");
        }
    }
}
