"""Images with what was predicted for them, and the counts by class that many metrics are made of."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from stages.lib.scoring.bootstrap import Once, Resamples


@dataclass(frozen=True)
class Counts:
    """What a set of predictions amounts to, by class; each `(n_classes,)`, or `(samples, n_classes)` of resamples."""

    right: np.ndarray
    """Images of the class that were predicted as it."""
    support: np.ndarray
    """Images of the class."""
    predicted: np.ndarray
    """Images predicted as the class."""


@dataclass(frozen=True)
class Evaluated:
    """Images and what was predicted for them."""

    resamples: Resamples | Once
    labels: np.ndarray
    """int64, `(n,)`: true class numbers."""
    predicted: np.ndarray
    """int64, `(n,)`."""
    n_classes: int
    """Of the catalog, or of its coarse classes."""
    probabilities: np.ndarray | None = None
    """float, `(n, n_classes)`; rows add up to 1. None: not known, as for the nearest class mean."""
    scaled: np.ndarray | None = None
    """The probabilities after temperature scaling."""
    n_bins: int = 1
    """Bins of confidence."""

    @property
    def once(self) -> "Evaluated":
        """The same images, each once."""
        return replace(self, resamples=Once(len(self.labels)))

    @cached_property
    def counts(self) -> Counts:
        """The counts by class."""
        hits = self.labels == self.predicted
        return Counts(
            self.resamples.totals(self.labels, self.n_classes, hits),
            self.resamples.totals(self.labels, self.n_classes),
            self.resamples.totals(self.predicted, self.n_classes),
        )

    def only(self, chosen: np.ndarray) -> "Evaluated":
        """Returns labels and predictions of a part of the images (bool, `(n,)`), with its part of the resamples."""
        part = self.resamples.only(chosen)
        return Evaluated(part, self.labels[chosen], self.predicted[chosen], self.n_classes)


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divides, with 0 / 0 = 0."""
    return part / np.where(whole == 0, 1, whole)


def f1(counts: Counts) -> np.ndarray:
    """Returns the F1 of every class, 0 for one that is neither true nor predicted."""
    return share(2 * counts.right, counts.support + counts.predicted)
