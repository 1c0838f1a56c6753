//! Files and numbers are believed only after they are checked: what does not fit ends in one line, and takes no memory before.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "checked/checkpoints.rs"]
mod checkpoints;
#[path = "checked/counts.rs"]
mod counts;
#[path = "checked/files.rs"]
mod files;
#[cfg(target_os = "linux")]
#[path = "checked/paths.rs"]
mod paths;
