#!/usr/bin/env bash
# Builds the page and tests it in headless Chromium against the native build's numbers.
#
#   scripts/browser-test.sh [session|page|pick|trouble|manners|training|gpu-training|play|digits|own|lessons ...]     all of them unless some are named
#
# Needs what scripts/wasm-toolchain.sh brings, Node 20 or newer, and Chromium (Debian: chromium).
# `GLEANER_WASM_TARGET` is the target folder of the page, apart from the native one; `GLEANER_SITE` is a built page
# to test instead of building one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
reference=$work/reference
mkdir "$reference"

echo "browser test: native numbers" >&2
cargo build --quiet --workspace --exclude gleaner-web --features gleaner-tests/wgpu --bins
native=${CARGO_TARGET_DIR:-target}/debug
program=$(realpath "$native/gleaner")
"$native/browser_reference" "$reference"

# What the command line makes of the page's own checkpoints, with the names of files that the page gives: a coreset says where it comes
# from. The threshold stands for itself and for its logarithm: the page's slider is logarithmic.
per_class=12 seed=3 percent=25
checkpoints=$PWD/web/checkpoints
for model in mnist-m2-mier mnist-latent-ebm; do
    mkdir "$reference/$model"
    (
        cd "$reference/$model"
        "$program" sample "$checkpoints/$model" --per-class $per_class --seed $seed --features --out samples.npz >/dev/null
        "$program" filter samples.npz --max-entropy 0.1 --keep-agreeing --out kept.npz >/dev/null
        for space in gradient last-layer embedding latent; do
            for method in craig random; do
                "$program" coreset kept.npz --method $method --space $space --fraction 0.$percent --seed $seed --json \
                    --out "$method-$space.npz" >"$method-$space.json" 2>log || { cat log >&2 && exit 1; }
            done
        done
    )
done
printf '{ "per_class": %s, "seed": %s, "log_entropy": -1, "percent": %s }\n' $per_class $seed $percent >"$reference/asked.json"

site=${GLEANER_SITE:-}
if [ -z "$site" ]; then
    echo "browser test: page" >&2
    site=$work/site
    environment=$(scripts/wasm-toolchain.sh)
    (
        eval "$environment"
        export CARGO_TARGET_DIR=${GLEANER_WASM_TARGET:-${XDG_CACHE_HOME:-$HOME/.cache}/gleaner/target-wasm}
        # Trunk reads NO_COLOR as true or false; other programs set it to 1.
        env -u NO_COLOR trunk build --skip-version-check --cargo-profile web-test --dist "$site" >&2
    )
fi

if [ ! -d tests/browser/node_modules/playwright-core ] || [ ! -d tests/browser/node_modules/axe-core ]; then
    (cd tests/browser && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --silent >&2)
fi
echo "browser test: Chromium" >&2
tests=("$@")
[ ${#tests[@]} -gt 0 ] || tests=(session page pick trouble manners training gpu-training play digits own lessons)
cd tests/browser
# One file after the other: the software GPU and the measurements want the machine to themselves.
GLEANER_PROGRAM=$program GLEANER_SITE=$site GLEANER_REFERENCE=$reference \
    node --test --test-concurrency=1 --test-reporter=spec "${tests[@]/%/.test.mjs}"
