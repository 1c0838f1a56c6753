//! Readers of arrays.
#![no_main]

use gleaner_core::data::formats::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: gleaner_fuzz::begin_with(fuzz::arrays()), |bytes: &[u8]| fuzz::parse_arrays(bytes));
