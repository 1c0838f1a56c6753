//! `gleaner traverse`: one latent variable or the class varied, everything else kept.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Result, bail};
use serde_json::json;

use super::opening::Opening;
use super::target::Format;
use crate::report::figures::{Origin, Subject, along, over_classes, plane};
use crate::run::source::problem_of_run;
use crate::system::files::write_atomic;
use crate::system::output::{Output, path_text};

/// Steps along a dimension.
const STEPS: usize = 11;

/// Rows and columns of a plane.
const SIDE: usize = 15;

/// Most tiles in a picture.
const MOST_TILES: usize = 10_000;

/// Draw images while the class or one latent dimension changes and the rest stays the same.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner traverse runs/digits-m2-seed0\n    \
    the style of a test image in every class\n  \
    gleaner traverse runs/digits-m2-seed0 --from prior\n    \
    styles drawn at random\n  \
    gleaner traverse runs/digits-m2-seed0 --out z3.png --vary 3\n    \
    dimension 3 of z, a row for each class\n  \
    gleaner traverse runs/plane --out sevens.png --manifold --class 7\n    \
    the plane of a model with model.latent=2")]
pub struct Args {
    #[command(flatten)]
    opening: Opening,
    /// Picture to write [default: RUN/traversal.png]
    #[arg(long, value_name = "X.png")]
    out: Option<PathBuf>,
    /// What changes from column to column: y, or the number of a dimension of z
    #[arg(long, value_name = "y|N", default_value = "y", conflicts_with = "manifold")]
    vary: Vary,
    /// Where z comes from
    #[arg(long, value_enum, default_value = "test", conflicts_with = "manifold")]
    from: From,
    /// Number of latent vectors, one in each row (with --vary y)
    #[arg(long, value_name = "N", default_value_t = 10, conflicts_with = "manifold")]
    rows: usize,
    /// Steps along a dimension [default: 11], or along each side of the plane [default: 15]
    #[arg(long, value_name = "N")]
    columns: Option<usize>,
    /// Seed for z drawn from its prior
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Draw the whole plane of a model with two latent dimensions, for one class
    #[arg(long)]
    manifold: bool,
    /// Number of the class to draw with --manifold
    #[arg(long, value_name = "N", default_value_t = 0, requires = "manifold")]
    class: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vary {
    Class,
    Dimension(usize),
}

impl FromStr for Vary {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "y" => Ok(Self::Class),
            number => number.parse().map(Self::Dimension).map_err(|_| {
                "write y, or the number of a dimension of z, counted from 0".to_owned()
            }),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum From {
    /// Infer z from test images; with --vary y, the first column shows these images
    Test,
    /// Draw z from its prior
    Prior,
}

/// Draws.
///
/// # Errors
/// If the run, its data, the device or the file fails, or the model cannot be varied so.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    let default = if args.manifold { SIDE } else { STEPS };
    let columns = args.columns.unwrap_or(default);
    for (name, value) in [("rows", args.rows), ("columns", columns)] {
        if value == 0 || value > MOST_TILES || (args.manifold && value * value > MOST_TILES) {
            bail!(
                "--{name} {value} is not valid: it must be at least 1, with at most {MOST_TILES} tiles in the picture"
            );
        }
    }
    let found = args.opening.find(args.out.as_deref(), "traversal.png", Format::Png)?;
    let (config, model) = found.dir.load(&found.device)?;
    let subject = Subject { config: &config, model: &model, device: &found.device };
    let problem = match args.from {
        From::Test if !args.manifold => Some(problem_of_run(&found.dir, &found.recipe)?),
        _ => None,
    };
    let origin = match &problem {
        Some(problem) => Origin::Examples(problem.shown().0),
        None => Origin::Prior(args.seed),
    };
    let (png, what) = match args.vary {
        _ if args.manifold => {
            let what = format!("the plane of class {}, {columns} by {columns}", args.class);
            (plane(&subject, args.class, columns)?, what)
        }
        Vary::Class => {
            let what = "a latent vector in each row, a class in each column";
            (over_classes(&subject, origin, args.rows)?, what.to_owned())
        }
        Vary::Dimension(dimension) => {
            let what = format!("dimension {dimension} of z from low to high, a row for each class");
            (along(&subject, origin, dimension, columns)?, what)
        }
    };
    write_atomic(&found.out, &png)?;
    out.line(format!("{what}: {}", found.out.display()));
    out.object(&json!({ "out": path_text(&found.out), "shows": what, "seed": args.seed }))
}
