//! The paths that a Rust file names, read off its tokens: macros have them, too, and comments and strings have none.

use std::iter::Peekable;

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// A path as modules and names, such as `["data", "Examples"]` for `crate::data::Examples`.
pub type Path = Vec<String>;

type Tokens = Peekable<IntoIter>;

/// Every path of the crate that a file in the module `here` names: those that begin with `crate` or `super`.
pub fn named(text: &str, here: &[String]) -> Vec<Path> {
    let mut found = Vec::new();
    walk(tokens(text), here, &mut found);
    found
}

/// What the `pub use` lines of a folder's `mod.rs` call by shorter names: each name and its path inside the folder.
pub fn re_exported(text: &str) -> Vec<(String, Path)> {
    let mut found = Vec::new();
    let mut rest = tokens(text);
    while let Some(token) = rest.next() {
        if is_word(Some(&token), "pub") && is_word(rest.peek(), "use") {
            rest.next();
            let mut paths = Vec::new();
            tree(&mut rest, Path::new(), &mut paths);
            let inside = paths.into_iter().filter(|path| path.len() > 1);
            found.extend(inside.map(|path| (path[path.len() - 1].clone(), path)));
        }
    }
    found
}

fn tokens(text: &str) -> Tokens {
    let stream: TokenStream = text.parse().expect("a file of the source is made of Rust's tokens");
    stream.into_iter().peekable()
}

fn is_word(token: Option<&TokenTree>, word: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == word)
}

fn walk(mut rest: Tokens, here: &[String], found: &mut Vec<Path>) {
    // The module whose braces come next.
    let mut inner: Option<Path> = None;
    while let Some(token) = rest.next() {
        match token {
            TokenTree::Group(group) => {
                let module = inner.take().unwrap_or_else(|| here.to_vec());
                walk(group.stream().into_iter().peekable(), &module, found);
            }
            TokenTree::Ident(ident) => match ident.to_string().as_str() {
                "mod" => {
                    let name = rest.next().map(|name| name.to_string());
                    inner = Some(here.iter().cloned().chain(name).collect());
                }
                "crate" if colons(&mut rest) => tree(&mut rest, Path::new(), found),
                "super" if colons(&mut rest) => tree(&mut rest, above(here), found),
                _ => {}
            },
            // A module that lies in a file of its own.
            TokenTree::Punct(punct) if punct.as_char() == ';' => inner = None,
            _ => {}
        }
    }
}

/// Reads `a::b::{c, d::e}` below `path`, and adds its paths.
fn tree(rest: &mut Tokens, mut path: Path, found: &mut Vec<Path>) {
    loop {
        match rest.peek() {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let mut inside = group.stream().into_iter().peekable();
                while inside.peek().is_some() {
                    tree(&mut inside, path.clone(), found);
                    // What may follow a name: `as other`, and a comma.
                    while inside.next().is_some_and(|token| token.to_string() != ",") {}
                }
                return;
            }
            Some(TokenTree::Ident(ident)) => {
                match ident.to_string().as_str() {
                    "super" => path = above(&path),
                    // What stands so far.
                    "self" => {}
                    name => path.push(name.to_owned()),
                }
                rest.next();
            }
            // A glob, or generic arguments.
            _ => break,
        }
        if !colons(rest) {
            break;
        }
    }
    found.push(path);
}

fn above(module: &[String]) -> Path {
    module[..module.len().saturating_sub(1)].to_vec()
}

/// Whether `::` comes next, which is then taken.
fn colons(rest: &mut Tokens) -> bool {
    let next = matches!(rest.peek(), Some(TokenTree::Punct(punct))
        if punct.as_char() == ':' && punct.spacing() == Spacing::Joint);
    if next {
        rest.nth(1);
    }
    next
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
/// crate::nor::this
fn f(x: crate::nets::Classes) -> super::Y {
    $crate::models::m2(\"https://example.org\", crate::sample::draw(\"crate::nor::that\"))
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
            "sample::draw",
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
