//! `ARCHITECTURE.md` lists every module of the core, and no module that is gone.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::shell::root;

/// The files under `folder`, relative to `base`, with forward slashes.
fn sources(base: &Path, folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("core/src can be listed") {
        let path = entry.expect("core/src can be listed").path();
        if path.is_dir() {
            sources(base, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(base).expect("below the base");
            found.insert(relative.to_string_lossy().replace('\\', "/"));
        }
    }
}

/// The names in back quotes that start the rows of the table of core modules.
fn listed(page: &str) -> BTreeSet<String> {
    let section = page.split("\n## ").find(|section| section.starts_with("Inside `core/src`"));
    section
        .expect("ARCHITECTURE.md has the section Inside `core/src`")
        .lines()
        .filter_map(|line| {
            line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name.to_owned())
        })
        .collect()
}

#[test]
fn every_core_module_is_listed_and_every_listed_module_exists() {
    let page =
        fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md can be read");
    let base = root().join("core/src");
    let mut exist = BTreeSet::new();
    sources(&base, &base, &mut exist);
    let listed = listed(&page);
    let missing: Vec<_> = exist.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&exist).collect();
    assert!(missing.is_empty(), "add to the table of core modules in ARCHITECTURE.md: {missing:?}");
    assert!(gone.is_empty(), "remove from the table of core modules in ARCHITECTURE.md: {gone:?}");
}
