//! How a cell stands: done, or who is at it, or what keeps it from beginning.

use super::cell::Cell;
use crate::run::RunDir;
use crate::system::lock::Lock;

/// How a cell stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It has its result.
    Done,
    /// Somebody is at it, who is named.
    Running(String),
    /// It was stopped after this many epochs, and goes on from there.
    Begun(usize),
    /// Nothing of it is there.
    ToDo,
    /// Its data are not there.
    NoData(String),
    /// What is there is of other settings, or cannot be read.
    Refused(String),
}

impl State {
    /// In a word or two.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Running(_) => "running",
            Self::Begun(_) => "begun",
            Self::ToDo => "to do",
            Self::NoData(_) => "no data",
            Self::Refused(_) => "refused",
        }
    }

    /// What more there is to say.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Done | Self::ToDo => None,
            Self::Begun(epochs) => Some(format!("{epochs} epochs")),
            Self::Running(what) | Self::NoData(what) | Self::Refused(what) => Some(what.clone()),
        }
    }
}

impl Cell<'_> {
    /// How it stands.
    pub fn state(&self) -> State {
        let holder = match self.other_method() {
            Some(_) => Lock::holder_of_file(&self.result_lock()),
            None => Lock::holder_of(&self.path),
        };
        match self.finished() {
            Ok(Some(_)) => State::Done,
            Err(error) => State::Refused(format!("{error:#}")),
            Ok(None) => match (holder, RunDir::open(&self.path)) {
                (Some(holder), _) => State::Running(holder),
                (None, Ok(dir)) => State::Begun(epochs_done(&dir)),
                (None, Err(_)) => self.missing().map_or(State::ToDo, State::NoData),
            },
        }
    }
}

/// Epochs that a run has written down, of whatever part of it that is.
fn epochs_done(dir: &RunDir) -> usize {
    let text = std::fs::read_to_string(dir.metrics()).unwrap_or_default();
    text.lines().count()
}
