"""Tables with few labels: Gleaner and scikit-learn on the same draws.

Of every table in a folder, a quarter of the rows is the test split (stratified), and of the others a few of each class keep their
label. Gleaner gets the table as a file, with a column `split` and with the other labels empty; scikit-learn gets the same rows,
standardised, missing cells imputed by the mean, words one-hot. By hand:

    python benches/peers/tables.py --gleaner target/release/gleaner --data shared/data/own --out docs/results/tables

It writes OUT.csv (a row for each method and draw) and OUT.md (means, intervals, paired differences, seconds). Draws that OUT.csv
has already are not run again. With --missing 0.3 that share of all cells is emptied at random.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier

TEST_SHARE = 0.25
GAMMAS = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0]
NEIGHBOURS = [3, 5, 7, 11, 17, 25]
FOREST = 300
ALPHA = 0.2


def divided(labels, count, seed):
    """Row numbers: labelled, unlabelled, test."""
    rows = np.arange(len(labels))
    pool, test = train_test_split(rows, test_size=TEST_SHARE, stratify=labels, random_state=seed)
    random = np.random.default_rng(seed)
    labelled = []
    for name in np.unique(labels):
        of_class = pool[labels[pool] == name]
        labelled.extend(random.permutation(of_class)[:count])
    labelled = np.array(sorted(labelled))
    return labelled, np.setdiff1d(pool, labelled), test


def encoded(table, pool):
    """All rows as numbers, fitted to the pool."""
    words = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    numbers = [name for name in table if name not in words]
    steps = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler()), numbers),
            ("words", make_pipeline(OneHotEncoder(handle_unknown="ignore", sparse_output=False), StandardScaler()), words),
        ]
    )
    steps.fit(table.iloc[pool])
    return steps.transform(table)


def spreading(kernel, x, labels, labelled, unlabelled, test):
    """The bandwidth by cross-validation over the labels, every other row unlabelled."""
    name, values = ("gamma", GAMMAS) if kernel == "rbf" else ("n_neighbors", NEIGHBOURS)
    pool = np.concatenate([labelled, unlabelled])
    known = labels[labelled]

    def fitted(value, hidden=()):
        y = np.full(len(pool), -1)
        y[: len(labelled)] = known
        y[list(hidden)] = -1
        model = LabelSpreading(kernel=kernel, alpha=ALPHA, max_iter=100, **{name: value})
        return model.fit(x[pool], y)

    folds = min(5, np.bincount(known).min())
    parts = list(StratifiedKFold(folds, shuffle=True, random_state=0).split(labelled, known))

    def score(value):
        right = [(fitted(value, held).transduction_[held] == known[held]).mean() for _, held in parts]
        return np.mean(right)

    best = max(values, key=score)
    return fitted(best).predict(x[test])


METHODS = {
    "LogisticRegression": lambda x, y, l, u, t: LogisticRegression(max_iter=5000).fit(x[l], y[l]).predict(x[t]),
    "RandomForest": lambda x, y, l, u, t: RandomForestClassifier(FOREST, random_state=0).fit(x[l], y[l]).predict(x[t]),
    "LabelSpreading rbf": lambda x, y, l, u, t: spreading("rbf", x, y, l, u, t),
    "LabelSpreading knn": lambda x, y, l, u, t: spreading("knn", x, y, l, u, t),
    "SelfTraining": lambda x, y, l, u, t: self_training(x, y, l, u, t),
}


def self_training(x, labels, labelled, unlabelled, test):
    pool = np.concatenate([labelled, unlabelled])
    y = np.full(len(pool), -1)
    y[: len(labelled)] = labels[labelled]
    return SelfTrainingClassifier(LogisticRegression(max_iter=5000)).fit(x[pool], y).predict(x[test])


def gleaner(args, table, label, labels, labelled, test, folder):
    """Gleaner on a file with the labels of the pool emptied: its own rows of results by method."""
    said = table.copy()
    known = np.full(len(table), "", dtype=object)
    known[labelled] = labels[labelled]
    known[test] = labels[test]
    split = np.full(len(table), "train", dtype=object)
    split[test] = "test"
    said[label] = known
    said["split"] = split
    path = Path(folder) / "table.csv"
    said.to_csv(path, index=False)
    command = [args.gleaner, "train", "--data", path, "--label", label, "--json", "--out", Path(folder) / "run"]
    command += ["--threads", str(args.threads), *args.option]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"gleaner failed on {path}:\n{done.stderr[-2000:]}")
    summary = json.loads(done.stdout.splitlines()[-1])
    rows = {"gleaner": summary["test_accuracy"], "gleaner labels alone": summary["baseline_accuracy"]}
    if summary.get("model_accuracy") is not None:
        rows[f"gleaner {summary['model']}"] = summary["model_accuracy"]
    kept = (summary.get("choice") or {}).get("kept", summary["model"])
    return rows, kept


def imputed(table, rows):
    """Every empty cell filled by the mean of its column, or its most frequent word, over some rows."""
    seen = table.iloc[rows]
    usual = {name: seen[name].mean() if pd.api.types.is_numeric_dtype(table[name]) else seen[name].mode().iloc[0] for name in table}
    return table.fillna(usual)


def one_draw(args, name, count, seed):
    """The accuracy of every method, with seconds."""
    table = pd.read_csv(args.data / f"{name}.csv")
    label = table.columns[-1]
    labels = table.pop(label).astype(str).to_numpy()
    if args.missing:
        holes = np.random.default_rng(10_000 + seed).random(table.shape) < args.missing
        table = table.astype({name: float for name in table if pd.api.types.is_numeric_dtype(table[name])}).mask(holes)
    labelled, unlabelled, test = divided(labels, count, seed)
    if args.impute:
        table = imputed(table, np.concatenate([labelled, unlabelled]))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        found, kept = gleaner(args, table, label, labels, labelled, test, folder)
        seconds = time.perf_counter() - started
    for method, accuracy in found.items():
        rows.append((method, accuracy, seconds if method == "gleaner" else "", kept if method == "gleaner" else ""))
    if not args.alone:
        x = encoded(table, np.concatenate([labelled, unlabelled]))
        codes = np.unique(labels, return_inverse=True)[1]
        for method, told in METHODS.items():
            started = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                predicted = told(x, codes, labelled, unlabelled, test)
            rows.append((method, float((predicted == codes[test]).mean()), time.perf_counter() - started, ""))
    return [(name, count, seed, method, f"{accuracy:.6f}", f"{seconds:.3f}" if seconds != "" else "", kept) for method, accuracy, seconds, kept in rows]


HEADER = ["table", "labels per class", "draw", "method", "accuracy", "seconds", "kept"]


def interval(differences):
    """Mean and half of the 95 % interval, by the normal distribution, over draws."""
    values = np.asarray(differences, float)
    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return f"{values.mean():+.2f} ± {half:.2f}"


def written(args, results):
    """The report."""
    kept_out = [name for name in args.kept_out if name in set(results["table"])]
    lines = ["# Tables with few labels", ""]
    lines += [
        f"Test accuracy in percent, means over {results['draw'].nunique()} draws; a quarter of the rows is the test split. "
        "`gleaner` is `gleaner train --data FILE` as it comes; `gleaner labels alone` is the best of its methods that look at "
        "labelled rows only, chosen by cross-validation. Nothing was chosen on the tables marked *.",
        "",
    ]
    if args.missing:
        imputed = " Before Gleaner saw them, they were filled by the mean of the column." if args.impute else ""
        lines += [f"{100 * args.missing:.0f} % of all cells were emptied at random.{imputed}", ""]
    accuracy = results.assign(accuracy=100 * results["accuracy"].astype(float))
    for count, of_count in accuracy.groupby("labels per class"):
        means = of_count.pivot_table(index="method", columns="table", values="accuracy", sort=False)
        means["mean"] = means.mean(axis=1)
        if kept_out:
            means["mean *"] = means[kept_out].mean(axis=1)
        names = [f"{name} *" if name in kept_out else name for name in means.columns]
        lines += [f"## {count} labels a class", "", "| method | " + " | ".join(names) + " |", "| --- " * (len(names) + 1) + "|"]
        lines += [f"| {method} | " + " | ".join(f"{value:.1f}" for value in row) + " |" for method, row in zip(means.index, means.to_numpy())]
        lines.append("")
    draws = accuracy.pivot_table(index=["table", "labels per class", "draw"], columns="method", values="accuracy", sort=False)
    lines += ["## Gleaner less each method", "", "Paired over all tables, label counts and draws, points with a 95 % interval.", ""]
    lines += ["| method | all tables | tables marked * |", "| --- | --- | --- |"]
    marked = draws.index.get_level_values("table").isin(kept_out)
    for method in draws.columns:
        if method != "gleaner":
            apart = (draws["gleaner"] - draws[method]).dropna()
            of_marked = (draws["gleaner"] - draws[method])[marked].dropna()
            lines.append(f"| {method} | {interval(apart)} | {interval(of_marked) if len(of_marked) else ''} |")
    seconds = results[results["seconds"].astype(str) != ""].assign(seconds=lambda rows: rows["seconds"].astype(float))
    seconds = seconds.pivot_table(index="method", columns="table", values="seconds", sort=False)
    lines += ["", "## Seconds", "", f"Mean of a draw, {args.threads} threads.", ""]
    lines += ["| method | " + " | ".join(seconds.columns) + " |", "| --- " * (len(seconds.columns) + 1) + "|"]
    lines += [f"| {method} | " + " | ".join(f"{value:.2f}" for value in row) + " |" for method, row in zip(seconds.index, seconds.to_numpy())]
    return "\n".join(lines) + "\n"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--gleaner", required=True)
    arguments.add_argument("--data", required=True, type=Path)
    arguments.add_argument("--out", required=True, type=Path)
    arguments.add_argument("--draws", type=int, default=10)
    arguments.add_argument("--labels", type=int, nargs="+", default=[5, 10])
    arguments.add_argument("--tables", nargs="+")
    arguments.add_argument("--kept-out", nargs="*", default=["breast_cancer", "penguins"])
    arguments.add_argument("--missing", type=float, default=0.0)
    arguments.add_argument("--impute", action="store_true", help="fill empty cells before Gleaner sees them")
    arguments.add_argument("--threads", type=int, default=os.cpu_count())
    arguments.add_argument("--alone", action="store_true", help="leave scikit-learn out")
    arguments.add_argument("--option", nargs="*", default=[], help="more options of gleaner train")
    args = arguments.parse_args()
    tables = args.tables or sorted(path.stem for path in args.data.glob("*.csv"))
    path = args.out.with_suffix(".csv")
    rows = list(csv.reader(path.open()))[1:] if path.exists() else []
    done = {(name, int(count), int(seed)) for name, count, seed, *_ in rows}
    for seed in range(args.draws):
        for count in args.labels:
            for name in tables:
                if (name, count, seed) in done:
                    continue
                rows += [[str(cell) for cell in row] for row in one_draw(args, name, count, seed)]
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("w", newline="") as file:
                    csv.writer(file, lineterminator="\n").writerows([HEADER, *rows])
                print(f"{name}, {count} labels a class, draw {seed}", flush=True)
    args.out.with_suffix(".md").write_text(written(args, pd.DataFrame(rows, columns=HEADER)))


if __name__ == "__main__":
    main()
