//! The command line of Gleaner: files, progress, run directories and loops around
//! [`gleaner_core`].

// Tests write broken fixtures on purpose.
#![cfg_attr(test, allow(clippy::disallowed_methods))]

/// Says a line on stderr, in which control characters are shown: names come from files. Where nobody listens any more (a closed
/// pipe), the macro of the standard library would panic; that must not end hours of work.
macro_rules! eprintln {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let text = format!($($text)*);
        let _ = writeln!(std::io::stderr(), "{}", $crate::system::visible::visible(&text));
    }};
}

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

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use system::interrupt::Interrupt;
use system::output::could_not_write;
use system::panics;

/// Parses the arguments, runs the verb, and turns an error into one line on stderr.
///
/// Exit codes: 0 done, 1 failed, or stopped where it can go on, 2 wrong usage, 130 stopped.
pub fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => return answered(&answer),
    };
    panics::tell(|panic| {
        eprintln!("error: a bug in gleaner, please report it: {}", one_line(panic));
    });
    let done = std::panic::catch_unwind(|| cli.run());
    Interrupt::all_done();
    match done {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            eprintln!("error: {}", one_line(&format!("{error:#}")));
            ExitCode::FAILURE
        }
        Err(_) => ExitCode::FAILURE,
    }
}

/// Writes the help, the version, or what is wrong with the arguments.
fn answered(answer: &clap::Error) -> ExitCode {
    let written = answer.print().and_then(|()| std::io::stdout().flush());
    match could_not_write(written) {
        // Of wrong usage nobody can be told.
        Some(error) if !answer.use_stderr() => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
        _ => ExitCode::from(answer.exit_code() as u8),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
