//! The machine around a command: files, threads, devices, the terminal, Ctrl-C.

pub mod device;
pub mod files;
pub mod interrupt;
pub mod memory;
pub mod output;
pub mod progress;
pub mod threads;
