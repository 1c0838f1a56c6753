//! Ctrl-C and `SIGTERM`: the first asks for a clean stop, the second ends the process at once.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, Result};

/// Exit code of a process ended by Ctrl-C (128 + `SIGINT`), as shells report it.
pub const EXIT_CODE: i32 = 130;

/// A question that loops ask between steps: has the user asked to stop?
#[derive(Clone, Debug)]
pub struct Interrupt {
    requested: Arc<AtomicBool>,
}

impl Interrupt {
    /// Starts listening for Ctrl-C, `SIGTERM` and `SIGHUP`. Every call returns the same switch.
    ///
    /// # Errors
    /// When the operating system refuses the handler.
    pub fn install() -> Result<Self> {
        static LISTENING: OnceLock<Interrupt> = OnceLock::new();
        if let Some(listening) = LISTENING.get() {
            return Ok(listening.clone());
        }
        let interrupt = Self::never();
        let requested = Arc::clone(&interrupt.requested);
        ctrlc::set_handler(move || on_signal(&requested)).context("cannot listen for Ctrl-C")?;
        Ok(LISTENING.get_or_init(|| interrupt).clone())
    }

    /// A switch that no signal reaches: for work that is short, and for tests.
    #[must_use]
    pub fn never() -> Self {
        Self { requested: Arc::new(AtomicBool::new(false)) }
    }

    /// Whether to stop at the next step boundary.
    #[must_use]
    pub fn requested(&self) -> bool {
        self.requested.load(Ordering::Relaxed)
    }

    /// Asks for a stop from inside the program, as a signal would.
    pub fn request(&self) {
        self.requested.store(true, Ordering::Relaxed);
    }
}

fn on_signal(requested: &AtomicBool) {
    if requested.swap(true, Ordering::Relaxed) {
        std::process::exit(EXIT_CODE);
    }
    // The terminal may be gone (SIGHUP): nobody is left to tell, and stopping cleanly still matters.
    let _ = writeln!(
        std::io::stderr(),
        "\nstopping after this step; press Ctrl-C again to stop at once"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_seen_by_every_copy() {
        let interrupt = Interrupt::never();
        let copy = interrupt.clone();
        assert!(!copy.requested());
        interrupt.request();
        assert!(copy.requested());
    }

    #[cfg(unix)]
    mod signals {
        use std::io::{BufRead, BufReader, Write as _};
        use std::process::{Child, ChildStderr, Command, Stdio};
        use std::time::Duration;

        use super::super::*;

        const ROLE: &str = "GLEANER_INTERRUPT_TEST_CHILD";

        /// This test binary, running only `test`, told to play the child's part.
        fn child(test: &str) -> (Child, BufReader<ChildStderr>) {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "--nocapture",
                    &format!("system::interrupt::tests::signals::{test}"),
                ])
                .env(ROLE, "1")
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut stderr = BufReader::new(child.stderr.take().unwrap());
            wait_for(&mut stderr, "ready");
            (child, stderr)
        }

        fn wait_for(stderr: &mut impl BufRead, word: &str) {
            let mut line = String::new();
            while !line.contains(word) {
                line.clear();
                assert!(
                    stderr.read_line(&mut line).unwrap() > 0,
                    "the child ended before it said {word:?}"
                );
            }
        }

        fn send(signal: &str, child: &Child) {
            assert!(
                Command::new("kill")
                    .args([signal, &child.id().to_string()])
                    .status()
                    .unwrap()
                    .success()
            );
        }

        /// Plays a long loop; stops cleanly on request only if `polite`.
        fn play_child(polite: bool) {
            let interrupt = Interrupt::install().unwrap();
            assert!(Interrupt::install().is_ok(), "a second caller gets the same switch");
            writeln!(std::io::stderr(), "ready").unwrap();
            for _ in 0..2_000 {
                if polite && interrupt.requested() {
                    // The line about it may still be on its way: the parent closes this pipe when it has read it.
                    std::io::stdin().read_line(&mut String::new()).unwrap();
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            panic!("no signal came within 20 s");
        }

        #[test]
        fn the_first_signal_asks_for_a_clean_stop() {
            if std::env::var_os(ROLE).is_some() {
                return play_child(true);
            }
            for signal in ["-INT", "-TERM"] {
                let (mut child, mut stderr) = child("the_first_signal_asks_for_a_clean_stop");
                send(signal, &child);
                wait_for(&mut stderr, "stopping after this step");
                assert_eq!(child.wait().unwrap().code(), Some(0));
            }
        }

        #[test]
        fn the_second_signal_ends_the_process_at_once() {
            if std::env::var_os(ROLE).is_some() {
                return play_child(false);
            }
            let (mut child, mut stderr) = child("the_second_signal_ends_the_process_at_once");
            send("-INT", &child);
            wait_for(&mut stderr, "again to stop at once");
            send("-INT", &child);
            assert_eq!(child.wait().unwrap().code(), Some(EXIT_CODE));
        }
    }
}
