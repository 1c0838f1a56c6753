//! Whether a verb writes a table or arrays: the ending of `--out` says it.

use std::path::Path;

use anyhow::{Result, bail};

use crate::system::files::ensure_writable_file;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table.
    Csv,
    /// Arrays.
    Npz,
}

impl Format {
    /// What a file is by the ending of its name, having checked that it can be written.
    ///
    /// # Errors
    /// If it cannot, or has another ending.
    pub fn of(path: &Path) -> Result<Self> {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let format = match ending.as_str() {
            "csv" => Self::Csv,
            "npz" => Self::Npz,
            _ => bail!("--out {}: give a name that ends in .csv or .npz", path.display()),
        };
        ensure_writable_file(path)?;
        Ok(format)
    }
}
