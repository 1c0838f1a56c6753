//! The command line of `bench-peers`.

use super::Bench;
use super::statistics::FEWEST_FOR_AN_INTERVAL;

/// How to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// CPU threads of each program.
    pub threads: usize,
    /// Rounds; each program has one turn in a round.
    pub rounds: usize,
    /// Steps in a turn.
    pub steps: usize,
    /// Options for both sides, the sizes of the problem.
    pub sizes: Vec<String>,
    /// An earlier Gleaner to compare with, instead of another program.
    pub before: Option<Before>,
}

/// A comparison with an earlier Gleaner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// Whatever names a commit.
    pub commit: String,
    /// Seconds after which a program is stopped.
    pub limit: usize,
    /// Start of the names of the files to write, if any are.
    pub out: Option<String>,
}

/// Seconds that a program gets, unless told otherwise.
const LIMIT: usize = 3600;

impl Options {
    /// The benches named and how to run them.
    ///
    /// # Errors
    /// When something is unknown, incomplete or too small.
    pub fn parse(args: &[String]) -> Result<(Vec<Bench>, Self), String> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut options =
            Self { threads: cores, rounds: 15, steps: 4, sizes: Vec::new(), before: None };
        let (mut commit, mut limit, mut out) = (None, None, None);
        let mut benches = Vec::new();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--threads" => options.threads = count(arg, args.next(), 1)?,
                "--rounds" => options.rounds = count(arg, args.next(), FEWEST_FOR_AN_INTERVAL)?,
                "--steps" => options.steps = count(arg, args.next(), 1)?,
                "--before" => commit = Some(text(arg, args.next())?),
                "--limit" => limit = Some(count(arg, args.next(), 1)?),
                "--out" => out = Some(text(arg, args.next())?),
                "--" => options.sizes.extend(args.by_ref().cloned()),
                name => match Bench::ALL.into_iter().find(|bench| bench.name() == name) {
                    Some(bench) => benches.push(bench),
                    None => return Err(format!("unknown bench or option {name:?}")),
                },
            }
        }
        if commit.is_none() && (limit.is_some() || out.is_some()) {
            return Err("--limit and --out need --before; add it, or leave them out".to_owned());
        }
        if commit.is_some() && benches != [Bench::Coreset] {
            return Err("--before compares selections: name coreset, and nothing else".to_owned());
        }
        options.before = commit.map(|commit| Before { commit, limit: limit.unwrap_or(LIMIT), out });
        if benches.is_empty() {
            benches.extend(Bench::ALL);
        }
        Ok((benches, options))
    }
}

fn count(option: &str, value: Option<&String>, least: usize) -> Result<usize, String> {
    let number = value.and_then(|value| value.parse().ok());
    number
        .filter(|&number| number >= least)
        .ok_or_else(|| format!("{option} needs a whole number, {least} or more"))
}

fn text(option: &str, value: Option<&String>) -> Result<String, String> {
    let named = value.filter(|value| !value.is_empty() && !value.starts_with('-')).cloned();
    named.ok_or_else(|| format!("{option} needs a value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<(Vec<Bench>, Options), String> {
        Options::parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn no_name_means_every_bench() {
        let (benches, options) = parse(&[]).unwrap();
        assert_eq!(benches, Bench::ALL);
        assert_eq!((options.rounds, options.steps, options.sizes.len()), (15, 4, 0));
        assert!(options.threads >= 1);
    }

    #[test]
    fn what_follows_two_dashes_is_for_the_programs() {
        let line = ["m2-step", "--threads", "3", "--steps", "2", "--", "--latent", "--rounds"];
        let (benches, options) = parse(&line).unwrap();
        assert_eq!(benches, [Bench::M2Step]);
        assert_eq!((options.threads, options.rounds, options.steps), (3, 15, 2));
        assert_eq!(options.sizes, ["--latent", "--rounds"]);
    }

    #[test]
    fn an_earlier_commit_is_compared_with_by_coreset_alone() {
        let line = ["coreset", "--before", "HEAD~1", "--limit", "60", "--", "--samples", "5000"];
        let (benches, options) = parse(&line).unwrap();
        assert_eq!((benches, options.sizes.len()), (vec![Bench::Coreset], 2));
        let before = Before { commit: "HEAD~1".to_owned(), limit: 60, out: None };
        assert_eq!(options.before, Some(before));
        let stem =
            parse(&["--before", "main", "coreset", "--out", "a/b"]).unwrap().1.before.unwrap();
        assert_eq!((stem.limit, stem.out.as_deref()), (LIMIT, Some("a/b")));
        for line in [
            &["--before", "HEAD"][..],
            &["langevin", "--before", "HEAD"],
            &["coreset", "langevin", "--before", "HEAD"],
            &["coreset", "--before"],
            &["coreset", "--before", "--limit", "9"],
            &["coreset", "--limit", "9"],
            &["coreset", "--before", "HEAD", "--limit", "0"],
        ] {
            assert!(parse(line).is_err(), "{line:?}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for line in [&["m3-step"][..], &["--threads"], &["--threads", "0"], &["--steps", "x"]] {
            assert!(parse(line).is_err(), "{line:?}");
        }
        assert!(parse(&["--rounds", "5"]).unwrap_err().contains("6 or more"));
    }
}
