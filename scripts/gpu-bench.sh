#!/usr/bin/env bash
# The training step on an NVIDIA GPU beside PyTorch, eager and compiled: `scripts/gpu-bench.sh [STEPS]`.
# Builds the CUDA and the Vulkan binary with fusion and autotuning. Every program warms up first; PyTorch
# is timed with CUDA events, ours over a run of queued steps that ends with one read.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

steps=${1:-200}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gleaner
target=${CARGO_TARGET_DIR:-target}
python=$cache/peers/bin/python

say() { echo "gpu-bench: $*" >&2; }

command -v nvidia-smi >/dev/null || {
    say "no NVIDIA GPU here (nvidia-smi is missing)"
    exit 1
}
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader

if ! "$python" -c 'import torch' 2>/dev/null; then
    say "installing PyTorch into $cache/peers"
    python3 -m venv "$cache/peers"
    "$cache/peers/bin/pip" install --quiet --requirement benches/peers/requirements.txt >&2
fi

# One binary for each: with several GPU back ends in one build, each device's kernels are compiled thrice.
for device in cuda vulkan; do
    cargo build --release --package gleaner --features "$device,tuned"
    cp "$target/release/gleaner" "$target/release/gleaner-$device"
done

ours() {
    # The first run of steps also compiles and tunes kernels.
    printf '%s\n' 20 "$steps" | "$target/release/gleaner-$1" bench step --serve --device "$@" |
        tail -n 1 | median "gleaner $*"
}

theirs() {
    printf '%s\n' 20 "$steps" | "$python" benches/peers/m2_step.py --device cuda "$@" |
        tail -n 1 | median "PyTorch $*"
}

median() {
    "$python" -c '
import json, statistics, sys
times = json.loads(sys.stdin.read())["milliseconds"]
print(f"{sys.argv[1]:<60} {statistics.median(times):8.3f} ms")' "$1"
}

# Twice, in opposite orders: what drifts, shows.
run() {
    case $1 in
    0) ours cuda ;;
    1) ours cuda --device-noise ;;
    2) ours cuda --device-noise --marginalize sum-and-sample:1 ;;
    3) ours vulkan --device-noise ;;
    4) theirs --variant plain ;;
    5) theirs --variant split ;;
    6) theirs --variant plain --compile ;;
    7) theirs --variant split --compile ;;
    esac
}
for turn in 0 1 2 3 4 5 6 7; do run "$turn"; done
for turn in 7 6 5 4 3 2 1 0; do run "$turn"; done
