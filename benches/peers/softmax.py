"""What a classifier says of generated samples, as `gleaner coreset` reads it: y [n], the class that each was drawn for, and
probs [n, classes]. No sample is like another, and the same options give the same file.

Logits are normal (standard deviation 1.5). That of the class that a sample was drawn for is larger by a normal number of
mean 5 and standard deviation 2: most samples are sure, some are doubtful, a few are taken for another class.
"""

import argparse
from pathlib import Path

import numpy as np


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help=".npz file to write")
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    random = np.random.default_rng(args.seed)
    y = np.arange(args.samples) % args.classes
    logits = 1.5 * random.standard_normal((args.samples, args.classes), dtype=np.float32)
    logits[np.arange(args.samples), y] += random.normal(5.0, 2.0, args.samples).astype(np.float32)
    probs = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs /= probs.sum(axis=1, keepdims=True)
    np.savez(args.out, y=y.astype(np.int64), probs=probs)


if __name__ == "__main__":
    main()
