"""The metrics: one table. All that is computed, stored, compared, drawn or printed of a metric follows from its entry.

A new metric is an entry of `METRICS`, and a function where none of those here serves. Definitions are scikit-learn's,
with `zero_division=0` and over all classes of the catalog.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from stages.lib.scoring import calibration
from stages.lib.scoring.bootstrap import Resamples, estimate
from stages.lib.scoring.evaluated import Counts, Evaluated, f1, share


def accuracy(counts: Counts) -> np.ndarray:
    """Returns the share of images that were predicted right, `(...)`; scikit-learn's `accuracy_score`."""
    return share(counts.right.sum(axis=-1, dtype=np.float64), counts.support.sum(axis=-1))


def balanced_accuracy(counts: Counts) -> np.ndarray:
    """Returns the mean recall of the classes that have images, `(...)`; `balanced_accuracy_score`."""
    return share(share(counts.right, counts.support).sum(axis=-1), (counts.support > 0).sum(axis=-1))


def f1_weighted(counts: Counts) -> np.ndarray:
    """Returns the mean F1, weighted by support, `(...)`; `f1_score(average="weighted")`."""
    return share((f1(counts) * counts.support).sum(axis=-1), counts.support.sum(axis=-1))


def f1_macro(counts: Counts) -> np.ndarray:
    """Returns the mean F1 over all classes of the catalog, `(...)`; `f1_score(average="macro")`."""
    return f1(counts).mean(axis=-1)


def top(k: int) -> Callable[[Evaluated, np.ndarray], np.ndarray]:
    """Makes the share of images whose class is among the `k` most probable; `top_k_accuracy_score`."""
    return lambda images, probabilities: images.resamples.means(places(images.labels, probabilities) < k)


def places(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Returns the place of the true class among the classes by probability, int `(n,)`, 0 the first.

    Of equally probable classes the one further up in the list comes first, as `argmax` has it: the share of images in
    place 0 is the accuracy.
    """
    true = probabilities[np.arange(len(labels)), labels][:, None]
    before = np.arange(probabilities.shape[1]) < labels[:, None]
    return ((probabilities > true) | ((probabilities == true) & before)).sum(axis=1)


def log_loss(images: Evaluated, probabilities: np.ndarray) -> np.ndarray:
    """Returns the mean cross-entropy in nats; scikit-learn's `log_loss`."""
    return images.resamples.means(calibration.image_losses(images.labels, probabilities))


def calibration_error(images: Evaluated, probabilities: np.ndarray) -> np.ndarray:
    """Returns the expected calibration error (Guo et al., ICML 2017) over `n_bins` bins of equal width."""
    confidences = probabilities.max(axis=1)
    excess = confidences - (images.labels == images.predicted)
    bins = calibration.bins_of(confidences, images.n_bins)
    return share(np.abs(images.resamples.totals(bins, images.n_bins, excess)).sum(axis=-1), images.resamples.sizes)


PLACES = {
    "val": "metrics/scores.json of validation images: what commits and experiments are compared and chosen by",
    "test": "metrics/scores.json of test images: what was measured, and decides nothing",
    "compared": "the table of differences between rows; for metrics of counts",
    "results": "the results tables",
    "card": "the tiles of the results page, and the model card",
    "guesses": "the table on more than the first guess",
    "coarse": "its columns for coarse classes; for metrics of counts",
    "skin_types": "the table by skin type; for metrics of counts",
    "calibration": "the table on calibration",
}
"""Where a metric can show, beside assessment.json and baselines.json, which have all of them."""


@dataclass(frozen=True)
class Metric:
    """One metric."""

    label: str
    """Its name on pages."""
    function: Callable[..., np.ndarray]
    """Of `Counts`, or of `Evaluated` and the probabilities that it needs: one figure, or one per resample."""
    shown: str
    """Where: words of `PLACES`."""
    needs: Literal["counts", "probabilities", "scaled"] = "counts"
    """The attribute of `Evaluated` that it is made of."""
    interval: Literal["plain", "share", "unbiased"] = "plain"
    """`share`: of images, which has an interval at 0 and 1 too (`Resamples.wilson`). `unbiased`: freed of the bias that
    few images give it (`Resamples.interval`); for metrics that are never below 0."""
    lower_is_better: bool = False

    def of(self, images: Evaluated) -> np.ndarray:
        """Computes it: one figure, or `(samples,)`; NaN where there is no image."""
        given = getattr(images, self.needs)
        found = self.function(given) if self.needs == "counts" else self.function(images, given)
        return np.where(images.resamples.sizes == 0, np.nan, found)

    def estimate(self, resamples: Resamples, value: float, replicates: np.ndarray) -> dict[str, float | None]:
        """Returns `value`, `low` and `high` from the figure and its values on the resamples.

        There is no interval where every resample says the same, but of a share.
        """
        if self.interval == "share" and value in (0, 1):
            return estimate(value, resamples.wilson(value == 1))
        if (replicates[~np.isnan(replicates)] == value).all():
            return estimate(value, (np.nan, np.nan))
        low, high = resamples.interval(replicates, biased=value if self.interval == "unbiased" else None)
        return estimate(value, (np.maximum(0, low), high) if self.interval == "unbiased" else (low, high))


METRICS = {
    "accuracy": Metric(
        "accuracy", accuracy, "val test compared results card guesses coarse skin_types", interval="share"
    ),
    "top_3": Metric("top-3 accuracy", top(3), "guesses", needs="probabilities", interval="share"),
    "top_5": Metric("top-5 accuracy", top(5), "results card guesses", needs="probabilities", interval="share"),
    "balanced_accuracy": Metric("balanced accuracy", balanced_accuracy, "results card guesses"),
    "f1_weighted": Metric("weighted F1", f1_weighted, "val compared results card skin_types"),
    "f1_macro": Metric("macro F1", f1_macro, "val test compared results card coarse", interval="unbiased"),
    "loss": Metric("log loss", log_loss, "val results card calibration", "probabilities", lower_is_better=True),
    "loss_scaled": Metric("log loss, scaled", log_loss, "calibration", "scaled", lower_is_better=True),
    "ece": Metric(
        "ECE", calibration_error, "card calibration", "probabilities", interval="unbiased", lower_is_better=True
    ),
    "ece_scaled": Metric(
        "ECE, scaled", calibration_error, "card calibration", "scaled", interval="unbiased", lower_is_better=True
    ),
}


def shown(place: str) -> dict[str, Metric]:
    """Returns the metrics that one of `PLACES` shows, by name, in the order of the table."""
    return {name: metric for name, metric in METRICS.items() if place in metric.shown.split()}


def measure(images: Evaluated, names: Iterable[str] = METRICS) -> dict[str, tuple[float, np.ndarray]]:
    """Computes metrics on images and on their resamples.

    Args:
        images: With their resamples.
        names: Of `METRICS`; those whose probabilities are not known are left out.

    Returns:
        By name: the figure, and its values on the resamples, float, `(samples,)`.
    """
    once, names = images.once, [name for name in names if getattr(images, METRICS[name].needs) is not None]
    return {name: (float(METRICS[name].of(once)), METRICS[name].of(images)) for name in names}


def estimates(images: Evaluated, names: Iterable[str] = METRICS) -> dict[str, dict[str, float | None]]:
    """Returns metrics with their intervals, by name: `value`, `low` and `high` (see `measure`)."""
    return {
        name: METRICS[name].estimate(images.resamples, value, replicates)
        for name, (value, replicates) in measure(images, names).items()
    }
