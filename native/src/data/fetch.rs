//! Downloads: resumable, retried, checked before they get their name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};
use ureq::Agent;

use super::registry::{self, Entry};

const ATTEMPTS: u32 = 4;
const CHUNK: usize = 64 * 1024;

/// Fetches the official files of a data set into `data_dir/<name>`; files that are there and
/// whole are kept. A mirror serves `<mirror>/<name>/<file>`.
///
/// # Errors
/// The server cannot be reached or refuses, a checksum is wrong, or the disk cannot be written.
pub fn fetch(entry: &Entry, mirror: Option<&str>, data_dir: &Path) -> Result<()> {
    let folder = data_dir.join(entry.name);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
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
    let files = entry.variants[0];
    let whole = |file: &registry::File| -> Result<bool> {
        let path = folder.join(file.name);
        Ok(path.is_file()
            && file.sha256.is_none_or(|sha| sha256(&path).is_ok_and(|found| found == sha)))
    };
    if let Some(archive) = entry.archive {
        let mut complete = true;
        for file in files {
            complete &= whole(file)?;
        }
        if !complete {
            let path = folder.join(archive);
            download(&format!("{base}/{archive}"), &path, None)?;
            extract(&path, files, folder)?;
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        return Ok(());
    }
    for file in files {
        if !whole(file)? {
            download(&format!("{base}/{}", file.name), &folder.join(file.name), file.sha256)?;
        }
    }
    Ok(())
}

/// Downloads `url` into `path` by way of `<path>.part`, going on where an earlier try stopped.
///
/// # Errors
/// As [`fetch`]. After a wrong checksum the partial file is removed; after a broken connection it
/// stays, and the next call goes on.
pub fn download(url: &str, path: &Path, sha: Option<&str>) -> Result<()> {
    let part = path
        .with_file_name(format!("{}.part", path.file_name().unwrap_or_default().to_string_lossy()));
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_per_read(Some(Duration::from_secs(60)))
        .build()
        .into();
    let mut attempt = 1;
    while let Err(failure) = transfer(&agent, url, &part) {
        if failure.fatal || attempt == ATTEMPTS {
            return Err(failure.error.context(format!(
                "cannot download {url}; check the connection, or use --mirror URL"
            )));
        }
        sleep(Duration::from_millis(200 << attempt));
        attempt += 1;
    }
    if let Some(expected) = sha {
        let found = sha256(&part)?;
        if found != expected {
            fs::remove_file(&part).with_context(|| format!("cannot remove {}", part.display()))?;
            bail!(
                "{url}: sha256 is {found}, expected {expected}; the server has another file: try --mirror URL"
            );
        }
    }
    fs::rename(&part, path).with_context(|| format!("cannot rename {}", part.display()))
}

/// A try that failed; a fatal one would fail again.
struct Failure {
    error: anyhow::Error,
    fatal: bool,
}

impl Failure {
    fn again(error: impl Into<anyhow::Error>) -> Self {
        Self { error: error.into(), fatal: false }
    }

    fn fatal(error: anyhow::Error) -> Self {
        Self { error, fatal: true }
    }
}

fn transfer(agent: &Agent, url: &str, part: &Path) -> std::result::Result<(), Failure> {
    let have = fs::metadata(part).map_or(0, |meta| meta.len());
    let mut request = agent.get(url);
    if have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    let response = request.call().map_err(Failure::again)?;
    let status = response.status().as_u16();
    let resumed = match status {
        200 => false,
        206 => true,
        // Nothing left to send: the partial file is already whole (or too long, as its checksum tells).
        416 if have > 0 => return Ok(()),
        429 | 500..=599 => {
            return Err(Failure::again(anyhow::anyhow!("the server answered {status}")));
        }
        _ => return Err(Failure::fatal(anyhow::anyhow!("the server answered {status}"))),
    };
    let length = response.body().content_length();
    let start = if resumed { have } else { 0 };
    let bar = progress(url, length.map(|length| length + start), start);
    let open =
        OpenOptions::new().create(true).write(true).append(resumed).truncate(!resumed).open(part);
    let mut file = open.map_err(|error| {
        Failure::fatal(
            anyhow::Error::new(error).context(format!("cannot write {}", part.display())),
        )
    })?;
    let mut body = response.into_body().into_reader();
    let mut buffer = vec![0; CHUNK];
    let mut received = 0u64;
    loop {
        let count = body.read(&mut buffer).map_err(Failure::again)?;
        if count == 0 {
            break;
        }
        file.write_all(&buffer[..count]).map_err(|error| Failure::fatal(error.into()))?;
        received += count as u64;
        bar.inc(count as u64);
    }
    bar.finish_and_clear();
    match length {
        Some(length) if received < length => Err(Failure::again(anyhow::anyhow!(
            "the connection broke after {received} of {length} bytes"
        ))),
        _ => Ok(()),
    }
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

/// Unpacks the wanted files of a `.tar.gz`, each checked before it gets its name. Only base names
/// are used, so an archive cannot write anywhere else.
fn extract(archive: &Path, files: &[registry::File], folder: &Path) -> Result<()> {
    let damaged = || format!("\"{}\" is damaged; delete it and fetch again", archive.display());
    let mut tar = tar::Archive::new(GzDecoder::new(File::open(archive).with_context(damaged)?));
    let mut missing: Vec<&str> = files.iter().map(|file| file.name).collect();
    for member in tar.entries().with_context(damaged)? {
        let mut member = member.with_context(damaged)?;
        let path = member.path().with_context(damaged)?.into_owned();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(file) = files.iter().find(|file| file.name == name) else { continue };
        let part = folder.join(format!("{name}.part"));
        let mut out =
            File::create(&part).with_context(|| format!("cannot write {}", part.display()))?;
        io::copy(&mut member, &mut out).with_context(damaged)?;
        if let Some(expected) = file.sha256 {
            let found = sha256(&part)?;
            if found != expected {
                fs::remove_file(&part)
                    .with_context(|| format!("cannot remove {}", part.display()))?;
                fs::remove_file(archive).with_context(damaged)?;
                bail!(
                    "{name} of {}: sha256 is {found}, expected {expected}; fetch again or try --mirror URL",
                    archive.display()
                );
            }
        }
        fs::rename(&part, folder.join(&name))
            .with_context(|| format!("cannot rename {}", part.display()))?;
        missing.retain(|missing| *missing != name);
    }
    if !missing.is_empty() {
        bail!(
            "\"{}\" has no {}; the server has another archive: try --mirror URL",
            archive.display(),
            missing.join(", ")
        );
    }
    Ok(())
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
