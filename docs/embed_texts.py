"""Sentence embeddings of AG News as features for `gleaner train --data ag-news --features X.npz`.

    pip install sentence-transformers
    python docs/embed_texts.py DATA/ag-news embeddings.npz --model sentence-transformers/all-MiniLM-L6-v2

MODEL is a name or a folder that SentenceTransformer loads; with HF_HUB_OFFLINE=1 nothing is downloaded. The file holds
`x` and `x_test`, one row for each text of the training and of the test file, in their order; a text is its title and
its description.
"""

import argparse
import csv
import gzip
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer

from feature_file import save

# The training file that gleaner reads: the whole one if it is there, else the sample.
TRAIN = ("train.csv", "train.csv.gz", "train_sample10k.csv", "train_sample10k.csv.gz")
TEST = ("test.csv", "test.csv.gz")


def texts(folder, names):
    for path in (folder / name for name in names):
        if path.is_file():
            opened = gzip.open if path.suffix == ".gz" else open
            with opened(path, "rt", encoding="utf-8", newline="") as file:
                return [f"{title}. {description}" for _, title, description in csv.reader(file)]
    raise SystemExit(f"{folder} has none of {', '.join(names)}; name the folder of AG News")


def main():
    parser = argparse.ArgumentParser(description="Sentence embeddings of AG News as an .npz.")
    parser.add_argument("folder", type=Path, help="folder of the AG News files")
    parser.add_argument("out", type=Path, help="the .npz to write")
    parser.add_argument("--model", required=True, help="model of sentence-transformers: a name or a folder")
    arguments = parser.parse_args()
    splits = {"x": texts(arguments.folder, TRAIN), "x_test": texts(arguments.folder, TEST)}
    model = SentenceTransformer(arguments.model, device="cpu")
    arrays = {
        name: np.asarray(model.encode(of, batch_size=64, show_progress_bar=True), dtype=np.float32)
        for name, of in splits.items()
    }
    save(arguments.out, **arrays)


if __name__ == "__main__":
    main()
