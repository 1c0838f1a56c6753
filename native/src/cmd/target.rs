//! The file that a verb writes: what the ending of its name says, and that it is none of those that are read.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

use crate::run::recipe::Recipe;
use crate::system::files::ensure_writable_file;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table.
    Csv,
    /// Arrays.
    Npz,
    /// A picture of pixels.
    Png,
    /// A picture of lines.
    Svg,
    /// A page.
    Html,
}

impl Format {
    fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Npz => "npz",
            Self::Png => "png",
            Self::Svg => "svg",
            Self::Html => "html",
        }
    }
}

/// A file to write, that of `flag`.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The flag that names it.
    pub flag: &'static str,
    /// Its path.
    pub path: &'a Path,
}

impl Target<'_> {
    /// Which of some formats it is to have, having checked that it can be written and that nothing in `read` is lost by it: files, or
    /// folders with all that is in them.
    ///
    /// # Errors
    /// If it has another ending, cannot be written, or is read.
    pub fn check(self, formats: &[Format], read: &[PathBuf]) -> Result<Format> {
        let Self { flag, path } = self;
        let named = path.display();
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let Some(format) = formats.iter().find(|format| format.ending() == ending) else {
            let endings: Vec<String> = formats.iter().map(|f| format!(".{}", f.ending())).collect();
            bail!("{flag} {named}: give a name that ends in {}", endings.join(" or "));
        };
        ensure_writable_file(path)?;
        ensure!(
            !read.iter().any(|read| replaces(path, read)),
            "{flag} {named} would replace what is read; give another name"
        );
        Ok(*format)
    }
}

/// Whether writing to a path loses what another one holds.
fn replaces(path: &Path, read: &Path) -> bool {
    // What is not there yet replaces nothing.
    let (Ok(path), Ok(read)) = (path.canonicalize(), read.canonicalize()) else { return false };
    path == read || (read.is_dir() && path.starts_with(&read))
}

/// Checks what a verb on a file of samples writes: samples and perhaps a picture.
///
/// # Errors
/// As [`Target::check`].
pub fn check_outputs(out: &Path, grid: Option<&Path>, samples: &[PathBuf]) -> Result<()> {
    Target { flag: "--out", path: out }.check(&[Format::Npz], samples)?;
    if let Some(path) = grid {
        Target { flag: "--grid", path }.check(&[Format::Png], samples)?;
    }
    Ok(())
}

/// The files and folders that a run was trained on, of the user's own.
pub fn data_of(recipe: &Recipe) -> Vec<PathBuf> {
    let data = &recipe.data;
    let paths = [&data.features, &data.label_file, &data.unlabelled_dir].into_iter().flatten();
    paths.cloned().chain([PathBuf::from(&data.name)]).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_read_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("photos")).unwrap();
        for name in ["a.csv", "b.csv", "photos/c.csv"] {
            fs::write(path(name), "x").unwrap();
        }
        let refuses = |out: &str, read: &str| {
            let out = path(out);
            let target = Target { flag: "--out", path: &out };
            target.check(&[Format::Csv], &[path(read)]).is_err()
        };
        assert!(refuses("a.csv", "a.csv"));
        assert!(refuses("photos/../a.csv", "a.csv"));
        assert!(refuses("photos/c.csv", "photos"));
        assert!(!refuses("b.csv", "a.csv"));
        // Beside what is read, or new within its folder.
        assert!(!refuses("new.csv", "a.csv"));
        assert!(!refuses("photos/new.csv", "photos"));
    }

    #[test]
    fn endings_say_what_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let of = |name: &str, formats: &[Format]| {
            let path = dir.path().join(name);
            Target { flag: "--grid", path: &path }.check(formats, &[])
        };
        assert_eq!(of("x.NPZ", &[Format::Csv, Format::Npz]).unwrap(), Format::Npz);
        let error = of("x.pdf", &[Format::Csv, Format::Npz]).unwrap_err().to_string();
        assert!(error.ends_with("x.pdf: give a name that ends in .csv or .npz"), "{error}");
        assert!(error.starts_with("--grid "), "{error}");
    }
}
