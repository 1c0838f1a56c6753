//! Training in a page: points, pictures or a file of the visitor's own in, a model that learns before one's eyes.
//!
//! It is what `gleaner train` does, step by step and to the number: the same recipe, the same file, the same batches and noise. So a run
//! can be taken from here to the command line and go on there.
//!
//! Order to read: [`file`](mod@file) (a file and what is in it) → [`settings`] (what the page asks for) → [`course`] (models that can be trained here)
//! → [`training`] (a run) → [`look`], [`energy`], [`take_away`] (what can be seen of it and taken away) → [`trainer`] (all of it for JavaScript, whose
//! options are in `asked`).
//!
//! Two programs hold it: the small one in `program/`, on the CPU, and `gleaner-web`, which has WebGPU, too.

mod asked;
pub mod course;
pub mod energy;
pub mod file;
pub mod look;
pub mod settings;
pub mod take_away;
pub mod trainer;
pub mod training;
