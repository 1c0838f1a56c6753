//! What each gate runs.
//!
//! All native gates name the same packages and features, so that cargo compiles each dependency once for
//! checking and once for running, and never again.

use std::path::Path;

use crate::notices;
use crate::shell::{Shell, available};

/// The software GPU that Debian's Chromium brings along: enough for small parity tests.
const SOFTWARE_GPU: &str = "/usr/lib/chromium/vk_swiftshader_icd.json";

/// Everything native. The page is left out: its features would otherwise be unified into these builds.
const NATIVE: [&str; 5] =
    ["--workspace", "--exclude", "gleaner-web", "--features", "gleaner-tests/wgpu"];

/// One thing that must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    Fmt,
    Notices,
    Deny,
    Clippy,
    ClippyWasm,
    Gpu,
    Fusion,
    Remote,
    Doc,
    Golden,
    Browser,
    Test,
    Bench,
    Fuzz,
}

impl Gate {
    pub const ALL: [Self; 14] = [
        Self::Fmt,
        Self::Notices,
        Self::Deny,
        Self::Clippy,
        Self::ClippyWasm,
        Self::Gpu,
        Self::Fusion,
        Self::Remote,
        Self::Doc,
        Self::Golden,
        Self::Browser,
        Self::Test,
        Self::Bench,
        Self::Fuzz,
    ];
    pub const CHECK: [Self; 8] = [
        Self::Fmt,
        Self::Notices,
        Self::Deny,
        Self::Golden,
        Self::Clippy,
        Self::Doc,
        Self::ClippyWasm,
        Self::Gpu,
    ];
    pub const CI: [Self; 10] = [
        Self::Fmt,
        Self::Notices,
        Self::Deny,
        Self::Golden,
        Self::Clippy,
        Self::Doc,
        Self::ClippyWasm,
        Self::Gpu,
        Self::Browser,
        Self::Test,
    ];

    pub fn name(&self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Notices => "notices",
            Self::Deny => "deny",
            Self::Clippy => "clippy",
            Self::ClippyWasm => "clippy-wasm",
            Self::Gpu => "gpu",
            Self::Fusion => "fusion",
            Self::Remote => "remote",
            Self::Doc => "doc",
            Self::Golden => "golden",
            Self::Browser => "browser",
            Self::Test => "test",
            Self::Bench => "bench",
            Self::Fuzz => "fuzz",
        }
    }

    pub fn purpose(&self) -> &'static str {
        match self {
            Self::Fmt => "the code is formatted",
            Self::Notices => "docs/third-party.txt has the licences of all packages in Cargo.lock",
            Self::Deny => {
                "every package has a licence that deny.toml allows, and comes from crates.io (needs cargo-deny)"
            }
            Self::Clippy => "no lint fires in the native packages",
            Self::ClippyWasm => "no lint fires in the page, as compiled for wasm32",
            Self::Gpu => {
                "no lint fires in the program as compiled for CUDA and Vulkan, with operations fused"
            }
            Self::Fusion => {
                "with operations fused, a GPU gives the CPU's numbers (where a software GPU is; not in ci)"
            }
            Self::Remote => {
                "the feature `remote` has no lint, and devices of other processes give the same bits (not in ci)"
            }
            Self::Doc => "the documentation builds without a warning",
            Self::Golden => {
                "tests/golden/ is what its generator computes (needs numpy and safetensors)"
            }
            Self::Browser => {
                "the page builds for wasm32 and computes the native numbers in headless Chromium"
            }
            Self::Test => "every other test passes",
            Self::Bench => "milliseconds per training step (measures, judges nothing)",
            Self::Fuzz => "a minute of strange bytes for each reader (not in ci)",
        }
    }

    pub fn run(&self) -> Result<(), String> {
        match self {
            Self::Fmt => Shell::cargo(["fmt", "--all", "--", "--check"]).run(),
            Self::Notices => notices::check(),
            Self::Deny => deny(),
            Self::Clippy => Shell::cargo(["clippy"])
                .args(NATIVE)
                .args(["--all-targets", "--", "-D", "warnings"])
                .run(),
            Self::ClippyWasm => Shell::program("scripts/wasm-lint.sh").run(),
            // All at once: one after the other, the framework would be looked through several times.
            Self::Gpu => Shell::program("scripts/cuda.sh")
                .args(["clippy", "--features", "vulkan,fusion", "--", "-D", "warnings"])
                .run(),
            Self::Fusion => fusion(),
            Self::Remote => remote(),
            Self::Doc => Shell::cargo(["doc", "--no-deps"])
                .args(NATIVE)
                .env("RUSTDOCFLAGS", "-D warnings")
                .run(),
            Self::Golden => golden(),
            Self::Browser => Shell::program("scripts/browser-test.sh").run(),
            Self::Test => test(),
            Self::Bench => {
                Shell::cargo(["run", "--release", "--package", "gleaner", "--", "bench", "step"])
                    .run()
            }
            Self::Fuzz => crate::fuzz::run(),
        }
    }
}

fn deny() -> Result<(), String> {
    if !available("cargo", &["deny", "--version"]) {
        eprintln!("skipped: cargo-deny is not installed (cargo install --locked cargo-deny)");
        return Ok(());
    }
    Shell::cargo(["deny", "check", "bans", "licenses", "sources"]).run()?;
    // Known faults of packages are listed in a database on GitHub, which not every machine can reach.
    if available("cargo", &["deny", "fetch", "db"]) {
        Shell::cargo(["deny", "--offline", "check", "advisories"]).run()
    } else {
        eprintln!("skipped: known faults of packages, their database cannot be had");
        Ok(())
    }
}

fn golden() -> Result<(), String> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    if !available(&python, &["-c", "import numpy, safetensors"]) {
        eprintln!(
            "skipped: {python} has no numpy and safetensors (pip install -r tests/golden/requirements.txt)"
        );
        return Ok(());
    }
    Shell::program(&python).args(["tests/golden/generate.py", "--check"]).run()
}

/// The tests of the GPU once more, with the back end that joins operations into one kernel: a build of its own, of ten minutes on two
/// cores. It is left to people, for when kernels or the framework change.
fn fusion() -> Result<(), String> {
    if !Path::new(SOFTWARE_GPU).is_file() {
        eprintln!("skipped: {SOFTWARE_GPU} is not there (Debian's package chromium has it)");
        return Ok(());
    }
    // The packages of the other gates: what does not depend on fusion is compiled once for all.
    Shell::cargo(["test"])
        .args(NATIVE)
        .args(["--features", "gleaner-tests/fusion", "--test", "parity", "--test", "gpu_step"])
        .env("VK_DRIVER_FILES", SOFTWARE_GPU)
        .run()
}

/// A build of its own, too: the feature brings two hundred packages, which nobody needs who trains on one machine.
fn remote() -> Result<(), String> {
    let packages =
        ["--workspace", "--exclude", "gleaner-web", "--features", "gleaner-tests/remote"];
    Shell::cargo(["clippy"])
        .args(packages)
        .args(["--all-targets", "--", "-D", "warnings"])
        .run()?;
    Shell::cargo(["test"]).args(packages).args(["--test", "remote"]).run()
}

fn test() -> Result<(), String> {
    let with_gpu = |shell: Shell| {
        if std::env::var_os("VK_DRIVER_FILES").is_none() && Path::new(SOFTWARE_GPU).is_file() {
            shell.env("VK_DRIVER_FILES", SOFTWARE_GPU)
        } else {
            shell
        }
    };
    // The command-line tests run the binary itself, which building their package does not build. With the
    // tests in the same build, both see the same dependencies and those are compiled once.
    Shell::cargo(["build", "--bins", "--tests"]).args(NATIVE).run()?;
    with_gpu(Shell::cargo(["test", "--doc"]).args(NATIVE)).run()?;
    let runner: &[&str] = if available("cargo", &["nextest", "--version"]) {
        &["nextest", "run"]
    } else {
        eprintln!("cargo-nextest is not installed: cargo test, one package after another");
        &["test", "--all-targets"]
    };
    with_gpu(Shell::cargo(runner.iter().copied()).args(NATIVE)).run()
}
