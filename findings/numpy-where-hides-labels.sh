#!/usr/bin/env bash
# NumPy 2: np.where(known, y, -1) makes the hidden labels class 255, silently, if y is uint8
#
# Believed:  `np.where(known, y, -1)` gives -1 where a label is hidden. NumPy 1 did: the result was int16. And NumPy 2
#            raises OverflowError wherever the Python integer -1 meets uint8, as in `y + -1` or `y[hidden] = -1`.
# Happens:   `where`, `select` and `choose` do not raise in NumPy 2. The result stays uint8, and -1 becomes 255.
# Hurts:     whoever hides labels for semi-supervised learning. Labels of MNIST, CIFAR and most label files are uint8.
#            `y == -1` and `y < 0` then find no hidden label: they all become one more class. `y.astype(int)` before
#            avoids it.
# Versions:  numpy 2.4.6 against 1.26.4
# Source:    https://github.com/numpy/numpy/issues/27006, open since 2.0
# Cost:      about 20 s, 36 MB to download; Python 3.11 or 3.12
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/check.py" <<'PY'
import sys
import warnings

import numpy as np

warnings.simplefilter("error")
y = np.array([0, 1, 2], np.uint8)
known = np.array([True, False, True])


def assigned():
    hidden = y.astype(np.uint8)
    hidden[~known] = -1
    return hidden


def came(how):
    try:
        labels = how()
        return f"{labels.tolist()} {labels.dtype}"
    except (OverflowError, DeprecationWarning) as error:
        return type(error).__name__


ways = {
    "where": lambda: np.where(known, y, -1),
    "select": lambda: np.select([known], [y], -1),
    "choose": lambda: np.choose(known, [-1, y]),
    "assigned": assigned,
    "full_like": lambda: np.full_like(y, -1),
    "y + -1": lambda: y + -1,
    "where, y.astype(int)": lambda: np.where(known, y.astype(int), -1),
}
silent, int16, right = "[0, 255, 2] uint8", "[0, -1, 2] int16", "[0, -1, 2] int64"
expected = {
    "1.26.4": [int16, int16, int16, "DeprecationWarning", "[255, 255, 255] uint8", "[-1, 0, 1] int16", right],
    "2.4.6": [silent, silent, silent, "OverflowError", "OverflowError", "OverflowError", right],
}[np.__version__]
print(f"numpy {np.__version__}; labels [0, 1, 2] uint8, the second one to be hidden")
for (name, how), wanted in zip(ways.items(), expected):
    print(f"  {name:21} {came(how)}")
    if came(how) != wanted:
        sys.exit(f"CHANGED: {name}: expected {wanted}, came {came(how)}")
PY
for version in 1.26.4 2.4.6; do
    python3 -m venv "$work/$version"
    "$work/$version/bin/pip" install --quiet --disable-pip-version-check "numpy==$version"
    "$work/$version/bin/python" "$work/check.py"
done
echo "holds: NumPy 2 makes 255 of the label -1 in where, select and choose, and raises elsewhere"
