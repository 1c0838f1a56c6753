"""The file that `gleaner train --features` reads, for the scripts beside it."""

import os

import numpy as np


def save(out, **arrays):
    """Writes the arrays aside and renames the file: nobody ever meets half of one."""
    partial = out.with_name(out.name + ".part")
    with open(partial, "wb") as file:
        np.savez(file, **arrays)
    os.replace(partial, out)
    for name, array in arrays.items():
        print(f"{name} {array.shape}")
