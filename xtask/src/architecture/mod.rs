//! `ARCHITECTURE.md` names the rooms of each crate from the bottom up; no file of a lower room imports a higher one, and
//! no files import each other in a circle.

mod house;
mod paths;

use std::collections::BTreeSet;
use std::fs;

use crate::shell::root;
use house::House;

/// The lines of the block ```` ```rooms ````: a folder, and what lies in it from the bottom up.
fn stated() -> Vec<(String, Vec<String>)> {
    let page =
        fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md can be read");
    let block = page.split("```rooms\n").nth(1).and_then(|rest| rest.split("```").next());
    let block = block.expect("ARCHITECTURE.md has a block ```rooms");
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for line in block.lines() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        match (line.split_once(':'), lines.last_mut()) {
            (Some((folder, rooms)), _) => lines.push((folder.trim().to_owned(), words(rooms))),
            (None, Some((_, rooms))) => rooms.extend(words(line)),
            (None, None) => panic!("a line of rooms begins with its folder: {line:?}"),
        }
    }
    lines
}

/// A folder such as `core/src/nets` as the source of its crate and the module in it.
fn split(folder: &str) -> (String, Vec<String>) {
    let (package, inside) = folder.split_once("/src").expect("rooms lie below a src");
    let module = inside.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    (format!("{package}/src"), module)
}

#[test]
fn every_room_is_named_and_every_named_room_exists() {
    for (folder, rooms) in stated() {
        let (source, module) = split(&folder);
        let exist = House::read(&root().join(source)).inside(&module);
        let stated: BTreeSet<_> = rooms.iter().cloned().collect();
        let (missing, gone) = (exist.difference(&stated), stated.difference(&exist));
        let (missing, gone): (Vec<_>, Vec<_>) = (missing.collect(), gone.collect());
        assert!(missing.is_empty(), "name these rooms of {folder} in ARCHITECTURE.md: {missing:?}");
        assert!(gone.is_empty(), "these rooms of {folder} in ARCHITECTURE.md are gone: {gone:?}");
    }
}

#[test]
fn no_file_of_a_lower_room_imports_a_higher_one() {
    let mut upwards = Vec::new();
    for (folder, rooms) in stated() {
        let (source, module) = split(&folder);
        let house = House::read(&root().join(source));
        let floor = |file: &[String]| {
            let room = file.strip_prefix(&module[..])?.first()?;
            rooms.iter().position(|name| name == room)
        };
        let mut between = BTreeSet::new();
        for (from, to) in house.arrows() {
            let (Some(low), Some(high)) = (floor(from), floor(to)) else { continue };
            if low != high {
                between.insert((low, high));
            }
            if low < high {
                upwards.push(format!("{folder}: {} imports {}", from.join("/"), to.join("/")));
            }
        }
        eprintln!("{folder}: {} rooms, {} arrows between them", rooms.len(), between.len());
    }
    eprintln!("{} arrows run upwards", upwards.len());
    assert!(upwards.is_empty(), "a lower room imports a higher one:\n{}", upwards.join("\n"));
}

#[test]
fn every_file_of_tests_is_run() {
    let folder = root().join("tests");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("the tests' manifest");
    for entry in fs::read_dir(&folder).expect("tests can be listed") {
        let name = entry.expect("tests can be listed").file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".rs") {
            let entry = format!("path = \"{name}\"");
            assert!(manifest.contains(&entry), "tests/Cargo.toml has no [[test]] with {entry}");
        }
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut circles = Vec::new();
    for source in
        ["core/kernels/src", "core/src", "native/src", "web/src", "web/training/src", "xtask/src"]
    {
        let house = House::read(&root().join(source));
        for circle in house.cycles() {
            let files: Vec<_> = circle.iter().map(|file| file.join("/")).collect();
            circles.push(format!("{source}: {}", files.join(", ")));
        }
    }
    eprintln!("{} circles", circles.len());
    assert!(circles.is_empty(), "files import each other:\n{}", circles.join("\n"));
}
