//! The one error type of the core.

use std::fmt;

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong in the core. Every message says what is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes of a data set that cannot be read.
    #[error("{source_name}: {problem}; {remedy}")]
    Data {
        /// The file, or whatever the caller named the bytes.
        source_name: String,
        /// What is wrong with them.
        problem: String,
        /// What the user can do.
        remedy: String,
    },
    /// A setting that no model or training run can have.
    #[error("{field} = {value} is not valid: {problem}")]
    Config {
        /// Dotted path of the setting, as in a recipe.
        field: &'static str,
        /// The value found.
        value: String,
        /// The rule it breaks.
        problem: String,
    },
    /// Settings that no run can have, or that do not fit its data: the whole sentence.
    #[error("{0}")]
    Settings(String),
    /// Bytes that are no checkpoint, or the checkpoint of something else.
    #[error("not a usable checkpoint: {0}")]
    Checkpoint(String),
    /// Chains that ran away from the density that they were to draw from.
    #[error(
        "{lost} of {chains} chains diverged, the first of them chain {first}: at step size {step_size}, they end beyond \
         everything that the model can have; use a smaller step size"
    )]
    Diverged {
        /// How many did.
        lost: usize,
        /// How many there were.
        chains: usize,
        /// The number of the first that did.
        first: usize,
        /// The step size, as it was given.
        step_size: String,
    },
    /// Results that are no numbers.
    #[error(
        "{0}: the model computed NaN or infinite numbers, so its weights, its input or the steps of its chains are too \
         large; draw with a smaller step size, or train again with a smaller learning rate"
    )]
    NotFinite(&'static str),
    /// Whoever asked for the work does not want it any more.
    #[error("stopped")]
    Stopped,
    /// The device lost a result.
    #[error("the device did not return a result: {0}; try another --device")]
    ReadBack(String),
}

/// An [`Error::Settings`] from a sentence, as `format!` takes it.
macro_rules! unfit {
    ($($sentence:tt)*) => { $crate::error::Error::Settings(format!($($sentence)*)) };
}

/// Returns an [`Error::Settings`] with a sentence, as `format!` takes it.
macro_rules! refuse {
    ($($sentence:tt)*) => { return Err($crate::error::unfit!($($sentence)*)) };
}

pub(crate) use {refuse, unfit};

impl Error {
    /// A [`Error::Config`] from anything printable.
    pub fn config(
        field: &'static str,
        value: impl fmt::Display,
        problem: impl Into<String>,
    ) -> Self {
        Self::Config { field, value: value.to_string(), problem: problem.into() }
    }

    /// An [`Error::Data`] of an input that is in order, but larger than memory: so many bytes, and how many are free if that is known.
    pub(crate) fn out_of_memory(source_name: &str, needed: u64, free: Option<u64>) -> Self {
        let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
        let free = free.map_or("not as many".to_owned(), gigabytes);
        let problem =
            format!("it needs about {} of memory, and {free} are free", gigabytes(needed));
        Self::data(source_name, problem, "give fewer rows, or use a machine with more memory")
    }

    /// An [`Error::Data`]: which input, what is wrong with it, what to do.
    pub(crate) fn data(
        source_name: &str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::Data {
            source_name: source_name.to_owned(),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }
}
