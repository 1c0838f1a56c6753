//! The files of a known data set from its server: each is checked before it gets its name.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::Path;

use anyhow::{Context, Error, Result, anyhow};
use flate2::read::GzDecoder;

use super::download::Download;
use super::known_file::check;
use super::registry::{self, Entry};
use crate::system::files::explain;
use crate::system::lock::Lock;

const CHUNK: usize = 64 * 1024;
const DAMAGED: &str = "the archive is damaged";

/// Why what has arrived is not taken.
enum Refused {
    /// It is not what was asked for.
    Wrong(Error),
    /// The disk refuses.
    Here(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Wrong(error)
    }
}

type Accepted = std::result::Result<(), Refused>;

/// Bytes that an archive may hold beside the wanted files: names, notes, headers.
const BESIDE: u64 = 64 << 20;

/// Fetches the official files of a data set into `data_dir/<name>`; files that are there and right are kept. A mirror
/// serves `<mirror>/<name>/<file>`.
///
/// # Errors
/// Another process fetches the same, the server cannot be reached or refuses, a file is not the right one, or the disk
/// cannot be written. No file that is not right gets its name.
pub fn fetch(entry: &Entry, mirror: Option<&str>, data_dir: &Path) -> Result<()> {
    let folder = data_dir.join(entry.name);
    fs::create_dir_all(data_dir).map_err(|error| explain("create the folder", data_dir, &error))?;
    let is_held = format!("{} is being fetched into {}", entry.name, data_dir.display());
    let _lock = Lock::of_file(data_dir.join(format!(".{}.lock", entry.name)), &is_held)?;
    fs::create_dir_all(&folder).map_err(|error| explain("create the folder", &folder, &error))?;
    let base = match mirror {
        Some(mirror) => format!("{}/{}", mirror.trim_end_matches('/'), entry.name),
        None => entry.base.to_owned(),
    };
    let result = fetch_into(&folder, entry, &base);
    if result.is_err() {
        // Goes only if it is empty: what has arrived stays for the next call.
        fs::remove_dir(&folder).ok();
    }
    result
}

fn fetch_into(folder: &Path, entry: &Entry, base: &str) -> Result<()> {
    let right = |file: &registry::File| check(entry, file, &folder.join(file.name)).is_ok();
    let wanted: Vec<_> = entry.variants[0].iter().filter(|file| !right(file)).collect();
    if let Some(archive) = entry.archive {
        let compared = wanted.iter().all(|file| file.sha256.is_some());
        let (url, path) = (format!("{base}/{}", archive.name), folder.join(archive.name));
        let download = Download::new(&url, &path, archive.bytes, compared);
        if !wanted.is_empty() {
            arrive(&download, &url, |part| extract(part, entry, &wanted, folder))?;
        }
        return download.discard();
    }
    for file in wanted {
        let (url, path) = (format!("{base}/{}", file.name), folder.join(file.name));
        let download = Download::new(&url, &path, file.bytes, file.sha256.is_some());
        arrive(&download, &url, |part| Ok(check(entry, file, part)?))?;
        download.name(&path)?;
    }
    Ok(())
}

/// Downloads until `accept` takes what has arrived. What it refuses is removed; if it was put together from several
/// tries, between which the file may have changed, it is fetched once more from the beginning.
fn arrive(download: &Download, url: &str, accept: impl Fn(&Path) -> Accepted) -> Result<()> {
    loop {
        let resumed = download.run()?;
        let refused = match accept(download.part()) {
            Ok(()) => return Ok(()),
            Err(Refused::Here(error)) => return Err(error),
            Err(Refused::Wrong(error)) => error,
        };
        download.discard()?;
        if !resumed {
            let what = "is not the right file; try --mirror URL";
            return Err(refused.context(format!("{url} {what}")));
        }
    }
}

/// Unpacks the wanted files of a `.tar.gz`, each checked before it gets its name. Only base names are used, so an archive
/// cannot write anywhere else.
fn extract(archive: &Path, entry: &Entry, wanted: &[&registry::File], folder: &Path) -> Accepted {
    let most = BESIDE + entry.variants[0].iter().map(|file| file.bytes[1]).sum::<u64>();
    let packed =
        File::open(archive).map_err(|error| Refused::Here(explain("read", archive, &error)))?;
    let mut tar = tar::Archive::new(GzDecoder::new(packed).take(most));
    let mut missing: Vec<&str> = wanted.iter().map(|file| file.name).collect();
    for member in tar.entries().context(DAMAGED)? {
        let mut member = member.context(DAMAGED)?;
        let path = member.path().context(DAMAGED)?.into_owned();
        let named =
            |file: &&&registry::File| path.file_name().is_some_and(|name| name == file.name);
        let Some(file) = wanted.iter().find(named) else { continue };
        if let Some(problem) = file.wrong_size(member.size()) {
            return Err(anyhow!("{}: {problem}", file.name).into());
        }
        let part = folder.join(format!("{}.part", file.name));
        let unpacked = unpack(&mut member, &part)
            .and_then(|()| Ok(check(entry, file, &part)?))
            .and_then(|()| put_in_place(&part, &folder.join(file.name)));
        if let Err(error) = unpacked {
            // The first error says more than one about removing what it left.
            fs::remove_file(&part).ok();
            return Err(error);
        }
        missing.retain(|missing| *missing != file.name);
    }
    // The checksum of the archive itself comes last.
    io::copy(&mut tar.into_inner(), &mut io::sink()).context(DAMAGED)?;
    if !missing.is_empty() {
        return Err(anyhow!("the archive has no {}", missing.join(", ")).into());
    }
    Ok(())
}

fn unpack(member: &mut impl Read, part: &Path) -> Accepted {
    let here = |error| Refused::Here(explain("write", part, &error));
    let mut out = File::create(part).map_err(here)?;
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = member.read(&mut buffer).context(DAMAGED)?;
        if count == 0 {
            return out.sync_all().map_err(here);
        }
        out.write_all(&buffer[..count]).map_err(here)?;
    }
}

fn put_in_place(part: &Path, path: &Path) -> Accepted {
    fs::rename(part, path).map_err(|error| Refused::Here(explain("write", path, &error)))
}
