"""Grouped bootstrap: how far a figure of the test split would move with other images, drawn as whole groups.

Near-duplicates and images of one lesion are right or wrong together, so groups are drawn, not images (Davison and
Hinkley, Bootstrap Methods and their Application, 1997, section 3.8). All resamples are one matrix of weights, and a
metric on all of them is a product with it.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse, special, stats

LEVEL = 0.95


@dataclass(frozen=True)
class Resamples:
    """Resamples of a set of images, as `draw` makes them."""

    weights: np.ndarray
    """float32, `(n, samples)`: how often every image is in every resample."""
    groups: np.ndarray
    """int64, `(n,)`: the number of every image's group."""

    @cached_property
    def n_groups(self) -> int:
        """How many groups the images make."""
        return len(np.unique(self.groups))

    @cached_property
    def sizes(self) -> np.ndarray:
        """How many images every resample has: float64, `(samples,)`."""
        return self.weights.sum(axis=0, dtype=np.float64)

    def only(self, chosen: np.ndarray) -> "Resamples":
        """Returns the same resamples of a part of the images (bool, `(n,)`); how many a resample has then varies."""
        return Resamples(self.weights[chosen], self.groups[chosen])

    def totals(self, numbers: np.ndarray, width: int, values: np.ndarray | None = None) -> np.ndarray:
        """Adds up a value of every image by a number that each image has (its class, its bin), in every resample.

        Args:
            numbers: int, `(n,)`, 0 to `width` - 1.
            width: How many numbers there are.
            values: float, `(n,)`; None: 1 each, which counts images.

        Returns:
            float32, `(samples, width)`; counts of images are exact in it.
        """
        values = np.ones(len(numbers)) if values is None else values
        # a sparse product: n terms per resample, where a dense one would take n * width
        entries = (values.astype(np.float32), (numbers, np.arange(len(numbers))))
        return (sparse.csr_array(entries, shape=(width, len(numbers))) @ self.weights).T

    def means(self, values: np.ndarray) -> np.ndarray:
        """Averages a value of every image (float, `(n,)`): float64, `(samples,)`, NaN where a resample is empty."""
        total = self.totals(np.zeros(len(values), dtype=np.int64), 1, values)[:, 0]
        return np.divide(total, self.sizes, out=np.full(len(total), np.nan), where=self.sizes > 0)

    def interval(self, replicates: np.ndarray, biased: float | None = None) -> tuple[float, float]:
        """Returns the interval of a figure from its values on the resamples.

        Quantiles are taken a little further out than 2.5 and 97.5 %, as far as Student's t is from the normal
        distribution: without that, intervals of few groups are too narrow (Hesterberg, The American Statistician
        69:371, 2015, "expanded percentile").

        Args:
            replicates: float, `(samples,)`; NaNs, where a resample says nothing, are left out.
            biased: The figure itself, for one that few images push to one side: a class that a resample misses lowers
                a mean over all classes, noise raises a sum of distances. Replicates are then moved by twice the
                distance of their mean to it: the resamples have that bias twice, the figure once.

        Returns:
            Low and high; NaN where there are fewer than two groups.
        """
        n, known = self.n_groups, replicates[~np.isnan(replicates)]
        if n < 2 or len(known) == 0:
            return math.nan, math.nan
        if biased is not None:
            known = known + 2 * (biased - known.mean(dtype=np.float64))
        tail = special.ndtr(math.sqrt(n / (n - 1)) * special.stdtrit(n - 1, (1 - LEVEL) / 2))
        low, high = np.quantile(known, [tail, 1 - tail])
        return float(low), float(high)

    def wilson(self, hits: bool) -> tuple[float, float]:
        """Returns Wilson's interval (JASA 22:209, 1927) on the number of groups, where all images are hits or none is.

        Every resample then says the same, so the bootstrap has nothing to say.
        """
        n = self.n_groups
        if n == 0:
            return math.nan, math.nan
        found = stats.binomtest(n if hits else 0, n).proportion_ci(LEVEL, "wilson")
        return float(found.low), float(found.high)


@dataclass(frozen=True)
class Once:
    """Every image once, with the methods of `Resamples`: the figure itself, in float64."""

    sizes: int
    """How many images there are."""

    def totals(self, numbers: np.ndarray, width: int, values: np.ndarray | None = None) -> np.ndarray:
        """Adds up as `Resamples.totals` does: float64, `(width,)`."""
        return np.bincount(numbers, weights=values, minlength=width).astype(np.float64)

    def means(self, values: np.ndarray) -> float:
        """Averages as `Resamples.means` does."""
        return float(values.mean()) if len(values) else math.nan


def draw(groups: np.ndarray, samples: int, seed: int) -> Resamples:
    """Draws resamples: as many groups as there are, with replacement.

    The same groups and seed give the same resamples, whatever the order of the images, so that figures of two rows of
    a table are paired.

    Args:
        groups: str, `(n,)`: the name of every image's group.
        samples: How many resamples.
        seed: Of the draws.
    """
    names, numbers = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    random = np.random.default_rng(seed)
    counts = np.empty((samples, len(names)), dtype=np.float32)
    for resample in counts:
        resample[:] = np.bincount(random.integers(0, len(names), len(names)), minlength=len(names))
    return Resamples(np.ascontiguousarray(counts.T)[numbers], numbers)


def estimate(value: float, interval: tuple[float, float]) -> dict[str, float | None]:
    """Returns `value`, `low` and `high` as they are stored: to six decimals, None for what does not exist.

    JSON knows no NaN, and further decimals differ between processors. An interval that a few odd images have shifted
    off its value is stretched to hold it.
    """
    low, high = interval
    figures = zip(("value", "low", "high"), (value, min(low, value), max(high, value)), strict=True)
    return {name: None if math.isnan(figure) else round(float(figure), 6) for name, figure in figures}
