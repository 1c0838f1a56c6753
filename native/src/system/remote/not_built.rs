//! What a build without the feature `remote` says.

use anyhow::{Result, bail};
use burn::tensor::Device;

const NOT_BUILT: &str =
    "this build has no remote devices; rebuild with: cargo build --release --features remote";

/// Says that this build has none.
///
/// # Errors
/// Always.
pub fn connect(address: &str) -> Result<Device> {
    bail!("--device {address}: {NOT_BUILT}");
}

/// Says that this build has none.
///
/// # Errors
/// Always.
pub fn serve(_: &Device, _: &str, _: std::net::TcpListener) -> Result<()> {
    bail!(NOT_BUILT);
}
