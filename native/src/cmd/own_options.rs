//! The options that say how a file or folder of the user's own is read, of `train` and `data show`.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use toml::{Table, Value};

use crate::run::recipe::{merge, nested};

/// How a file or folder is read.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct OwnOptions {
    /// Column with the labels, of a table of your own [default: label, class, target or y, else the last one]
    #[arg(long, value_name = "COLUMN", help_heading = "Your own data")]
    label: Option<String>,
    /// Columns with text, separated by commas: their words are counted
    #[arg(long, value_name = "COLUMNS", help_heading = "Your own data")]
    text: Option<String>,
    /// Columns that are not to be used, separated by commas
    #[arg(long, value_name = "COLUMNS", help_heading = "Your own data")]
    leave_out: Option<String>,
    /// File with the labels of arrays that come without: an .npy, .npz or table
    #[arg(long, value_name = "FILE", help_heading = "Your own data")]
    label_file: Option<PathBuf>,
    /// Folder of pictures without labels
    #[arg(long, value_name = "DIR", help_heading = "Your own data")]
    unlabelled: Option<PathBuf>,
    /// Height and width that pictures are brought to, for example 32 or 32x48 [default: the most frequent size, at most 64]
    #[arg(long, value_name = "SIZE", help_heading = "Your own data")]
    size: Option<String>,
}

impl OwnOptions {
    /// As settings.
    ///
    /// # Errors
    /// If a path is not valid text, or the folder of the process is gone.
    pub fn flags(&self) -> Result<Table> {
        let mut flags = Table::new();
        let mut set = |path: &str, value: Option<Value>| {
            if let Some(value) = value {
                merge(&mut flags, nested(path, value));
            }
        };
        set("data.label", self.label.clone().map(Into::into));
        set("data.text", self.text.clone().map(Into::into));
        set("data.leave-out", self.leave_out.clone().map(Into::into));
        set("data.label-file", absolute(self.label_file.as_deref())?);
        set("data.unlabelled-dir", absolute(self.unlabelled.as_deref())?);
        set("data.size", self.size.clone().map(Into::into));
        Ok(flags)
    }
}

/// A path as a setting that holds from any folder.
///
/// # Errors
/// If it is not valid text, or the folder of the process is gone.
pub fn absolute(path: Option<&Path>) -> Result<Option<Value>> {
    let Some(path) = path.map(std::path::absolute).transpose()? else { return Ok(None) };
    match path.to_str() {
        Some(text) => Ok(Some(text.into())),
        None => bail!(
            "{}: this path is not valid text, and settings are written as text; rename it",
            path.display()
        ),
    }
}
