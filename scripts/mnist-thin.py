"""Thins MNIST to the small file that the page of digits trains on (web/data/mnist-thin.npz): as many pictures of each
class, 28 x 28 bytes of few grey levels. Any `gleaner train --data` reads it.

    python scripts/mnist-thin.py FOLDER web/data/mnist-thin.npz --train 480

FOLDER has train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz, as `gleaner data fetch mnist` gets them. Both parts
come from MNIST's training split and share no picture, so that its test split stays unseen. With the same arguments, and
the same zlib, the file has the same bytes. Needs NumPy.
"""

import argparse
import gzip
import io
import zipfile

import numpy as np

STAMP = (1980, 1, 1, 0, 0, 0)


def idx(path):
    """An array in the format of MNIST's files."""
    with gzip.open(path) as file:
        raw = file.read()
    shape = [int.from_bytes(raw[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(raw[3])]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


def quantised(pictures, levels):
    """The nearest of so many grey levels, still from 0 to 255: 16 of them take 97 bytes a digit, 256 take 162."""
    step = 255 // (levels - 1)
    return ((pictures.astype(np.uint16) * (levels - 1) + 127) // 255 * step).astype(np.uint8)


def chosen(labels, train, held_out, skip, seed):
    """Rows to train on and rows to judge by, so many of each class, in an order by chance."""
    # The stream of this generator never changes; that of newer ones may.
    draw = np.random.RandomState(seed)
    order = draw.permutation(len(labels))
    parts = ([], [])
    for label in range(10):
        rows = order[labels[order] == label][skip:]
        if len(rows) < train + held_out:
            raise SystemExit(f"class {label} has {len(rows)} pictures; {train + held_out} are asked for")
        parts[0].append(rows[:train])
        parts[1].append(rows[train : train + held_out])
    return [draw.permutation(np.concatenate(part)) for part in parts]


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("folder")
    ask.add_argument("out")
    ask.add_argument("--train", type=int, default=480, help="pictures of each class to train on")
    ask.add_argument("--held-out", type=int, default=100, help="pictures of each class to judge by")
    ask.add_argument("--skip", type=int, default=0, help="pictures of each class to pass over: another file, with none in common")
    ask.add_argument("--levels", type=int, default=16, help="grey levels: 2, 4, 6, 16, 18, 52, 86 or 256")
    ask.add_argument("--seed", type=int, default=2026)
    asked = ask.parse_args()
    if 255 % (asked.levels - 1) != 0:
        raise SystemExit("levels less one must divide 255: 2, 4, 6, 16, 18, 52, 86 or 256")
    pictures = idx(f"{asked.folder}/train-images-idx3-ubyte.gz")
    labels = idx(f"{asked.folder}/train-labels-idx1-ubyte.gz")
    train, held = chosen(labels, asked.train, asked.held_out, asked.skip, asked.seed)
    arrays = {
        "x": quantised(pictures[train], asked.levels),
        "y": labels[train],
        "x_test": quantised(pictures[held], asked.levels),
        "y_test": labels[held],
    }
    with zipfile.ZipFile(asked.out, "w") as out:
        for name, array in arrays.items():
            part = io.BytesIO()
            np.lib.format.write_array(part, np.ascontiguousarray(array), version=(1, 0))
            entry = zipfile.ZipInfo(f"{name}.npy", STAMP)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            out.writestr(entry, part.getvalue(), compresslevel=9)


main()
