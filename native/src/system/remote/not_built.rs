//! What a build without the feature `remote` says.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::{Result, bail};
use burn::tensor::Device;
use gleaner_core::train::away::Server;
use gleaner_core::workers::Workers;

const NOT_BUILT: &str =
    "this build has no remote devices; rebuild with: cargo build --release --features remote";

/// Says that this build has none.
///
/// # Errors
/// Always.
pub fn connect(address: &str) -> Result<Arc<dyn Server>> {
    bail!("--device {address}: {NOT_BUILT}");
}

/// Says that this build has none.
///
/// # Errors
/// Always.
#[allow(clippy::needless_pass_by_value)]
pub fn serve(_: &Device, _: Arc<dyn Workers>, _: &str, _: TcpListener) -> Result<()> {
    bail!(NOT_BUILT);
}
