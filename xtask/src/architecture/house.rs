//! The files of a crate and which of them import which.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path as FilePath;

use super::paths::{self, Path};

/// A crate's source: its files by module, and the arrows between them.
pub struct House {
    /// The short names that each file gives to what lies below it, by module; those of a folder are in its `mod.rs`.
    files: BTreeMap<Path, Vec<(String, Path)>>,
    /// From each file to those that it imports.
    arrows: BTreeMap<Path, BTreeSet<Path>>,
}

impl House {
    /// Reads the files below `folder`, a crate's `src`.
    pub fn read(folder: &FilePath) -> Self {
        let mut texts = BTreeMap::new();
        collect(folder, &mut Vec::new(), &mut texts);
        let files = texts.iter().map(|(here, text)| (here.clone(), paths::re_exported(text)));
        let mut house = Self { files: files.collect(), arrows: BTreeMap::new() };
        for (here, text) in &texts {
            let targets = paths::named(text, here).into_iter();
            let targets = targets.filter_map(|path| house.home(&path)).filter(|to| to != here);
            house.arrows.insert(here.clone(), targets.collect());
        }
        house
    }

    /// The file that a path leads to, through the short names of folders.
    fn home(&self, path: &[String]) -> Option<Path> {
        let mut at = (0..=path.len()).rev().find(|&end| self.files.contains_key(&path[..end]))?;
        let mut path = path.to_vec();
        while let Some(name) = path.get(at) {
            let door = &self.files[&path[..at]];
            let Some((_, inside)) = door.iter().find(|(short, _)| short == name) else { break };
            path.splice(at..=at, inside.iter().cloned());
            let deeper = (at + 1..=path.len()).rev();
            match deeper.into_iter().find(|&end| self.files.contains_key(&path[..end])) {
                Some(end) => at = end,
                None => break,
            }
        }
        Some(path[..at].to_vec())
    }

    /// What lies directly in the folder `room`: names of files and folders.
    pub fn inside(&self, room: &[String]) -> BTreeSet<String> {
        let below = self.files.keys().filter(|file| file.starts_with(room));
        below.filter_map(|file| file.get(room.len()).cloned()).collect()
    }

    /// Pairs of files of which the first imports the second.
    pub fn arrows(&self) -> impl Iterator<Item = (&Path, &Path)> {
        self.arrows.iter().flat_map(|(from, to)| to.iter().map(move |to| (from, to)))
    }

    /// Groups of files each of which leads to all others of its group. A folder's `mod.rs` holds what its files
    /// share and names them in turn, so it is left out.
    pub fn cycles(&self) -> Vec<Vec<&Path>> {
        let mut left: BTreeSet<&Path> = self.files.keys().collect();
        let mut cycles = Vec::new();
        while let Some(first) = left.pop_first() {
            let group: Vec<&Path> = (self.reached(first).into_iter())
                .filter(|other| left.contains(other) && self.reached(other).contains(first))
                .collect();
            left.retain(|file| !group.contains(file));
            if !group.is_empty() {
                cycles.push([vec![first], group].concat());
            }
        }
        cycles
    }

    fn reached(&self, from: &Path) -> BTreeSet<&Path> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&Path> = self.arrows[from].iter().collect();
        while let Some(file) = open.pop() {
            if !self.is_door(file) && found.insert(file) {
                open.extend(&self.arrows[file]);
            }
        }
        found
    }

    fn is_door(&self, file: &Path) -> bool {
        self.files.keys().any(|other| other.len() > file.len() && other.starts_with(file))
    }
}

fn collect(folder: &FilePath, here: &mut Path, texts: &mut BTreeMap<Path, String>) {
    for entry in fs::read_dir(folder).expect("a folder of the source can be listed") {
        let path = entry.expect("a folder of the source can be listed").path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            here.push(stem);
            collect(&path, here, texts);
            here.pop();
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).expect("a file of the source can be read");
            let own = (stem != "mod" && stem != "lib").then_some(stem);
            texts.insert(here.iter().cloned().chain(own).collect(), text);
        }
    }
}
