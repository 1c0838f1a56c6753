//! `gleaner devices`.

use anyhow::Result;
use serde_json::json;

use crate::system::device;
use crate::system::output::Output;

/// List the devices that this build can use.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  gleaner devices\n  gleaner devices --json")]
pub struct Args {}

/// Lists them.
///
/// # Errors
/// None that a user can cause.
pub fn run(_args: &Args, out: &Output) -> Result<()> {
    let devices = device::available();
    for (name, what) in &devices {
        out.line(format!("  {name:<7} {what}"));
    }
    if devices.len() == 1 {
        out.line("this build has no GPU support; rebuild with: cargo build --release --features wgpu; for CUDA: scripts/cuda.sh build --release");
    }
    out.object(&json!({ "devices": devices.iter().map(|(name, _)| name).collect::<Vec<_>>() }))
}
