#!/usr/bin/env bash
# The page's programs in headless Chromium, beside TensorFlow.js or as a visitor has them:
#
#   scripts/browser-bench.sh [chains] [--rounds 5] [--chains 1000,10000] [--temperature 1]     Langevin chains, and how long the page takes
#   scripts/browser-bench.sh training [--rounds 7] [--seconds 2] [--variant plain|tuned|closed]     training steps, the command line's, too
#   scripts/browser-bench.sh learning [--seeds 10] [--only plane,digits,pictures]     what has been learned after so many seconds
#
# Needs what scripts/wasm-toolchain.sh brings, Node 20.11 or newer, and Chromium (Debian: chromium).
# `GLEANER_WASM_TARGET` is the target folder of the page, apart from the native one; `GLEANER_SITE` is a built page to
# time instead of building one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

what=chains
case ${1:-} in
chains | learning | training) what=$1 && shift ;;
'' | --*) ;;
*)
    echo "browser-bench: unknown measurement \"$1\": chains, training and learning are those there are" >&2
    exit 1
    ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { echo "browser-bench: $*" >&2; }

site=${GLEANER_SITE:-}
if [ -z "$site" ]; then
    say "building the page"
    site=$work/site
    environment=$(scripts/wasm-toolchain.sh)
    (
        eval "$environment"
        export CARGO_TARGET_DIR=${GLEANER_WASM_TARGET:-${XDG_CACHE_HOME:-$HOME/.cache}/gleaner/target-wasm}
        # Trunk reads NO_COLOR as true or false; other programs set it to 1.
        env -u NO_COLOR trunk build --skip-version-check --release --dist "$site" >&2
    )
fi

# install FOLDER PACKAGE: what a lock file names, unless it is there.
install() {
    [ -d "$1/node_modules/$2" ] || (cd "$1" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --silent >&2)
}
install tests/browser playwright-core

# What opens the browser also names the folder of the native build's numbers, of which nothing is read here.
export GLEANER_SITE=$site GLEANER_REFERENCE=$work
if [ $what = chains ]; then
    install benches/peers/browser esbuild
    node benches/peers/browser/bench.mjs "$@"
elif [ $what = learning ]; then
    node benches/page/learning.mjs "$@"
else
    say "building the command line"
    cargo build --quiet --release --package gleaner
    install benches/tfjs esbuild
    GLEANER_PROGRAM=${CARGO_TARGET_DIR:-target}/release/gleaner node benches/tfjs/bench.mjs "$@"
fi
