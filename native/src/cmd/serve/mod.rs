//! `gleaner serve`: the built web page on this machine, and the browser that shows it.

mod answer;
mod connections;
mod site;

use std::convert::Infallible;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use hyper::http::uri::Authority;
use hyper::service::service_fn;
use serde_json::json;
use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;

use self::answer::Answers;
use self::connections::{Limits, answer_all};
use self::site::Site;
use crate::system::interrupt::listen as listen_for_signals;
use crate::system::output::{Output, path_text};

/// Taken if it is free and no other was asked for.
const USUAL_PORT: u16 = 8080;

/// What makes the page, and what names one that is elsewhere.
const ADVICE: &str = "build the page in the source folder: \
    eval \"$(scripts/wasm-toolchain.sh)\" && trunk build --release, \
    or give the folder of a built page: gleaner serve DIR";

/// Serve the web page on this machine and open the browser.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    gleaner serve                        the page in dist/, or the one that came with the program\n  \
    gleaner serve ~/site --port 9000\n  \
    gleaner serve --no-open --json       for programs: the address is on the first line of stdout\n  \
    gleaner serve --host localhost:9000  at the far end of ssh -L 9000:localhost:8080\n\n\
    Only this machine can reach the page. Ctrl-C stops the server.")]
pub struct Args {
    /// Folder of the built page [default: the first that exists of dist, dist or site next to the program, and
    /// ../share/gleaner/site]
    site: Option<PathBuf>,
    /// Port to listen on, 0 for any free one [default: 8080, or a free one if it is in use]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Answer to this name, too, as the browser's address has it; for a tunnel or a proxy. May be given several times
    #[arg(long, value_name = "NAME[:PORT]")]
    host: Vec<String>,
    /// Do not open the browser
    #[arg(long)]
    no_open: bool,
}

/// Serves the page until a signal ends it.
///
/// # Errors
/// If there is no page, or the port cannot be had.
pub fn run(args: &Args, out: &Output) -> Result<()> {
    if let Some(host) = args.host.iter().find(|host| !is_host(host)) {
        bail!(
            "--host '{host}' is no name of a server; give it as the browser's address has it, without http:// and what follows \
             the name: page.example, or localhost:9000"
        );
    }
    let site = match &args.site {
        Some(folder) => named_site(folder)?,
        None => first_site(usual_sites(std::env::current_exe().ok().as_deref()))?,
    };
    let listener = listen(args.port)?;
    let address = listener.local_addr().context("the system gave no address to listen on")?;
    let url = format!("http://{address}/");
    let (server, end) = start(listener, &site, &args.host)?;
    out.line(format!("{url}  (Ctrl-C stops the server)"));
    out.object(&json!({ "url": url, "site": path_text(&site) }))?;
    if !args.no_open {
        // Without a browser, the address on the line above is what is left to give.
        let _ = open::that_detached(&url);
    }
    server.block_on(end).context("the server stopped unexpectedly; start it again")
}

/// Whether a browser can call a server so: a name or an address, and a port if it is not the usual one.
fn is_host(text: &str) -> bool {
    let Ok(authority) = text.parse::<Authority>() else { return false };
    let host = authority.host();
    let is_whole = match authority.port_u16() {
        Some(port) => text == format!("{host}:{port}"),
        None => text == host,
    };
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    is_whole && !host.is_empty() && (host.starts_with('[') || host.bytes().all(is_of_name))
}

/// The folder that was asked for, if there is a page in it.
fn named_site(folder: &Path) -> Result<PathBuf> {
    ensure!(is_site(folder), "no index.html in {}; {ADVICE}", folder.display());
    Ok(folder.to_owned())
}

/// The first folder with a page in it.
fn first_site(places: Vec<PathBuf>) -> Result<PathBuf> {
    let looked: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
    let found = places.into_iter().find(|place| is_site(place));
    found.with_context(|| format!("no index.html in {}; {ADVICE}", looked.join(", ")))
}

/// Where a page is expected: where it is built, and where an archive or a package puts it.
fn usual_sites(program: Option<&Path>) -> Vec<PathBuf> {
    let mut sites = vec![PathBuf::from("dist")];
    // A link to the program says nothing of what lies beside it.
    let program = program.and_then(|program| program.canonicalize().ok());
    if let Some(beside) = program.as_deref().and_then(Path::parent) {
        sites.extend(["dist", "site"].map(|name| beside.join(name)));
        sites.extend(beside.parent().map(|above| above.join("share/gleaner/site")));
    }
    sites
}

fn is_site(folder: &Path) -> bool {
    folder.join("index.html").is_file()
}

/// Listens on the port asked for, or on the usual one, or on any that is free.
fn listen(port: Option<u16>) -> Result<TcpListener> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    match port {
        Some(port) => bind(port).with_context(|| {
            format!("--port {port} cannot be used; give another port, or 0 for any free one")
        }),
        None => {
            bind(USUAL_PORT).or_else(|_| bind(0)).context("no port is free; stop another server")
        }
    }
}

/// Starts answering, as long as what is returned is kept running. The other half learns of the signal to end.
fn start(
    listener: TcpListener,
    folder: &Path,
    hosts: &[String],
) -> Result<(Runtime, oneshot::Receiver<()>)> {
    let failed = "the server cannot start; try again, or give another --port";
    let (tell, end) = oneshot::channel();
    let mut tell = Some(tell);
    // Not `Interrupt`: there is no step to finish, and a signal is the way to end this, not a failure.
    // Nobody listens any more once the end has come, so telling of it again may fail.
    listen_for_signals(move || {
        let _ = tell.take().map(|tell| tell.send(()));
    })?;
    // Relative paths are joined as the service of files joins them.
    let folder = Path::new(".").join(folder);
    let site = Site::new(&folder);
    let address = listener.local_addr().context(failed)?;
    let answers = Answers::new(&folder, site.clone(), address, hosts);
    listener.set_nonblocking(true).context(failed)?;
    let server = runtime::Builder::new_current_thread().enable_all().build().context(failed)?;
    let entered = server.enter();
    let listener = tokio::net::TcpListener::from_std(listener).context(failed)?;
    drop(entered);
    server.spawn(site.prepare());
    server.spawn(answer_all(
        listener,
        Limits::USUAL,
        service_fn(move |request| {
            let answers = answers.clone();
            async move { Ok::<_, Infallible>(answers.answer(request).await) }
        }),
    ));
    Ok((server, end))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_host_is_a_name_and_perhaps_a_port() {
        for host in
            ["localhost:9000", "page.example", "my_box", "10.0.0.2:80", "[::1]:8080", "[::1]"]
        {
            assert!(is_host(host), "{host}");
        }
        for none in [
            "",
            " ",
            "http://x/y",
            "http://x",
            "x/y",
            "x:",
            ":80",
            "x:http",
            "x:99999",
            "a b",
            "me@x",
            "*",
        ] {
            assert!(!is_host(none), "{none:?}");
        }
    }

    #[test]
    fn the_first_folder_with_a_page_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let program = root.join("bin/gleaner");
        fs::create_dir(root.join("bin")).unwrap();
        fs::write(&program, "").unwrap();
        let sites = usual_sites(Some(&program));
        let expected = [
            PathBuf::from("dist"),
            root.join("bin/dist"),
            root.join("bin/site"),
            root.join("share/gleaner/site"),
        ];
        assert_eq!(sites, expected);
        // The first depends on where the tests run.
        let sites = sites[1..].to_vec();
        let error = first_site(sites.clone()).unwrap_err().to_string();
        assert!(sites.iter().all(|site| error.contains(&site.display().to_string())), "{error}");
        for site in sites.iter().rev() {
            fs::create_dir_all(site).unwrap();
            assert_ne!(first_site(sites.clone()).ok().as_ref(), Some(site), "no page in it");
            fs::write(site.join("index.html"), "").unwrap();
            assert_eq!(&first_site(sites.clone()).unwrap(), site);
        }
    }
}
