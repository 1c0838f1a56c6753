//! The training step of a recipe, or its model's predictions: ours and PyTorch's, from the same weights, batch and noise.

use std::io::Write;

use super::agreement::agree;
use super::environment;
use super::fixture::Fixture;
use super::options::Options;
use super::report::{machine, table};
use super::server::Server;
use super::turns::measure;
use crate::shell::Shell;

/// What is compared.
pub struct Work {
    /// What the report calls it.
    pub title: &'static str,
    /// Options of `gleaner bench recipe`.
    pub recipe: &'static [&'static str],
    /// Names of ours and of theirs, and what options they have in addition.
    pub pairs: &'static [(&'static str, &'static str, &'static [&'static str])],
}

/// A convolutional M2, as the review has it.
pub const CONVOLUTIONS: Work = Work {
    title: "Training step of M2 with convolutions (recipes/mnist-1000.toml)",
    recipe: &["recipes/mnist-1000.toml"],
    pairs: &[
        ("gleaner, exact", "PyTorch, exact", &["--set", "objective.marginalize=exact"]),
        ("gleaner, sum-and-sample:1", "PyTorch, sum-and-sample:1", &[]),
    ],
};

/// The latent EBM with the networks of svebm for images.
pub const WIDE_RESNET: Work = Work {
    title: "Training step of the latent EBM with Wide ResNet 28-2 (recipes/cifar-10-4000-latent-ebm.toml, batch 50 + 50)",
    recipe: &[
        "recipes/cifar-10-4000-latent-ebm.toml",
        "--set",
        "train.batch-size=50",
        "--set",
        "train.labelled-batch-size=50",
    ],
    pairs: &[("gleaner", "PyTorch", &[])],
};

/// The same network, as evaluation uses it.
pub const WIDE_RESNET_PREDICTIONS: Work = Work {
    title: "Classes of 500 images by the latent EBM with Wide ResNet 28-2",
    recipe: &["recipes/cifar-10-4000-latent-ebm.toml", "--predict", "500"],
    pairs: &[("gleaner", "PyTorch", &[])],
};

/// The latent EBM with dense networks.
pub const LATENT_EBM: Work = Work {
    title: "Training step of the latent EBM with dense networks (recipes/mnist-100-latent-ebm.toml)",
    recipe: &["recipes/mnist-100-latent-ebm.toml"],
    pairs: &[("gleaner", "PyTorch", &[])],
};

/// Both sides compute in single precision, in different orders.
const TOLERANCE: f64 = 1e-4;

/// A gradient is a longer sum, and a nonlinearity's slope may jump where its input is rounded.
const TOLERANCE_OF_GRADIENT: f64 = 1e-3;

/// Rounds that nobody times: allocators and caches settle.
const WARM_UP: usize = 2;

/// Times both sides in turns and prints a table.
///
/// # Errors
/// When a program fails, or they do not compute the same objective.
pub fn run(work: &Work, options: &Options) -> Result<(), String> {
    let python = environment::python("peers", "benches/peers/requirements.txt")?;
    Shell::cargo(["build", "--release", "--package", "gleaner"]).run()?;
    let machine = machine();
    let mut servers = Vec::new();
    for pair in work.pairs {
        servers.extend(start(work, pair, options, &python)?);
    }
    let torch = servers.iter().find_map(|server| server.text("torch")).unwrap_or("?").to_owned();
    let times = measure(&mut servers, options, WARM_UP)?;
    let Options { threads, rounds, steps, sizes, .. } = options;
    let sizes = if sizes.is_empty() { "default sizes".to_owned() } else { sizes.join(" ") };
    let peers: Vec<&str> = work.pairs.iter().map(|(_, theirs, _)| *theirs).collect();
    let text = format!(
        "\n{}, {machine}\n{threads} threads each, {rounds} rounds of {steps}, {sizes}, PyTorch {torch}\n\n{}\nRatios: median over \
         the rounds, and its 95 % interval. Memory: the most that the process had, start and libraries included.\n",
        work.title,
        table(&times, &peers)
    );
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| format!("cannot print: {error}"))
}

/// Ours and theirs, ready, and seen to do the same.
fn start(
    work: &Work,
    &(ours, theirs, more): &(&str, &str, &[&str]),
    options: &Options,
    python: &str,
) -> Result<[Server; 2], String> {
    let fixture = Fixture::new()?;
    let folder = fixture.path();
    let threads = options.threads.to_string();
    let gleaner = || {
        let command =
            ["run", "--release", "--package", "gleaner", "--quiet", "--", "bench", "recipe"];
        Shell::cargo(command)
            .args(work.recipe.iter().copied())
            .args(more.iter().copied())
            .args(options.sizes.iter().map(String::as_str))
            .args(["--serve", "--threads", &threads])
    };
    // A process of its own: what the fixture takes of memory is not the step's.
    let writer = Server::start(ours, gleaner().args(["--fixture", &folder]))?;
    let peer = Shell::program(python).args([
        "benches/peers/recipe_step.py",
        "--fixture",
        &folder,
        "--threads",
        &threads,
    ]);
    let peer = Server::start(theirs, peer)?;
    same("objectives", writer.objective()?, peer.objective()?, TOLERANCE)?;
    if let (Some(norm), Some(other)) =
        (writer.number("gradient_norm"), peer.number("gradient_norm"))
    {
        same("norms of the gradient", norm, other, TOLERANCE_OF_GRADIENT)?;
    }
    drop(writer);
    Ok([Server::start(ours, gleaner())?, peer])
}

fn same(what: &str, ours: f64, theirs: f64, tolerance: f64) -> Result<(), String> {
    agree(ours, theirs, tolerance).map_err(|problem| {
        format!("this is not the same work: at the same weights, batch and noise, the {what} differ: {problem}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::root;

    /// A recipe that is gone would be noticed only by whoever has PyTorch.
    #[test]
    fn every_comparison_has_its_recipe_and_tells_its_programs_apart() {
        for work in [CONVOLUTIONS, WIDE_RESNET, WIDE_RESNET_PREDICTIONS, LATENT_EBM] {
            assert!(root().join(work.recipe[0]).is_file(), "{}", work.recipe[0]);
            let mut names: Vec<_> = work.pairs.iter().flat_map(|pair| [pair.0, pair.1]).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), 2 * work.pairs.len(), "{}", work.title);
        }
    }

    #[test]
    fn other_work_is_named_by_what_differs() {
        assert!(same("objectives", 2.0, 2.0001, TOLERANCE).is_ok());
        let problem = same("norms of the gradient", 2.0, 2.1, TOLERANCE_OF_GRADIENT).unwrap_err();
        assert!(problem.contains("the norms of the gradient differ"), "{problem}");
    }
}
