//! The `gleaner` binary: everything is in the library, so that the tests can run it too.

use std::process::ExitCode;

fn main() -> ExitCode {
    gleaner::main()
}
