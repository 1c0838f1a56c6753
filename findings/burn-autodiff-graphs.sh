#!/usr/bin/env bash
# burn: on an autodiff device, forward passes whose results are dropped keep their memory until some backward pass
#
# Believed:  a graph is freed when its last tensor is dropped, as in PyTorch; an evaluation that keeps nothing needs no
#            more memory with every batch.
# Happens:   each forward pass with a tracked parameter leaves what its backward pass would need, though loss and
#            output are gone. Here that is 3.2 MB a pass, for ever: `detach` on the result does not help. The next
#            `backward` of anything on these parameters frees it.
# Hurts:     whoever measures a validation loss, or samples, with the model that is being trained: memory grows with the
#            length of the evaluation, and a run ends out of memory in its first long one. `model.valid()`, or tensors on
#            the inner device, keep nothing.
# Versions:  burn 0.22.1 (the newest), features std, autodiff, flex, simd, rayon
# Source:    https://github.com/tracel-ai/burn/issues/4970, open; https://github.com/tracel-ai/burn/issues/3976
# Cost:      about 5 minutes on two cores, 60 MB to download, 1 GB on disk; Rust 1.95 or later, Linux
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cat > "$work/Cargo.toml" <<'TOML'
[package]
name = "graphs"
version = "0.0.0"
edition = "2024"
[dependencies]
burn = { version = "=0.22.1", default-features = false, features = ["std", "autodiff", "flex", "simd", "rayon"] }
[profile.dev]
opt-level = 1
debug = false
[workspace]
TOML
cat > "$work/src/main.rs" <<'RUST'
use burn::tensor::{Device, Tensor};

/// Memory of this process, MB.
fn memory() -> i64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split_whitespace().nth(1).unwrap().parse::<i64>().unwrap() * 4096 / 1_000_000
}

/// How much memory 100 forward passes leave behind, MB.
fn passes(x: &Tensor<2>, weight: &Tensor<2>, detached: bool) -> i64 {
    let before = memory();
    for _ in 0..100 {
        let loss = x.clone().matmul(weight.clone()).tanh().exp().sum();
        let loss = if detached { loss.detach() } else { loss };
        let _: Vec<f32> = loss.into_data().try_into_vec_as().unwrap();
    }
    memory() - before
}

fn main() {
    let device = Device::flex().autodiff();
    let weight = Tensor::<2>::full([200, 200], 0.01, &device).require_grad();
    let x = Tensor::<2>::full([2000, 200], 0.1, &device);
    let inner = [&x, &weight].map(|tensor| tensor.clone().inner());
    // The first passes also fill buffers that stay.
    passes(&inner[0], &inner[1], false);
    let cases = [
        ("inner device", passes(&inner[0], &inner[1], false), 0..60),
        ("autodiff device, tracked weight", passes(&x, &weight, false), 250..450),
        ("again", passes(&x, &weight, false), 250..450),
        ("again, the loss detached", passes(&x, &weight, true), 250..450),
        ("after one backward pass", {
            drop(x.clone().matmul(weight.clone()).sum().backward());
            passes(&x, &weight, false)
        }, 0..60),
    ];
    let mut holds = true;
    for (what, came, expected) in cases {
        println!("{what:33} {came:4} MB more after 100 forward passes");
        // What was freed before makes room, so memory can shrink a little.
        if !expected.contains(&came.max(0)) {
            println!("CHANGED: {what}: expected {expected:?} MB, came {came}");
            holds = false;
        }
    }
    if !holds {
        std::process::exit(1);
    }
    println!("holds: dropped graphs stay until a backward pass");
}
RUST
cargo run --quiet --manifest-path "$work/Cargo.toml"
