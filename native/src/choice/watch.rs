//! What goes on beside a comparison: threads that share it, progress, methods that fail.

use std::collections::BTreeSet;
use std::sync::Mutex;

use gleaner_core::workers::Workers;

use super::methods::Method;
use crate::system::progress::Progress;

/// Who does the work and who watches it.
pub struct Watch<'a> {
    /// The threads.
    pub workers: &'a dyn Workers,
    shown: Mutex<Option<Progress>>,
    failed: Mutex<BTreeSet<&'static str>>,
}

impl<'a> Watch<'a> {
    /// Work that nobody has begun.
    pub fn new(workers: &'a dyn Workers) -> Self {
        let (shown, failed) = (Mutex::new(None), Mutex::new(BTreeSet::new()));
        Self { workers, shown, failed }
    }

    /// Begins `fits` fits.
    pub fn begin(&self, fits: usize) {
        if let Ok(mut shown) = self.shown.lock() {
            *shown = Some(Progress::steps("comparing methods", fits));
        }
    }

    /// One more is done.
    pub fn step(&self) {
        if let Some(progress) = self.shown.lock().ok().as_mut().and_then(|shown| shown.as_mut()) {
            progress.step(String::new);
        }
    }

    /// All are done.
    pub fn end(&self) {
        if let Some(progress) = self.shown.lock().ok().and_then(|mut shown| shown.take()) {
            progress.finish();
        }
    }

    /// Says, once for each method, that it could not be fitted somewhere: the comparison goes on.
    pub fn failed(&self, method: Method, error: &anyhow::Error) {
        let is_new = self.failed.lock().is_ok_and(|mut failed| failed.insert(method.title()));
        let line = format!("{} could not be fitted everywhere: {error:#}", method.title());
        if let (true, Ok(mut shown)) = (is_new, self.shown.lock()) {
            match shown.as_mut() {
                Some(progress) => progress.note(&line),
                None => eprintln!("{line}"),
            }
        }
    }
}
