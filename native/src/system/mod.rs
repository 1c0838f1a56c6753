//! The machine around a command: files, threads, devices, the terminal, Ctrl-C.

pub mod aside;
pub mod device;
pub mod files;
pub mod interrupt;
pub mod lock;
pub mod memory;
pub mod output;
pub mod panics;
pub mod prepared;
pub mod progress;
pub mod remote;
pub mod shell_word;
pub mod threads;
pub mod visible;
