#!/usr/bin/env bash
# Builds what scripts/gpu-check.sh runs on a machine with an NVIDIA GPU, into .gpu/ of this checkout:
#
#     scripts/gpu-build.sh                                  gleaner-plain and gleaner-tuned
#     scripts/gpu-build.sh plain= fused=fusion              others: NAME=FEATURES of cargo
#
# The binaries need nothing of CUDA to be built (see cuda.sh). If $GLEANER_DATA has MNIST, it comes along. Copy the checkout with .gpu/ to the
# machine, where nothing is compiled but kernels.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[ $# -gt 0 ] || set -- plain= tuned=tuned
target=${CARGO_TARGET_DIR:-$PWD/target}
mkdir -p .gpu
for way in "$@"; do
    name=${way%%=*} features=${way#*=}
    case $way in
    *=*) ;;
    *)
        echo "gpu-build: $way is not NAME=FEATURES; write for example tuned=tuned" >&2
        exit 2
        ;;
    esac
    scripts/cuda.sh build --release ${features:+--features "$features"}
    cp "$target/release/gleaner" ".gpu/gleaner-$name"
    strip ".gpu/gleaner-$name"
    xz --threads=0 --force ".gpu/gleaner-$name"
done
if [ -d "${GLEANER_DATA:-/nowhere}/mnist" ]; then
    install -D --mode=644 --target-directory=.gpu/data/mnist "$GLEANER_DATA"/mnist/*
fi
du -ch .gpu/*.xz | tail -n 1 >&2
# The machine's C library must have this version.
objdump -T "$target/release/gleaner" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1 >&2
