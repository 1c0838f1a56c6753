//! A server of parts in this process: what another process would do, without a network.

use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use gleaner_core::train::away::{Answer, Desk, Run, Server};
use gleaner_core::workers::Workers;

/// The run of a test.
pub const RUN: Run = Run { number: 1, process: 2 };

#[derive(Debug)]
struct Beside {
    desk: Desk,
    change: fn(&str) -> String,
}

impl Server for Beside {
    fn workers(&self) -> usize {
        1
    }

    fn ask(&self, request: &str, numbers: Vec<Tensor<1>>, length: usize) -> Answer {
        let home = Device::flex();
        let there = numbers.into_iter().map(|tensor| tensor.to_device(self.desk.device()));
        let answer = self.desk.answer(&(self.change)(request), there.collect(), length);
        Box::new(move || answer.to_device(&home))
    }
}

/// A server that works with a device. Each request is changed before it is read.
pub fn beside(
    device: &Device,
    workers: Arc<dyn Workers>,
    change: fn(&str) -> String,
) -> Arc<dyn Server> {
    Arc::new(Beside { desk: Desk::new(device.clone(), workers), change })
}
