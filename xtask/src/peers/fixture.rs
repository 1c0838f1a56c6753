//! Files that one program writes and the others read.

use std::fs;
use std::path::PathBuf;

/// A folder for the files that one program writes and the others read at their start; gone afterwards.
pub struct Fixture(PathBuf);

impl Fixture {
    /// An empty one.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn new() -> Result<Self, String> {
        let name = format!("gleaner-peers-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder)
            .map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
        Ok(Self(folder))
    }

    /// Where it is.
    pub fn path(&self) -> String {
        self.0.to_string_lossy().into_owned()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("warning: cannot remove {}: {error}", self.0.display());
        }
    }
}
