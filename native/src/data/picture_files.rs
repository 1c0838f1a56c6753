//! Which files below a folder are pictures, and what lies between them that is not.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gleaner_core::data::profile::LeftOut;
use gleaner_core::data::table::shortened;

/// What names of pictures end with.
const PICTURES: [&str; 11] =
    ["png", "jpg", "jpeg", "bmp", "webp", "gif", "pnm", "ppm", "pgm", "tif", "tiff"];
/// Pictures that nothing here decodes.
const OTHER_PICTURES: [&str; 13] =
    ["heic", "heif", "avif", "jxl", "jp2", "svg", "tga", "psd", "ico", "dng", "cr2", "nef", "arw"];
/// What systems write between the files of a user: `@eaDir` holds small copies of the pictures beside it.
const OF_SYSTEMS: [&str; 4] = ["__macosx", "@eadir", "thumbs.db", "desktop.ini"];

/// A folder with pictures in it, or below it.
#[derive(Debug)]
pub(super) struct Folder {
    /// Its own name.
    pub name: String,
    /// Pictures directly in it, sorted.
    pub files: Vec<PathBuf>,
    /// Folders with pictures, sorted by name.
    pub folders: Vec<Folder>,
}

impl Folder {
    /// How many pictures are in it and below it.
    pub fn count(&self) -> usize {
        self.files.len() + self.folders.iter().map(Self::count).sum::<usize>()
    }

    /// The pictures in it and below it: its own first, then folder by folder.
    pub fn pictures(self) -> Vec<PathBuf> {
        let mut files = self.files;
        for folder in self.folders {
            files.extend(folder.pictures());
        }
        files
    }

    fn is_empty(&self) -> bool {
        self.files.is_empty() && self.folders.is_empty()
    }
}

/// What is no picture, counted.
#[derive(Debug, Default)]
struct Aside {
    /// Files by the end of their name.
    others: BTreeMap<String, usize>,
    /// What systems write, by name.
    of_systems: BTreeMap<String, usize>,
    empty: Vec<String>,
    links: Vec<String>,
}

/// The pictures below a folder, links followed, and what is not one of them. Hidden files and folders are passed over.
/// `apart` is a folder that is passed over too, for it is read as something else.
///
/// # Errors
/// If a folder cannot be listed.
pub(super) fn find(root: &Path, apart: Option<&Path>) -> Result<(Folder, Vec<LeftOut>)> {
    let real = |path: &Path| {
        path.canonicalize().with_context(|| format!("cannot open {}", path.display()))
    };
    let apart = apart.map(real).transpose()?;
    let mut search = Search { root, apart, above: vec![real(root)?], aside: Aside::default() };
    let folder = search.folder(root)?;
    Ok((folder, search.aside.left_out()))
}

struct Search<'a> {
    root: &'a Path,
    apart: Option<PathBuf>,
    /// The folders on the way here, without links: one that comes again is a circle.
    above: Vec<PathBuf>,
    aside: Aside,
}

impl Search<'_> {
    fn folder(&mut self, path: &Path) -> Result<Folder> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut found = Folder { name, files: Vec::new(), folders: Vec::new() };
        let mut empty = Vec::new();
        for (name, path) in entries(path)? {
            let lower = name.to_lowercase();
            if OF_SYSTEMS.contains(&lower.as_str()) {
                *self.aside.of_systems.entry(name).or_default() += 1;
                continue;
            }
            let Ok(kind) = fs::metadata(&path) else {
                self.aside.links.push(self.short(&path));
                continue;
            };
            if kind.is_dir() {
                let before = self.aside.empty.len();
                match self.below(&name, &path)? {
                    Some(folder) if folder.is_empty() => {
                        // It says all that is to say about the folders in it.
                        self.aside.empty.truncate(before);
                        empty.push(self.short(&path));
                    }
                    Some(folder) => found.folders.push(folder),
                    None => {}
                }
            } else if kind.is_file() && PICTURES.contains(&extension(&lower)) {
                found.files.push(path);
            } else {
                *self.aside.others.entry(extension(&lower).to_owned()).or_default() += 1;
            }
        }
        self.aside.empty.extend(empty);
        Ok(found)
    }

    /// A folder in the present one; none if it is not to be read here.
    fn below(&mut self, name: &str, path: &Path) -> Result<Option<Folder>> {
        let real = if path.is_symlink() {
            path.canonicalize().with_context(|| format!("cannot open {}", path.display()))?
        } else {
            self.above.last().map_or_else(|| path.to_owned(), |above| above.join(name))
        };
        if self.apart.as_ref() == Some(&real) {
            return Ok(None);
        }
        if self.above.contains(&real) {
            self.aside.links.push(self.short(path));
            return Ok(None);
        }
        self.above.push(real);
        let folder = self.folder(path)?;
        self.above.pop();
        Ok(Some(folder))
    }

    fn short(&self, path: &Path) -> String {
        path.strip_prefix(self.root).unwrap_or(path).display().to_string()
    }
}

/// Names and paths in a folder in alphabetical order, hidden ones left out.
fn entries(path: &Path) -> Result<Vec<(String, PathBuf)>> {
    let context = || format!("cannot list {}", path.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(path).with_context(context)? {
        let entry = entry.with_context(context)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// What comes after the last dot; empty without one.
fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

impl Aside {
    fn left_out(self) -> Vec<LeftOut> {
        let mut all = Vec::new();
        for (name, count) in self.of_systems {
            let what = if count == 1 { name } else { format!("{name} ({count} times)") };
            all.push(LeftOut::new(what, "written by the operating system between your files"));
        }
        for (extension, count) in self.others {
            let why = match extension.as_str() {
                other if OTHER_PICTURES.contains(&other) => {
                    "pictures of a kind that is not read: convert them to PNG or JPEG to use them"
                }
                _ => "no pictures",
            };
            let what = match extension.as_str() {
                "" => format!("{} without an extension", counted(count, "file", "files")),
                other => counted(count, &format!(".{other} file"), &format!(".{other} files")),
            };
            all.push(LeftOut::new(what, why));
        }
        let mut names = |names: &[String], one: &str, many: &str, why: &str| {
            if !names.is_empty() {
                let listed = shortened(names.iter().map(String::as_str));
                let what = counted(names.len(), one, many);
                all.push(LeftOut::new(format!("{what}: {listed}"), why));
            }
        };
        names(&self.empty, "folder", "folders", "no pictures in it");
        names(&self.links, "link", "links", "leads nowhere, or back to a folder that it is in");
        all
    }
}

/// `1 picture`, `2 pictures`.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
