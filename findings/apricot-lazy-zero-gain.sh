#!/usr/bin/env bash
# apricot: the lazy and the standard optimiser pick worthless rows before good ones
#
# Believed:  lazy greedy picks what naive greedy picks, only faster. apricot says so of its `lazy` optimiser and of
#            `two-stage`, the one that it uses when none is named.
# Happens:   when two rows in turn have lost all their gain, `lazy` takes the second at once, while rows further down
#            its queue still have gain. On data where each row comes three times, half of the rows picked are copies
#            of rows already picked. `naive` picks no copy.
# Hurts:     whoever picks a coreset by facility location from data with copies: augmented images, small pictures,
#            integers, tables. The subset has the size asked for, but covers less. Nothing warns.
# Versions:  apricot-select 0.6.1 (the newest), numpy 1.26.4, scikit-learn 1.7.2, numba 0.68.1
# Source:    LazyGreedy.select in apricot/optimizers.py: its branch for `gain == best_gain == 0.0`.
#            https://github.com/jmschrei/apricot/issues/19 reports gains that do not fall, from the same release.
# Cost:      about 60 s, 125 MB to download; Python 3.11 or 3.12
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip=("$work/venv/bin/pip" install --quiet --disable-pip-version-check)
"${pip[@]}" numpy==1.26.4 scipy==1.17.1 scikit-learn==1.7.2 numba==0.68.1 "setuptools<81" wheel
"${pip[@]}" --no-build-isolation apricot-select==0.6.1
"$work/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import numpy as np
from apricot import FacilityLocationSelection
from sklearn.datasets import load_digits

print(*(f"{name} {version(name)}" for name in ("apricot-select", "numpy", "scikit-learn", "numba")), sep=", ")
digits = load_digits().data[:300]
rows = np.concatenate([digits, digits, digits])
print(f"{len(rows)} rows: {len(np.unique(digits, axis=0))} digits, each three times; 60 rows asked for")

distinct, worth = {}, {}
for optimizer in ("naive", "lazy", "two-stage"):
    picked = FacilityLocationSelection(60, metric="euclidean", optimizer=optimizer).fit(rows)
    distinct[optimizer] = len(np.unique(rows[picked.ranking], axis=0))
    worth[optimizer] = picked.gains.sum()
    print(f"{optimizer:9}  distinct digits {distinct[optimizer]}  facility location {worth[optimizer]:.0f}"
          f"  zero gains {(picked.gains == 0).sum()}  gains 9 to 16 {picked.gains[9:16].astype(int).tolist()}")

expected = {"naive": 60, "lazy": 30, "two-stage": 35}
if distinct != expected or not worth["naive"] > worth["two-stage"] > worth["lazy"]:
    sys.exit(f"CHANGED: expected distinct digits {expected}, naive worth most; came {distinct}, {worth}")
print("holds: lazy and two-stage spend picks on copies while rows with gain are left")
PY
