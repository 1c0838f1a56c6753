#!/usr/bin/env bash
# jax: weighted choice can never return most rows of a large table
#
# Believed:  `jax.random.choice(key, n, shape, p=p)` may return any row that has weight; f32 costs some accuracy.
# Happens:   a draw is one f32 uniform number, which has 2^23 values, looked up in the summed weights. So at most
#            8,388,608 rows can come, whatever the key and however many draws. With 2^25 rows of equal weight three
#            rows in four cannot come at all, among them all whose number leaves 0 or 1 when divided by 4. Without
#            `p` all rows come.
# Hurts:     whoever draws a coreset or a minibatch by importance from tens of millions of rows. Part of the data
#            is out of reach, always the same part, and the estimates are biased. No warning.
# Versions:  jax 0.10.2 and jaxlib 0.10.2 on the CPU, numpy 2.4.6
# Source:    jax/_src/random.py, `choice`. https://github.com/jax-ml/jax/issues/25498 shows rows of weight 0 drawn.
# Cost:      about 30 s, 135 MB to download, 1 GB of memory; Python 3.11 or later
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
JAX_PLATFORMS=cpu "$work/venv/bin/python" - <<'PY'
import sys

import jax
import jax.numpy as jnp
import numpy as np

print(f"jax {jax.__version__}, numpy {np.__version__}")
DRAWS = 1_000_000
low = {}
for power in (20, 25):
    n = 2**power
    weights = jnp.full(n, 1 / n, dtype=jnp.float32)
    for name, p in (("weights", weights), ("none", None)):
        rows = [np.asarray(jax.random.choice(jax.random.key(seed), n, (DRAWS,), p=p)) for seed in range(3)]
        low[power, name] = [int((r % 4 < 2).sum()) for r in rows]
        print(f"2^{power} rows, p {name:7}: of {DRAWS} draws, row % 4 is 0 or 1 for (three keys) {low[power, name]}")
print("it should be 0 or 1 for about half of the draws")
for (power, name), counts in low.items():
    never = power == 25 and name == "weights"
    if not all(count == 0 if never else abs(count - DRAWS / 2) < 5000 for count in counts):
        sys.exit(f"CHANGED: 2^{power} rows, p {name}: expected {'none' if never else 'half'}, came {counts}")
print("holds: half of the rows of a large weighted table are out of reach")
PY
