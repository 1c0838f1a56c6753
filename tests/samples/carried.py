"""Writes samples with an array of every type that NumPy saves without pickling, or compares what became of them.

    carried.py write FOLDER            makes FOLDER/in-HOW.npz
    carried.py compare IN OUT ROWS     OUT must have the rows of IN that its array ROWS names, byte by byte
"""

import io
import sys
import warnings
import zipfile

import numpy as np

ROWS, CLASSES = 60, 3

TYPES = [
    "|b1", "|i1", "<i2", ">i2", "<i4", ">i4", "<i8", ">i8", "|u1", "<u2", ">u2", "<u4", ">u4", "<u8", ">u8",
    "<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "g", "<c8", ">c8", "<c16", ">c16", "G",
    "|S1", "|S7", "|S0", "<U1", "<U5", ">U5", "<U0", "|V3", "|V0",
    "<M8[ns]", ">M8[D]", "<M8[25s]", "<M8", "<m8[us]", ">m8[h]",
    [("a", "<f4"), ("b", ">i8")],
    [("it's", "<U3"), ('a "b"]', "|S2", (2, 2)), ("in", [("deep", ">c16"), ("time", "<M8[s]")], (3,))],
    [(("a title", "t"), "<i2"), ("größe", "<f8")],
    [("漢字", "<i4")],
]


def values(dtype, shape, noise):
    """Any bytes will do, except of booleans and of letters."""
    dtype = np.dtype(dtype)
    count = int(np.prod(shape))
    if dtype.itemsize == 0:
        return np.zeros(shape, dtype)
    if dtype.kind == "b":
        return noise.integers(0, 2, shape).astype(dtype)
    if dtype.kind == "U":
        letters = noise.integers(0x61, 0x2FFF, (count, dtype.itemsize // 4))
        return np.array(["".join(map(chr, row)) for row in letters], dtype).reshape(shape)
    if dtype.names:
        array = np.zeros(count, dtype)
        for name in dtype.names:
            field = dtype[name]
            array[name] = values(field.base, (count,) + field.shape, noise)
        return array.reshape(shape)
    return np.frombuffer(noise.bytes(count * dtype.itemsize), dtype).reshape(shape).copy()


def arrays():
    noise = np.random.default_rng(5)
    y = np.arange(ROWS) % CLASSES
    logits = noise.normal(size=(ROWS, CLASSES)) + 3 * np.eye(CLASSES)[y] * (np.arange(ROWS) % 4)[:, None]
    made = {"x": noise.normal(size=(ROWS, 2, 2)), "y": y.astype(">u8"), "logits": np.asfortranarray(logits)}
    for at, dtype in enumerate(TYPES):
        shape = [(ROWS,), (ROWS, 2), (ROWS, 2, 3)][at % 3]
        made[f"type {at}"] = values(dtype, shape, noise)
        made[f"columns first/{at}"] = np.asfortranarray(values(dtype, (ROWS, 3), noise))
    made["packed"] = np.zeros(ROWS, np.dtype([("a", "|i1"), ("b", "<f8")], align=True))
    made["most.u8"] = np.full(ROWS, 2**64 - 1, "<u8") - np.arange(ROWS, dtype="<u8")
    made["digits"] = 1 + np.arange(ROWS) / 2**52
    made["nan"] = np.array([np.nan, -0.0, np.inf] * (ROWS // 3))
    made["no columns"] = np.zeros((ROWS, 0, 3), ">f4")
    made["no rows"] = np.zeros((0, 3), "<f8")
    made["single"] = np.array(2**63 + 1, "<u8")
    made["single text"] = np.array("ß")
    made["z"] = values([("a", "<f4"), ("b", "<u8")], (ROWS,), noise)
    made["../up"] = np.arange(ROWS)
    made["a/b.c"] = np.arange(7)
    made["größe 漢"] = np.arange(ROWS, dtype="<u2")
    made["ends.npy"] = np.arange(ROWS)
    made["deep"] = values("<f2", (ROWS,) + (1,) * 30, noise)
    return made


def npy(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=version)
    return out.getvalue()


class Pipe(io.RawIOBase):
    """What cannot be wound back, so that sizes stand behind the values."""

    def __init__(self, file):
        self.file = file

    def writable(self):
        return True

    def write(self, data):
        return self.file.write(data)


def write(folder):
    made = arrays()
    np.savez(f"{folder}/in-stored.npz", **made)
    np.savez_compressed(f"{folder}/in-deflated.npz", **made)
    with open(f"{folder}/in-piped.npz", "wb") as file, zipfile.ZipFile(Pipe(file), "w") as archive:
        for name, array in made.items():
            archive.writestr(f"{name}.npy", npy(array))
    with zipfile.ZipFile(f"{folder}/in-odd.npz", "w") as archive:
        for name in ["x", "y", "logits"]:
            archive.writestr(f"{name}.npy", npy(made[name], (2, 0)))
        for major in [1, 2, 3]:
            archive.writestr(f"version {major}.npy", npy(made["digits"], (major, 0)))
        archive.writestr("bare", npy(made["digits"]))
        archive.writestr("readme.txt", "no array\n" * 20_000)
        archive.writestr("words.npy", "no array either")
        archive.writestr("nothing.npy", "")
        archive.writestr("folder/", "")
        many = np.zeros(ROWS, [(f"a field with a long name {at}", "<f8") for at in range(3000)])
        archive.writestr("many fields.npy", npy(many))
        objects = io.BytesIO()
        np.save(objects, np.array([{1: 2}, "x"] * (ROWS // 2), dtype=object), allow_pickle=True)
        for name in ["z", "objects"]:
            archive.writestr(f"{name}.npy", objects.getvalue())
        nested = io.BytesIO()
        np.save(nested, np.zeros(3, [("a", "<f4"), ("b", "|O")]), allow_pickle=True)
        archive.writestr("nested.npy", nested.getvalue())
        archive.writestr("packed by others.npy", npy(made["digits"]), zipfile.ZIP_LZMA)
        archive.writestr("twin.npy", npy(np.arange(3)))
        archive.writestr("twin.npy", npy(np.arange(ROWS)))


LEFT_OUT = {"z", "objects", "nested", "packed by others"}
ADDED = {"entropy", "source_index", "index", "gain", "weight", "source_files", "source_file", "source_row"}


def compare(before, after, rows):
    before, after = [np.load(path, max_header_size=1 << 20) for path in (before, after)]
    rows = after[rows]
    names = [name for name in dict.fromkeys(before.files) if name not in ADDED]
    if "objects" in names:
        names = [name for name in names if name not in LEFT_OUT]
    kept = [name for name in after.files if name not in ADDED]
    assert kept == names, set(kept) ^ set(names)
    for name in names:
        was, found = before[name], after[name]
        if isinstance(was, bytes):
            assert found == was, name
            continue
        expected = was[rows] if was.shape[:1] == (ROWS,) else was
        assert np.lib.format.dtype_to_descr(found.dtype) == np.lib.format.dtype_to_descr(was.dtype), name
        assert found.shape == expected.shape, (name, found.shape, expected.shape)
        assert found.tobytes() == expected.tobytes(), name
        if found.dtype.kind != "V":
            assert np.array_equal(found, expected, equal_nan=found.dtype.kind in "fcMm"), name
    print(len(names), "arrays")


if __name__ == "__main__":
    # Twins, versions, and values of 0 bytes are meant.
    warnings.simplefilter("ignore")
    {"write": write, "compare": compare}[sys.argv[1]](*sys.argv[2:])
