"""Recomputes the test accuracy of a Gleaner run without Gleaner.

    python docs/read_checkpoint.py RUN/model.safetensors --images t10k-images-idx3-ubyte.gz \
                                                         --labels t10k-labels-idx1-ubyte.gz
    python docs/read_checkpoint.py RUN/model.safetensors --npz test.npz

Needs numpy and safetensors only. See docs/guide/library.md.
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
from safetensors import SafetensorError, safe_open


class Problem(Exception):
    """Something the user can put right; printed as one line."""


ACTIVATIONS = {
    "softplus": lambda x: np.logaddexp(0.0, x),
    "relu": lambda x: np.maximum(x, 0.0),
    "leaky-relu": lambda x: np.where(x >= 0.0, x, 0.2 * x),
    # x / (1 + exp(-x)) written so that no exponential overflows.
    "silu": lambda x: x * 0.5 * (1.0 + np.tanh(0.5 * x)),
    "tanh": np.tanh,
}


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


def logits(config, parameters, x):
    """Logits of q(y|x): hidden layers with the model's nonlinearity, then a linear layer."""
    name = config.get("activation", "softplus")
    if name not in ACTIVATIONS:
        raise Problem(f"activation `{name}` is unknown; known are {', '.join(ACTIVATIONS)}")
    activation = ACTIVATIONS[name]

    def linear(layer, v):
        try:
            weight = parameters[f"classifier.{layer}.weight"]
            bias = parameters[f"classifier.{layer}.bias"]
        except KeyError as error:
            raise Problem(f"the checkpoint has no {error}; this script reads perceptrons only")
        if v.shape[1] != weight.shape[0]:
            raise Problem(
                f"classifier.{layer} takes {weight.shape[0]} values per example, "
                f"the data has {v.shape[1]}; is this the data set that the model was trained on?"
            )
        return v @ weight + bias

    h = x
    depth = 0
    while f"classifier.hidden.{depth}.weight" in parameters:
        h = activation(linear(f"hidden.{depth}", h))
        depth += 1
    return linear("output", h)


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


def read_npz(path):
    """Arrays x and y of an .npz; bytes count as pixels in 0 to 255."""
    try:
        if not zipfile.is_zipfile(path):
            raise Problem(f"{path}: not an .npz file")
        with np.load(path, allow_pickle=False) as file:
            return file["x"], file["y"]
    except KeyError as error:
        raise Problem(f"{path}: {error.args[0]}; it needs x (examples) and y (labels)")
    except (OSError, ValueError, zlib.error, zipfile.BadZipFile) as error:
        raise Problem(f"{path}: not a readable .npz ({error})")


def as_rows(config, x):
    """One example per row, scaled as in training. Pixel bytes are divided by 255 in float32."""
    rows = x.reshape(len(x), -1)
    scaling = config.get("data", {}).get("scaling", "none")
    if x.dtype == np.uint8 and scaling in ("none", {"range": {"low": 0.0, "high": 255.0}}):
        return (rows.astype(np.float32) / np.float32(255.0)).astype(np.float64)
    rows = rows.astype(np.float64)
    if "range" in scaling:
        low, high = scaling["range"]["low"], scaling["range"]["high"]
        return (rows - low) / (high - low)
    if "filled" in scaling:
        return np.where(np.isnan(rows), scaling["filled"], rows)
    if "standardised" in scaling:
        mean, std = scaling["standardised"]["mean"], scaling["standardised"]["std"]
        return np.nan_to_num((rows - mean) / std, nan=0.0)
    return rows


def main():
    parser = argparse.ArgumentParser(description="Recomputes a Gleaner run's test accuracy.")
    parser.add_argument("checkpoint", help="RUN/model.safetensors")
    parser.add_argument("--images", help="IDX images, such as t10k-images-idx3-ubyte.gz")
    parser.add_argument("--labels", help="IDX labels, such as t10k-labels-idx1-ubyte.gz")
    parser.add_argument("--npz", help="an .npz with x [n, ...] and y [n]")
    arguments = parser.parse_args()
    if bool(arguments.npz) == bool(arguments.images or arguments.labels):
        parser.error("give either --npz, or both --images and --labels")
    if not arguments.npz and not (arguments.images and arguments.labels):
        parser.error("--images and --labels go together")

    try:
        config, parameters = read_checkpoint(arguments.checkpoint)
        if arguments.npz:
            x, y = read_npz(arguments.npz)
        else:
            x, y = read_idx(arguments.images, 3), read_idx(arguments.labels, 1)
        if len(x) != len(y):
            raise Problem(f"{len(x)} examples but {len(y)} labels")
        known = y >= 0
        x, y = x[known], y[known]
        if len(y) == 0:
            raise Problem("no labelled example to test on")
        right = 0
        for start in range(0, len(y), 1000):
            rows = as_rows(config, x[start : start + 1000])
            predicted = np.argmax(logits(config, parameters, rows), axis=1)
            right += int(np.sum(predicted == y[start : start + 1000]))
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    print(f"{right} of {len(y)} correct")
    return 0


if __name__ == "__main__":
    sys.exit(main())
