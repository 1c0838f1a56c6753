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
}

impl Options {
    /// The benches named and how to run them.
    ///
    /// # Errors
    /// When something is unknown, incomplete or too small.
    pub fn parse(args: &[String]) -> Result<(Vec<Bench>, Self), String> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut options = Self { threads: cores, rounds: 15, steps: 4, sizes: Vec::new() };
        let mut benches = Vec::new();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--threads" => options.threads = count(arg, args.next(), 1)?,
                "--rounds" => options.rounds = count(arg, args.next(), FEWEST_FOR_AN_INTERVAL)?,
                "--steps" => options.steps = count(arg, args.next(), 1)?,
                "--" => options.sizes.extend(args.by_ref().cloned()),
                name => match Bench::ALL.into_iter().find(|bench| bench.name() == name) {
                    Some(bench) => benches.push(bench),
                    None => return Err(format!("unknown bench or option {name:?}")),
                },
            }
        }
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
    fn what_cannot_be_meant_is_refused() {
        for line in [&["m3-step"][..], &["--threads"], &["--threads", "0"], &["--steps", "x"]] {
            assert!(parse(line).is_err(), "{line:?}");
        }
        assert!(parse(&["--rounds", "5"]).unwrap_err().contains("6 or more"));
    }
}
