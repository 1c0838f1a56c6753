//! One writer per folder: a lock that the system takes back when its process ends, however it ends.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use super::files::explain;

/// The file that is locked, in the folder that it is about.
pub const FILE: &str = ".lock";

/// Milliseconds that the holder of a lock has to write down who it is.
const SIGNED_WITHIN: usize = 200;

/// Tries to take a lock, a few milliseconds apart: whoever only looks who holds one has it for a moment.
const TRIES: usize = 25;

/// Somebody else writes what was to be written, and is named.
#[derive(Debug)]
pub struct Held {
    /// What it means, in words: `X is being written`.
    is_held: String,
    /// Who it is.
    pub holder: String,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { is_held, holder } = self;
        write!(f, "{is_held} by {holder}; wait until that has ended, or use another folder")
    }
}

impl std::error::Error for Held {}

/// What nobody else writes while this value lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock of a folder that is there.
    ///
    /// # Errors
    /// Somebody else holds it, which is [`Held`]; or no file can be made in the folder.
    pub fn take(folder: &Path) -> Result<Self> {
        let is_held = format!("\"{}\" is being written", folder.display());
        Self::of_file(folder.join(FILE), &is_held)
    }

    /// Takes a lock that is a file; `is_held` says in words what it means if somebody has it: `X is being written`.
    ///
    /// # Errors
    /// As [`Lock::take`].
    pub fn of_file(path: PathBuf, is_held: &str) -> Result<Self> {
        loop {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            let file = options.open(&path).map_err(|error| explain("write", &path, &error))?;
            match try_lock(&file) {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let is_held = is_held.to_owned();
                    return Err(Held { is_held, holder: holder(&file) }.into());
                }
                // Some network file systems have no locks: one writer is better than none.
                Err(TryLockError::Error(error)) => eprintln!(
                    "note: {} cannot be locked ({error}); let no other program write into that folder",
                    path.display()
                ),
            }
            // Whoever held it a moment ago may have taken the file away.
            if is_file_at(&file, &path) {
                let mut lock = Self { file, path };
                lock.sign().map_err(|error| explain("write", &lock.path, &error))?;
                return Ok(lock);
            }
        }
    }

    /// Who writes into a folder now, if anybody does. A file that was left by a process that is gone is nobody's.
    pub fn holder_of(folder: &Path) -> Option<String> {
        Self::holder_of_file(&folder.join(FILE))
    }

    /// The same of a lock that is a file.
    pub fn holder_of_file(path: &Path) -> Option<String> {
        let file = File::open(path).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(holder(&file)),
            _ => None,
        }
    }

    /// Writes down who holds it.
    fn sign(&mut self) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        let host = gethostname::gethostname();
        let name = format!("process {} on {}", std::process::id(), host.display());
        // At once: whoever reads it has all of it or nothing.
        self.file.write_all(name.as_bytes())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is held: nobody else can have the file that goes. One that stays is in nobody's way.
        let _ = fs::remove_file(&self.path);
    }
}

fn try_lock(file: &File) -> Result<(), TryLockError> {
    for _ in 1..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(2)),
            done => return done,
        }
    }
    file.try_lock()
}

fn holder(mut file: &File) -> String {
    let mut text = String::new();
    for _ in 0..SIGNED_WITHIN {
        match file.read_to_string(&mut text) {
            Ok(1..) => return text,
            // Whoever has just taken it is about to sign.
            Ok(0) => std::thread::sleep(Duration::from_millis(1)),
            // The system lets nobody read what is locked.
            Err(_) => break,
        }
    }
    "another process".to_owned()
}

#[cfg(unix)]
fn is_file_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |found: fs::Metadata| (found.dev(), found.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(there)) => id(ours) == id(there),
        _ => false,
    }
}

/// Elsewhere an open file cannot be taken away.
#[cfg(not(unix))]
fn is_file_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_told_who_the_first_is() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path()).unwrap();
        let error = Lock::take(folder.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("process {} on ", std::process::id())), "{error}");
        assert!(error.contains(&folder.path().display().to_string()), "{error}");
        drop(first);
        Lock::take(folder.path()).unwrap();
        assert!(!folder.path().join(FILE).exists(), "nothing is left behind");
    }

    #[test]
    fn a_lock_of_a_process_that_is_gone_is_free() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "process 1 on elsewhere, which was a longer name")
            .unwrap();
        let lock = Lock::take(folder.path()).unwrap();
        let signed = fs::read_to_string(&lock.path).unwrap();
        assert!(signed.starts_with(&format!("process {} on ", std::process::id())), "{signed}");
        assert!(!signed.contains("longer"), "{signed}");
    }

    #[test]
    fn who_holds_a_lock_is_seen_without_taking_it() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Lock::holder_of(folder.path()), None);
        let lock = Lock::take(folder.path()).unwrap();
        let holder = Lock::holder_of(folder.path()).unwrap();
        assert!(holder.starts_with(&format!("process {} on ", std::process::id())), "{holder}");
        drop(lock);
        assert_eq!(Lock::holder_of(folder.path()), None);
        fs::write(folder.path().join(FILE), "process 1 on elsewhere").unwrap();
        assert_eq!(Lock::holder_of(folder.path()), None, "its process is gone");
    }

    #[test]
    fn looking_keeps_nobody_from_taking() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "").unwrap();
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    Lock::holder_of(folder.path());
                    std::thread::sleep(Duration::from_micros(200));
                }
            });
            let taken = (0..100).map(|_| Lock::take(folder.path()).map(drop));
            let taken = taken.collect::<Result<Vec<()>>>();
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            taken.unwrap();
        });
    }

    #[test]
    fn of_many_that_try_at_once_one_holds_it_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let inside = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let Ok(_lock) = Lock::take(folder.path()) else { continue };
                        let others = inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        assert_eq!(others, 0);
                        std::thread::yield_now();
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    }
                });
            }
        });
    }
}
