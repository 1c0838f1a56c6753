#!/usr/bin/env bash
# safetensors 0.8.0 from NumPy: a transposed array is saved with its numbers in the wrong places
#
# Believed:  `safetensors.numpy.save_file` keeps an array's values, whatever its memory layout; 0.7.0 did so.
# Happens:   0.8.0 writes the array's memory as it lies, under the array's shape. A transposed view, an array in
#            Fortran order or a view with steps comes back with the right shape and type and the wrong numbers.
#            Neither saving nor loading says a word. `np.ascontiguousarray` before saving avoids it.
# Hurts:     whoever hands weights or features to another program. The Rust crate reads the same wrong numbers.
#            A dense layer's weight is often saved transposed; scikit-learn's PCA returns Fortran order.
# Versions:  safetensors 0.8.0 against 0.7.0, numpy 2.4.6
# Source:    https://github.com/safetensors/safetensors/issues/825. The docstring asks for contiguous arrays;
#            an array in Fortran order is contiguous by NumPy's own flag.
# Cost:      about 20 s, 18 MB to download; Python 3.11 or later
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/check.py" <<'PY'
import sys

import numpy as np
import safetensors
from safetensors.numpy import load, save

expected = sys.argv[1] == "kept"
weight = np.arange(6, dtype=np.float32).reshape(2, 3)
column = np.arange(12, dtype=np.float32).reshape(2, 6)
arrays = {
    "as it is": weight,
    "transposed": weight.T,
    "Fortran order": np.asfortranarray(weight),
    "every other column": column[:, ::2],
}
print(f"safetensors {safetensors.__version__}, numpy {np.__version__}")
for name, array in arrays.items():
    back = load(save({"w": array}))["w"]
    kept = np.array_equal(back, array)
    print(f"  {name:18}  saved {array.tolist()}  loaded {back.tolist()}  {'kept' if kept else 'CHANGED VALUES'}")
    if back.shape != array.shape or kept != (expected or name == "as it is"):
        sys.exit(f"CHANGED: {name}: expected values {'kept' if expected else 'moved'}, came the opposite")
PY
for case in "0.7.0 kept" "0.8.0 moved"; do
    read -r version behaviour <<< "$case"
    python3 -m venv "$work/$version"
    "$work/$version/bin/pip" install --quiet --disable-pip-version-check "safetensors==$version" numpy==2.4.6
    "$work/$version/bin/python" "$work/check.py" "$behaviour"
done
echo "holds: 0.7.0 keeps the values, 0.8.0 moves them"
