#!/usr/bin/env bash
# scikit-learn's LabelPropagation: it says that it has converged after 2 steps, and is then the nearest labelled row
#
# Believed:  LabelPropagation without a ConvergenceWarning has reached the fixed point of label propagation, which
#            Zhu and Ghahramani's closed form also gives.
# Happens:   the graph keeps each row's weight 1 to itself. On spread out data that is nearly all of a row's weight
#            (here 0.9999999983 in the median), so labels move by less than `tol` a step and the loop stops. The
#            first step alone has set the labels: to the class of the nearest labelled row. The fixed point, which
#            does not depend on those self weights, gives other labels to one row in ten, and better ones.
#            LabelSpreading sets the self weights to 0 and does not stall.
# Hurts:     whoever reports LabelPropagation as a semi-supervised baseline: it has learnt nothing from the unlabelled
#            rows. Pixels in 0 to 1 and scikit-learn's own gamma are enough.
# Versions:  scikit-learn 1.9.1, numpy 2.4.6, scipy 1.17.1
# Source:    sklearn/semi_supervised/_label_propagation.py, `_build_graph` of each class;
#            https://github.com/scikit-learn/scikit-learn/issues/11784 has the self weights of the k-NN graph
# Cost:      about 60 s, 60 MB to download; Python 3.11 or later
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
"$work/venv/bin/python" - <<'PY'
import sys
import warnings

import numpy as np
import sklearn
from sklearn.datasets import load_digits
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import KNeighborsClassifier
from sklearn.semi_supervised import LabelPropagation, LabelSpreading

print(f"scikit-learn {sklearn.__version__}, numpy {np.__version__}")
pixels, digit = load_digits(return_X_y=True)
pixels = pixels / 16
rng = np.random.default_rng(4)
labelled = np.concatenate([rng.choice(np.flatnonzero(digit == c), 5, replace=False) for c in range(10)])
given = np.full_like(digit, -1)
given[labelled] = digit[labelled]
hidden = given == -1

warnings.simplefilter("error")
model = LabelPropagation().fit(pixels, given)
propagated = model.transduction_[hidden]
spread = LabelSpreading().fit(pixels, given).transduction_[hidden]
nearest = KNeighborsClassifier(1).fit(pixels[labelled], digit[labelled]).predict(pixels[hidden])

weight = rbf_kernel(pixels, gamma=20)
self_weight = np.median(np.diag(weight) / weight.sum(1))
np.fill_diagonal(weight, 0)
laplacian = np.diag(weight.sum(1)) - weight
mass = np.linalg.solve(laplacian[np.ix_(hidden, hidden)], weight[np.ix_(hidden, ~hidden)] @ np.eye(10)[given[~hidden]])
fixed = mass.argmax(1)

print(f"a row's weight to itself, median: {self_weight:.10f}; steps until 'converged': {model.n_iter_}")
for name, labels in (("LabelPropagation", propagated), ("nearest labelled row", nearest),
                     ("fixed point", fixed), ("LabelSpreading", spread)):
    print(f"{name:21} accuracy {(labels == digit[hidden]).mean():.3f}, "
          f"same as LabelPropagation for {(labels == propagated).mean():.1%}")
came = model.n_iter_, (nearest == propagated).mean(), (fixed == propagated).mean()
if not (came[0] <= 3 and came[1] > 0.99 and came[2] < 0.95):
    sys.exit("CHANGED: expected at most 3 steps, over 99 % as the nearest row, under 95 % as the fixed point, "
             f"came {came}")
print("holds: LabelPropagation stops at the nearest labelled row and does not warn")
PY
