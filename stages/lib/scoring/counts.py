"""Metrics that are made of counts per class: precision, recall, F1 and balanced accuracy.

Every function takes counts as `(..., n_classes)`: one set of them, or one per bootstrap resample. Definitions are
scikit-learn's with `zero_division=0`, over all classes of the catalog.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from stages.lib.scoring.bootstrap import Resamples, estimate


@dataclass(frozen=True)
class Counts:
    """What a set of predictions amounts to, by class; each float64, `(..., n_classes)`."""

    right: np.ndarray
    """Images of the class that were predicted as it."""
    support: np.ndarray
    """Images of the class."""
    predicted: np.ndarray
    """Images predicted as the class."""


def count(labels: np.ndarray, predicted: np.ndarray, n_classes: int) -> Counts:
    """Counts predictions by class.

    Args:
        labels: int, `(n,)`: true class numbers.
        predicted: int, `(n,)`: predicted ones.
        n_classes: Classes of the catalog.
    """
    right = labels[labels == predicted]
    return Counts(*(np.bincount(numbers, minlength=n_classes) / 1.0 for numbers in (right, labels, predicted)))


def count_resamples(resamples: Resamples, labels: np.ndarray, predicted: np.ndarray, n_classes: int) -> Counts:
    """Does as `count` on every resample: each array is `(samples, n_classes)`."""
    return Counts(
        resamples.totals(labels, n_classes, labels == predicted),
        resamples.totals(labels, n_classes),
        resamples.totals(predicted, n_classes),
    )


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divides one count by another, with 0 / 0 = 0."""
    return part / np.maximum(whole, 1)


def f1(counts: Counts) -> np.ndarray:
    """Returns the F1 of every class, 0 for one that is neither true nor predicted."""
    return share(2 * counts.right, counts.support + counts.predicted)


def accuracy(counts: Counts) -> np.ndarray:
    """Returns the share of images that were predicted right, `(...)`."""
    return share(counts.right.sum(axis=-1), counts.support.sum(axis=-1))


def balanced_accuracy(counts: Counts) -> np.ndarray:
    """Returns the mean recall of the classes that have images, `(...)`."""
    return share(share(counts.right, counts.support).sum(axis=-1), (counts.support > 0).sum(axis=-1))


def f1_weighted(counts: Counts) -> np.ndarray:
    """Returns the mean F1, weighted by support, `(...)`."""
    return share((f1(counts) * counts.support).sum(axis=-1), counts.support.sum(axis=-1))


def f1_macro(counts: Counts) -> np.ndarray:
    """Returns the mean F1 over all classes of the catalog, `(...)`."""
    return f1(counts).mean(axis=-1)


AVERAGES = {metric.__name__: metric for metric in (accuracy, balanced_accuracy, f1_weighted, f1_macro)}


def averages(counts: Counts, names: Iterable[str] = AVERAGES) -> dict[str, np.ndarray]:
    """Computes metrics over the classes.

    Args:
        counts: Each array `(..., n_classes)`.
        names: Which of `AVERAGES`.

    Returns:
        By name, each `(...)`; NaN where there is no image.
    """
    empty = counts.support.sum(axis=-1) == 0
    return {name: np.where(empty, np.nan, AVERAGES[name](counts)) for name in names}


def interval(resamples: Resamples, name: str, replicates: np.ndarray, value: float) -> tuple[float, float]:
    """Returns the interval of a metric of `AVERAGES` from its replicates; that of `f1_macro` is freed of bias."""
    return resamples.interval(replicates, biased=value if name == "f1_macro" else None)


def estimates(
    resamples: Resamples, labels: np.ndarray, predicted: np.ndarray, n_classes: int
) -> dict[str, dict[str, float | None]]:
    """Returns the metrics of `AVERAGES` with their intervals.

    Args:
        resamples: Resamples of the images.
        labels: int, `(n,)`.
        predicted: int, `(n,)`.
        n_classes: Classes of the catalog, or of a partition.

    Returns:
        By name: `value`, `low`, `high`.
    """
    values = averages(count(labels, predicted, n_classes))
    replicates = averages(
        count_resamples(resamples, labels, predicted, n_classes), [name for name in AVERAGES if name != "accuracy"]
    )
    intervals = {name: interval(resamples, name, replicates[name], float(values[name])) for name in replicates}
    intervals["accuracy"] = resamples.share_interval(labels == predicted)
    return {name: estimate(float(values[name]), intervals[name]) for name in AVERAGES}
