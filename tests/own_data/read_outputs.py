"""Opens what gleaner wrote with NumPy, pandas and scikit-learn alone, and prints what is there as one JSON object.

usage: read_outputs.py FOLDER     (the names are those of tests/own_data_python.rs)
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

folder = Path(sys.argv[1])


def arrays(name):
    # Nothing is pickled, so nothing has to be trusted.
    with np.load(folder / name, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def predictions():
    """The table and the arrays of the same predictions say the same."""
    table, file = pd.read_csv(folder / "p.csv"), arrays("p.npz")
    classes = file["classes"].tolist()
    probs = table[[f"p_{name}" for name in classes]].to_numpy()
    assert np.allclose(probs, file["probs"], atol=1e-5), "probabilities"
    assert np.allclose(probs.sum(axis=1), 1, atol=1e-4), "they sum to 1"
    assert (table["class"] == [classes[y] for y in file["y"]]).all(), "classes"
    assert (file["y"] == file["logits"].argmax(axis=1)).all(), "the likeliest class"
    entropy = -(probs * np.log(np.maximum(probs, 1e-30))).sum(axis=1)
    assert np.allclose(entropy, table["entropy"], atol=1e-3), "entropies"
    assert (table["index"] == file["index"]).all(), "places"
    return {"rows": len(table), "classes": classes, "index": table["index"].dtype.kind}


def files():
    """Predictions of pictures carry the names of their files."""
    table, file = pd.read_csv(folder / "pictures.csv"), arrays("pictures.npz")
    assert table["file"].tolist() == file["file"].tolist(), "the same files"
    assert all(Path(name).is_file() for name in table["file"]), "they are there"
    return {"rows": len(table), "kind": file["file"].dtype.kind}


def samples():
    """A table of samples has the columns and the types of the training data; a classifier learns from it."""
    real, drawn = pd.read_csv(folder / "zoo.csv"), pd.read_csv(folder / "drawn.csv")
    assert drawn.columns.tolist() == real.columns.tolist(), "columns"
    kinds = {name: [column.dtype.kind for column in (real[name], drawn[name])] for name in real}
    assert all(a == b for a, b in kinds.values()), kinds
    for name in ["sex", "home", "kind"]:
        assert set(drawn[name]) <= set(real[name].dropna()), name
    features = ["mass", "legs"]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(drawn[features], drawn["kind"])
    labelled = real.dropna(subset="kind")
    return {"rows": len(drawn), "accuracy": model.score(labelled[features], labelled["kind"])}


def sifted():
    """Arrays of samples, of the filtered ones, of a coreset and of the labels go into scikit-learn as they are."""
    said = {}
    for name in ["s.npz", "sure.npz", "few.npz", "labels.npz"]:
        file = arrays(name)
        x, y, classes = file["x"].reshape(len(file["x"]), -1), file["y"], file["classes"]
        assert x.dtype == np.float32 and y.dtype == np.int64 and classes.dtype.kind == "U", name
        assert np.isfinite(x).all() and (0 <= y).all() and (y < len(classes)).all(), name
        model = make_pipeline(StandardScaler(), LogisticRegression())
        weight = {"logisticregression__sample_weight": file["weight"]} if "weight" in file else {}
        model.fit(x, classes[y], **weight)
        said[name] = {"rows": len(x), "classes": sorted(model.classes_.tolist()), "arrays": sorted(file)}
    source, sure = arrays("s.npz"), arrays("sure.npz")
    assert (source["x"][sure["source_index"]] == sure["x"]).all(), "rows of the samples"
    few = arrays("few.npz")
    assert (sure["x"][few["index"]] == few["x"]).all(), "rows of the filtered samples"
    assert np.isclose(few["weight"].sum(), len(sure["x"])), "a weight for every filtered sample"
    return said


print(json.dumps({part.__name__: part() for part in [predictions, files, samples, sifted]}))
