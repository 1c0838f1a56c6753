//! `cargo xtask bench-peers`: our work and other people's programs doing the same work, timed in turns.

mod agreement;
mod coreset;
mod earlier;
mod environment;
mod fixture;
mod json;
mod langevin;
mod m2_step;
mod options;
mod recipe_step;
mod report;
mod server;
mod statistics;
mod tables;
mod turns;

use std::process::ExitCode;

use options::Options;

/// What it is called.
pub const COMMAND: &str = "bench-peers";

/// How it is called.
pub const USAGE: &str = "\
cargo xtask bench-peers [NAME] [--threads N] [--rounds R] [--steps N] [-- SIZES...]
cargo xtask bench-peers coreset --before COMMIT [--limit S] [--out STEM] [--threads N] [--rounds R] [-- SIZES...]

  m2-step      M2's training step, and the same in PyTorch (installed once, several GB)
  conv-step    the step of recipes/mnist-1000.toml, exact and sum-and-sample:1, and the same in PyTorch
  wrn-step     the step of the latent EBM with Wide ResNet 28-2 at batch 50 + 50, and the same in PyTorch
  wrn-predict  the classes of 500 images by that network, and the same in PyTorch
  ebm-step     the step of the latent EBM with dense networks (recipes/mnist-100-latent-ebm.toml), and the same in PyTorch
  coreset      facility location, and the same by apricot (installed once); with --before by Gleaner as it was
  langevin     conditional chains in a latent energy, and the same in PyTorch
  tables       tables with few labels, and scikit-learn on the same draws; writes docs/results/tables.md (an hour or more)

  --threads N  CPU threads of each program (default: all cores)
  --rounds R   rounds in which each program has one turn (default 15)
  --steps N    steps, selections or runs in a turn (default 4)
  --before C   how selections of more and more samples compare with those of this commit's program (built once)
  --limit S    seconds after which a program is stopped (default 3600)
  --out STEM   writes the times to STEM.csv and STEM.svg, paths from the root
  -- SIZES...  handed to both sides: --batch-size, --labelled-batch-size, --latent, --hidden, --classes of m2-step,
               --set KEY.PATH=VALUE of conv-step, wrn-step and ebm-step, --predict of wrn-predict,
               --draws, --labels, --tables, --missing, --out of tables, --points, --dims, --size of coreset (with --before --samples N,N,... and --fraction F,F,...), --chains, --langevin-steps, --latent, --hidden, --classes of langevin";

/// One comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bench {
    M2Step,
    ConvStep,
    WrnStep,
    WrnPredict,
    EbmStep,
    Coreset,
    Langevin,
    Tables,
}

impl Bench {
    const ALL: [Self; 8] = [
        Self::M2Step,
        Self::ConvStep,
        Self::WrnStep,
        Self::WrnPredict,
        Self::EbmStep,
        Self::Coreset,
        Self::Langevin,
        Self::Tables,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::M2Step => "m2-step",
            Self::ConvStep => "conv-step",
            Self::WrnStep => "wrn-step",
            Self::WrnPredict => "wrn-predict",
            Self::EbmStep => "ebm-step",
            Self::Coreset => "coreset",
            Self::Langevin => "langevin",
            Self::Tables => "tables",
        }
    }

    fn run(self, options: &Options) -> Result<(), String> {
        match self {
            Self::M2Step => m2_step::run(options),
            Self::ConvStep => recipe_step::run(&recipe_step::CONVOLUTIONS, options),
            Self::WrnStep => recipe_step::run(&recipe_step::WIDE_RESNET, options),
            Self::WrnPredict => recipe_step::run(&recipe_step::WIDE_RESNET_PREDICTIONS, options),
            Self::EbmStep => recipe_step::run(&recipe_step::LATENT_EBM, options),
            Self::Coreset => match &options.before {
                Some(before) => earlier::run(before, options),
                None => coreset::run(options),
            },
            Self::Langevin => langevin::run(options),
            Self::Tables => tables::run(options),
        }
    }
}

/// Runs the benches that `args` name, every one if they name none.
pub fn main(args: &[String]) -> ExitCode {
    let (benches, options) = match Options::parse(args) {
        Ok(chosen) => chosen,
        Err(problem) => {
            eprintln!("error: {problem}\n\nusage: {USAGE}");
            return ExitCode::from(2);
        }
    };
    for bench in benches {
        if let Err(problem) = bench.run(&options) {
            eprintln!("error: {COMMAND} {} failed: {problem}", bench.name());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
