//! Temporary files and folders that become results once they are whole.
//!
//! Whoever writes one holds a lock on it. So what a killed process has left is told from what somebody still writes, and is
//! removed by the next process that writes into the same folder. A process that is stopped by a signal removes its own.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

const PREFIX: &str = ".gleaner-";
const SUFFIX: &str = ".tmp";

/// Of the folder beside a temporary file, after its name.
const FOLDER_SUFFIX: &str = ".d";

/// Tries to remove a folder that gets new files meanwhile.
const MOST_REMOVALS: usize = 100;

static KNOWN: Mutex<Known> =
    Mutex::new(Known { aside: BTreeSet::new(), swept: BTreeSet::new(), last: None });

/// What this process has written, and is writing.
struct Known {
    /// Its temporary files.
    aside: BTreeSet<PathBuf>,
    /// Folders in which it has looked for what others left.
    swept: BTreeSet<PathBuf>,
    /// The last result that got its name.
    last: Option<PathBuf>,
}

fn known() -> MutexGuard<'static, Known> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A temporary file, and a folder beside it if one is asked for; both are removed unless they are put in place.
#[derive(Debug)]
pub struct Aside {
    /// Taken by whoever removes or renames it.
    file: Option<NamedTempFile>,
}

impl Aside {
    /// An empty file in `folder`, from which first goes what killed processes left there.
    ///
    /// # Errors
    /// If `folder` takes no files.
    pub fn new_in(folder: &Path) -> io::Result<Self> {
        let mut known = known();
        if known.swept.insert(folder.to_owned()) {
            sweep(folder);
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX);
        // Temporary files are private by default; results are as readable as any other file.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        loop {
            let file = builder.tempfile_in(folder)?;
            // A file system without locks keeps what killed processes leave there.
            let taken = matches!(file.as_file().try_lock(), Err(TryLockError::WouldBlock));
            // Another process may have taken the file for a leftover before it was locked.
            if !taken && file.path().exists() {
                known.aside.insert(file.path().to_owned());
                return Ok(Self { file: Some(file) });
            }
        }
    }

    /// The file.
    ///
    /// # Errors
    /// None, as long as it is not put in place.
    pub fn file(&mut self) -> io::Result<&mut File> {
        self.file.as_mut().map(NamedTempFile::as_file_mut).ok_or_else(gone)
    }

    /// A folder that goes wherever the file goes.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn folder(&self) -> io::Result<PathBuf> {
        // A process that is being stopped makes none any more.
        let _known = known();
        let folder = folder_of(self.file.as_ref().ok_or_else(gone)?.path());
        fs::create_dir(&folder)?;
        Ok(folder)
    }

    /// Gives the file its name, over what has it.
    ///
    /// # Errors
    /// If the disk does not take it; nothing is left behind then.
    pub fn put_in_place(mut self, target: &Path) -> io::Result<()> {
        self.file()?.sync_all()?;
        self.rename(target, |file| file.persist(target).map(drop).map_err(|failed| failed.error))
    }

    /// Gives the folder its name, which an empty folder may have.
    ///
    /// # Errors
    /// As [`Aside::put_in_place`].
    pub fn put_folder_in_place(mut self, target: &Path) -> io::Result<()> {
        self.rename(target, |file| fs::rename(folder_of(file.path()), target))
    }

    /// No signal comes between the new name and the end of the old one.
    fn rename(
        &mut self,
        target: &Path,
        rename: impl FnOnce(NamedTempFile) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut known = known();
        let file = self.file.take().ok_or_else(gone)?;
        let old = file.path().to_owned();
        let renamed = rename(file);
        remove(&old);
        known.aside.remove(&old);
        renamed?;
        // What lies in a folder that has no name yet is no result: it goes with the folder.
        if !lies_aside(target) {
            known.last = Some(target.to_owned());
        }
        Ok(())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        let mut known = known();
        if let Some(file) = self.file.take() {
            remove(file.path());
            known.aside.remove(file.path());
        }
    }
}

/// Removes all temporary files of this process, which is about to end: who wants to write from now on waits for that. Returns
/// the last result that got its name.
pub fn discard_all() -> Option<PathBuf> {
    let mut known = known();
    known.aside.iter().for_each(|path| remove(path));
    let last = known.last.take();
    std::mem::forget(known);
    last
}

/// Removes what processes left in `folder` that are no more: nobody holds a lock on it.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_file() && is_temporary(&name) => {
                // One of another user, or one that has just got its name, is none of ours.
                let Ok(file) = OpenOptions::new().write(true).open(&path) else { continue };
                if file.try_lock().is_ok() {
                    remove(&path);
                }
            }
            // The file of whoever writes into a folder is there before it, and until after it.
            Ok(kind) if kind.is_dir() => {
                let file = name.to_str().and_then(|name| name.strip_suffix(FOLDER_SUFFIX));
                let file = file.filter(|file| is_temporary(file.as_ref()));
                if let Some(file) = file.map(|file| folder.join(file)).filter(|file| !file.exists())
                {
                    remove(&file);
                }
            }
            _ => {}
        }
    }
}

/// Whether a file is called like one that is written aside.
pub fn is_temporary(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
}

/// Whether a path leads into a folder that is written aside.
fn lies_aside(path: &Path) -> bool {
    let folders = path.parent().into_iter().flat_map(Path::components);
    folders.map(|folder| folder.as_os_str().to_string_lossy()).any(|name| {
        name.strip_suffix(FOLDER_SUFFIX).is_some_and(|file| is_temporary(OsStr::new(file)))
    })
}

/// Removes a temporary file with its folder. The folder first: what a kill leaves in between is found again by the file.
fn remove(path: &Path) {
    let folder = folder_of(path);
    // What is not there need not go, and what cannot go does no harm. Somebody may still be writing into the folder.
    for _ in 0..MOST_REMOVALS {
        let removed = fs::remove_dir_all(&folder);
        if removed.is_ok() || !folder.exists() {
            break;
        }
    }
    let _ = fs::remove_file(path);
}

fn folder_of(path: &Path) -> PathBuf {
    let mut folder = OsString::from(path);
    folder.push(FOLDER_SUFFIX);
    folder.into()
}

fn gone() -> io::Error {
    io::Error::other("the temporary file is gone")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_in(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_somebody_writes_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let living = Aside::new_in(folder.path()).unwrap();
        let living_folder = living.folder().unwrap();
        // The lock of a killed process is gone with it.
        fs::write(path(".gleaner-dead.tmp"), "half").unwrap();
        fs::create_dir(path(".gleaner-dead.tmp.d")).unwrap();
        fs::write(path(".gleaner-dead.tmp.d/model.safetensors"), "half").unwrap();
        // Its file went, and it was killed before the folder did.
        fs::create_dir(path(".gleaner-gone.tmp.d")).unwrap();
        for name in [".gleaner-notes.txt", "model.tmp"] {
            fs::write(path(name), "the user's").unwrap();
        }
        sweep(folder.path());
        assert!(!path(".gleaner-dead.tmp").exists() && !path(".gleaner-dead.tmp.d").exists());
        assert!(!path(".gleaner-gone.tmp.d").exists());
        assert!(living_folder.exists() && path(".gleaner-notes.txt").exists());
        assert_eq!(left_in(folder.path()), 4);
        living.put_in_place(&path("result")).unwrap();
        assert!(path("result").exists());
        assert_eq!(left_in(folder.path()), 3);
    }

    #[test]
    fn the_first_file_in_a_folder_sweeps_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".gleaner-dead.tmp"), "half").unwrap();
        drop(Aside::new_in(folder.path()).unwrap());
        assert_eq!(left_in(folder.path()), 0);
    }

    #[test]
    fn who_writes_is_never_disturbed_by_who_sweeps() {
        let folder = tempfile::tempdir().unwrap();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(std::sync::atomic::Ordering::Relaxed) {
                        sweep(folder.path());
                    }
                });
            }
            for number in 0..500 {
                let mut aside = Aside::new_in(folder.path()).unwrap();
                io::Write::write_all(aside.file().unwrap(), b"whole").unwrap();
                aside.put_in_place(&folder.path().join(number.to_string())).unwrap();
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        assert_eq!(left_in(folder.path()), 500);
    }

    #[test]
    fn what_is_in_a_folder_without_a_name_is_no_result_yet() {
        for aside in [".gleaner-a1.tmp.d/summary.json", "./.gleaner-a1.tmp.d/folds/1/config.toml"] {
            assert!(lies_aside(Path::new(aside)), "{aside}");
        }
        for result in
            ["run/summary.json", "run.d/summary.json", "/tmp/.gleaner-a1.tmp.d", "a.tmp.d/x"]
        {
            assert!(!lies_aside(Path::new(result)), "{result}");
        }
    }

    #[test]
    fn a_folder_gets_its_name_with_all_that_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("run");
        let aside = Aside::new_in(folder.path()).unwrap();
        fs::write(aside.folder().unwrap().join("config.toml"), "whole").unwrap();
        aside.put_folder_in_place(&target).unwrap();
        assert_eq!(fs::read_to_string(target.join("config.toml")).unwrap(), "whole");
        assert_eq!(left_in(folder.path()), 1);
    }
}
