//! Strange bytes for every reader of files that come from elsewhere, guided by the code that they reach.
//!
//! libFuzzer and its counters need neither a nightly compiler nor `cargo fuzz`, which reads the same folder and adds sanitizers. The
//! readers have no unsafe code of their own: what is looked for is panics, endless loops and memory without measure.

use crate::shell::{Shell, root};

/// What is fuzzed: the binaries of `fuzz/Cargo.toml`.
const TARGETS: [&str; 4] = ["tables", "arrays", "pictures", "checkpoints"];

/// Seconds for each.
const SECONDS: u32 = 60;

/// Counters at every edge, as `cargo fuzz` asks for them.
const COUNTERS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table";

/// Fuzzes every target in turn. Inputs that reach new code stay in `fuzz/corpus`, one that fails in `fuzz/artifacts`.
///
/// # Errors
/// If a target cannot be built, or an input makes it fail.
pub fn run() -> Result<(), String> {
    let fuzz = root().join("fuzz");
    let failed = |error: std::io::Error| format!("{}: {error}", fuzz.display());
    // The versions that the program is built with.
    std::fs::copy(root().join("Cargo.lock"), fuzz.join("Cargo.lock")).map_err(failed)?;
    for target in TARGETS {
        for folder in ["corpus", "artifacts"] {
            std::fs::create_dir_all(fuzz.join(folder).join(target)).map_err(failed)?;
        }
        let [corpus, artifacts] = ["corpus", "artifacts"].map(|of| format!("fuzz/{of}/{target}/"));
        // With a target named, build scripts are compiled without counters.
        Shell::cargo(["run", "--release", "--manifest-path", "fuzz/Cargo.toml"])
            .args(["--target", "host-tuple", "--bin", target, "--", &corpus])
            .args([&*format!("-max_total_time={SECONDS}"), "-timeout=10", "-rss_limit_mb=2048"])
            .args([&*format!("-artifact_prefix={artifacts}"), "-print_final_stats=1"])
            .env("RUSTFLAGS", COUNTERS)
            .run()?;
    }
    Ok(())
}
