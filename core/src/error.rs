//! The one error type of the library: every message says what is wrong, where, and what to do.

/// Result with [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong in `gleaner-core`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Input data that cannot be read as what it claims to be.
    #[error("{source_name}: {problem}; {remedy}")]
    Data {
        /// File, archive member or data set the bytes came from.
        source_name: String,
        /// What is wrong.
        problem: String,
        /// What the user can do about it.
        remedy: String,
    },
}
