//! The paths that a Rust file names, read off its text as rustfmt leaves it.

/// A path as modules and names, such as `["data", "Examples"]` for `crate::data::Examples`.
pub type Path = Vec<String>;

/// Every path of the crate that a file in the module `here` names: those that begin with `crate` or `super`.
/// Comments do not count; a macro's `$crate` does.
pub fn named(text: &str, here: &[String]) -> Vec<Path> {
    let mut found = Vec::new();
    let mut inline: Vec<String> = Vec::new();
    let code = without_comments(text);
    let mut rest = code.as_str();
    let mut line_starts = true;
    while !rest.is_empty() {
        if line_starts {
            // An inline module of the file: rustfmt puts its closing brace at the start of a line.
            if let Some(name) = opened_module(rest) {
                inline.push(name.to_owned());
            } else if rest.starts_with('}') {
                inline.clear();
            }
        }
        let word = word(rest);
        if matches!(word, "crate" | "super") && rest[word.len()..].starts_with("::") {
            let base: Path = here.iter().chain(&inline).cloned().collect();
            rest = tree(rest, &base, true, &mut found);
            line_starts = false;
            continue;
        }
        let step = word.len().max(rest.chars().next().map_or(1, char::len_utf8));
        line_starts = rest.starts_with('\n');
        rest = &rest[step..];
    }
    found
}

/// What the `pub use` lines of a folder's `mod.rs` call by shorter names: each name and its path inside the folder.
pub fn re_exported(text: &str) -> Vec<(String, Path)> {
    let code = without_comments(text);
    let mut found = Vec::new();
    for (at, _) in code.match_indices("pub use ") {
        let mut paths = Vec::new();
        tree(&code[at + "pub use ".len()..], &[], false, &mut paths);
        let local = paths.into_iter().filter(|path| path.len() > 1);
        found.extend(local.map(|path| (path[path.len() - 1].clone(), path)));
    }
    found
}

fn without_comments(text: &str) -> String {
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    code.flat_map(|line| [line, "\n"]).collect()
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    &text[..end]
}

/// The name in `mod NAME {` at the start of a line.
fn opened_module(text: &str) -> Option<&str> {
    let line = text.lines().next()?;
    let rest = line.strip_prefix("pub(super) ").or(line.strip_prefix("pub ")).unwrap_or(line);
    rest.strip_prefix("mod ")?.strip_suffix(" {")
}

/// Reads `a::b::{c, d::e}` below `base`, adds its paths, and returns what follows. The first words may climb.
fn tree<'a>(text: &'a str, base: &[String], climbs: bool, found: &mut Vec<Path>) -> &'a str {
    let mut path = base.to_vec();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if let Some(inside) = rest.strip_prefix('{') {
            rest = inside;
            loop {
                rest = rest.trim_start().trim_start_matches(',').trim_start();
                match rest.strip_prefix('}') {
                    Some(after) => return after,
                    None if rest.is_empty() => return rest,
                    None => rest = tree(rest, &path, climbs, found),
                }
            }
        }
        let name = word(rest);
        rest = &rest[name.len()..];
        match name {
            "crate" if climbs => path.clear(),
            "super" if climbs => drop(path.pop()),
            // What stands so far; so does a glob.
            "self" => {
                found.push(path);
                return rest;
            }
            "" => {
                found.push(path);
                let mut chars = rest.chars();
                chars.next();
                return chars.as_str();
            }
            name => path.push(name.to_owned()),
        }
        match rest.strip_prefix("::") {
            Some(after) => rest = after,
            None => {
                found.push(path);
                let alias = rest.trim_start().strip_prefix("as ").map(str::trim_start);
                return alias.map_or(rest, |alias| &alias[word(alias).len()..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        text.split("::").map(str::to_owned).collect()
    }

    fn read(text: &str, here: &str) -> Vec<String> {
        named(text, &path(here)).iter().map(|path| path.join("::")).collect()
    }

    #[test]
    fn paths_are_read_wherever_they_stand() {
        let text = "\
use std::fs;
use crate::data::{Examples, formats::{csv, npy::{self, NpyArray}}};
use super::b::c as d; // crate::not::this
//! crate::nor::this
fn f(x: crate::nets::Classes) -> super::Y {
    $crate::models::m2()
}
";
        let expected = [
            "data::Examples",
            "data::formats::csv",
            "data::formats::npy",
            "data::formats::npy::NpyArray",
            "a::b::c",
            "nets::Classes",
            "a::Y",
            "models::m2",
        ];
        assert_eq!(read(text, "a::here"), expected);
    }

    #[test]
    fn an_inline_module_is_one_further_down() {
        let text = "\
use super::x;
mod tests {
    use super::y;
    use super::super::z;
    use super::*;
}
use super::w;
";
        assert_eq!(read(text, "a::b"), ["a::x", "a::b::y", "a::z", "a::b", "a::w"]);
    }

    #[test]
    fn short_names_are_found_again() {
        let text = "mod a;\npub use a::{X, b::Y};\npub use c::Z;\npub use serde;\n";
        let found: Vec<_> =
            re_exported(text).into_iter().map(|(name, p)| (name, p.join("::"))).collect();
        let expected = [("X", "a::X"), ("Y", "a::b::Y"), ("Z", "c::Z")];
        assert_eq!(found, expected.map(|(name, p)| (name.to_owned(), p.to_owned())));
    }
}
