"""What a Gleaner checkpoint computes, without Gleaner. Needs numpy and safetensors only.

    read_checkpoint.py RUN/model.safetensors --images IMAGES.gz --labels LABELS.gz    counts right answers
    read_checkpoint.py RUN/model.safetensors --npz test.npz [--out P.npz]             and writes probabilities
    read_checkpoint.py RUN/model.safetensors --samples S.npz --out X.npz              decodes the z and y of samples

docs/models_in_numpy.py has the models; docs/guide/read-checkpoint.md says what the tensors are.
"""

import argparse
import gzip
import json
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
from models_in_numpy import Model, Problem, log_softmax
from safetensors import SafetensorError, safe_open


def read_checkpoint(path):
    """The model's configuration and its parameters by module path, as float64."""
    try:
        with safe_open(path, framework="numpy") as file:
            config = (file.metadata() or {}).get("config")
            parameters = {name: file.get_tensor(name).astype(np.float64) for name in file.keys()}
    except FileNotFoundError:
        raise Problem(f"{path}: no such file; give the model.safetensors of a run directory")
    except (SafetensorError, OSError) as error:
        raise Problem(f"{path}: not a readable safetensors file ({error})")
    if config is None:
        raise Problem(f"{path}: no `config` in its metadata; it was not written by gleaner train")
    try:
        return json.loads(config), parameters
    except json.JSONDecodeError as error:
        raise Problem(f"{path}: its `config` is not JSON ({error})")


def read_idx(path, dimensions):
    """An IDX array of bytes, gzipped or not."""
    try:
        content = Path(path).read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise Problem(f"{path}: cannot be read ({error})")
    header = 4 + 4 * dimensions
    if len(content) < header or content[:4] != bytes([0, 0, 8, dimensions]):
        raise Problem(f"{path}: not an IDX file of bytes with {dimensions} dimension(s)")
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    if len(content) - header != int(np.prod(shape, dtype=np.int64)):
        raise Problem(f"{path}: {len(content) - header} values where its header says {shape}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def read_npz(path, *needed):
    """The arrays of an .npz, by name."""
    try:
        if not zipfile.is_zipfile(path):
            raise Problem(f"{path}: not an .npz file")
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except (OSError, ValueError, zlib.error, zipfile.BadZipFile) as error:
        raise Problem(f"{path}: not a readable .npz ({error})")
    for name in needed:
        if name not in arrays:
            raise Problem(f"{path}: it has no array `{name}`, but {', '.join(arrays)}")
    return arrays


def scaling_of(config):
    """What is done with numbers before the model sees them: its name, and its settings."""
    scaling = config.get("data", {}).get("scaling", "none")
    return (scaling, None) if isinstance(scaling, str) else next(iter(scaling.items()))


def scaled(config, x):
    """Examples as the model sees them, `[n, features]`. Bytes are divided by 255 in float32."""
    rows = x.reshape(len(x), -1)
    name, how = scaling_of(config)
    if x.dtype == np.uint8 and (name == "none" or how == {"low": 0.0, "high": 255.0}):
        return (rows.astype(np.float32) / np.float32(255.0)).astype(np.float64)
    rows = rows.astype(np.float64)
    if name == "range":
        return (rows - how["low"]) / (how["high"] - how["low"])
    if name == "filled":
        return np.where(np.isnan(rows), how, rows)
    if name == "standardised":
        return np.nan_to_num((rows - how["mean"]) / how["std"], nan=0.0)
    if name == "columns":
        if rows.shape[1] != len(how):
            raise Problem(f"the model takes {len(how)} numbers per row, the data has {rows.shape[1]}")
        return np.stack([transformed(way, column) for way, column in zip(how, rows.T)], axis=1)
    return rows


def transformed(how, values):
    """A column of a table as the model sees it; NaN, a missing cell, stays NaN."""
    way = how["way"]
    if way == "normal-scores":
        return np.interp(values, how["values"], how["scores"])
    if way == "log":
        values = np.log(np.maximum(values, np.finfo(np.float32).tiny))
    elif way == "counts":
        values = np.log1p(np.maximum(values, 0.0))
    return values if way == "as-is" else (values - how["mean"]) / how["sd"]


def unscaled(config, rows):
    """Rows of a model in the units of the data."""
    name, how = scaling_of(config)
    if name == "range":
        return how["low"] + rows * (how["high"] - how["low"])
    if name == "standardised":
        return how["mean"] + rows * how["std"]
    if name == "columns":
        return np.stack([untransformed(way, column) for way, column in zip(how, rows.T)], axis=1)
    return rows


def untransformed(how, values):
    """The opposite of `transformed`, as finely as the column is given."""
    way = how["way"]
    if way == "normal-scores":
        values = np.interp(values, how["scores"], how["values"])
    elif way != "as-is":
        values = how["mean"] + values * how["sd"]
    if way == "log":
        values = np.exp(values)
    elif way == "counts":
        values = np.expm1(values)
    return np.round(values, how["decimals"]) if "decimals" in how else values


def predicted(model, x):
    """What `gleaner predict` writes of rows; and for m1 too, the centre of the posterior of z and what is made of it."""
    every = {"logits": [], "z": [], "mean": []}
    for start in range(0, len(x), 1000):
        rows = scaled(model.config, x[start : start + 1000])
        logits = model.logits(rows)
        of_class = np.eye(model.config["classes"])[logits.argmax(axis=1)]
        z = model.encode(rows, of_class)
        for name, values in (("logits", logits), ("z", z), ("mean", model.decode(z, of_class))):
            every[name].append(values)
    told = {name: np.concatenate(values) for name, values in every.items()}
    log_probs = log_softmax(told["logits"])
    probs = np.exp(log_probs)
    return {"y": probs.argmax(axis=1), "probs": probs, "entropy": -(probs * log_probs).sum(axis=1), **told}


def decoded(model, samples):
    """What `gleaner sample` makes of the `z` and `y` of its samples. Of a table it draws cells; here they are expected ones."""
    config, z = model.config, samples["z"].astype(np.float64)
    shape = samples["x"].shape
    x = model.decode(z, np.eye(config["classes"])[samples["y"]])
    if config.get("likelihood") == "mixed":
        as_is = "standardised" in samples
        drawn = samples["x"].reshape(len(z), -1).astype(np.float64) if as_is else scaled(config, samples["x"])
        logits = model.judge(z, drawn)
    else:
        logits = model.judge(z, x)
    return {"x": (x if "standardised" in samples else unscaled(config, x)).reshape(shape), "logits": logits}


def count(told, y):
    """How many labelled examples are right; a negative label is none."""
    known = y >= 0
    if not known.any():
        raise Problem("no labelled example to test on")
    return f"{int((told['y'] == y)[known].sum())} of {int(known.sum())} correct"


def run(arguments):
    config, parameters = read_checkpoint(arguments.checkpoint)
    model = Model(config, parameters)
    if Path(arguments.checkpoint).with_name("classifier.json").exists():
        print("note: this run predicts by its classifier.json; this script asks the model alone", file=sys.stderr)
    if arguments.samples:
        told = decoded(model, read_npz(arguments.samples, "x", "y", "z"))
    else:
        if arguments.npz:
            arrays = read_npz(arguments.npz, *(["x"] if arguments.out else ["x", "y"]))
        else:
            arrays = {"x": read_idx(arguments.images, 3), "y": read_idx(arguments.labels, 1).astype(np.int64)}
        x, y = arrays["x"], arrays.get("y")
        if y is not None and len(x) != len(y):
            raise Problem(f"{len(x)} examples but {len(y)} labels")
        told = predicted(model, x)
        if y is not None and y.dtype.kind in "iuf" and config["model"] != "m1":
            print(count(told, y))
    if arguments.out:
        np.savez(arguments.out, **told)


def main():
    parser = argparse.ArgumentParser(description="Computes what a Gleaner checkpoint says, without Gleaner.")
    parser.add_argument("checkpoint", help="RUN/model.safetensors")
    parser.add_argument("--images", help="IDX images, such as t10k-images-idx3-ubyte.gz")
    parser.add_argument("--labels", help="IDX labels, such as t10k-labels-idx1-ubyte.gz")
    parser.add_argument("--npz", help="an .npz with x [n, ...] and y [n]; with --out, y may be missing")
    parser.add_argument("--samples", help="an .npz that `gleaner sample` wrote, with x, y and z")
    parser.add_argument("--out", help="an .npz to write: y, probs, entropy, logits, z and mean; or x and logits of samples")
    arguments = parser.parse_args()
    if bool(arguments.images) != bool(arguments.labels):
        parser.error("--images and --labels go together")
    if [bool(arguments.npz), bool(arguments.images), bool(arguments.samples)].count(True) != 1:
        parser.error("give one of --npz, --samples, or --images and --labels")
    if arguments.samples and not arguments.out:
        parser.error("--samples needs --out")
    try:
        run(arguments)
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
