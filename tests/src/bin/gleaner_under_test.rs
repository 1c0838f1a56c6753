//! The `gleaner` program itself, as a binary of this package so that cargo builds it for the tests and tells
//! them where it is.

use std::process::ExitCode;

fn main() -> ExitCode {
    gleaner::main()
}
