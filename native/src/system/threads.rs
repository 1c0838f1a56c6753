//! The threads that the command line lends to the core.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use gleaner_core::workers::Workers;

/// What to do when no thread can be started.
const REFUSED: &str = "the system refuses more threads; try --threads 1";

/// Threads, each a rayon pool of one: what the CPU back end would otherwise share out over a pool, it then
/// does at once on the thread that asks. Two threads on two halves of a batch never wait for each other;
/// two threads on each of a hundred small products do.
#[derive(Debug)]
pub struct Threads {
    pools: Vec<rayon::ThreadPool>,
}

impl Threads {
    /// Starts `count` threads; 0 starts one for each core.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn start(count: usize) -> Result<Self> {
        let one = |index: usize| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(1)
                .thread_name(move |_| format!("worker {index}"))
                .build()
        };
        let pools = (0..resolved(count)).map(one).collect::<Result<_, _>>();
        Ok(Self { pools: pools.context(REFUSED)? })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.pools.len()
    }
}

/// Threads that share many short loops of our own, in which no back end works. Who leads them works along: a loop of a
/// tenth of a millisecond is over before a thread that slept through the one before would have been told.
#[derive(Debug)]
pub struct Crew {
    pool: rayon::ThreadPool,
}

impl Crew {
    /// Starts `count` threads; 0 starts one for each core.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn start(count: usize) -> Result<Self> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(resolved(count))
            .thread_name(|index| format!("crew {index}"))
            .build();
        Ok(Self { pool: pool.context(REFUSED)? })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Has one of them do a job in which the crew is asked often.
    pub fn lead<R: Send>(&self, job: impl FnOnce() -> R + Send) -> R {
        self.pool.install(job)
    }
}

impl Workers for Crew {
    fn count(&self) -> usize {
        Crew::count(self)
    }

    fn run(&self, count: usize, task: &(dyn Fn(usize) + Sync)) {
        let next = AtomicUsize::new(0);
        let take = || take_turns(&next, count, task);
        self.lead(|| {
            rayon::scope(|scope| {
                for _ in 1..self.count().min(count) {
                    scope.spawn(|_| take());
                }
                take();
            });
        });
    }
}

/// The number of threads that `--threads` asks for.
pub fn resolved(count: usize) -> usize {
    match count {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => count,
    }
}

/// The first thread leads: what it is told from outside, as a whole training step, it divides without being told again.
impl Workers for Threads {
    fn count(&self) -> usize {
        Threads::count(self)
    }

    fn run(&self, count: usize, task: &(dyn Fn(usize) + Sync)) {
        let next = AtomicUsize::new(0);
        let take = || take_turns(&next, count, task);
        if let Some((first, others)) = self.pools[..self.pools.len().min(count)].split_first() {
            first.install(|| beside(others, &take));
        }
    }
}

/// Calls `task` with numbers that nobody else has taken yet, until none is left.
fn take_turns(next: &AtomicUsize, count: usize, task: &(dyn Fn(usize) + Sync)) {
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        if index >= count {
            break;
        }
        task(index);
    }
}

/// Calls `job` once on each pool and on the thread that asks, side by side, and waits for all.
fn beside(pools: &[rayon::ThreadPool], job: &(dyn Fn() + Sync)) {
    match pools.split_first() {
        None => job(),
        Some((pool, rest)) => pool.in_place_scope(|scope| {
            scope.spawn(|_| job());
            beside(rest, job);
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn runs_every_task_once(workers: &dyn Workers) {
        for count in [0, 1, 2, 17] {
            let done = Mutex::new(Vec::new());
            workers.run(count, &|index| done.lock().unwrap().push(index));
            let mut done = done.into_inner().unwrap();
            done.sort_unstable();
            assert_eq!(done, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn every_task_runs_once_on_however_many_threads() {
        for threads in 1..4 {
            runs_every_task_once(&Threads::start(threads).unwrap());
            let crew = Crew::start(threads).unwrap();
            runs_every_task_once(&crew);
            crew.lead(|| runs_every_task_once(&crew));
        }
    }

    #[test]
    fn a_worker_is_alone_in_its_pool() {
        let inside = Mutex::new(0);
        Threads::start(2)
            .unwrap()
            .run(1, &|_| *inside.lock().unwrap() = rayon::current_num_threads());
        assert_eq!(inside.into_inner().unwrap(), 1);
    }
}
