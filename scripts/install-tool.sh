#!/usr/bin/env bash
# Installs a program of crates.io under ~/.cache/gleaner/tools, unless it is there: scripts/install-tool.sh CRATE PROGRAM VERSION
set -euo pipefail

cache=${GLEANER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gleaner}
tools=$cache/tools

case "$(PATH=$tools/bin:$PATH "$2" --version 2>/dev/null)" in *" $3") exit 0 ;; esac
echo "installing $1 $3 (some minutes, once)" >&2
# What these do takes seconds either way: their own settings (trunk: fat link-time optimisation on one core) only make the
# installation slow. One of them rewrites a large program. A locked dependency may be gone from a mirror; then cargo chooses its own.
level=0
[ "$1" != wasm-bindgen-cli ] || level=1
install=(env -u RUSTUP_TOOLCHAIN CARGO_TARGET_DIR="$cache/target-tools" CARGO_PROFILE_RELEASE_LTO=off
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=$level
    cargo install --quiet "$1" --version "$3" --root "$tools")
"${install[@]}" --locked >&2 || "${install[@]}" >&2
