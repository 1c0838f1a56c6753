//! `gleaner serve-device`: a device of this machine for trainings elsewhere.

use std::net::{IpAddr, SocketAddr, TcpListener, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};

use crate::system::device;
use crate::system::output::Output;
use crate::system::remote;
use crate::system::threads::Threads;

/// Lend a device of this machine to trainings elsewhere.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    openssl rand -hex 32 > token && chmod 600 token\n  \
    gleaner serve-device --token-file token\n  \
    gleaner train --device ws://localhost:7878 --token-file token\n\n\
    From another machine, through a tunnel, which encrypts:\n  \
    ssh -N -L 7001:localhost:7878 gpu1 &\n  \
    ssh -N -L 7002:localhost:7878 gpu2 &\n  \
    gleaner train --device ws://localhost:7001,ws://localhost:7002 --token-file token\n\n\
    Without a tunnel nothing is encrypted, the token neither: give --listen another address only on a network that you trust.")]
pub struct Args {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7878")]
    listen: String,
    /// File that holds a secret of 16 characters or more: only who shows it is served
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// The device: cpu, wgpu, vulkan, metal, cuda[:N]
    #[arg(long, default_value = "cpu")]
    device: String,
    /// CPU threads; 0 uses all
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
}

/// Serves until the process is told to end.
///
/// # Errors
/// If the token, the address or the device is not good.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    let token = remote::token_of(&args.token_file).context("--token-file")?;
    device::set_threads(args.threads)?;
    let device = device::parse_one(&args.device)?;
    let listener = listen(&args.listen)?;
    let address = listener.local_addr().context("the address of this server")?;
    if !address.ip().is_loopback() {
        eprintln!(
            "note: {} can be reached from other machines, and nothing is encrypted, the token neither; serve so only on a network that \
             you trust",
            address
        );
    }
    out.line(format!("{} at ws://{address}; Ctrl-C ends it", args.device));
    let threads = Arc::new(Threads::start(args.threads)?);
    remote::serve(&device, device::workers(&args.device, &threads), &token, listener)
}

fn listen(text: &str) -> Result<TcpListener> {
    let wrong =
        || format!("--listen {text}: give an address and a port, for example 127.0.0.1:7878");
    // A port alone means this machine alone.
    let address = match text.parse::<u16>() {
        Ok(port) => SocketAddr::new(IpAddr::from([127, 0, 0, 1]), port),
        Err(_) => text.to_socket_addrs().ok().and_then(|mut all| all.next()).with_context(wrong)?,
    };
    TcpListener::bind(address)
        .with_context(|| format!("--listen {text}: cannot listen there; choose another port"))
}
