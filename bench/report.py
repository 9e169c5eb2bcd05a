"""The numbers of the report at Fitzpatrick17k's size: 20 rows, 1,653 test images, 114 classes, without TensorFlow.

    python -m bench.report

Predictions are synthetic and lie on disk as `evaluate` leaves them. What is timed is all that can be made from them:
reading, assessing and writing every row, with 2,000 grouped resamples for each interval, and comparing all rows with
one. A plain loop that takes the same resamples one by one with scikit-learn is timed on a few of them beside it.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import balanced_accuracy_score, f1_score, log_loss, top_k_accuracy_score

from stages.lib.assessment import assess
from stages.lib.bootstrap import draw
from stages.lib.catalog import SKIN_TYPES
from stages.lib.compare import compare
from stages.lib.files import write_csv, write_json
from stages.lib.predictions import TYPE_UNKNOWN, Predicted, from_table, read_predictions, to_table
from stages.lib.sections import Evaluate

ROWS, ROWS_WITH_TYPE, IMAGES, CLASSES = 20, 4, 1653, 114
SETTINGS = Evaluate(bootstrap_samples=2000, calibration_bins=15, min_support=5, mistakes=24)
LOOPED_RESAMPLES = 3


def synthetic(random: np.random.Generator) -> tuple[pd.DataFrame, pd.Series, dict[str, Predicted]]:
    """Makes a manifest, groups (a fifth of the images in pairs), and true labels of validation and test."""
    keys = [f"{n:032x}" for n in range(2 * IMAGES)]
    labels = random.permutation(np.resize(np.arange(CLASSES), 2 * IMAGES))
    manifest = pd.DataFrame(
        {
            "md5hash": keys,
            "label": [f"condition {n}" for n in labels],
            "nine_partition_label": [f"nine {n % 9}" for n in labels],
            "three_partition_label": [f"three {n % 3}" for n in labels],
            **{f"fitzpatrick_{name}": random.choice(SKIN_TYPES, 2 * IMAGES) for name in ("scale", "centaur")},
        }
    )
    groups = pd.Series([f"{n - n % 2 if n % 10 < 2 else n:032x}" for n in range(2 * IMAGES)], index=keys)
    return manifest, groups, {"val": slice(0, IMAGES), "test": slice(IMAGES, 2 * IMAGES)}


def predictions(random: np.random.Generator, keys: list[str], labels: np.ndarray, skill: float) -> Predicted:
    """Draws probabilities that favour the true class the more, the larger `skill` is."""
    logits = random.normal(0, 1.5, (len(keys), CLASSES)) + skill * np.eye(CLASSES)[labels]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Predicted(keys, labels, shares.astype(np.float32))


def loop_s(test: Predicted, groups: pd.Series) -> float:
    """Times the five metrics on a few resamples with scikit-learn, one by one, and extrapolates to all."""
    weights = draw(groups.loc[test.keys].to_numpy(), SETTINGS.bootstrap_samples, 0).weights
    shares = test.probabilities / test.probabilities.sum(axis=1, keepdims=True)
    classes = np.arange(CLASSES)
    start = time.perf_counter()
    for weight in weights.T[:LOOPED_RESAMPLES]:
        chosen = np.repeat(np.arange(IMAGES), weight.astype(int))
        labels, predicted = test.labels[chosen], test.predicted[chosen]
        for average in ("weighted", "macro"):
            f1_score(labels, predicted, labels=classes, average=average, zero_division=0)
        for k in (1, 3, 5):
            top_k_accuracy_score(labels, shares[chosen], k=k, labels=classes)
        balanced_accuracy_score(labels, predicted)
        log_loss(labels, shares[chosen], labels=classes)
    return (time.perf_counter() - start) / LOOPED_RESAMPLES * SETTINGS.bootstrap_samples


def main() -> None:
    random = np.random.default_rng(0)
    manifest, groups, where = synthetic(random)
    classes = sorted(manifest["label"].unique())
    numbers = pd.Index(classes).get_indexer(manifest["label"])
    seconds = dict.fromkeys(("read", "assess", "write", "compare"), 0.0)
    with tempfile.TemporaryDirectory() as folder:
        for row in range(ROWS):
            parts = {
                split: predictions(random, manifest["md5hash"][rows].tolist(), numbers[rows], 2 + row / 10)
                for split, rows in where.items()
            }
            if row < ROWS_WITH_TYPE:
                parts[TYPE_UNKNOWN] = predictions(random, parts["test"].keys, parts["test"].labels, 2)
            write_csv(Path(folder) / f"row-{row}.csv", to_table(parts, classes), float_format="%.6g")

        for row in range(ROWS):
            times = [time.perf_counter()]
            parts = from_table(read_predictions(Path(folder) / f"row-{row}.csv"), classes)
            times.append(time.perf_counter())
            found = assess(parts, manifest, groups, classes, 32, SETTINGS, 0)
            times.append(time.perf_counter())
            for name, table in found.tables.items():
                write_csv(Path(folder) / f"plots/{row}/{name}.csv", table, float_format="%.6f")
            write_json(Path(folder) / f"plots/{row}/assessment.json", found.summary)
            times.append(time.perf_counter())
            for name, taken in zip(seconds, np.diff(times), strict=False):
                seconds[name] += taken
        start = time.perf_counter()
        tables = {
            f"row-{row}": read_predictions(Path(folder) / f"row-{row}.csv", probabilities=False) for row in range(ROWS)
        }
        compare(tables, "row-0", groups, classes, SETTINGS.bootstrap_samples, 0)
        seconds["compare"] = time.perf_counter() - start
    looped = loop_s(parts["test"], groups) * ROWS
    print(f"{ROWS} rows, {IMAGES} test images, {CLASSES} classes, {SETTINGS.bootstrap_samples} resamples")
    for name, taken in (seconds | {"all": sum(seconds.values())}).items():
        print(f"  {name:8} {taken:6.1f} s")
    print(f"  the same resamples one by one with scikit-learn (extrapolated from {LOOPED_RESAMPLES}): {looped:,.0f} s")
    print(f"  assess alone is {looped / seconds['assess']:,.0f} times as fast, and assesses skin types besides")
    print(f"  TensorFlow imported: {'tensorflow' in sys.modules}")


if __name__ == "__main__":
    main()
