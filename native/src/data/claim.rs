//! One fetch of a data set at a time: who comes second is told who is at work.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, process};

use anyhow::{Result, anyhow, bail};

use crate::system::files::explain;

/// The right to fetch a data set into a folder, given back when dropped or when the process ends.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    _file: File,
}

impl Claim {
    /// Takes the right to fetch `name` into `data_dir`.
    ///
    /// # Errors
    /// Another process, which is named, has it, or the file `.NAME.lock` cannot be written and locked.
    pub fn take(data_dir: &Path, name: &str) -> Result<Self> {
        let path = data_dir.join(format!(".{name}.lock"));
        let holder = format!("process {} on {}", process::id(), host());
        loop {
            let open =
                OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
            let mut file = open.map_err(|error| explain("write", &path, &error))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let who = fs::read_to_string(&path).unwrap_or_default();
                    let who = who.lines().next().unwrap_or("another process");
                    bail!(
                        "{name} is being fetched into {} by {who}; wait until that has ended",
                        data_dir.display()
                    );
                }
                Err(TryLockError::Error(error)) => {
                    return Err(anyhow!(
                        "cannot lock {}: {error}; choose a --data-dir on another disk",
                        path.display()
                    ));
                }
            }
            if is_at(&file, &path) {
                let write = file.set_len(0).and_then(|()| file.write_all(holder.as_bytes()));
                write.map_err(|error| explain("write", &path, &error))?;
                return Ok(Self { path, _file: file });
            }
        }
    }
}

/// Whether the locked file still has its name. The holder before may have removed it after it was opened here; then
/// others lock a new one.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let place = |found: fs::Metadata| (found.dev(), found.ino());
    file.metadata()
        .map(place)
        .is_ok_and(|own| fs::metadata(path).map(place).is_ok_and(|at| at == own))
}

#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}

impl Drop for Claim {
    fn drop(&mut self) {
        // If it stays, the next fetch takes it over: the lock counts, not the file.
        fs::remove_file(&self.path).ok();
    }
}

fn host() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name =
        kernel.or_else(|| env::var("COMPUTERNAME").ok()).or_else(|| env::var("HOSTNAME").ok());
    name.map_or_else(|| "this machine".to_owned(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_holds_it_and_gets_it_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let first = Claim::take(folder.path(), "mnist").unwrap();
        let error = Claim::take(folder.path(), "mnist").unwrap_err().to_string();
        assert!(error.contains(&format!("process {} on ", process::id())), "{error}");
        assert!(!error.contains('\n'), "{error}");
        drop(Claim::take(folder.path(), "svhn").unwrap());
        drop(first);
        drop(Claim::take(folder.path(), "mnist").unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_lock_file_that_was_left_behind_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(".mnist.lock");
        crate::system::files::write_atomic(&left, b"process 1 on a machine that is no more")
            .unwrap();
        drop(Claim::take(folder.path(), "mnist").unwrap());
        assert!(!left.exists());
    }

    #[test]
    fn many_at_once_exclude_each_other() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let folder = tempfile::tempdir().unwrap();
        let (inside, served) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        if let Ok(_claim) = Claim::take(folder.path(), "mnist") {
                            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                            served.fetch_add(1, Ordering::SeqCst);
                            std::thread::yield_now();
                            inside.fetch_sub(1, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        assert!(served.load(Ordering::SeqCst) > 0);
    }
}
