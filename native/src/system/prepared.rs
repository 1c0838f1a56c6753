//! Files that are whole and wait for their names: of results that belong together, none is there without the others.

use std::fs::File;
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::aside::Aside;
use super::files::{explain, parent, put_in_place, replaceable};

/// A file that was written aside. It is removed unless it is put in place.
#[derive(Debug)]
pub struct Prepared<'a> {
    path: &'a Path,
    target: PathBuf,
    aside: Aside,
}

impl<'a> Prepared<'a> {
    /// Of `bytes`, for `path`.
    ///
    /// # Errors
    /// As [`write_atomic`](super::files::write_atomic).
    pub fn of(path: &'a Path, bytes: &[u8]) -> Result<Self> {
        Self::by(path, |out| Ok(out.write_all(bytes)?))
    }

    /// Of what `write` writes, which need not be in memory as a whole.
    ///
    /// # Errors
    /// As [`write_atomic`](super::files::write_atomic), and whatever `write` returns: a file that it reads may be damaged.
    pub fn by(
        path: &'a Path,
        write: impl FnOnce(&mut Sink<&mut File>) -> Result<()>,
    ) -> Result<Self> {
        let explained = |error: io::Error| explain("write", path, &error);
        let target = replaceable(path)?;
        let mut aside = Aside::new_in(parent(&target)).map_err(explained)?;
        let mut sink = Sink { out: aside.file()?, failed: None };
        let written = write(&mut sink);
        // What the disk said comes before what others made of it. Everything else is about what was to be written.
        if let Some(error) = sink.failed {
            return Err(explained(error));
        }
        written?;
        // A disk may say only now that it is full.
        aside.file()?.sync_all().map_err(explained)?;
        Ok(Self { path, target, aside })
    }

    /// Gives the file its name, over what has it.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub fn put_in_place(self) -> Result<()> {
        put_in_place(self.aside, &self.target).map_err(|error| explain("write", self.path, &error))
    }
}

/// Remembers why the first write failed. From then on it takes everything and stores nothing: who writes an archive ends it when
/// he is dropped, and would tell the user a second time.
#[derive(Debug)]
pub struct Sink<W> {
    out: W,
    failed: Option<io::Error>,
}

impl<W: Write + Seek> Write for Sink<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failed.is_some() {
            // Where it would be. If it cannot be there, nothing is lost either.
            let _ = self.out.seek(SeekFrom::Current(bytes.len() as i64));
            return Ok(bytes.len());
        }
        self.out.write(bytes).map_err(|error| match error.kind() {
            // Is tried again.
            ErrorKind::Interrupted => error,
            kind => {
                self.failed = Some(error);
                kind.into()
            }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W: Seek> Seek for Sink<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.out.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{BufWriter, Cursor};

    use anyhow::bail;
    use gleaner_core::data::formats::npy::NpyArray;
    use gleaner_core::data::formats::npz::NpzWriter;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_write_that_fails_in_the_middle_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("coreset.npz");
        Prepared::of(&path, b"first").unwrap().put_in_place().unwrap();
        let failed = Prepared::by(&path, |file| {
            file.write_all(b"sec")?;
            bail!("no more")
        });
        let error = format!("{:#}", failed.unwrap_err());
        assert_eq!(error, "no more");
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(names(folder.path()), ["coreset.npz"]);
    }

    #[test]
    fn what_is_not_put_in_place_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one.png", "two.npz"].map(|name| folder.path().join(name));
        let kept = Prepared::of(&one, b"one").unwrap();
        drop(Prepared::of(&two, b"two").unwrap());
        assert!(!one.exists());
        kept.put_in_place().unwrap();
        assert_eq!(names(folder.path()), ["one.png"]);
    }

    /// A disk with so much room.
    struct Small {
        disk: Cursor<Vec<u8>>,
        room: u64,
    }

    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let left = self.room.saturating_sub(self.disk.position()) as usize;
            match left.min(bytes.len()) {
                0 if !bytes.is_empty() => Err(ErrorKind::StorageFull.into()),
                some => self.disk.write(&bytes[..some]),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for Small {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.disk.seek(to)
        }
    }

    #[test]
    fn an_archive_on_a_full_disk_fails_once_wherever_it_is_full() {
        let array = NpyArray::f32(&[5000], vec![0.5; 5000]);
        let write = |room: u64| {
            let mut sink = Sink { out: Small { disk: Cursor::default(), room }, failed: None };
            let mut tell = || -> Result<()> {
                let mut writer = NpzWriter::new(BufWriter::new(&mut sink));
                writer.add("x", &array)?;
                writer.add("y", &array)?;
                writer.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
                Ok(())
            };
            let told = tell().is_err();
            let failed = sink.failed.as_ref().map(io::Error::kind);
            // As the archive does when it is dropped: nothing fails any more.
            sink.write_all(b"the end").unwrap();
            (told, failed, sink.out.disk.into_inner().len())
        };
        let (told, failed, whole) = write(u64::MAX);
        assert_eq!((told, failed), (false, None));
        for room in [0, 10, 9_000, 30_000, whole as u64 - 1 - 7] {
            let (told, failed, length) = write(room);
            assert_eq!((told, failed), (true, Some(ErrorKind::StorageFull)), "{room}");
            assert!(length as u64 <= room, "{room}");
        }
    }
}
