"""Trains a classifier of scikit-learn on the labels alone, then on the labels and a coreset of samples.

    gleaner data export runs/digits-m2-seed0 --out labels.npz
    python docs/train_on_coreset.py labels.npz coreset.npz
"""

import argparse

import numpy as np
from sklearn.svm import SVC


def accuracy(labels, x, y, weight):
    """Share of the test examples that a support vector machine trained on weighted examples gets right."""
    machine = SVC(C=10).fit(x, y, sample_weight=weight)
    return machine.score(labels["x_test"].reshape(len(labels["x_test"]), -1), labels["y_test"])


def main():
    parser = argparse.ArgumentParser(description="What a coreset of samples adds to a few labels.")
    parser.add_argument("labels", help="what `gleaner data export` wrote")
    parser.add_argument("coreset", help="what `gleaner coreset` wrote")
    parser.add_argument("--share", type=float, default=0.5, help="of the weight that is the samples' (0.5)")
    arguments = parser.parse_args()
    labels, coreset = np.load(arguments.labels), np.load(arguments.coreset)

    x, y = labels["x"].reshape(len(labels["x"]), -1), labels["y"]
    alone = accuracy(labels, x, y, np.ones(len(y)))

    # A medoid stands for as many samples as its weight says; together they weigh `share` of everything.
    samples = coreset["x"].reshape(len(coreset["x"]), -1)
    weight = coreset["weight"] / coreset["weight"].sum()
    weight = np.concatenate([np.full(len(y), (1 - arguments.share) / len(y)), arguments.share * weight])
    weight *= len(weight)
    together = accuracy(labels, np.concatenate([x, samples]), np.concatenate([y, coreset["y"]]), weight)

    print(f"{len(y)} labels alone      {100 * alone:.2f} %")
    print(f"and {len(samples)} samples    {100 * together:.2f} %")


if __name__ == "__main__":
    main()
