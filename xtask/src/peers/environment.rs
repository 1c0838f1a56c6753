//! The Python that the peers run in: built once, outside the checkout, and again when the list of packages
//! changes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::shell::{Shell, available, root};

/// The interpreter of the environment `name` with what the file `list` names, built by `$PYTHON` (else `python3`) if it
/// is not there.
///
/// # Errors
/// When it cannot be built: without Python or without a package index.
pub fn python(name: &str, list: &str) -> Result<String, String> {
    let requirements = fs::read_to_string(root().join(list))
        .map_err(|error| format!("cannot read {list}: {error}"))?;
    let folder = folder(name)?;
    let python = folder.join("bin/python").to_string_lossy().into_owned();
    // Written last, so a stamp that fits means that everything before it was done.
    let stamp = folder.join("requirements.stamp");
    let works = available(&python, &["-c", ""]);
    if works && fs::read_to_string(&stamp).is_ok_and(|installed| installed == requirements) {
        return Ok(python);
    }
    if !works {
        let maker = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
        Shell::program(&maker).args(["-m", "venv", &folder.to_string_lossy()]).run()?;
    }
    Shell::program(&python).args(["-m", "pip", "install", "-r", list]).run()?;
    write_stamp(&stamp, &requirements)?;
    Ok(python)
}

#[expect(
    clippy::disallowed_methods,
    reason = "xtask cannot depend on gleaner::system::files, and half a stamp fits no list: it only costs a pip run"
)]
fn write_stamp(stamp: &Path, requirements: &str) -> Result<(), String> {
    fs::write(stamp, requirements)
        .map_err(|error| format!("cannot write {}: {error}", stamp.display()))
}

/// A folder in gleaner's cache folder.
pub fn folder(name: &str) -> Result<PathBuf, String> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = set("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| Path::new(&home).join(".cache")))
        .ok_or("neither XDG_CACHE_HOME nor HOME says where the cache is: set one of them")?;
    Ok(cache.join("gleaner").join(name))
}
