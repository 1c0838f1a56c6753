"""Reference of the golden test of facility location: apricot's lazy greedy selection in float64.

    python -m venv /tmp/apricot && /tmp/apricot/bin/pip install apricot-select==0.6.1 scikit-learn==1.9.1 \
        numpy==2.2.6 safetensors==0.8.0
    /tmp/apricot/bin/python tests/golden/facility_location.py

Not part of generate.py, which needs NumPy alone and is run again and again: apricot compiles, and is not. The
similarity is that of E23, the largest Euclidean distance less the distance; it is computed here, because apricot's
own "euclidean" squares distances. The script stops unless apricot's gains are those of its selection, and unless all
points differ: with copies among them, apricot's lazy search takes points without gain while others have some
(findings/apricot-lazy-zero-gain.sh), and its selection would be no reference.
"""

from pathlib import Path

import numpy as np
from apricot import FacilityLocationSelection
from safetensors.numpy import save_file

POINTS, DIMS, SIZE = 2000, 10, 200


def main():
    features = np.random.default_rng(23).standard_normal((POINTS, DIMS)).astype(np.float32)
    if len(np.unique(features, axis=0)) < POINTS:
        raise SystemExit("self-check failed: some points are equal, and apricot's lazy search is wrong on copies")
    x = features.astype(np.float64)
    distances = np.sqrt(((x[:, None, :] - x[None, :, :]) ** 2).sum(axis=-1))
    similarity = distances.max() - distances
    selection = FacilityLocationSelection(SIZE, metric="precomputed", optimizer="lazy")
    selection.fit(similarity)
    ranking, gains = selection.ranking.astype(np.int64), np.asarray(selection.gains)
    worth = np.maximum.accumulate(similarity[:, ranking], axis=1).sum(axis=0)
    if not np.allclose(np.cumsum(gains), worth, rtol=1e-12):
        raise SystemExit("self-check failed: apricot's gains do not add up to what its selection is worth")
    if not (gains > 0.0).all():
        raise SystemExit("self-check failed: apricot takes points without gain")
    tensors = {
        "features": features,
        "out.largest": np.array([distances.max()]),
        "out.objective": np.array([worth[-1]]),
        "out.gains": gains,
        "out.ranking": ranking,
    }
    path = Path(__file__).resolve().parent / "facility_location.safetensors"
    save_file(tensors, path)
    print(f"{path.name}: f(S) {worth[-1]:.9f}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
