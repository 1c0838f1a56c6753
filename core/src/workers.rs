//! The trait by which the core uses threads: the caller lends them, or lends none.

use std::sync::Mutex;

/// Runs tasks that do not depend on each other. A browser has one thread, the command line brings its own.
pub trait Workers: Send + Sync + std::fmt::Debug {
    /// How many tasks run at a time.
    fn count(&self) -> usize;

    /// Calls `task` once with each of `0..count`, in any order, and returns when all calls have returned.
    fn run(&self, count: usize, task: &(dyn Fn(usize) + Sync));
}

/// One task after another, on the thread that asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct InTurn;

impl Workers for InTurn {
    fn count(&self) -> usize {
        1
    }

    fn run(&self, count: usize, task: &(dyn Fn(usize) + Sync)) {
        (0..count).for_each(task);
    }
}

/// `f` of every item, in the items' order: the result does not depend on who did what.
pub(crate) fn map<I: Send, O: Send>(
    workers: &dyn Workers,
    items: Vec<I>,
    f: impl Fn(I) -> O + Sync,
) -> Vec<O> {
    let slots: Vec<_> = items.into_iter().map(|item| Mutex::new((Some(item), None))).collect();
    let with = |slot: &Mutex<(Option<I>, Option<O>)>| {
        // A poisoned slot is one whose task panicked; the panic itself is on its way to the caller.
        let item = slot.lock().ok().and_then(|mut slot| slot.0.take());
        let result = item.map(&f);
        if let Ok(mut slot) = slot.lock() {
            slot.1 = result;
        }
    };
    workers.run(slots.len(), &|index| with(&slots[index]));
    slots.into_iter().filter_map(|slot| slot.into_inner().ok()?.1).collect()
}
