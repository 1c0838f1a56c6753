//! Devices of other processes, on this machine or another: reached by an address and a token.
//!
//! What goes over the wire is not encrypted: it is for one machine, for a network that is trusted, or for the two ends of a tunnel.

#[cfg(feature = "remote")]
mod link;
#[cfg(not(feature = "remote"))]
mod not_built;

use std::collections::BTreeSet;
use std::fs;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use gleaner_core::recipe::{REMOTE, devices, is_remote};
use gleaner_core::train::away::Server;

use super::shell_word::shell_word;

#[cfg(feature = "remote")]
use link::connect;
#[cfg(feature = "remote")]
pub use link::serve;
#[cfg(not(feature = "remote"))]
use not_built::connect;
#[cfg(not(feature = "remote"))]
pub use not_built::serve;

/// Names the file of the token where no option does.
pub const TOKEN_VARIABLE: &str = "GLEANER_TOKEN_FILE";

/// Fewest characters of a token: what is shorter can be guessed by trying.
const FEWEST_CHARACTERS: usize = 16;

/// How to make a file of a token.
const MAKE_TOKEN: &str =
    "make one that others cannot guess with: openssl rand -hex 32 > token && chmod 600 token";

/// Seconds that a server may take to answer that it is there.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// The file of the token that this process shows.
static SHOWN: OnceLock<PathBuf> = OnceLock::new();

/// Has this process show the token in a file, instead of that of the environment. The first one stays.
pub fn show_token_of(path: &Path) {
    SHOWN.get_or_init(|| path.to_owned());
}

/// How this process was told of the token, as words of a command: nothing where the environment says it.
pub fn token_option() -> String {
    let file = SHOWN.get().map(|path| shell_word(&path.display().to_string()));
    file.map_or_else(String::new, |file| format!(" --token-file {file}"))
}

/// The token in a file: its text, without blanks at the ends.
///
/// # Errors
/// If the file cannot be read, or holds nothing that can be a secret.
pub fn token_of(path: &Path) -> Result<String> {
    let named = path.display();
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the token in \"{named}\"; {MAKE_TOKEN}"))?;
    let token = text.trim();
    ensure!(!token.is_empty(), "\"{named}\" holds no token; {MAKE_TOKEN}");
    ensure!(
        token.chars().count() >= FEWEST_CHARACTERS,
        "the token in \"{named}\" has fewer than {FEWEST_CHARACTERS} characters; {MAKE_TOKEN}"
    );
    Ok(token.to_owned())
}

/// The token that this process shows to servers.
///
/// # Errors
/// If nothing says where it is, or as [`token_of`].
#[cfg(feature = "remote")]
fn token_shown() -> Result<String> {
    let named = SHOWN.get().cloned().or_else(|| std::env::var_os(TOKEN_VARIABLE).map(Into::into));
    let path = named.with_context(|| {
        format!(
            "no token to show; name the file that the server was started with: {TOKEN_VARIABLE}=FILE, or --token-file FILE"
        )
    })?;
    token_of(&path)
}

/// The host and the port of an address as `--device` has it.
///
/// # Errors
/// If it is none.
fn host_and_port(address: &str) -> Result<(&str, u16)> {
    let place = address.strip_prefix(REMOTE).and_then(|place| place.rsplit_once(':'));
    let place = place.and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let place = place.filter(|(host, port)| !host.is_empty() && *port > 0);
    place.with_context(|| {
        format!("--device {address}: no address of a server; write ws://, a host, and a port up to 65535, for example ws://gpu1:7878")
    })
}

/// The servers that a `--device` names; none if it names devices of this machine.
///
/// # Errors
/// If one does not answer, or not as a server of this version that takes the token.
pub fn servers(device: &str) -> Result<Vec<Arc<dyn Server>>> {
    if !is_remote(device) {
        return Ok(Vec::new());
    }
    let mut addresses = BTreeSet::new();
    for address in devices(device) {
        ensure!(addresses.insert(address), "--device {device}: {address} is named twice");
    }
    devices(device).map(connect).collect()
}

/// The addresses of a name at which nobody listens any more.
pub fn gone<'a>(addresses: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let listens = |address: &str| -> Option<TcpStream> {
        let mut sockets = host_and_port(address).ok()?.to_socket_addrs().ok()?;
        sockets.find_map(|socket| TcpStream::connect_timeout(&socket, ANSWERS_WITHIN).ok())
    };
    addresses.filter(|address| listens(address).is_none()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        assert_eq!(host_and_port("ws://gpu1:7878").unwrap(), ("gpu1", 7878));
        assert_eq!(host_and_port("ws://[::1]:7878").unwrap(), ("[::1]", 7878));
        for bad in
            ["ws://", "ws://gpu1", "ws://:7878", "ws://gpu1:0", "ws://gpu1:70000", "gpu1:7878"]
        {
            let error = host_and_port(bad).unwrap_err().to_string();
            assert!(error.contains("ws://gpu1:7878"), "{error}");
        }
    }

    #[test]
    fn a_token_is_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        assert!(token_of(&path).unwrap_err().to_string().contains("openssl rand"));
        for bad in ["", " \n", "short"] {
            fs::write(&path, bad).unwrap();
            assert!(token_of(&path).is_err(), "{bad:?}");
        }
        fs::write(&path, " 0123456789abcdef\n").unwrap();
        assert_eq!(token_of(&path).unwrap(), "0123456789abcdef");
    }

    #[test]
    fn a_server_that_does_not_listen_is_gone() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let there = format!("ws://{}", listener.local_addr().unwrap());
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let not = format!("ws://{}", free.local_addr().unwrap());
        drop(free);
        assert_eq!(gone([there.as_str(), &not].into_iter()), [not.as_str()]);
    }
}
