//! Progress of long work on stderr: a live bar on a terminal, plain lines everywhere else.
//!
//! Nothing here writes to stdout, which belongs to results.

use std::io::{IsTerminal as _, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Plain lines between epochs come at most this often.
const QUIET_TIME: Duration = Duration::from_secs(5);

/// Epochs of one run that get a plain line.
const MOST_LINES: usize = 100;

/// Reports the epochs and steps of one training run, or the steps of anything else that takes its time.
pub struct Progress {
    counts: Counts,
    display: Display,
    started: Instant,
}

/// How far the work is.
#[derive(Clone, Copy, Debug)]
struct Counts {
    /// What the work is called, if its epochs are nobody's business.
    name: Option<&'static str>,
    /// Steps of all the work.
    total: usize,
    steps_per_epoch: usize,
    /// Steps done before this process (a resumed run); they say nothing about its speed.
    resumed: usize,
    /// Steps done in all.
    done: usize,
}

enum Display {
    /// Nothing: somebody else reports.
    None,
    Bar {
        bar: ProgressBar,
        metrics: String,
    },
    Lines(Lines<Box<dyn Write + Send>>),
}

impl Progress {
    /// Starts reporting `total` steps on stderr, in epochs of `steps_per_epoch`, of which the last may be short.
    #[must_use]
    pub fn epochs(total: usize, steps_per_epoch: usize) -> Self {
        Self::of(Counts { name: None, total, steps_per_epoch, resumed: 0, done: 0 })
    }

    /// Reports nothing: for work that is a part of something that is reported.
    #[must_use]
    pub fn silent() -> Self {
        let counts = Counts { name: None, total: 0, steps_per_epoch: 1, resumed: 0, done: 0 };
        Self { counts, display: Display::None, started: Instant::now() }
    }

    /// Starts reporting the steps of work that has a name instead of epochs.
    #[must_use]
    pub fn steps(name: &'static str, steps: usize) -> Self {
        let name = Some(name);
        Self::of(Counts { name, total: steps, steps_per_epoch: steps, resumed: 0, done: 0 })
    }

    fn of(counts: Counts) -> Self {
        let stderr = std::io::stderr();
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let display = if stderr.is_terminal() && !dumb {
            Display::Bar { bar: bar(counts.total), metrics: String::new() }
        } else {
            Display::Lines(Lines { out: Box::new(stderr), spoken: Duration::ZERO })
        };
        Self { counts, display, started: Instant::now() }
    }

    /// The same, for a run of which `epochs` epochs are already done.
    #[must_use]
    pub fn resumed_after(mut self, epochs: usize) -> Self {
        self.counts.resumed = epochs * self.counts.steps_per_epoch;
        self.counts.done = self.counts.resumed;
        if let Display::Bar { bar, .. } = &self.display {
            bar.set_prefix(self.counts.label());
            bar.set_position(self.counts.done as u64);
        }
        self
    }

    /// One more step is done. `metrics` (short, e.g. `J 31.2`; it may cost a read-back) is asked for only
    /// when it will be shown, which is on plain lines; the bar shows the last epoch's.
    pub fn step(&mut self, metrics: impl FnOnce() -> String) {
        self.counts.done += 1;
        let elapsed = self.started.elapsed();
        match &mut self.display {
            Display::Bar { bar, metrics } => {
                bar.set_prefix(self.counts.label());
                bar.set_message(format!("{}  {metrics}", self.counts.pace(elapsed)));
                bar.inc(1);
            }
            Display::Lines(lines) => lines.step(self.counts, elapsed, metrics),
            Display::None => {}
        }
    }

    /// An epoch is complete; its `metrics` stay visible until the next one.
    pub fn epoch(&mut self, metrics: &str) {
        let elapsed = self.started.elapsed();
        match &mut self.display {
            Display::Bar { metrics: shown, .. } => metrics.clone_into(shown),
            Display::Lines(lines) if self.counts.is_worth_a_line() => {
                lines.epoch(self.counts, elapsed, metrics);
            }
            Display::Lines(_) | Display::None => {}
        }
    }

    /// Something worth a line of its own (a roll-back, a saved checkpoint), above the bar.
    pub fn note(&mut self, line: &str) {
        match &mut self.display {
            Display::Bar { bar, .. } => bar.suspend(|| say(&mut std::io::stderr(), line)),
            Display::Lines(lines) => say(&mut lines.out, line),
            Display::None => say(&mut std::io::stderr(), line),
        }
    }

    /// Steps per second since this process started the work.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.counts.rate(self.started.elapsed())
    }

    /// Ends the report. The bar is removed: what follows on the screen is the result.
    pub fn finish(self) {
        if let Display::Bar { bar, .. } = self.display {
            bar.finish_and_clear();
        }
    }
}

impl Counts {
    /// The epoch that the last step done belongs to, from 1.
    fn epoch(&self) -> usize {
        self.done.div_ceil(self.steps_per_epoch.max(1)).max(1)
    }

    /// Of many short epochs, some stand for all, and the last one.
    fn is_worth_a_line(&self) -> bool {
        let epochs = self.total.div_ceil(self.steps_per_epoch.max(1));
        self.epoch().is_multiple_of(epochs.div_ceil(MOST_LINES).max(1)) || self.done == self.total
    }

    fn label(&self) -> String {
        match self.name {
            Some(name) => name.to_owned(),
            None => {
                let epochs = self.total.div_ceil(self.steps_per_epoch.max(1));
                format!("epoch {}/{epochs}", self.epoch())
            }
        }
    }

    fn rate(&self, elapsed: Duration) -> f64 {
        (self.done - self.resumed) as f64 / elapsed.as_secs_f64().max(1e-9)
    }

    /// Rate and remaining time, e.g. `24.3 it/s  ETA 3 min 05 s`.
    fn pace(&self, elapsed: Duration) -> String {
        let rate = self.rate(elapsed);
        if self.done < self.total {
            format!("{rate:.1} it/s  ETA {}", in_words(self.remaining(elapsed)))
        } else {
            format!("{rate:.1} it/s")
        }
    }

    fn remaining(&self, elapsed: Duration) -> Duration {
        let seconds = self.total.saturating_sub(self.done) as f64 / self.rate(elapsed);
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

/// A bar that shows our own pace: indicatif's would count the steps of an earlier process.
fn bar(total: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr());
    let template = "{prefix} {bar:24.cyan/blue} {percent:>3} %  {wide_msg}";
    // The template is a constant; should indicatif ever refuse it, its own default serves as well.
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style.progress_chars("━╸ "));
    bar
}

/// Plain lines: one per epoch, and one every few seconds in between. Time is an argument, for the tests.
struct Lines<W> {
    out: W,
    /// When the last line was written.
    spoken: Duration,
}

impl<W: Write> Lines<W> {
    fn step(&mut self, counts: Counts, elapsed: Duration, metrics: impl FnOnce() -> String) {
        let within = counts.done % counts.steps_per_epoch.max(1);
        // The last step of an epoch is followed by the epoch's own line.
        if within == 0 || elapsed.saturating_sub(self.spoken) < QUIET_TIME {
            return;
        }
        let step = format!("step {within}/{}", counts.steps_per_epoch);
        // Nothing may have been measured yet.
        self.line(counts, elapsed, format!("{step}  {}", metrics()).trim_end());
    }

    fn epoch(&mut self, counts: Counts, elapsed: Duration, metrics: &str) {
        self.line(counts, elapsed, metrics);
    }

    fn line(&mut self, counts: Counts, elapsed: Duration, what: &str) {
        self.spoken = elapsed;
        let line = format!("{}  {what}  {}", counts.label(), counts.pace(elapsed));
        say(&mut self.out, &line);
    }
}

/// A reader that went away (a closed pipe) must not end hours of work, so a failed write is dropped.
fn say(out: &mut impl Write, line: &str) {
    let _ = writeln!(out, "{line}");
}

/// A duration as people say it: `42 s`, `3 min 05 s`, `2 h 10 min`.
#[must_use]
pub fn in_words(duration: Duration) -> String {
    match duration.as_secs_f64().round() as u64 {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        seconds @ 3600..360_000 => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
        _ => "days".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(run: impl FnOnce(&mut Lines<&mut Vec<u8>>)) -> Vec<String> {
        let mut out = Vec::new();
        run(&mut Lines { out: &mut out, spoken: Duration::ZERO });
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    fn counts(steps_per_epoch: usize, done: usize) -> Counts {
        Counts { name: None, total: steps_per_epoch, steps_per_epoch, resumed: 0, done }
    }

    #[test]
    fn plain_lines_are_rare_between_epochs() {
        let lines = spoken(|lines| {
            for done in 1..=100 {
                let counts = Counts { total: 120, ..counts(40, done) };
                let elapsed = Duration::from_millis(200 * done as u64);
                lines.step(counts, elapsed, || format!("J {done}"));
                if done % 40 == 0 {
                    lines.epoch(counts, elapsed, "val 90.0 %");
                }
            }
        });
        assert_eq!(
            lines,
            [
                "epoch 1/3  step 25/40  J 25  5.0 it/s  ETA 19 s",
                "epoch 1/3  val 90.0 %  5.0 it/s  ETA 16 s",
                "epoch 2/3  step 25/40  J 65  5.0 it/s  ETA 11 s",
                "epoch 2/3  val 90.0 %  5.0 it/s  ETA 8 s",
            ]
        );
    }

    #[test]
    fn a_resumed_run_does_not_count_steps_it_never_took() {
        let lines = spoken(|lines| {
            let counts = Counts { total: 200, resumed: 100, ..counts(100, 110) };
            lines.step(counts, Duration::from_secs(10), || "J 1".to_owned());
        });
        assert_eq!(lines, ["epoch 2/2  step 10/100  J 1  1.0 it/s  ETA 1 min 30 s"]);
    }

    #[test]
    fn work_with_a_name_has_no_epochs() {
        let lines = spoken(|lines| {
            let counts = Counts { name: Some("baseline"), ..counts(100, 10) };
            lines.step(counts, Duration::from_secs(10), || "J 1".to_owned());
        });
        assert_eq!(lines, ["baseline  step 10/100  J 1  1.0 it/s  ETA 1 min 30 s"]);
    }

    #[test]
    fn before_anything_is_measured_the_line_says_the_step_alone() {
        let lines = spoken(|lines| {
            lines.step(counts(100, 10), Duration::from_secs(10), String::new);
        });
        assert_eq!(lines, ["epoch 1/1  step 10/100  1.0 it/s  ETA 1 min 30 s"]);
    }

    #[test]
    fn metrics_that_are_not_shown_are_not_computed() {
        let lines = spoken(|lines| {
            let counts = counts(10, 1);
            lines.step(counts, Duration::from_secs(1), || panic!("nobody asked"));
        });
        assert!(lines.is_empty());
    }

    #[test]
    fn the_last_line_has_nothing_left_to_wait_for() {
        let lines = spoken(|lines| {
            // The last epoch may be a short one.
            let counts = Counts { total: 14, ..counts(10, 14) };
            lines.epoch(counts, Duration::from_secs(2), "done");
        });
        assert_eq!(lines, ["epoch 2/2  done  7.0 it/s"]);
    }

    #[test]
    fn a_closed_reader_is_survived() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let counts = counts(10, 10);
        Lines { out: Closed, spoken: Duration::ZERO }.epoch(counts, Duration::from_secs(2), "done");
    }

    #[test]
    fn durations_are_said_in_words() {
        for (seconds, words) in
            [(0, "0 s"), (59, "59 s"), (61, "1 min 01 s"), (7_800, "2 h 10 min")]
        {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
        assert_eq!(in_words(Duration::MAX), "days");
    }
}
