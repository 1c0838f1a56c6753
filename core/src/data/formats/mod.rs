//! Parsers: the bytes of a file to arrays, examples or texts, and some of them back to bytes.
//!
//! Every parser takes the bytes of a file and the name to use in messages, so the same code reads a file on a desk and
//! a file dropped on a page. A header is never believed before the bytes that it promises have been seen: a lying count
//! ends in a message, not in a huge allocation.
//!
//! One file for each format: general ones ([`csv`], [`text_csv`], [`idx`], [`npy`], [`npz`], [`mat`], [`picture`]), and
//! one for each data set that has a layout of its own.

pub mod ag_news;
mod bytes;
pub mod cifar;
pub mod csv;
pub mod digits;
#[cfg(test)]
mod fuzz;
pub mod hepmass;
pub mod idx;
pub mod mat;
pub mod miniboone;
pub mod mosaic;
pub mod npy;
mod npy_rows;
pub mod npz;
pub mod picture;
pub mod protein;
pub mod svhn;
pub mod text_csv;
