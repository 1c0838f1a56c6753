#!/usr/bin/env bash
# Builds the page and tests it in headless Chromium against the native build's numbers.
#
# Needs what scripts/wasm-toolchain.sh brings, Node 20 or newer, and Chromium (Debian: chromium).
# `GLEANER_WASM_TARGET` is the target folder of the page, apart from the native one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "browser test: native numbers" >&2
cargo run --quiet -p gleaner-tests --features wgpu --bin browser_reference -- "$work/reference"

echo "browser test: page" >&2
environment=$(scripts/wasm-toolchain.sh)
(
    eval "$environment"
    export CARGO_TARGET_DIR=${GLEANER_WASM_TARGET:-${XDG_CACHE_HOME:-$HOME/.cache}/gleaner/target-wasm}
    # Trunk reads NO_COLOR as true or false; other programs set it to 1.
    env -u NO_COLOR trunk build --skip-version-check --cargo-profile web-test --dist "$work/site" >&2
)

if [ ! -d tests/browser/node_modules/playwright-core ]; then
    (cd tests/browser && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --silent >&2)
fi
echo "browser test: Chromium" >&2
GLEANER_SITE=$work/site GLEANER_REFERENCE=$work/reference \
    node --test --test-reporter=spec tests/browser/page.test.mjs
