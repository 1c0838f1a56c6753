//! The command line of Gleaner: files, progress, run directories and loops around
//! [`gleaner_core`].

// Tests write broken fixtures on purpose.
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod choice;
pub mod classical;
pub mod cli;
pub mod cmd;
pub mod data;
pub mod pictures;
pub mod report;
pub mod reproduce;
pub mod run;
pub mod system;
pub mod training;

use std::process::ExitCode;

use clap::Parser as _;

/// Parses the arguments, runs the verb, and turns an error into one line on stderr.
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped by a second Ctrl-C.
pub fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("error: a bug in gleaner, please report it: {}", one_line(&panic.to_string()));
    }));
    match std::panic::catch_unwind(|| cli.run()) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            eprintln!("error: {}", one_line(&format!("{error:#}")));
            ExitCode::FAILURE
        }
        Err(_) => ExitCode::FAILURE,
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
