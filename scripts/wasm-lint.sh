#!/usr/bin/env bash
# Lints the page for wasm32 with the bans of clippy-wasm/clippy.toml; warnings are errors.
#
# The profile is the browser test's, so that build scripts and macros are compiled once for both.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

environment=$(scripts/wasm-toolchain.sh --compiler-only)
eval "$environment"
export CARGO_TARGET_DIR=${GLEANER_WASM_TARGET:-${XDG_CACHE_HOME:-$HOME/.cache}/gleaner/target-wasm}
CLIPPY_CONF_DIR=$PWD/clippy-wasm cargo clippy --quiet --package gleaner-web --package gleaner-training --profile web-test \
    --target wasm32-unknown-unknown -- --deny warnings
