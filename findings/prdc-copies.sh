#!/usr/bin/env bash
# prdc: data in which rows occur more than once get precision, recall, density and coverage near 0, even against itself
#
# Believed:  samples that follow the real data have precision, recall and coverage near 1 and density near 1.
# Happens:   a ball reaches to the k-th neighbour and is open. If a row has k other copies, the radius of its ball is
#            0 and nothing is inside, not even an equal row. So all four are exactly 0 for real data whose rows occur
#            six times (k = 5) against themselves. Two halves of one table of three columns with four words each have
#            precision 0.21 and density 0.16; with noise of 1e-6 on the rows they have 0.99 and 1.00. Two copies of each
#            row lower density to 0.80. Nothing warns.
# Hurts:     whoever judges samples of tables, of binarised images, or of anything with few values, and whoever repeats
#            rows to make two sets equally large.
# Versions:  prdc 0.2 (the newest), scikit-learn 1.9.1, numpy 2.4.6, scipy 1.17.1
# Source:    prdc/prdc.py compares with `<`; Kynkäänniemi et al. 2019, eq. 1, with "at most". No report known.
# Cost:      about 60 s, 60 MB to download; Python 3.11 or later
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check prdc==0.2 scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
"$work/venv/bin/python" - <<'PY'
import contextlib
import io
import sys
from importlib.metadata import version

import numpy as np
from prdc import compute_prdc
from sklearn.datasets import load_digits

print(*(f"{name} {version(name)}" for name in ("prdc", "scikit-learn", "numpy")), sep=", ")
rng = np.random.default_rng(0)
digits = rng.permutation(load_digits().data / 16)[:300]
words = np.eye(4)[rng.integers(0, 4, (1000, 3))].reshape(1000, -1)
noisy = words + rng.normal(0, 1e-6, words.shape)
cases = {
    "digits against themselves": (digits, digits),
    "the same, each twice": (np.repeat(digits, 2, 0),) * 2,
    "the same, each six times": (np.repeat(digits, 6, 0),) * 2,
    "halves of a table of words": (words[:500], words[500:]),
    "the same with noise of 1e-6": (noisy[:500], noisy[500:]),
}
came = {}
for name, (real, made) in cases.items():
    with contextlib.redirect_stdout(io.StringIO()):
        measured = compute_prdc(real, made, nearest_k=5)
    came[name] = {measure: round(float(value), 3) for measure, value in measured.items()}
    print(f"{name:28}", "  ".join(f"{measure} {value:.3f}" for measure, value in came[name].items()))
zero = set(came["the same, each six times"].values()) == {0.0}
once = came["digits against themselves"]
table, apart = came["halves of a table of words"], came["the same with noise of 1e-6"]
if not (min(once.values()) > 0.95 and zero and 0.7 < came["the same, each twice"]["density"] < 0.9):
    sys.exit("CHANGED: expected over 0.95 once, density 0.8 twice and 0 for all six times, came the numbers above")
if not (table["precision"] < 0.4 and table["density"] < 0.3 and apart["precision"] > 0.85 and apart["density"] > 0.85):
    sys.exit("CHANGED: expected precision and density of the table under 0.4 and 0.3, with noise over 0.85, came those above")
print("holds: rows that occur more than k times are outside their own balls")
PY
