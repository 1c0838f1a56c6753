//! Connecting to devices of other processes, and lending one.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Mutex;

use anyhow::{Context as _, Error, Result, anyhow};
use burn::remote::{ConnectError, RemoteHost};
use burn::server::{
    AuthorizationRequest, PeerAuthorizer, RemoteServer, TokenAuthorizer, WebSocketTransport,
};
use burn::tensor::Device;

/// The device that a server lends. A second call has it at once.
///
/// # Errors
/// If nobody answers there, or not as a server of this version that takes the token.
pub fn connect(address: &str) -> Result<Device> {
    static CONNECTED: Mutex<BTreeMap<String, Device>> = Mutex::new(BTreeMap::new());
    super::host_and_port(address)?;
    let mut connected = CONNECTED.lock().ok().context("a thread failed while it connected")?;
    if let Some(device) = connected.get(address) {
        return Ok(device.clone());
    }
    let token = super::token_shown().with_context(|| format!("--device {address}"))?;
    eprintln!("connecting to {address}");
    let host = RemoteHost::websocket(address).with_credential(token);
    let device = Device::remote_options(&host).init().map_err(|e| in_words(address, &e))?;
    connected.insert(address.to_owned(), device.clone());
    Ok(device)
}

fn in_words(address: &str, error: &ConnectError) -> Error {
    let said = match error {
        ConnectError::Unauthorized => {
            "the server has another token; give --token-file the one that it was started with"
                .to_owned()
        }
        ConnectError::Unreachable { .. } => {
            format!("{error}; start one there with: gleaner serve-device")
        }
        ConnectError::IncompatibleProtocol { .. } => {
            format!("{error}; build both from the same source")
        }
        ConnectError::Handshake { .. } => {
            format!(
                "no server of this version answers there ({error}); build both from the same source"
            )
        }
        error => error.to_string(),
    };
    anyhow!("--device {address}: {said}")
}

/// Lends a device to whoever shows the token, until the process is told to end.
///
/// # Errors
/// If it cannot be served.
pub fn serve(device: &Device, token: &str, listener: TcpListener) -> Result<()> {
    let authorizer = Told(TokenAuthorizer::new(token).context("the token")?);
    let server = RemoteServer::new([device.clone()]).with_authorizer(authorizer);
    // Of our own: the framework's would log to the terminal in a form of its own.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("the system refuses the threads of a server")?;
    let served = runtime
        .block_on(async { server.serve_async(WebSocketTransport::from_listener(listener)).await });
    served.map_err(|error| anyhow!("the device cannot be served: {error}"))
}

/// Says who came, and whether the door was opened.
struct Told(TokenAuthorizer);

impl PeerAuthorizer for Told {
    fn authorize(&self, request: AuthorizationRequest<'_>) -> Result<(), String> {
        let client = request.client;
        let answer = self.0.authorize(request);
        match &answer {
            Ok(()) => eprintln!("{client}: at work"),
            Err(_) => eprintln!("{client}: refused, it has another token"),
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_a_device_away_is_said_with_what_to_do() {
        let reason = || "nothing answered".to_owned();
        for (error, remedy) in [
            (ConnectError::Unauthorized, "--token-file"),
            (ConnectError::Unreachable { reason: reason() }, "gleaner serve-device"),
            (
                ConnectError::IncompatibleProtocol { client_version: 3, server_version: 4 },
                "build both from the same source",
            ),
            (ConnectError::Handshake { reason: reason() }, "build both from the same source"),
            (ConnectError::NoSuchDevice { device_count: 0 }, "0 device"),
        ] {
            let said = in_words("ws://gpu1:7878", &error).to_string();
            assert!(said.starts_with("--device ws://gpu1:7878: "), "{said}");
            assert!(said.contains(remedy) && !said.contains('\n'), "{said}");
        }
    }
}
