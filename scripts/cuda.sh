#!/usr/bin/env bash
# Builds gleaner for NVIDIA's GPUs from nothing but the package registry:
#
#     scripts/cuda.sh build --release            target/release/gleaner
#     scripts/cuda.sh check                      only whether it compiles
#     scripts/cuda.sh build --release --features tuned
#
# What follows the command goes to cargo. Kernels are compiled by NVRTC when the program runs, so the machine with the GPU needs CUDA's
# libnvrtc and headers; the machine that builds needs nothing of CUDA.
#
# A package of the GPU back end downloads LLVM from elsewhere. scripts/cuda/without-llvm takes its place, which changes Cargo.lock; so cargo
# runs in a folder of links to this checkout that has a Cargo.toml and a Cargo.lock of its own, and the checkout stays as it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
checkout=$PWD

[ $# -gt 0 ] || {
    echo "usage: scripts/cuda.sh build|check|clippy [options of cargo]" >&2
    exit 2
}
# Cargo would pass over a version that nobody asks for, and download LLVM after all.
locked=$(awk '/^name = "cubecl-llvm"$/ { getline; gsub(/[^0-9.]/, ""); print }' Cargo.lock)
grep -q "^version = \"$locked\"\$" scripts/cuda/without-llvm/Cargo.toml || {
    echo "cuda: Cargo.lock has cubecl-llvm $locked; bring scripts/cuda/without-llvm up to it" >&2
    exit 1
}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$checkout/target}
case $CARGO_TARGET_DIR in /*) ;; *) CARGO_TARGET_DIR=$checkout/$CARGO_TARGET_DIR ;; esac
# The version of CUDA whose interface is spoken: the driver's own or an older one. cudarc asks the machine that builds, which may have none.
export CUDARC_CUDA_VERSION=${CUDARC_CUDA_VERSION:-12080}

# A folder for each checkout, always the same, so that a second build finds what the first one made.
links=$CARGO_TARGET_DIR/cuda/$(printf %s "$checkout" | cksum | cut -d' ' -f1)
mkdir -p "$links/.cargo"
for entry in * .cargo/*; do
    case $entry in target | Cargo.toml | Cargo.lock) continue ;; esac
    ln -sfn "$checkout/$entry" "$links/$entry"
done

# Written only where they differ: cargo builds anew what is newer than its results.
place() {
    if cmp -s "$1" "$links/$2"; then rm "$1"; else mv "$1" "$links/$2"; fi
}
new=$(mktemp)
{
    cat Cargo.toml
    printf '\n[patch.crates-io]\ncubecl-llvm = { path = "%s" }\n' "$checkout/scripts/cuda/without-llvm"
} >"$new"
place "$new" Cargo.toml
# The lock file is made of the checkout's, and made anew when that one changes.
new=$(mktemp)
cp Cargo.lock "$new"
if ! cmp -s "$new" "$links/Cargo.lock.checkout"; then cp "$new" "$links/Cargo.lock"; fi
place "$new" Cargo.lock.checkout

command=$1
shift
cd "$links"
exec cargo "$command" --package gleaner --features cuda-nvrtc "$@"
