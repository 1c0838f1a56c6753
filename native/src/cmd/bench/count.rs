//! What a device is asked to do: kernels by name, streams, and what crosses between host and device.
//!
//! Kernels and streams are what CubeCL tells an observer of every launch, on whichever device. Writes, reads and submissions are what
//! the graphics interface reports of its queue, so they are known for `wgpu`, `vulkan` and `metal`, not for CUDA.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Result, anyhow};
use burn::tensor::StreamId;
use burn_cubecl::cubecl::config::{TypeNameFormatLevel, type_name_format};
use burn_cubecl::cubecl::logging::{LaunchObservation, LaunchObserver};
use serde_json::{Map, Value, json};

/// What was asked of a device while it was watched.
#[derive(Debug)]
pub struct Counted {
    kernels: BTreeMap<String, u64>,
    streams: usize,
    queue: Queue<u64>,
}

impl Counted {
    /// Counts while `work` runs, to its end on the host.
    ///
    /// # Errors
    /// If the work fails, or somebody else in this process listens to its log already.
    pub fn during(work: impl FnOnce() -> Result<()>) -> Result<Self> {
        QUEUE.listen()?;
        let launches = Arc::new(Launches::default());
        let before = QUEUE.read();
        let watching = LaunchObservation::new(launches.clone());
        work()?;
        drop(watching);
        let queue = QUEUE.read().since(before);
        let seen =
            launches.0.lock().map_err(|_| anyhow!("a launch failed while it was counted"))?;
        let mut kernels = BTreeMap::new();
        for (name, count) in &seen.kernels {
            *kernels.entry(type_name_format(name, TypeNameFormatLevel::Balanced)).or_default() +=
                count;
        }
        Ok(Self { kernels, streams: seen.streams.len(), queue })
    }

    /// Kernels that were launched.
    pub fn launches(&self) -> u64 {
        self.kernels.values().sum()
    }

    /// Per step of `steps`: kernels, most frequent first, and what the queue was asked for; and the streams of all steps.
    pub fn per_step(&self, steps: usize) -> Value {
        let each = |count: u64| json!(count as f64 / steps as f64);
        let kernels: Map<String, Value> = self
            .most_frequent()
            .into_iter()
            .map(|(name, count)| (name.into(), each(count)))
            .collect();
        let Queue { writes, reads, submissions } = self.queue;
        json!({
            "launches": each(self.launches()), "streams": self.streams, "writes": each(writes),
            "reads": each(reads), "submissions": each(submissions), "kernels": kernels,
        })
    }

    /// The same in words, a line for each kernel.
    pub fn in_words(&self, steps: usize) -> Vec<String> {
        let each = |count: u64| count as f64 / steps as f64;
        let Queue { writes, reads, submissions } = self.queue;
        let all = format!(
            "per step: {:.1} launches on {} stream(s); {:.1} writes, {:.1} reads, {:.1} submissions",
            each(self.launches()),
            self.streams,
            each(writes),
            each(reads),
            each(submissions)
        );
        let kernels = self.most_frequent();
        let kernels =
            kernels.into_iter().map(|(name, count)| format!("{:8.1}  {name}", each(count)));
        std::iter::once(all).chain(kernels).collect()
    }

    fn most_frequent(&self) -> Vec<(&str, u64)> {
        let mut kernels: Vec<_> =
            self.kernels.iter().map(|(name, &count)| (name.as_str(), count)).collect();
        kernels.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        kernels
    }
}

/// Kernels by name and the streams they were launched on.
#[derive(Debug, Default)]
struct Launches(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    kernels: BTreeMap<&'static str, u64>,
    streams: BTreeSet<StreamId>,
}

impl LaunchObserver for Launches {
    fn launched(&self, kernel: &'static str) {
        // A poisoned lock is one whose launch panicked; `during` says so.
        if let Ok(mut seen) = self.0.lock() {
            *seen.kernels.entry(kernel).or_default() += 1;
            seen.streams.insert(StreamId::current());
        }
    }
}

/// What a graphics queue was asked for.
#[derive(Clone, Copy, Debug)]
struct Queue<T> {
    /// Buffers written from the host: data, and the arguments of launches that were not made with the same ones before.
    writes: T,
    /// Buffers mapped for the host to read.
    reads: T,
    /// Lists of commands handed over.
    submissions: T,
}

impl Queue<u64> {
    fn since(self, before: Self) -> Self {
        Self {
            writes: self.writes - before.writes,
            reads: self.reads - before.reads,
            submissions: self.submissions - before.submissions,
        }
    }
}

static QUEUE: Queue<AtomicU64> =
    Queue { writes: AtomicU64::new(0), reads: AtomicU64::new(0), submissions: AtomicU64::new(0) };

impl Queue<AtomicU64> {
    /// Has wgpu's reports counted from here on.
    fn listen(&'static self) -> Result<()> {
        static LISTENS: Mutex<bool> = Mutex::new(false);
        let mut listens = LISTENS.lock().map_err(|_| anyhow!("a count failed at its start"))?;
        if !*listens {
            log::set_logger(self).map_err(|_| anyhow!("--count: another logger is installed"))?;
            log::set_max_level(log::LevelFilter::Trace);
            *listens = true;
        }
        Ok(())
    }

    fn read(&self) -> Queue<u64> {
        let [writes, reads, submissions] = [&self.writes, &self.reads, &self.submissions]
            .map(|count| count.load(Ordering::Relaxed));
        Queue { writes, reads, submissions }
    }
}

impl log::Log for Queue<AtomicU64> {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target().starts_with("wgpu_core::")
    }

    fn log(&self, record: &log::Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        // What carries arguments is told by its beginning: writing it out would cost more than the call.
        let count = match record.args().as_str() {
            Some("Queue::write_buffer") => &self.writes,
            Some("Queue::submit") => &self.submissions,
            None if record.target() == "wgpu_core::device::global"
                && record.args().to_string().starts_with("Buffer::map_async") =>
            {
                &self.reads
            }
            _ => return,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn flush(&self) {}
}
