//! The program as it was at some commit, and as it is.

use std::fs;
use std::path::{Path, PathBuf};

use crate::peers::environment::folder;
use crate::peers::fixture::Fixture;
use crate::shell::{Shell, target};

/// A program `gleaner`.
pub struct Program {
    /// Its commit.
    pub name: String,
    pub path: String,
}

/// The program of another commit: built once, in a working tree of its own, and kept in the cache folder.
///
/// # Errors
/// When there is no such commit, or it does not build.
pub fn earlier(reference: &str) -> Result<Program, String> {
    let asked = format!("{reference}^{{commit}}");
    let commit = Shell::program("git").args(["rev-parse", "--verify", &asked]).text()?;
    let commit = commit.trim();
    let folder = folder("earlier")?;
    let kept = folder.join(commit).join("gleaner");
    if !kept.is_file() {
        build(commit, &folder, &kept)?;
    }
    let name = commit[..commit.len().min(7)].to_owned();
    Ok(Program { name, path: kept.display().to_string() })
}

/// Checks a commit out, builds it and keeps the program alone. All commits share a target folder: what they have in common
/// is compiled once.
fn build(commit: &str, folder: &Path, kept: &Path) -> Result<(), String> {
    let tree = folder.join("tree").display().to_string();
    let target = folder.join("target");
    if Path::new(&tree).exists() {
        remove(&tree)?;
    }
    Shell::program("git").args(["worktree", "add", "--detach", &tree, commit]).run()?;
    let manifest = format!("{tree}/Cargo.toml");
    let built = Shell::cargo(["build", "--release", "--package", "gleaner", "--manifest-path"])
        .args([manifest.as_str()])
        .env("CARGO_TARGET_DIR", &target.display().to_string())
        .run();
    remove(&tree)?;
    built?;
    copy(&target.join("release/gleaner"), kept)
}

fn remove(tree: &str) -> Result<(), String> {
    Shell::program("git").args(["worktree", "remove", "--force", tree]).run()
}

/// Today's program: a copy, so that nothing that is built meanwhile takes part.
///
/// # Errors
/// When it does not build.
pub fn today(fixture: &Fixture) -> Result<Program, String> {
    Shell::cargo(["build", "--release", "--package", "gleaner"]).run()?;
    let path = PathBuf::from(fixture.path()).join("gleaner");
    copy(&target().join("release/gleaner"), &path)?;
    let commit = Shell::program("git").args(["rev-parse", "--short=7", "HEAD"]).text()?;
    let changed = Shell::program("git").args(["status", "--porcelain", "core", "native"]).text()?;
    let changes = if changed.trim().is_empty() { "" } else { " with changes" };
    Ok(Program { name: format!("{}{changes}", commit.trim()), path: path.display().to_string() })
}

/// Copies a program. What is there under its name is whole.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let context = |error| format!("cannot copy {} to {}: {error}", from.display(), to.display());
    let part = to.with_extension("part");
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(context)?;
    }
    fs::copy(from, &part).map_err(context)?;
    fs::rename(&part, to).map_err(context)
}
