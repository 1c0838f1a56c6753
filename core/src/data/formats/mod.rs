//! Parsers: the bytes of a file to arrays, examples or texts, and some of them back to bytes.
//!
//! Every parser takes the bytes of a file and the name to use in messages, so the same code reads a file on a desk and
//! a file dropped on a page. A header is never believed before the bytes that it promises have been seen: a lying count
//! ends in a message, not in a huge allocation.
//!
//! One file or folder for each format: general ones ([`csv`], [`json_lines`], [`idx`], [`npy`], [`npz`], [`arrays`], [`mat`],
//! [`picture`]), and one for each data set that has a layout of its own.

pub mod ag_news;
mod array_labels;
mod array_names;
mod array_rows;
pub mod arrays;
mod bytes;
pub mod cifar;
pub mod csv;
pub mod csv_out;
pub mod digits;
mod encoding;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod hepmass;
pub mod idx;
pub mod json_lines;
pub mod mat;
pub mod miniboone;
pub mod mosaic;
pub mod npy;
mod npy_descr;
mod npy_header;
mod npy_rows;
mod npy_values;
pub mod npz;
pub mod npz_join;
pub mod npz_rows;
pub mod picture;
mod picture_clear;
pub mod picture_fit;
mod picture_pages;
pub mod protein;
mod scipy;
pub mod svhn;
mod word_column;
