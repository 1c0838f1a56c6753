//! Where the parts of a batch are worked on, if not where the batch is.

use std::hash::{BuildHasher as _, DefaultHasher, Hash as _, Hasher as _, RandomState};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use anyhow::{Result, anyhow};
use burn::tensor::Device;
use gethostname::gethostname;
use gleaner_core::models::ModelConfig;
use gleaner_core::train::Learner;
use gleaner_core::train::away::{Aim, Away, Run, Server, Task};

use crate::system::device;
use crate::system::panics::caught;
use crate::system::remote;

/// Other devices of this machine, or servers; neither where parts stay.
#[derive(Clone, Debug, Default)]
pub struct Places {
    devices: Vec<Device>,
    servers: Vec<Arc<dyn Server>>,
}

impl Places {
    /// The places that a `--device` names. Connects to those of other processes.
    ///
    /// # Errors
    /// If there is no such device, or a server does not answer, is of another version or refuses the token.
    pub fn of(device: &str) -> Result<Self> {
        Ok(Self { devices: device::of_parts(device)?, servers: remote::servers(device)? })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.devices.len() + self.servers.len()
    }

    /// On how many parts servers work at a time; 0 without any.
    pub fn served_at_a_time(&self) -> usize {
        self.servers.iter().map(|server| server.workers()).sum()
    }

    /// A learner whose parts go there, for the run in a folder.
    ///
    /// # Errors
    /// If a server cannot have such a model, or is gone.
    pub fn given<O: Clone + Into<Aim>>(
        &self,
        learner: Learner<O>,
        config: &ModelConfig,
        folder: &Path,
    ) -> Result<Learner<O>> {
        let devices = self.devices.clone();
        if self.servers.is_empty() {
            return Ok(Learner { devices, ..learner });
        }
        let task = Task { config: config.clone(), aim: learner.objective.clone().into() };
        let away = caught(|| Away::open(run(folder), &task, self.servers.clone()))
            .map_err(|panic| anyhow!("a device of another process has failed ({panic})"))??;
        Ok(Learner { devices, away: Some(away), ..learner })
    }
}

/// The run in a folder of this machine, which has one writer at a time.
fn run(folder: &Path) -> Run {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(()));
    let mut number = DefaultHasher::new();
    gethostname().hash(&mut number);
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()).hash(&mut number);
    Run { number: number.finish(), process: *PROCESS }
}
