//! `gleaner bench sweep`: the step's time against one of its sizes.
//!
//! Every time comes from a `gleaner bench step` of its own, so that no size profits from the memory of
//! another, and all sizes take a turn in every round, so that a slow minute of the machine slows them all.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use gleaner_core::objective::Marginalize;
use serde_json::{Value, json};

use crate::cmd::ceilings::{MOST_REPEATED, at_most};
use crate::pictures::plot::{Figure, Line, Panel, Scale};
use crate::system::files::{ensure_writable_file, write_atomic};
use crate::system::output::Output;

/// What is varied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Quantity {
    /// Unlabelled examples per step
    BatchSize,
    /// Dimensions of z
    Latent,
    /// Classes
    Classes,
    /// CPU threads
    Threads,
}

impl Quantity {
    /// Flag of `gleaner bench step`, and stem of the files.
    fn flag(self) -> &'static str {
        match self {
            Self::BatchSize => "batch-size",
            Self::Latent => "latent",
            Self::Classes => "classes",
            Self::Threads => "threads",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::BatchSize => "unlabelled examples per step",
            Self::Latent => "dimensions of z",
            Self::Classes => "classes",
            Self::Threads => "CPU threads",
        }
    }

    fn usual_values(self) -> Vec<usize> {
        match self {
            Self::BatchSize => vec![25, 50, 100, 200, 400, 800],
            Self::Latent => vec![2, 10, 50, 200],
            Self::Classes => vec![10, 100, 1000],
            Self::Threads => {
                let cores = std::thread::available_parallelism().map_or(1, usize::from);
                (0..).map(|power| 1 << power).take_while(|&count| count <= 2 * cores).collect()
            }
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  gleaner bench sweep classes --values 10,100,1000 -- --batch-size 50"
)]
pub struct Args {
    /// Size to vary
    size: Quantity,
    /// Its values [default: a few usual values]
    #[arg(long, value_delimiter = ',', value_name = "N,N,...")]
    values: Vec<usize>,
    /// How the sum over classes is computed; each way is one line of the picture
    #[arg(long, value_delimiter = ',', default_values = ["exact", "sum-and-sample:1"])]
    marginalize: Vec<Marginalize>,
    /// Number of rounds; each round measures every value once
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Steps of each measurement, after two warm-up steps
    #[arg(long, default_value_t = 5)]
    steps: usize,
    /// Start of the names of the files to write: STEM.csv and STEM.svg [default: step-SIZE]
    #[arg(long, value_name = "STEM")]
    out: Option<PathBuf>,
    /// More arguments for `gleaner bench step`
    #[arg(last = true, value_name = "ARGUMENTS")]
    fixed: Vec<String>,
}

/// Milliseconds of one way to sum at one value, a median for each round.
struct Times {
    value: usize,
    marginalize: Marginalize,
    medians: Vec<f64>,
}

/// Times, and writes the table and the picture.
///
/// # Errors
/// If a step cannot be timed or the disk is full.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    if args.rounds == 0 {
        bail!("--rounds must be at least 1");
    }
    at_most("--rounds", args.rounds, MOST_REPEATED, "the time of each is kept")?;
    if args.values.contains(&0) {
        bail!("every number in --values must be at least 1");
    }
    let flag = args.size.flag();
    let stem = args.out.clone().unwrap_or_else(|| format!("step-{flag}").into());
    let [csv_path, svg_path] = ["csv", "svg"].map(|extension| {
        let mut name = stem.clone().into_os_string();
        name.push(format!(".{extension}"));
        PathBuf::from(name)
    });
    ensure_writable_file(&csv_path)?;
    ensure_writable_file(&svg_path)?;
    let mut values = match args.values.is_empty() {
        true => args.size.usual_values(),
        false => args.values.clone(),
    };
    values.sort_unstable();
    values.dedup();
    let mut table: Vec<Times> = values
        .iter()
        .flat_map(|&value| args.marginalize.iter().map(move |&marginalize| (value, marginalize)))
        .map(|(value, marginalize)| Times { value, marginalize, medians: Vec::new() })
        .collect();
    for round in 1..=args.rounds {
        for times in &mut table {
            times.medians.push(median_of_a_turn(args, times)?);
        }
        eprintln!("round {round} of {}", args.rounds);
    }
    for times in &mut table {
        times.medians.sort_by(f64::total_cmp);
    }
    write_atomic(&csv_path, csv(flag, &table).as_bytes())?;
    write_atomic(&svg_path, figure(args.size, &args.marginalize, &table).svg()?.as_bytes())?;
    for times in &table {
        let [low, middle, high] = times.summary();
        out.line(format!(
            "{flag} {}, {}: {middle:.1} ms ({low:.1} to {high:.1})",
            times.value, times.marginalize
        ));
    }
    out.line(format!("table and picture: {}, {}", csv_path.display(), svg_path.display()));
    let rows: Vec<Value> = table.iter().map(Times::json).collect();
    out.object(&json!({ "size": flag, "rounds": args.rounds, "steps": args.steps, "times": rows }))
}

/// Runs `gleaner bench step` once.
fn median_of_a_turn(args: &Args, times: &Times) -> Result<f64> {
    let program = std::env::current_exe().context("cannot find the running program")?;
    let turn = Command::new(program)
        .args(["bench", "step", "--json"])
        .args(&args.fixed)
        .arg(format!("--{}={}", args.size.flag(), times.value))
        .arg(format!("--marginalize={}", times.marginalize))
        .arg(format!("--steps={}", args.steps))
        .output()
        .context("cannot start gleaner bench step")?;
    if !turn.status.success() {
        let said = String::from_utf8_lossy(&turn.stderr);
        let problem = said
            .lines()
            .find_map(|line| line.strip_prefix("error: "))
            .unwrap_or("gleaner bench step was stopped; is there enough memory?");
        bail!("{} {}: {problem}", args.size.flag(), times.value);
    }
    let said = String::from_utf8_lossy(&turn.stdout);
    let object: Value = serde_json::from_str(said.lines().last().unwrap_or_default())
        .context("gleaner bench step ended without its JSON line")?;
    object["step_ms"].as_f64().context("gleaner bench step gave no step_ms")
}

impl Times {
    /// Lowest, middle and highest median of a round.
    fn summary(&self) -> [f64; 3] {
        let last = self.medians.len() - 1;
        [0, last / 2, last].map(|index| self.medians[index])
    }

    fn json(&self) -> Value {
        let [low, middle, high] = self.summary();
        json!({
            "value": self.value, "marginalize": self.marginalize,
            "step_ms": middle, "step_ms_min": low, "step_ms_max": high,
        })
    }
}

fn csv(flag: &str, table: &[Times]) -> String {
    let mut text = format!("{flag},marginalize,step_ms,step_ms_min,step_ms_max\n");
    for times in table {
        let [low, middle, high] = times.summary();
        text += &format!("{},{},{middle:.3},{low:.3},{high:.3}\n", times.value, times.marginalize);
    }
    text
}

fn figure(size: Quantity, ways: &[Marginalize], table: &[Times]) -> Figure {
    let line = |way: &Marginalize| {
        let of_way = || table.iter().filter(|times| times.marginalize == *way);
        let points = of_way().map(|times| [times.value as f64, times.summary()[1]]).collect();
        let spread = of_way().map(|times| [times.summary()[0], times.summary()[2]]).collect();
        Line { spread, ..Line::new(&way.to_string(), points) }
    };
    Figure {
        title: format!("Step time against {}", size.label()),
        x: size.label().to_owned(),
        scale: Scale::Logarithmic,
        panels: vec![Panel {
            title: "Training step of M2".into(),
            unit: "ms, with the fastest and slowest round",
            suffix: " ms",
            scale: Scale::Logarithmic,
            limits: [0.0, f64::INFINITY],
            height: 260.0,
            lines: ways.iter().map(line).collect(),
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_row_for_every_value_and_way() {
        let times = |value, medians: [f64; 3]| Times {
            value,
            marginalize: Marginalize::Exact,
            medians: medians.to_vec(),
        };
        let table = [times(10, [1.0, 2.0, 4.0]), times(100, [10.0, 11.0, 19.0])];
        assert_eq!(
            csv("classes", &table),
            "classes,marginalize,step_ms,step_ms_min,step_ms_max\n\
             10,exact,2.000,1.000,4.000\n100,exact,11.000,10.000,19.000\n"
        );
        let svg = figure(Quantity::Classes, &[Marginalize::Exact], &table).svg().unwrap();
        assert!(svg.contains("exact") && svg.contains(">100<"), "{svg}");
    }
}
