#!/usr/bin/env bash
# burn: an operation on a remote device stays with the client until four are waiting or something is read
#
# Believed:  a remote device is like a GPU: an operation is on its way when the call returns, so work that is given to two
#            servers, and then read from both, is done side by side.
# Happens:   what is given is kept in a buffer of the client, which is sent when four tasks or 1 MB of data are in it, or
#            when something is read. A few long operations are fewer than that: the second server begins when the first one
#            has answered. Here two operations of 500 ms each, on two servers, take 1 s; with `Device::flush` after each, 500 ms.
# Hurts:     whoever shares work among several servers, with custom operations or few and large ones: two servers are as slow
#            as one, and every result is right.
# Versions:  burn 0.22.1 (the newest), features std, flex, ir, remote-server, remote-websocket
# Source:    burn-remote 0.22.1, src/client/service/batch.rs
# Cost:      about 7 minutes on two cores, 150 MB to download, 2 GB on disk; Rust 1.95 or later
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cat > "$work/Cargo.toml" <<'TOML'
[package]
name = "waits"
version = "0.0.0"
edition = "2024"
[dependencies]
burn = { version = "=0.22.1", default-features = false, features = ["std", "flex", "ir", "remote-server", "remote-websocket"] }
tokio = { version = "=1.54.1", features = ["rt-multi-thread"] }
[profile.dev]
opt-level = 0
debug = false
[workspace]
TOML
cat > "$work/src/main.rs" <<'RUST'
use std::net::TcpListener;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use burn::backend::ir::TensorIr;
use burn::backend::{BackendTensor, DispatchDevice, DispatchKindConversion, DispatchTensor, Flex, Remote};
use burn::remote::{CustomOpClient, RemoteHost};
use burn::server::{CustomOpIr, RemoteServer, WebSocketTransport};
use burn::tensor::{Device, Tensor};

const WORK: Duration = Duration::from_millis(500);

/// A server whose operation "work" takes half a second and returns what it was given.
fn serve() -> Device {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("ws://{}", listener.local_addr().unwrap());
    let server = RemoteServer::new([Device::flex()]).with_custom_op::<Flex, _>("work", |handles, op, _| {
        let given = handles.get_float_tensor::<Flex>(&op.inputs[0]);
        sleep(WORK);
        handles.register_float_tensor::<Flex>(&op.outputs[0].id, given);
    });
    spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(server.serve_async(WebSocketTransport::from_listener(listener))).unwrap();
    });
    Device::remote_options(&RemoteHost::websocket(&address)).init().unwrap()
}

fn work(device: &Device) -> Tensor<1> {
    let DispatchDevice::Remote(remote) = device.as_dispatch() else { unreachable!() };
    let client = CustomOpClient::new(remote);
    let given = Tensor::<1>::from_floats([1.0, 2.0], device).into_dispatch();
    let given = <DispatchTensor as DispatchKindConversion<Remote>>::try_into_backend(given);
    let Ok(BackendTensor::Float(given)) = given else { unreachable!() };
    let given: TensorIr = given.into_ir();
    let output = TensorIr::uninit(client.create_empty_handle(), given.shape.clone(), given.dtype);
    let done = client.register(CustomOpIr::new("work", &[given], &[output])).remove(0);
    let done = BackendTensor::<Remote>::Float(done);
    Tensor::from_dispatch(<DispatchTensor as DispatchKindConversion<Remote>>::from_backend(done))
}

/// Seconds until both servers, which are asked one after the other, have answered.
fn both(devices: &[Device; 2], flush: bool) -> f64 {
    let started = Instant::now();
    let asked = devices.each_ref().map(|device| {
        let answer = work(device);
        if flush {
            device.flush().unwrap();
        }
        answer
    });
    for answer in asked {
        assert_eq!(answer.into_data().try_to_vec::<f32>().unwrap(), [1.0, 2.0]);
    }
    started.elapsed().as_secs_f64()
}

fn main() {
    let devices = [(), ()].map(|()| serve());
    both(&devices, true);
    let (kept, flushed) = (both(&devices, false), both(&devices, true));
    println!("two servers, half a second each: {kept:.2} s, with Device::flush {flushed:.2} s");
    if kept < 0.95 || flushed > 0.8 {
        println!("CHANGED: expected 1 s and half a second");
        std::process::exit(1);
    }
    println!("holds: the second server begins when the first one is read");
}
RUST
cargo run --quiet --manifest-path "$work/Cargo.toml"
