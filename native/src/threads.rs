//! The threads that the core is lent.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use gleaner_core::workers::Workers;

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
        Ok(Self { pools: pools.context("the system refuses more threads; try --threads 1")? })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.pools.len()
    }
}

/// The number of threads that `--threads` asks for.
pub fn resolved(count: usize) -> usize {
    match count {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => count,
    }
}

impl Workers for Threads {
    fn run(&self, count: usize, task: &(dyn Fn(usize) + Sync)) {
        let next = AtomicUsize::new(0);
        let take = || loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                break;
            }
            task(index);
        };
        on_each(&self.pools[..self.pools.len().min(count)], &take);
    }
}

/// Calls `job` once on each pool, side by side, and waits for all.
fn on_each(pools: &[rayon::ThreadPool], job: &(dyn Fn() + Sync)) {
    if let Some((pool, rest)) = pools.split_first() {
        pool.in_place_scope(|scope| {
            scope.spawn(|_| job());
            on_each(rest, job);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn every_task_runs_once_on_however_many_threads() {
        for threads in 1..4 {
            let threads = Threads::start(threads).unwrap();
            for count in [0, 1, 2, 17] {
                let done = Mutex::new(Vec::new());
                threads.run(count, &|index| done.lock().unwrap().push(index));
                let mut done = done.into_inner().unwrap();
                done.sort_unstable();
                assert_eq!(done, (0..count).collect::<Vec<_>>());
            }
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
