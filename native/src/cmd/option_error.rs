//! What the core says of a setting, in the words of the command line.

use anyhow::{Error, anyhow};
use gleaner_core::error::Error as CoreError;

/// An error about a setting that an option of the same name has set.
pub fn of_option(error: CoreError) -> Error {
    match error {
        CoreError::Config { field, value, problem } => {
            anyhow!("--{field} {value} is not valid: {problem}")
        }
        other => other.into(),
    }
}
