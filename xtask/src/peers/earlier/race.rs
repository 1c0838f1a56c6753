//! Two programs that take turns on the same samples.

use std::time::{Duration, Instant};

use super::builds::Program;
use super::cases::Case;
use crate::peers::json::{self, Value};
use crate::peers::statistics::{FEWEST_FOR_AN_INTERVAL, Ratio, median, ratio};
use crate::peers::turns::order;
use crate::shell::Shell;

/// After a round that took longer there is no other.
const SLOW: Duration = Duration::from_secs(60);

/// After so long the rounds that an interval needs are enough.
const LONG: Duration = Duration::from_secs(120);

/// How it is run.
pub struct Rules {
    pub threads: usize,
    pub rounds: usize,
    /// Seconds after which a program is stopped.
    pub limit: usize,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Selection {
    /// As the program says, with what it reads and without what it writes.
    pub seconds: f64,
    /// Of the whole process, by all its threads.
    pub cpu_seconds: f64,
    /// `f(S)`.
    pub objective: f64,
    /// `f(S)` divided by the bound that the program gives.
    pub certain: f64,
}

/// All runs of a program.
#[derive(Clone, Debug)]
pub struct Runs {
    /// One for each round, none if the program was stopped.
    pub selections: Vec<Selection>,
    /// The most memory that one of them had.
    pub peak_bytes: f64,
    /// How the program was stopped, if it was.
    pub stopped: Option<Stopped>,
}

/// A run that took too long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stopped {
    /// Seconds that it had.
    pub after: usize,
    /// CPU seconds that it took in these.
    pub cpu_seconds: f64,
}

impl Runs {
    /// Median of the CPU seconds, which other work on the machine lengthens less.
    pub fn cpu_seconds(&self) -> Option<f64> {
        let times: Vec<f64> = self.selections.iter().map(|run| run.cpu_seconds).collect();
        (!times.is_empty()).then(|| median(&times))
    }

    fn times(&self) -> Vec<f64> {
        self.selections.iter().map(|selection| selection.seconds).collect()
    }

    /// Median over the rounds; of a program that was stopped none.
    pub fn seconds(&self) -> Option<f64> {
        (!self.selections.is_empty()).then(|| median(&self.times()))
    }

    /// The shortest and the longest time.
    pub fn ends(&self) -> Option<[f64; 2]> {
        let times = self.times();
        let shortest = times.iter().copied().reduce(f64::min)?;
        Some([shortest, times.iter().copied().fold(shortest, f64::max)])
    }
}

/// What a case came to.
#[derive(Clone, Debug)]
pub struct Race {
    pub case: Case,
    pub before: Runs,
    pub now: Runs,
}

/// One of the two programs.
pub type Of = fn(&Race) -> &Runs;

/// Both, by the names that they have in results.
pub const PROGRAMS: [(&str, Of); 2] = [("before", |race| &race.before), ("now", |race| &race.now)];

/// How many times as long the earlier program takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Faster {
    /// Median and interval over the rounds.
    Measured(Ratio),
    /// From one round.
    Once(f64),
    /// At least: the earlier program was stopped.
    Over(f64),
    /// Today's was stopped.
    Unknown,
}

impl Race {
    /// Lets both programs take their turns, as many rounds as the time they take allows.
    ///
    /// # Errors
    /// When a program fails.
    pub fn run(
        case: Case,
        programs: &[Program; 2],
        python: &str,
        samples: &str,
        rules: &Rules,
    ) -> Result<Self, String> {
        let mut runs =
            [(); 2].map(|()| Runs { selections: Vec::new(), peak_bytes: 0.0, stopped: None });
        let started = Instant::now();
        for round in 0..rules.rounds {
            let of_round = Instant::now();
            for turn in order(round, programs.len()) {
                let program = &programs[turn];
                let of = format!("{} samples, fraction {}", case.samples, case.fraction);
                eprint!("\r{of}: round {} of {}", round + 1, rules.rounds);
                take(&mut runs[turn], program, case, (python, samples), rules)?;
            }
            let enough = round + 1 >= FEWEST_FOR_AN_INTERVAL && started.elapsed() > LONG;
            if enough || of_round.elapsed() > SLOW || runs.iter().any(|runs| runs.stopped.is_some())
            {
                break;
            }
        }
        eprintln!();
        let [before, now] = runs;
        Ok(Self { case, before, now })
    }

    /// How many times as long the earlier program takes.
    pub fn faster(&self) -> Faster {
        let (before, now) = (self.before.times(), self.now.times());
        match (&before[..], &now[..], self.before.stopped) {
            (&[_, ..], &[_, ..], _) if now.len().min(before.len()) >= FEWEST_FOR_AN_INTERVAL => {
                Faster::Measured(ratio(&before, &now))
            }
            (&[before, ..], &[now, ..], _) => Faster::Once(before / now),
            (&[], &[now, ..], Some(run)) => Faster::Over(run.after as f64 / now),
            _ => Faster::Unknown,
        }
    }
}

/// Runs a program once.
fn take(
    runs: &mut Runs,
    program: &Program,
    case: Case,
    (python, samples): (&str, &str),
    rules: &Rules,
) -> Result<(), String> {
    let (limit, threads) = (rules.limit.to_string(), rules.threads.to_string());
    let (fraction, out) = (case.fraction.to_string(), format!("{samples}.chosen.npz"));
    let answer = Shell::program(python)
        .args(["benches/peers/selection.py", "--limit", &limit, "--", &program.path])
        .args(["coreset", samples, "--method", "craig", "--fraction", &fraction])
        .args(["--threads", &threads, "--json", "--out", &out])
        .text()?;
    let fields = json::object(&answer).unwrap_or_default();
    let number = |name: &str| match fields.get(name) {
        Some(Value::Number(number)) => Ok(*number),
        _ => Err(format!("no {name:?} in {answer:?} of {}", program.name)),
    };
    runs.peak_bytes = number("peak_bytes")?.max(runs.peak_bytes);
    if fields.get("stopped") == Some(&Value::Bool(true)) {
        runs.stopped = Some(Stopped { after: rules.limit, cpu_seconds: number("cpu_seconds")? });
        return Ok(());
    }
    runs.selections.push(Selection {
        seconds: number("seconds")?,
        cpu_seconds: number("cpu_seconds")?,
        objective: number("objective")?,
        certain: number("ratio")?,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(times: &[f64], stopped: Option<usize>) -> Runs {
        let stopped = stopped.map(|after| Stopped { after, cpu_seconds: 1.0 });
        let selection = |&seconds: &f64| Selection {
            seconds,
            cpu_seconds: seconds,
            objective: 1.0,
            certain: 0.9,
        };
        Runs { selections: times.iter().map(selection).collect(), peak_bytes: 1.0, stopped }
    }

    fn faster(before: Runs, now: Runs) -> Faster {
        Race { case: Case { samples: 1000, fraction: 0.1 }, before, now }.faster()
    }

    #[test]
    fn an_interval_needs_rounds_and_a_stopped_program_leaves_a_least_ratio() {
        let six = faster(runs(&[8.0; 6], None), runs(&[2.0; 6], None));
        assert_eq!(six, Faster::Measured(Ratio { median: 4.0, interval: [4.0, 4.0] }));
        assert_eq!(faster(runs(&[8.0], None), runs(&[2.0], None)), Faster::Once(4.0));
        assert_eq!(faster(runs(&[], Some(60)), runs(&[2.0], None)), Faster::Over(30.0));
        assert_eq!(faster(runs(&[8.0], None), runs(&[], Some(60))), Faster::Unknown);
    }
}
