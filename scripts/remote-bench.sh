#!/usr/bin/env bash
# When devices of other machines pay: bytes and milliseconds of a training step here, on one server and on two, and what that comes to
# over networks of 1, 10 and 100 Gbit/s. Every server has one core, and all go over the loopback of this machine:
#
#   scripts/remote-bench.sh [--gleaner PROGRAM] [--steps 10] [RECIPE[:KEY.PATH=VALUE,...]]...
#
# Needs a build with the feature `remote`, and a core for each server. Nothing else may use the network of the loopback meanwhile.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
gleaner=${CARGO_TARGET_DIR:-target}/release/gleaner steps=10 recipes=()
while [ $# -gt 0 ]; do
    case $1 in
    --gleaner) gleaner=$2 && shift ;;
    --steps) steps=$2 && shift ;;
    -*) echo "remote-bench: unknown \"$1\": --gleaner, --steps and recipes are what there is" >&2 && exit 1 ;;
    *) recipes+=("$1") ;;
    esac
    shift
done
[ ${#recipes[@]} -gt 0 ] || recipes=(recipes/mnist-100.toml recipes/mnist-1000.toml recipes/cifar-10-4000-latent-ebm.toml:train.batch-size=100,train.labelled-batch-size=50)

work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
head -c 24 /dev/urandom | base64 >"$work/token"
export GLEANER_TOKEN_FILE=$work/token
servers=()
for _ in 1 2; do
    log=$work/${#servers[@]}
    "$gleaner" serve-device --token-file "$work/token" --listen 0 --threads 1 >"$log" 2>/dev/null &
    until grep -q ws:// "$log"; do sleep 0.1; done
    servers+=("$(grep -o 'ws://[0-9.:]*' "$log")")
done

# Bytes that the loopback has carried.
carried() { awk '/ lo:/ { print $10 }' /proc/net/dev; }

# Milliseconds of a step on a device, of so many steps. Other programs only make it longer, so the least of all rounds counts.
measure() { # DEVICE STEPS
    local json
    json=$("$gleaner" bench recipe "$recipe" "${sets[@]}" --set train.parts=2 --threads 1 --device "$1" --steps "$2" --json 2>"$work/log") ||
        { tail -n 1 "$work/log" >&2 && exit 1; }
    tail -n 1 <<<"$json" | python3 -c 'import json,sys; print(json.load(sys.stdin)["ms"])'
}

echo "| recipe | MB a step and server, there and back | here, one core | one server | two servers | two at 1 Gbit/s | 10 | 100 |"
echo "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
for each in "${recipes[@]}"; do
    recipe=${each%%:*} sets=() here=() one=() two=()
    case $each in *:*) for pair in $(echo "${each#*:}" | tr ',' ' '); do sets+=(--set "$pair"); done ;; esac
    both=${servers[0]},${servers[1]}
    for _ in 1 2 3; do
        here+=("$(measure cpu "$steps")")
        one+=("$(measure "${servers[0]}" "$steps")")
        before=$(carried)
        measure "$both" 1 >/dev/null
        between=$(carried)
        two+=("$(measure "$both" $((steps + 1)))")
        after=$(carried)
    done
    python3 - "$recipe" "${here[*]}" "${one[*]}" "${two[*]}" $(((after - between - between + before) / steps)) <<'END'
import sys
name, *times, bytes = sys.argv[1:]
here, one, two = (min(map(float, time.split())) for time in times)
# The user's machine sends to and hears from both over one cable.
over = [two + int(bytes) * 8 / gbit / 1e6 for gbit in (1, 10, 100)]
cells = [*(f"{ms:,.0f} ms" for ms in (here, one, two)), *(f"{ms:,.0f} ms ({here / ms:.2f}x)" for ms in over)]
print(f"| {name.split('/')[-1].removesuffix('.toml')} | {int(bytes) / 2e6:.1f} |", " | ".join(cells), "|")
END
done
