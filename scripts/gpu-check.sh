#!/usr/bin/env bash
# What gleaner does on an NVIDIA GPU, beside PyTorch, in at most eight minutes and without a network:
#
#     scripts/gpu-check.sh [--device cuda] [--from .gpu] [--steps 200] [--most 480]
#
# Run it in a checkout on the machine with the GPU, after `scripts/gpu-build.sh` has put binaries into its .gpu/. It wants python3 with
# PyTorch, and NVRTC with CUDA's headers, those that come with PyTorch if there are no others. It prints whether the objective is the same on
# CPU, GPU and in PyTorch, milliseconds of a step, memory, launches of kernels, and an epoch of training. It ends with status 1 if a row
# failed. `--device cpu` or `wgpu` runs the same rows where there is no NVIDIA GPU: to see that the script works.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

device=cuda from=.gpu steps=200 most=480
while [ $# -gt 0 ]; do
    case $1 in
    --device | --from | --steps | --most)
        [ $# -gt 1 ] || { echo "gpu-check: $1 needs a value" >&2; exit 2; }
        declare "${1#--}=$2"
        shift 2
        ;;
    *)
        echo "usage: scripts/gpu-check.sh [--device cuda] [--from .gpu] [--steps 200] [--most 480]" >&2
        exit 2
        ;;
    esac
done

say() { printf '[%3d s] %s\n' "$SECONDS" "$*"; }
left() { echo $((most - SECONDS)); }

# Everything else needs one.
if [ "$device" = cuda ]; then
    command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || {
        echo "gpu-check: there is no NVIDIA GPU here (nvidia-smi finds none); --device cpu shows whether this script works" >&2
        exit 1
    }
fi
shopt -s nullglob
carried=("$from"/gleaner-*)
[ ${#carried[@]} -gt 0 ] || {
    echo "gpu-check: there is nothing in $from; run scripts/gpu-build.sh first, or name another folder with --from" >&2
    exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=${PYTHON:-python3}
repository=$PWD

# Binaries, unpacked; those that do not start are left out.
ways=()
for file in "${carried[@]}"; do
    name=$(basename "$file" .xz)
    case $file in
    *.xz) xz --decompress --stdout "$file" 2>/dev/null >"$work/$name" ||
        "$python" -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), open(sys.argv[2], "wb"))' "$file" "$work/$name" ;;
    *) cp "$file" "$work/$name" ;;
    esac
    chmod +x "$work/$name"
    if "$work/$name" --version >/dev/null; then ways+=("${name#gleaner-}"); else say "$name does not start here"; fi
done
[ ${#ways[@]} -gt 0 ] || { echo "gpu-check: no binary in $from starts on this machine" >&2; exit 1; }
say "binaries: ${ways[*]}"

# NVRTC and the headers that kernels include: CUDA's own, else those that PyTorch brings along.
find_cuda() {
    local site dir library
    site=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])' 2>/dev/null || true)
    for dir in "${CUDA_PATH:-}" /usr/local/cuda "$site"/nvidia/cu1* "$site/nvidia/cuda_runtime"; do
        if [ -n "$dir" ] && [ -f "$dir/include/cuda_fp16.h" ]; then
            export CUDA_PATH=$dir
            break
        fi
    done
    library=$(ldconfig -p 2>/dev/null | awk '/libnvrtc\.so/ { print $NF; exit }')
    [ -n "$library" ] || library=$(find /usr/local/cuda*/ "$site/nvidia" -name 'libnvrtc.so*' 2>/dev/null | sort | head -n 1)
    if [ -n "$library" ]; then
        # Under the name that is looked for first, whatever its version.
        mkdir "$work/lib"
        ln -s "$library" "$work/lib/libnvrtc.so"
        export LD_LIBRARY_PATH=$work/lib:$(dirname "$library"):${LD_LIBRARY_PATH:-}
    fi
    say "CUDA_PATH ${CUDA_PATH:-none}, NVRTC ${library:-none}"
}
[ "$device" != cuda ] || find_cuda

torch=cpu
[ "$device" != cuda ] || torch=cuda
version=$("$python" -c 'import torch; print(torch.__version__)' 2>/dev/null) || version=
say "PyTorch ${version:-none: its rows are left out}"

failed=0
# Never past the end.
row() {
    local longest=$1 rest
    shift
    rest=$(left)
    if [ "$rest" -lt 10 ]; then
        say "no time is left for the rest"
        return
    fi
    "$python" "$repository/scripts/gpu/row.py" --warm-up $((steps < 20 ? steps : 20)) --most $((longest < rest ? longest : rest)) "$@" 2>>"$work/errors" || failed=1
}
# Kernels and what tuning found are kept in one place, and one stream serves all threads.
cd "$work"
cat >cubecl.toml <<T
[streaming]
policy = "single"
[environment]
path = { directory = "$work/cache" }
[compilation]
cache = true
T
ours() {
    local longest=$1 name=$2 way=$3
    shift 3
    row "$longest" --steps "$steps" "$name" -- "./gleaner-$way" bench step --serve --device "$device" "$@"
}
theirs() {
    local name=$1
    shift
    [ -z "$version" ] || row 120 --steps "$steps" "$name" -- "$python" "$repository/benches/peers/m2_step.py" --device "$torch" "$@"
}

say "the objective at the same weights, batch and noise"
row 60 --steps 0 "gleaner ${ways[0]}, CPU" -- "./gleaner-${ways[0]}" bench step --serve --fixture fixture >first
cat first
reference=$(sed -n 's/.* J \([-0-9.]*\).*/\1/p' first)
[ -n "$reference" ] || { echo "gpu-check: the program does not work on the CPU: see above" >&2; cat errors >&2; exit 1; }
for way in "${ways[@]}"; do
    row 150 --steps 0 --reference "$reference" "gleaner $way, $device" -- \
        "./gleaner-$way" bench step --serve --device "$device" --fixture "fixture-$way"
done
[ -z "$version" ] || row 60 --steps 0 --reference "$reference" "PyTorch, $torch" -- \
    "$python" "$repository/benches/peers/m2_step.py" --variant split --device "$torch" --fixture fixture

say "a step of M2: the median of three runs of $steps steps"
for way in "${ways[@]}"; do
    ours 120 "gleaner $way, noise of the host, cold" "$way"
    ours 60 "gleaner $way, noise of the host, again" "$way"
    ours 60 "gleaner $way, noise of the device" "$way" --device-noise
    ours 60 "gleaner $way, noise of the device, sum-and-sample:1" "$way" --device-noise --marginalize sum-and-sample:1
done
theirs "PyTorch, fp32" --variant split
if [ "$torch" = cuda ]; then
    theirs "PyTorch, TF32" --variant split --tf32
    theirs "PyTorch, TF32, compiled" --variant split --tf32 --compile
    theirs "PyTorch, TF32, compiled, with graphs" --variant split --tf32 --graphs
fi

say "kernels of a step"
launches() {
    local way=$1 options="bench step --device $device --device-noise --threads 1 --steps 3"
    if "./gleaner-$way" bench step --help | grep -q -- '--count'; then
        # shellcheck disable=SC2086
        timeout "$(left)" "./gleaner-$way" $options --count 2>>errors | sed "s/^/  gleaner $way: /" || failed=1
    elif command -v ncu >/dev/null; then
        # shellcheck disable=SC2086
        timeout "$(left)" ncu --clock-control none --metrics gpu__time_duration.sum --csv "./gleaner-$way" $options 2>>errors |
            "$python" -c '
import csv, sys
rows = [row for row in csv.reader(line for line in sys.stdin if line.startswith("\"")) if len(row) > 5]
value = rows[0].index("Metric Value")
times = [float(row[value].replace(",", "")) for row in rows[1:]]
print(f"  gleaner {sys.argv[1]}: {len(times) / 5:.0f} launches and {sum(times) / 5e6:.3f} ms of kernels in each of five steps")' "$way" || failed=1
    else
        say "gleaner $way: cannot be counted: it has no --count, and there is no ncu"
    fi
}
for way in "${ways[@]}"; do [ "$(left)" -lt 20 ] || launches "$way"; done

say "an epoch of training, from reading the data to the pictures"
# The CPU has no generator of its own.
noise=()
[ "$device" = cpu ] || noise=(--noise device)
data=(--data digits)
for folder in "${GLEANER_DATA:-/nowhere}" "$repository/$from/data" "$from/data"; do
    if [ -d "$folder/mnist" ]; then
        data=(--data mnist --data-dir "$folder")
        break
    fi
done
for way in "${ways[@]}"; do
    [ "$(left)" -gt 20 ] || { say "no time is left for $way"; continue; }
    began=$(date +%s.%N)
    if timeout "$(left)" "./gleaner-$way" train "${data[@]}" --epochs 1 --device "$device" "${noise[@]}" --set train.baseline-steps=0 \
        --out "run-$way" --json >trained 2>>errors; then
        "$python" -c '
import json, sys, time
summary = json.loads(sys.stdin.read().splitlines()[-1])
steps, seconds, accuracy = summary["steps"], summary["seconds"], summary["test_accuracy"]
whole = time.time() - float(sys.argv[2])
print(f"  gleaner {sys.argv[1]}: {whole:.1f} s in all, {seconds:.1f} s of training, {steps} steps, test accuracy {accuracy:.4f}")' "$way" "$began" <trained || failed=1
    else
        echo "  gleaner $way: FAILED: $(tail -n 1 errors)"
        failed=1
    fi
done
if [ "$failed" != 0 ]; then
    echo "what the programs said:"
    sort errors | uniq -c | sort -rn | head -n 20
fi
say "done"
exit "$failed"
