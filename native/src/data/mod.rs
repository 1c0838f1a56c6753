//! Data sets on this machine: which there are, getting them, opening them, and files of samples.

pub mod dataset;
mod download;
pub mod fetch;
pub mod known_file;
pub mod new_rows;
pub mod own;
mod parquet;
mod picture_files;
mod picture_findings;
pub mod picture_folder;
mod picture_layout;
mod picture_pixels;
pub mod reading;
pub mod real_examples;
pub mod registry;
pub mod rows;
mod sample_classes;
pub mod sample_files;
mod sample_join;
pub mod sample_weights;
pub mod samples;
