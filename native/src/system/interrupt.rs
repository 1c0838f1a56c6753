//! Ctrl-C, `SIGTERM` and `SIGHUP`.
//!
//! The first signal ends the process at once, without leaving half a file, wherever nothing but time is lost by that. Work that
//! would be lost asks for politeness: it is told, and ends when it has saved what there is. The second signal never waits.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::{Context as _, Result};

use super::aside;

/// Exit code of a process ended by Ctrl-C (128 + `SIGINT`), as shells report it.
pub const EXIT_CODE: i32 = 130;

/// What signals reach.
static LISTENING: OnceLock<Interrupt> = OnceLock::new();

/// What a signal changes, and what it meets.
#[derive(Clone, Debug)]
pub struct Interrupt {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    requested: AtomicBool,
    work: Mutex<Work>,
}

/// What a signal meets.
#[derive(Debug, Default)]
struct Work {
    /// Pieces of it that are to be asked.
    polite: usize,
    /// How the user goes on after a stop.
    advice: Option<String>,
}

/// As long as there is one, the first signal asks instead of ending the process.
#[must_use = "it is over when this is dropped"]
#[derive(Debug)]
pub struct Polite<'a>(&'a Shared);

impl Interrupt {
    /// Starts listening for Ctrl-C, `SIGTERM` and `SIGHUP`. Every call returns the same switch.
    ///
    /// # Errors
    /// When the operating system refuses the handler.
    pub fn install() -> Result<Self> {
        if let Some(listening) = LISTENING.get() {
            return Ok(listening.clone());
        }
        let interrupt = Self::never();
        let shared = Arc::clone(&interrupt.shared);
        listen(move || shared.on_signal())?;
        Ok(LISTENING.get_or_init(|| interrupt).clone())
    }

    /// A switch that no signal reaches: for tests.
    #[must_use]
    pub fn never() -> Self {
        Self { shared: Arc::default() }
    }

    /// Whether to stop at the next step boundary.
    #[must_use]
    pub fn requested(&self) -> bool {
        self.shared.requested.load(Ordering::Relaxed)
    }

    /// For work in pieces that are not worth saving: between two of them.
    ///
    /// # Errors
    /// If it is to stop.
    pub fn check(&self) -> gleaner_core::Result<()> {
        if self.requested() { Err(gleaner_core::Error::Stopped) } else { Ok(()) }
    }

    /// Asks for a stop from inside the program, as a signal would.
    pub fn request(&self) {
        self.shared.requested.store(true, Ordering::Relaxed);
    }

    /// From here on there is work that a signal must not end before it is saved.
    pub fn politely(&self) -> Polite<'_> {
        self.shared.work().polite += 1;
        Polite(&self.shared)
    }

    /// What the user is told who stops this process: how to go on. The first one to say so knows best.
    pub fn advise(&self, advice: impl Into<String>) {
        self.shared.work().advice.get_or_insert_with(|| advice.into());
    }

    /// All is done: signals that come while the process ends change nothing any more.
    pub fn all_done() {
        if let Some(listening) = LISTENING.get() {
            std::mem::forget(listening.shared.work());
        }
    }
}

impl Drop for Polite<'_> {
    fn drop(&mut self) {
        self.0.work().polite -= 1;
    }
}

impl Shared {
    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn on_signal(&self) {
        // Held to the end of the process: no politeness begins, and no other end.
        let work = self.work();
        let is_second = self.requested.swap(true, Ordering::Relaxed);
        if work.polite > 0 && !is_second {
            say("stopping after this step; press Ctrl-C again to stop at once");
            return;
        }
        let last = aside::discard_all();
        say(&match (&work.advice, last) {
            (Some(advice), _) => format!("error: stopped; {advice}"),
            (None, Some(last)) => format!("stopped; the last file written is {}", last.display()),
            (None, None) => "stopped; nothing was written".to_owned(),
        });
        // What can go on ends as if it had been asked: with an error that says how.
        std::process::exit(if work.advice.is_some() && !is_second { 1 } else { EXIT_CODE });
    }
}

fn say(line: &str) {
    let mut stderr = std::io::stderr();
    // A terminal has just shown ^C, or a bar.
    let above = if stderr.is_terminal() { "\n" } else { "" };
    // The terminal may be gone (SIGHUP): nobody is left to tell, and stopping still matters.
    let _ = writeln!(stderr, "{above}{line}");
}

/// Calls `handler` at every signal that asks the process to end, in a thread of its own. It is called before there are others:
/// they inherit what is blocked.
///
/// # Errors
/// When the operating system refuses the handler.
pub fn listen(handler: impl FnMut() + Send + 'static) -> Result<()> {
    #[cfg(unix)]
    if ignores_hang_up() {
        use nix::sys::signal::{SigSet, Signal};
        SigSet::from(Signal::SIGHUP).thread_block().context("cannot listen for Ctrl-C")?;
    }
    ctrlc::set_handler(handler).context("cannot listen for Ctrl-C")
}

/// Whether the process was started to survive its terminal, as by `nohup`. Linux alone tells.
#[cfg(unix)]
fn ignores_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The lowest bit is that of the first signal, SIGHUP.
    mask.is_some_and(|mask| mask & 1 == 1)
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
        use std::io::{BufRead, BufReader, Read as _, Write as _};
        use std::path::Path;
        use std::process::{Child, ChildStderr, Command, Stdio};
        use std::time::Duration;

        use super::super::*;

        const ROLE: &str = "GLEANER_INTERRUPT_TEST_CHILD";
        const FOLDER: &str = "GLEANER_INTERRUPT_TEST_FOLDER";

        /// This test binary, running only `test`, told to play the child's part.
        fn child(test: &str) -> (Child, BufReader<ChildStderr>) {
            child_in(test, None)
        }

        /// The same, told to write into a folder.
        fn child_in(test: &str, folder: Option<&Path>) -> (Child, BufReader<ChildStderr>) {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "--nocapture",
                    &format!("system::interrupt::tests::signals::{test}"),
                ])
                .env(ROLE, "1")
                .env(FOLDER, folder.unwrap_or(Path::new("")))
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

        /// Plays a long loop that asks for politeness; stops cleanly on request only if `polite`.
        fn play_child(polite: bool) {
            let interrupt = Interrupt::install().unwrap();
            assert!(Interrupt::install().is_ok(), "a second caller gets the same switch");
            let _polite = interrupt.politely();
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

        /// Plays work that writes a file aside, which it would begin again if it could.
        fn play_writer(advice: Option<&str>) {
            let interrupt = Interrupt::install().unwrap();
            drop(interrupt.politely());
            advice.into_iter().for_each(|advice| interrupt.advise(advice));
            let folder = std::env::var(FOLDER).unwrap();
            let mut aside = aside::Aside::new_in(folder.as_ref()).unwrap();
            aside.file().unwrap().write_all(b"half").unwrap();
            writeln!(std::io::stderr(), "ready").unwrap();
            std::thread::sleep(Duration::from_secs(20));
            panic!("no signal came within 20 s");
        }

        fn is_ended_at_once(test: &str, signal: &str, said: &str, code: i32) {
            let folder = tempfile::tempdir().unwrap();
            let (mut child, mut stderr) = child_in(test, Some(folder.path()));
            let files = || std::fs::read_dir(folder.path()).unwrap().count();
            assert_eq!(files(), 1, "what the child writes");
            send(signal, &child);
            let mut rest = String::new();
            stderr.read_to_string(&mut rest).unwrap();
            assert_eq!(rest, format!("{said}\n"));
            assert_eq!(child.wait().unwrap().code(), Some(code));
            assert_eq!(files(), 0, "nothing is left");
        }

        #[test]
        fn what_holds_no_work_is_ended_at_once_and_leaves_no_file() {
            if std::env::var_os(ROLE).is_some() {
                return play_writer(None);
            }
            for signal in ["-INT", "-TERM"] {
                is_ended_at_once(
                    "what_holds_no_work_is_ended_at_once_and_leaves_no_file",
                    signal,
                    "stopped; nothing was written",
                    EXIT_CODE,
                );
            }
        }

        #[test]
        fn what_can_go_on_says_how() {
            if std::env::var_os(ROLE).is_some() {
                return play_writer(Some("go on with: gleaner"));
            }
            let said = "error: stopped; go on with: gleaner";
            is_ended_at_once("what_can_go_on_says_how", "-INT", said, 1);
        }
    }
}
