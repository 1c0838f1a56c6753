//! The licences of all that is linked into the program and the page: `docs/third-party.txt`, which both bring along.
//!
//! Made of what cargo says of each package, and of the texts in its sources. Where a package leaves the choice, Apache-2.0 is
//! taken: it is one text for all, while every MIT text names other people.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::shell::{Shell, root};

/// What writes the file anew.
pub const COMMAND: &str = "write-notices";

const FILE: &str = "docs/third-party.txt";

const RULE: &str =
    "================================================================================";

const HEAD: &str = "Third-party notices of Gleaner

Gleaner itself is licensed under MIT or Apache-2.0. The program and its page contain code of the packages below, some of
them on some platforms or with some features only. All are on https://crates.io, with their sources. Where a package
leaves the choice of a licence, Apache-2.0 is taken. The Rust standard library is under MIT or Apache-2.0, too.
";

/// Checks that the file is what it would be if it were written now.
///
/// # Errors
/// If it is not, or cannot be made.
pub fn check() -> Result<(), String> {
    let wanted = notices()?;
    // A file that is not there is stale, too.
    let found = fs::read_to_string(root().join(FILE)).unwrap_or_default();
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{FILE} is not of the packages in Cargo.lock: run cargo xtask {COMMAND}"))
    }
}

/// Writes the file.
///
/// # Errors
/// If it cannot be made or written.
#[expect(
    clippy::disallowed_methods,
    reason = "half a file would be seen by the gate; no package but the standard library"
)]
pub fn write() -> Result<(), String> {
    let wanted = notices()?;
    fs::write(root().join(FILE), wanted).map_err(|error| format!("cannot write {FILE}: {error}"))
}

/// A package of somebody else's.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    /// Name and version.
    name: String,
    licence: String,
    repository: String,
}

impl Package {
    /// A line `NAME vVERSION|LICENCE|REPOSITORY`. Nothing for those of the workspace, which have a path behind the version.
    fn from_line(line: &str) -> Option<Self> {
        let mut fields = line.split('|');
        let mut words = fields.next()?.split_whitespace();
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        let [licence, repository] = [fields.next()?, fields.next()?.trim_end_matches(" (*)")];
        if words.next().is_some_and(|word| word.starts_with("(/")) {
            return None;
        }
        let name = format!("{name} {version}");
        Some(Self { name, licence: licence.to_owned(), repository: repository.to_owned() })
    }

    /// Whether Apache-2.0 alone is enough.
    fn may_be_apache(&self) -> bool {
        let mut choice = self.licence.split(" OR ").flat_map(|part| part.split('/'));
        !self.licence.contains(" AND ") && choice.any(|one| one.trim() == "Apache-2.0")
    }

    /// The texts that come with it and that must be passed on.
    fn texts(&self, sources: &[PathBuf]) -> Result<Vec<String>, String> {
        let name = self.name.replace(' ', "-");
        let mut folders = sources.iter().map(|source| source.join(&name));
        let folder = folders.find(|folder| folder.is_dir());
        let folder = folder.ok_or_else(|| format!("no sources of {name}: run cargo fetch"))?;
        let files = licence_files(&folder).map_err(|error| format!("{name}: {error}"))?;
        let is_own = |file: &&PathBuf| file.parent() == Some(&folder) && !is_notice(file);
        let files = files.iter().filter(|file| !(self.may_be_apache() && is_own(file)));
        files
            .map(|file| read(file).map_err(|error| format!("{}: {error}", file.display())))
            .collect()
    }
}

/// The whole file.
fn notices() -> Result<String, String> {
    let packages = packages()?;
    let sources = sources()?;
    let mut texts = BTreeMap::<String, BTreeSet<&str>>::new();
    let mut without = String::new();
    for package in &packages {
        let own = package.texts(&sources)?;
        if own.is_empty() && !package.may_be_apache() {
            without += &format!("{}: {}, {}\n", package.name, package.licence, package.repository);
        }
        for text in own {
            texts.entry(text).or_default().insert(&package.name);
        }
    }
    let apache = packages.iter().filter(|package| package.may_be_apache());
    let apache: BTreeSet<&str> = apache.map(|package| &*package.name).collect();
    let mut all = format!(
        "{HEAD}\n{}",
        section(&apache, &read(&root().join("LICENSE-APACHE")).map_err(|error| error.to_string())?)
    );
    let mut others: Vec<_> = texts.iter().collect();
    others.sort_by_key(|(_, names)| names.first().copied());
    for (text, names) in others {
        all += &section(names, text);
    }
    if !without.is_empty() {
        all += &format!("{RULE}\nPackages that bring no text of their licence:\n\n{without}");
    }
    Ok(all)
}

/// Packages, and the text that holds for all of them.
fn section(names: &BTreeSet<&str>, text: &str) -> String {
    let mut list = String::new();
    let mut width = 0;
    for (at, name) in names.iter().enumerate() {
        let separator = if at == 0 {
            ""
        } else if width + name.len() > 110 {
            ",\n"
        } else {
            ", "
        };
        width = if separator.ends_with('\n') { 0 } else { width + separator.len() } + name.len();
        list += &format!("{separator}{name}");
    }
    format!("{RULE}\n{list}\n\n{text}\n\n")
}

/// What is linked into the program or the page, with any feature, on any platform.
fn packages() -> Result<Vec<Package>, String> {
    let tree = Shell::cargo([
        "tree",
        "--package",
        "gleaner",
        "--package",
        "gleaner-web",
        "--package",
        "gleaner-training",
    ])
    .args(["--all-features", "--target", "all", "--edges", "normal,no-proc-macro"])
    .args(["--prefix", "none", "--format", "{p}|{l}|{r}"]);
    let output = tree.start()?.wait_with_output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("{} from cargo tree", output.status));
    }
    let tree = String::from_utf8_lossy(&output.stdout);
    let packages: BTreeSet<Package> = tree.lines().filter_map(Package::from_line).collect();
    Ok(packages.into_iter().collect())
}

/// Folders in which cargo keeps the sources of packages.
fn sources() -> Result<Vec<PathBuf>, String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).unwrap_or_default();
    let registry = home.join("registry/src");
    let entries =
        registry.read_dir().map_err(|error| format!("{}: {error}", registry.display()))?;
    Ok(entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
}

/// Files of licences in a folder and below it, but not those of its tests.
fn licence_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        let name = name_of(&path);
        if path.is_dir() {
            if !["tests", "benches", "examples"].contains(&&*name) {
                files.extend(licence_files(&path)?);
            }
        } else if is_licence(&name) {
            files.push(path);
        }
    }
    // What has a choice of its own, such as zstd, has the licence to take under the one name and the other under this.
    let is_other =
        |file: &PathBuf| name_of(file) == "copying" && file.with_file_name("LICENSE").is_file();
    files.retain(|file| !is_other(file));
    files.sort();
    Ok(files)
}

fn is_licence(name: &str) -> bool {
    let starts = ["license", "licence", "copying", "copyright", "notice", "unlicense"];
    let code = [".rs", ".py", ".toml", ".json", ".html", ".c", ".h"];
    starts.iter().any(|start| name.starts_with(start))
        && !code.iter().any(|end| name.ends_with(end))
}

fn is_notice(file: &Path) -> bool {
    name_of(file).starts_with("notice")
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// A text with plain line ends, so that the same text is the same wherever it comes from.
fn read(file: &Path) -> std::io::Result<String> {
    let text = String::from_utf8_lossy(&fs::read(file)?).into_owned();
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().map(str::trim_end).collect();
    Ok(lines.join("\n").trim_matches('\n').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(licence: &str) -> Package {
        Package::from_line(&format!("some v1.2.3|{licence}|https://some.where")).unwrap()
    }

    #[test]
    fn packages_of_others_are_listed_once() {
        let some = package("MIT");
        assert_eq!((&*some.name, &*some.licence), ("some 1.2.3", "MIT"));
        assert_eq!(Package::from_line("some v1.2.3|MIT|https://some.where (*)"), Some(some));
        assert_eq!(Package::from_line("gleaner v0.1.0 (/here/native)|MIT|"), None);
        assert_eq!(Package::from_line(""), None);
    }

    #[test]
    fn one_licence_is_taken_where_there_is_a_choice() {
        for licence in
            ["Apache-2.0", "MIT OR Apache-2.0", "MIT/Apache-2.0", "Zlib OR Apache-2.0 OR MIT"]
        {
            assert!(package(licence).may_be_apache(), "{licence}");
        }
        for licence in [
            "MIT",
            "Apache-2.0 AND ISC",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
            "",
        ] {
            assert!(!package(licence).may_be_apache(), "{licence}");
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "fixtures")]
    fn texts_are_told_from_code_and_from_the_licence_not_taken() {
        let folder = std::env::temp_dir().join(format!("gleaner-notices-{}", std::process::id()));
        let package = folder.join("some-1.2.3");
        for path in [
            "LICENSE-MIT",
            "license.rs",
            "NOTICE",
            "README.md",
            "c/LICENSE",
            "c/COPYING",
            "tests/LICENSE",
        ] {
            let path = package.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, format!("\n{}  \r\nend\r\n\n", path.display())).unwrap();
        }
        let texts = |licence: &str| {
            let texts = self::package(licence).texts(std::slice::from_ref(&folder)).unwrap();
            let cut = format!("{}/", package.display());
            texts.iter().map(|text| text.replace(&cut, "")).collect::<Vec<_>>()
        };
        assert_eq!(texts("MIT"), ["LICENSE-MIT\nend", "NOTICE\nend", "c/LICENSE\nend"]);
        assert_eq!(texts("MIT OR Apache-2.0"), ["NOTICE\nend", "c/LICENSE\nend"]);
        fs::remove_dir_all(&folder).unwrap();
        let error = self::package("MIT").texts(std::slice::from_ref(&folder)).unwrap_err();
        assert!(error.contains("cargo fetch"), "{error}");
    }

    #[test]
    fn packages_share_a_text() {
        let names = BTreeSet::from(["one 1.0.0", "two 2.0.0"]);
        assert_eq!(section(&names, "Do."), format!("{RULE}\none 1.0.0, two 2.0.0\n\nDo.\n\n"));
    }
}
