//! The files of a site: those in its folder and none outside, and smaller copies of them.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::{NamedTempFile, TempPath};
use tokio::sync::OnceCell;
use tower_http::services::fs::{Backend, TokioBackend, TokioFile};

/// Ending of a file's copy, as the rest of the server names it.
const COPY: &str = "gz";

/// What is smaller by half or more. Weights are not: what they lose is not worth the time.
const COMPRESSIBLE: [&str; 10] =
    ["css", "html", "js", "json", "mjs", "svg", "toml", "txt", "wasm", "webmanifest"];

/// Shorter files are sent in one packet anyway; longer ones would take seconds and fill the disk.
const LENGTHS: std::ops::RangeInclusive<u64> = 1 << 10..=256 << 20;

/// Nearly as small as the best, in a third of its time: 22.5 MB become 4.8 MB in a fifth of a second.
const LEVEL: u32 = 4;

/// A folder to serve, and the copies that were made of its files.
#[derive(Clone, Debug)]
pub struct Site {
    folder: Arc<Path>,
    copies: Arc<Mutex<HashMap<PathBuf, Copy>>>,
}

/// A compressed copy, or one in the making. Its file goes with it.
#[derive(Debug)]
struct Copy {
    /// Length and last change of what it is made of.
    of: (u64, SystemTime),
    path: Arc<OnceCell<TempPath>>,
}

impl Site {
    /// The site in a folder.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.into(), copies: Arc::default() }
    }

    /// Compresses the program of the page, before a browser asks for it.
    pub async fn prepare(self) {
        let Ok(entries) = self.folder.read_dir() else { return };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        for path in paths.filter(|path| path.extension() == Some(OsStr::new("wasm"))) {
            // Whoever asks for it learns whether it is there.
            drop(self.copy(&path).await);
        }
    }

    /// Where the contents of `asked`, a path that starts with the folder, are.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`], whatever the reason: to a browser, what cannot be had is not there.
    async fn find(&self, asked: &Path) -> io::Result<PathBuf> {
        let found = match self.inside(asked) {
            None if asked.extension() == Some(OsStr::new(COPY)) => {
                self.copy(&asked.with_extension("")).await
            }
            found => found,
        };
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The file or folder itself, by a path without links, if it is in the folder and not hidden.
    fn inside(&self, asked: &Path) -> Option<PathBuf> {
        // Anew for each request: a build may replace the folder.
        let folder = self.folder.canonicalize().ok()?;
        let found = asked.canonicalize().ok()?;
        let names = [asked.strip_prefix(&self.folder).ok()?, found.strip_prefix(&folder).ok()?];
        let is_hidden = |name: &OsStr| name.as_encoded_bytes().starts_with(b".");
        let is_hidden = names.into_iter().flatten().any(is_hidden);
        // Neither a pipe, which nobody may ever write to.
        (!is_hidden && (found.is_file() || found.is_dir())).then_some(found)
    }

    /// The compressed copy of a file, if it pays.
    async fn copy(&self, asked: &Path) -> Option<PathBuf> {
        let original = self.inside(asked)?;
        let ending = original.extension()?.to_str()?.to_ascii_lowercase();
        let about = original.metadata().ok()?;
        let of = (about.len(), about.modified().ok()?);
        if !COMPRESSIBLE.contains(&&*ending) || !LENGTHS.contains(&of.0) {
            return None;
        }
        let path = self.place(&original, of)?;
        let make = async || tokio::task::spawn_blocking(move || compress(&original, of.1)).await?;
        path.get_or_try_init(make).await.ok().map(|path| path.to_path_buf())
    }

    /// Where a copy is or will be: the same for all who ask, so that nothing is compressed twice.
    fn place(&self, original: &Path, of: (u64, SystemTime)) -> Option<Arc<OnceCell<TempPath>>> {
        let mut copies = self.copies.lock().ok()?;
        if copies.get(original).is_none_or(|copy| copy.of != of) {
            copies.insert(original.to_owned(), Copy { of, path: Arc::default() });
        }
        copies.get(original).map(|copy| Arc::clone(&copy.path))
    }
}

/// Compresses a file into one of its own that has the same time, so that it is known again after a restart.
fn compress(original: &Path, changed: SystemTime) -> io::Result<TempPath> {
    let mut copy = GzEncoder::new(NamedTempFile::new()?, Compression::new(LEVEL));
    io::copy(&mut File::open(original)?, &mut copy)?;
    let copy = copy.finish()?;
    copy.as_file().set_modified(changed)?;
    Ok(copy.into_temp_path())
}

impl Backend for Site {
    type File = TokioFile;
    type Metadata = Metadata;
    type OpenFuture = Pin<Box<dyn Future<Output = io::Result<TokioFile>> + Send>>;
    type MetadataFuture = Pin<Box<dyn Future<Output = io::Result<Metadata>> + Send>>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        let site = self.clone();
        Box::pin(async move { TokioBackend.open(site.find(&path).await?).await })
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        let site = self.clone();
        Box::pin(async move { TokioBackend.metadata(site.find(&path).await?).await })
    }
}
