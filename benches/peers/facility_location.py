"""Facility location by apricot's lazy greedy algorithm, timed: the peer of `gleaner bench coreset`.

The points are those of `points.npz` in --fixture DIR, which `gleaner bench coreset --fixture DIR` wrote. A selection is
timed with its similarities, as ours is: the largest Euclidean distance less the distance, computed by scikit-learn, which
is what apricot itself computes distances with (its own "euclidean" squares them).

No two points may be equal: with copies, apricot's lazy search takes points without gain while others have some
(findings/apricot-lazy-zero-gain.sh), and the times would be those of another search.

It is a server as in peer.py, ready after one selection that nobody times (apricot compiles); its objective is f(S).
"""

import argparse
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from apricot import FacilityLocationSelection
from sklearn.metrics import pairwise_distances

import peer


def select(x, size):
    """What the selection is worth, and the milliseconds that it took."""
    started = time.perf_counter()
    distances = pairwise_distances(x)
    similarity = distances.max() - distances
    selection = FacilityLocationSelection(size, metric="precomputed", optimizer="lazy")
    selection.fit(similarity)
    return float(np.sum(selection.gains)), (time.perf_counter() - started) * 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fixture", type=Path, required=True, help="folder with points.npz")
    parser.add_argument("--size", type=int, default=600, help="points to select")
    parser.add_argument("--points", type=int, default=6000, help="points there have to be")
    parser.add_argument("--dims", type=int, default=10, help="dimensions they have to have")
    args = parser.parse_args()
    with np.load(args.fixture / "points.npz") as arrays:
        x = arrays["x"].astype(np.float64)
    if x.shape != (args.points, args.dims):
        raise ValueError(f"points.npz has {x.shape}, the options ask for {(args.points, args.dims)}")
    if len(np.unique(x, axis=0)) < len(x):
        raise ValueError("points.npz has equal points, on which apricot's lazy search is wrong; use more --dims")
    objective, _ = select(x, args.size)
    ready = {"objective": objective, "apricot": version("apricot-select")}
    peer.serve(ready, lambda count: [select(x, args.size)[1] for _ in range(count)])


if __name__ == "__main__":
    main()
