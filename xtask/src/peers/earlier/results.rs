//! What is printed and kept of all races.

use std::path::Path;

use super::growth::exponent;
use super::race::{Faster, Of, PROGRAMS, Race, Runs};
use crate::peers::report::aligned;
use crate::peers::statistics::Ratio;
use crate::shell::root;

/// A row for each case.
pub fn table(races: &[Race]) -> String {
    let header = [
        "samples",
        "fraction",
        "before, s",
        "now, s",
        "before / now",
        "rounds",
        "CPU before, s",
        "CPU now, s",
        "CPU before / now",
        "f(S) now / before",
        "f(S)/bound now",
        "before, MiB",
        "now, MiB",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(races.iter().map(cells));
    aligned(rows)
}

fn cells(race: &Race) -> Vec<String> {
    let Race { case, before, now } = race;
    let rounds = before.selections.len().max(now.selections.len());
    let worth = match (before.selections.first(), now.selections.first()) {
        (Some(before), Some(now)) => format!("{:.5}", now.objective / before.objective),
        _ => "?".to_owned(),
    };
    let certain = now.selections.first().map(|selection| format!("{:.4}", selection.certain));
    vec![
        case.samples.to_string(),
        case.fraction.to_string(),
        time(before),
        time(now),
        match race.faster() {
            Faster::Measured(Ratio { median, interval: [low, high] }) => {
                format!("{} [{}, {}]", short(median), short(low), short(high))
            }
            Faster::Once(ratio) => short(ratio),
            Faster::Over(ratio) => format!("more than {}", short(ratio)),
            Faster::Unknown => "?".to_owned(),
        },
        rounds.to_string(),
        cpu(before),
        cpu(now),
        match (before.cpu_seconds(), before.stopped, now.cpu_seconds()) {
            (Some(before), _, Some(now)) => short(before / now),
            (None, Some(run), Some(now)) => format!("more than {}", short(run.cpu_seconds / now)),
            _ => "?".to_owned(),
        },
        worth,
        certain.unwrap_or_else(|| "?".to_owned()),
        mebibytes(before),
        mebibytes(now),
    ]
}

fn time(runs: &Runs) -> String {
    match (runs.seconds(), runs.stopped) {
        (Some(seconds), _) => short(seconds),
        (None, Some(run)) => format!("more than {} (stopped)", run.after),
        (None, None) => "?".to_owned(),
    }
}

fn cpu(runs: &Runs) -> String {
    match (runs.cpu_seconds(), runs.stopped) {
        (Some(seconds), _) => short(seconds),
        (None, Some(run)) => format!("more than {}", short(run.cpu_seconds)),
        (None, None) => "?".to_owned(),
    }
}

/// Of a program that was stopped: what it had until then.
fn mebibytes(runs: &Runs) -> String {
    format!("{:.0}", runs.peak_bytes / f64::from(1 << 20))
}

/// Three digits.
fn short(value: f64) -> String {
    let before = if value >= 1.0 { value.log10().floor() as usize + 1 } else { 0 };
    format!("{value:.*}", 3_usize.saturating_sub(before))
}

/// The shares that were raced, in order.
pub fn fractions(races: &[Race]) -> Vec<f64> {
    let mut fractions: Vec<f64> = races.iter().map(|race| race.case.fraction).collect();
    fractions.sort_by(f64::total_cmp);
    fractions.dedup();
    fractions
}

/// Samples and CPU seconds of a program for one share, where it was not stopped.
pub fn times(races: &[Race], fraction: f64, of: Of) -> Vec<[f64; 2]> {
    let time = |race: &Race| Some([race.case.samples as f64, of(race).cpu_seconds()?]);
    races.iter().filter(|race| race.case.fraction == fraction).filter_map(time).collect()
}

/// The exponents of both programs for each share.
pub fn growths(races: &[Race]) -> String {
    let mut rows = vec![["fraction", "before", "now"].map(str::to_owned).to_vec()];
    for fraction in fractions(races) {
        let power = |(_, of): (&str, Of)| {
            let times = times(races, fraction, of);
            let sizes = times.len();
            exponent(&times)
                .map_or_else(|| "?".to_owned(), |power| format!("{power:.2} ({sizes} sizes)"))
        };
        let [before, now] = PROGRAMS.map(power);
        rows.push(vec![fraction.to_string(), before, now]);
    }
    aligned(rows)
}

/// A line for each case and program.
pub fn csv(races: &[Race]) -> String {
    let mut text =
        "samples,fraction,program,rounds,seconds,shortest,longest,cpu_seconds,stopped_after,objective,ratio_to_bound,peak_mib\n"
            .to_owned();
    for race in races {
        for (name, of) in PROGRAMS {
            let runs = of(race);
            let number = |value: Option<f64>| value.map_or_else(String::new, |v| format!("{v:.4}"));
            let ends = runs.ends();
            let first = runs.selections.first();
            let cells = [
                race.case.samples.to_string(),
                race.case.fraction.to_string(),
                name.to_owned(),
                runs.selections.len().to_string(),
                number(runs.seconds()),
                number(ends.map(|[shortest, _]| shortest)),
                number(ends.map(|[_, longest]| longest)),
                number(runs.cpu_seconds().or(runs.stopped.map(|run| run.cpu_seconds))),
                runs.stopped.map_or_else(String::new, |run| run.after.to_string()),
                number(first.map(|selection| selection.objective)),
                number(first.map(|selection| selection.certain)),
                mebibytes(runs),
            ];
            text += &(cells.join(",") + "\n");
        }
    }
    text
}

/// Writes a file in the root of the workspace, whole or not at all.
///
/// # Errors
/// When it cannot be written.
#[expect(
    clippy::disallowed_methods,
    reason = "xtask cannot depend on gleaner::system::files; the file gets its name when it is whole"
)]
pub fn save(path: &str, text: &str) -> Result<(), String> {
    let path = root().join(path);
    let part = Path::new(&path).with_extension("part");
    std::fs::write(&part, text)
        .and_then(|()| std::fs::rename(&part, &path))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
pub mod tests {
    use super::super::cases::Case;
    use super::super::race::{Selection, Stopped};
    use super::*;

    /// Three sizes; at the largest the earlier program is stopped.
    pub fn races() -> Vec<Race> {
        let run = |seconds: f64, objective: f64| Runs {
            selections: vec![Selection {
                seconds,
                cpu_seconds: 2.0 * seconds,
                objective,
                certain: 0.98,
            }],
            peak_bytes: f64::from(100 << 20),
            stopped: None,
        };
        let stopped = Some(Stopped { after: 60, cpu_seconds: 58.0 });
        let stopped = Runs { selections: Vec::new(), stopped, ..run(0.0, 0.0) };
        let race = |samples: usize, before: Runs, seconds: f64| Race {
            case: Case { samples, fraction: 0.1 },
            before,
            now: run(seconds, 5.0),
        };
        vec![
            race(1_000, run(0.5, 5.0), 0.25),
            race(10_000, run(50.0, 5.0), 2.5),
            race(100_000, stopped, 25.0),
        ]
    }

    #[test]
    fn what_was_stopped_is_said_to_be_more() {
        let table = table(&races());
        assert!(table.contains("| more than 60 (stopped) | 25.0   | more than 2.40 |"), "{table}");
        assert!(table.contains("| 50.0                   | 2.50   | 20.0           |"), "{table}");
        let csv = csv(&races());
        assert!(csv.contains("\n100000,0.1,before,0,,,,58.0000,60,,,100\n"), "{csv}");
        assert!(
            csv.contains("\n10000,0.1,now,1,2.5000,2.5000,2.5000,5.0000,,5.0000,0.9800,100\n"),
            "{csv}"
        );
    }

    #[test]
    fn growth_is_that_of_the_sizes_at_which_there_is_a_time() {
        let table = growths(&races());
        assert!(table.contains("| 0.1      | 2.00 (2 sizes) | 1.00 (3 sizes) |"), "{table}");
    }

    #[test]
    fn three_digits_are_shown() {
        let shown = [0.012_34, 1.234_5, 45.67, 678.9, 12_345.6].map(short);
        assert_eq!(shown, ["0.012", "1.23", "45.7", "679", "12346"]);
    }
}
