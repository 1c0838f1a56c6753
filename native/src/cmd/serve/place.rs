//! Which file of a site the target of a request names, and never one outside it.

use std::path::{Component, Path, PathBuf};

use percent_encoding::percent_decode_str;

/// What a target names.
#[derive(Debug, PartialEq, Eq)]
pub enum Place {
    /// A file, by a path without links.
    File(PathBuf),
    /// A folder whose address lacks the slash at its end: the target to ask for instead.
    Folder(String),
}

/// Looks for what `target` (`/a/b?query`, percent-encoded) names in the folder `site`.
///
/// There is nothing where a name is not plain (`..`, `.`, empty, a drive), or a link leads out of the site.
pub fn find(site: &Path, target: &str) -> Option<Place> {
    let (path, query) = target.split_at(target.find(['?', '#']).unwrap_or(target.len()));
    let decoded = percent_decode_str(path).decode_utf8().ok()?;
    let names = decoded.strip_prefix('/')?;
    let is_folder = names.is_empty() || names.ends_with('/');
    let mut inside = PathBuf::new();
    for name in names.strip_suffix('/').unwrap_or(names).split('/').filter(|_| !names.is_empty()) {
        inside.push(plain(name)?);
    }
    if is_folder {
        inside.push("index.html");
    }
    // Anew for each request: a build may replace the folder.
    let site = site.canonicalize().ok()?;
    let found = site.join(inside).canonicalize().ok()?;
    if !found.starts_with(&site) {
        return None;
    }
    if found.is_file() {
        Some(Place::File(found))
    } else if found.is_dir() && !is_folder {
        Some(Place::Folder(format!("{path}/{query}")))
    } else {
        None
    }
}

/// The name, if it can only be that of something in a folder.
fn plain(name: &str) -> Option<&str> {
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(part)), None) if part == name => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_target_names_a_file_inside_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let site = root.join("site");
        fs::create_dir_all(site.join("a b/index.html")).unwrap();
        fs::create_dir(site.join("sub")).unwrap();
        for file in ["secret", "site-secret", "site/index.html", "site/sub/index.html", "site/x.js"]
        {
            fs::write(root.join(file), "").unwrap();
        }
        let file = |name: &str| Some(Place::File(site.join(name)));
        let folder = |target: &str| Some(Place::Folder(target.to_owned()));
        for (target, place) in [
            ("/", file("index.html")),
            ("/?a=/b", file("index.html")),
            ("/x.js", file("x.js")),
            ("/%78.js?v=1", file("x.js")),
            ("/sub/", file("sub/index.html")),
            ("/sub?a=b", folder("/sub/?a=b")),
            ("/a%20b", folder("/a%20b/")),
            ("/a%20b/", None),
            ("/x.js/", None),
            ("/nothing", None),
            ("", None),
            ("*", None),
            ("x.js", None),
            ("//x.js", None),
            ("//", None),
            ("/./x.js", None),
            ("/sub/../x.js", None),
            ("/../secret", None),
            ("/%2e%2e/secret", None),
            ("/..%2fsecret", None),
            ("/../site-secret", None),
            ("/x.js%00", None),
            ("/%ff", None),
        ] {
            assert_eq!(find(&site, target), place, "{target}");
        }
        assert_eq!(find(&site, &format!("/{}", root.join("secret").display())), None);
        assert_eq!(find(&root.join("none"), "/"), None);
    }
}
