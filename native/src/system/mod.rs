//! The machine around a command: files, threads, devices, the terminal, Ctrl-C.

mod aside;
pub mod device;
pub mod files;
pub mod interrupt;
pub mod output;
pub mod progress;
pub mod threads;
