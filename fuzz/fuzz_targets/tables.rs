//! Readers of tables.
#![no_main]

use gleaner_core::data::formats::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: gleaner_fuzz::begin_with(fuzz::tables()), |bytes: &[u8]| fuzz::parse_tables(bytes));
