//! Writing files so that a reader never meets half of one.
//!
//! Everything a run leaves behind goes through this file: whole files are written beside their target
//! and renamed over it, lines are appended one system call at a time. A process killed at any moment
//! therefore leaves the previous version or the new one, and at worst one unfinished line at the end of
//! a log, which [`keep_lines`] removes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use super::aside::Aside;

/// Replaces `path` by `bytes`, all or nothing.
///
/// The bytes are written to a temporary file in the same folder, flushed to the disk, and renamed over
/// `path`. A symbolic link to a file keeps pointing at that file, whose contents are replaced.
///
/// # Errors
/// One line naming `path` and what to do about it: the folder is missing or not writable, the disk is
/// full, `path` is a folder or a device. Nothing is left behind.
pub fn write_atomic(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    let path = path.as_ref();
    let target = replaceable(path)?;
    write_and_rename(&target, bytes).map_err(|error| explain("write", path, &error))
}

/// Makes the folder `path`, which is new or empty, of what `fill` writes into the folder that it is given, all or nothing.
///
/// # Errors
/// As [`write_atomic`], and whatever `fill` returns.
pub fn write_folder(path: impl AsRef<Path>, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let path = path.as_ref();
    let explained = |error: io::Error| explain("write", path, &error);
    refuse_dead_link(path)?;
    fs::create_dir_all(parent(path)).map_err(explained)?;
    let aside = Aside::new_in(parent(path)).map_err(explained)?;
    let folder = aside.folder().map_err(explained)?;
    fill(&folder).map_err(|error| in_terms_of(path, &folder, error))?;
    aside.put_folder_in_place(path).map_err(explained)?;
    settle_folder(parent(path));
    Ok(())
}

/// An error about what is written aside, about the folder that the user asked for: nobody knows the other one.
fn in_terms_of(path: &Path, aside: &Path, error: anyhow::Error) -> anyhow::Error {
    let (text, aside) = (format!("{error:#}"), aside.display().to_string());
    match text.contains(&aside) {
        true => anyhow!(text.replace(&aside, &path.display().to_string())),
        false => error,
    }
}

/// Creates the folder `path` (and its parents) where missing, and proves that files can be made in it.
///
/// # Errors
/// As [`write_atomic`]; called before long work, so that a bad `--out` fails in the first second.
pub fn ensure_writable_dir(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    if path.exists() && !path.is_dir() {
        bail!(
            "cannot use {} as a folder: a file has that name; choose another folder",
            path.display()
        );
    }
    refuse_dead_link(path)?;
    fs::create_dir_all(path).map_err(|error| explain("create the folder", path, &error))?;
    Aside::new_in(path).map_err(|error| explain("write into the folder", path, &error))?;
    Ok(())
}

/// A link to what is not there has a name, so that no folder can be made, and is no folder.
fn refuse_dead_link(path: &Path) -> Result<()> {
    let dead = path.ancestors().find(|part| !part.exists() && part.is_symlink());
    let Some(dead) = dead else { return Ok(()) };
    let target = fs::read_link(dead).unwrap_or_default();
    bail!(
        "cannot use {} as a folder: {} is a link to {}, which does not exist; create that folder, or choose another one",
        path.display(),
        dead.display(),
        target.display()
    )
}

/// Proves that [`write_atomic`] to `path` can work, without touching `path` itself.
///
/// # Errors
/// As [`write_atomic`]; called before long work whose result is one file.
pub fn ensure_writable_file(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let target = replaceable(path)?;
    Aside::new_in(parent(&target)).map_err(|error| explain("write", path, &error))?;
    Ok(())
}

/// Appends `line` and a line end to `path` in one write; [`settle`] waits until it is on the disk.
///
/// # Errors
/// As [`write_atomic`], and when `line` itself contains a line end.
pub fn append_line(path: impl AsRef<Path>, line: &str) -> Result<()> {
    let path = path.as_ref();
    ensure!(
        !line.contains('\n'),
        "cannot append to {}: the entry spans several lines",
        path.display()
    );
    let append = || -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        file.write_all(format!("{line}\n").as_bytes())
    };
    append().map_err(|error| explain("append to", path, &error))
}

/// Waits until what was appended to `path` is on the disk, if it is there.
///
/// # Errors
/// If the disk refuses it.
pub fn settle(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    match OpenOptions::new().append(true).open(path).and_then(|file| file.sync_data()) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(explain("append to", path, &error))
        }
        _ => Ok(()),
    }
}

/// Shortens `path` to its first `count` complete lines, all or nothing; for logs of a resumed run.
///
/// An unfinished last line (the process was killed while writing it) is dropped as well.
///
/// # Errors
/// As [`write_atomic`], when the file cannot be read, and when it has fewer than `count` lines.
pub fn keep_lines(path: impl AsRef<Path>, count: usize) -> Result<()> {
    let path = path.as_ref();
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound && count == 0 => return Ok(()),
        read => read.with_context(|| {
            format!("cannot read {}; resume from a complete copy of the folder", path.display())
        })?,
    };
    let ends: Vec<usize> =
        bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i + 1).collect();
    ensure!(
        ends.len() >= count,
        "\"{}\" has {} complete lines, but the saved state expects {count}; \
         resume from a complete copy of the folder",
        path.display(),
        ends.len()
    );
    let kept = count.checked_sub(1).map_or(0, |last| ends[last]);
    if kept == bytes.len() { Ok(()) } else { write_atomic(path, &bytes[..kept]) }
}

/// The file that a write to `path` replaces: links are followed, folders and devices refused.
pub(super) fn replaceable(path: &Path) -> Result<PathBuf> {
    if path.file_name().is_none() {
        bail!("cannot write {}: it is a folder; give a file inside it", path.display());
    }
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            bail!("cannot write {}: it is a folder; give a file inside it", path.display())
        }
        // Renaming over a device would replace the device itself (as root, even `/dev/null`).
        Ok(found) if !found.is_file() => {
            bail!("cannot write {}: it is not a regular file; give another path", path.display())
        }
        Ok(_) => fs::canonicalize(path).map_err(|error| explain("write", path, &error)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(path.to_path_buf()),
        Err(error) => Err(explain("write", path, &error)),
    }
}

fn write_and_rename(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut aside = Aside::new_in(parent(target))?;
    aside.file()?.write_all(bytes)?;
    put_in_place(aside, target)
}

/// Gives what was written aside its name, and waits until the disk has it.
pub(super) fn put_in_place(aside: Aside, target: &Path) -> io::Result<()> {
    aside.put_in_place(target)?;
    settle_folder(parent(target));
    Ok(())
}

/// A new name itself reaches the disk with its folder. Some file systems cannot flush a folder; what has the name is whole either
/// way, so that is no failure.
fn settle_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

/// The folder that a file is in.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// One line: what failed, where, why, and what to do. For files that are not written through this one.
pub fn explain(action: &str, path: &Path, error: &io::Error) -> anyhow::Error {
    let advice = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "the disk is full; free some space or choose another disk"
        }
        ErrorKind::PermissionDenied => "permission denied; choose a folder that you can write to",
        ErrorKind::ReadOnlyFilesystem => "the disk is read-only; choose another one",
        ErrorKind::NotFound => "its folder does not exist; create it first",
        ErrorKind::NotADirectory => "part of the path is a file, not a folder; correct the path",
        ErrorKind::InvalidFilename => {
            "the name is not a valid file name; choose a shorter, simpler one"
        }
        _ => return anyhow!("cannot {action} {}: {error}", path.display()),
    };
    anyhow!("cannot {action} {}: {advice}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn is_one_line_about(error: &anyhow::Error, path: &Path, word: &str) {
        let text = format!("{error:#}");
        assert!(
            !text.contains('\n')
                && text.contains(&path.display().to_string())
                && text.contains(word),
            "{text}"
        );
    }

    #[test]
    fn a_write_replaces_the_whole_file_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.bin");
        write_atomic(&path, b"a long first version").unwrap();
        write_atomic(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(names(folder.path()), ["model.bin"]);
    }

    #[test]
    fn a_folder_that_cannot_be_filled_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("published/run");
        let half = write_folder(&path, |aside| {
            write_atomic(aside.join("summary.json"), b"whole")?;
            bail!("no more")
        });
        assert_eq!(half.unwrap_err().to_string(), "no more");
        let named = write_folder(&path, |aside| write_atomic(aside.join("no/model"), b"whole"));
        is_one_line_about(&named.unwrap_err(), &path.join("no/model"), "does not exist");
        assert_eq!(names(path.parent().unwrap()), [""; 0]);
        write_folder(&path, |aside| write_atomic(aside.join("summary.json"), b"whole")).unwrap();
        assert_eq!(names(path.parent().unwrap()), ["run"]);
        assert_eq!(names(&path), ["summary.json"]);
        let taken = write_folder(&path, |_| Ok(())).unwrap_err();
        is_one_line_about(&taken, &path, "cannot write");
        assert_eq!(names(&path), ["summary.json"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_written_file_has_the_permissions_of_any_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        write_atomic(&ours, b"x").unwrap();
        fs::write(&plain, b"x").unwrap();
        assert_eq!(
            fs::metadata(ours).unwrap().permissions(),
            fs::metadata(plain).unwrap().permissions()
        );
    }

    #[test]
    fn bad_targets_are_refused_by_name_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no/such/file");
        is_one_line_about(&write_atomic(&missing, b"x").unwrap_err(), &missing, "does not exist");
        is_one_line_about(&write_atomic(folder.path(), b"x").unwrap_err(), folder.path(), "folder");
        let file = folder.path().join("file");
        fs::write(&file, b"kept").unwrap();
        let below = file.join("below");
        is_one_line_about(&write_atomic(&below, b"x").unwrap_err(), &below, "not a folder");
        is_one_line_about(&ensure_writable_file(&missing).unwrap_err(), &missing, "does not exist");
        is_one_line_about(&ensure_writable_dir(&file).unwrap_err(), &file, "another folder");
        assert_eq!(names(folder.path()), ["file"]);
        assert_eq!(fs::read(&file).unwrap(), b"kept");
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_never_replaced() {
        let device = Path::new("/dev/null");
        is_one_line_about(&write_atomic(device, b"x").unwrap_err(), device, "regular file");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_that_takes_no_files_is_found_out_at_once() {
        // Nobody, root included, can create files in /proc.
        assert!(ensure_writable_dir("/proc/self").is_err());
        assert!(ensure_writable_file("/proc/self/x").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_keeps_pointing_at_the_file_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, b"old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_atomic(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_nothing_is_no_folder_and_is_said_to_be_one() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("gone", &link).unwrap();
        for path in [link.clone(), link.join("run")] {
            let said = "is a link to gone, which does not exist";
            is_one_line_about(&ensure_writable_dir(&path).unwrap_err(), &link, said);
            is_one_line_about(&write_folder(&path, |_| Ok(())).unwrap_err(), &link, said);
        }
        fs::create_dir(folder.path().join("gone")).unwrap();
        ensure_writable_dir(link.join("run")).unwrap();
    }

    #[test]
    fn a_writable_folder_is_created_with_its_parents_and_left_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs/first");
        ensure_writable_dir(&path).unwrap();
        ensure_writable_file(path.join("x.png")).unwrap();
        assert!(names(&path).is_empty());
    }

    #[test]
    fn lines_are_appended_and_cut_back_to_a_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        keep_lines(&path, 0).unwrap();
        for line in ["one", "two", "three"] {
            append_line(&path, line).unwrap();
        }
        keep_lines(&path, 3).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one\ntwo\nthree\n");
        assert!(append_line(&path, "a\nb").is_err());
        keep_lines(&path, 2).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one\ntwo\n");
        is_one_line_about(&keep_lines(&path, 5).unwrap_err(), &path, "2 complete lines");
        keep_lines(&path, 0).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn an_unfinished_last_line_does_not_survive() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        fs::write(&path, b"{\"epoch\":1}\n{\"epo").unwrap();
        assert!(keep_lines(&path, 2).is_err());
        keep_lines(&path, 1).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"{\"epoch\":1}\n");
    }
}
