"""Which rows differ from one of them by more than the test split can blur: paired, by whole groups, for many rows.

The interval of a difference comes from the grouped bootstrap. Whether it is one comes from a randomisation test: if
two rows were alike, it would not matter which of them made which predictions, so they are swapped, group by group, at
random (Noreen, Computer-Intensive Methods for Testing Hypotheses, 1989). For accuracy and groups of one image this is
McNemar's exact test. With many rows some differ by chance; Holm's correction (Scand. J. Statistics 6:65, 1979) keeps
the chance of a single wrong verdict for a metric at 5 %.
"""

import numpy as np
import pandas as pd

from stages.lib.core.errors import PipelineError
from stages.lib.scoring import counts
from stages.lib.scoring.bootstrap import LEVEL, Resamples, draw
from stages.lib.scoring.predictions import class_numbers

METRICS = ("accuracy", "f1_weighted", "f1_macro")
BETTER, WORSE, NO_DIFFERENCE = "better", "worse", "no difference shown"


def compare(
    predictions: dict[str, pd.DataFrame],
    reference: str,
    groups: pd.Series,
    classes: list[str],
    samples: int,
    seed: int,
) -> pd.DataFrame:
    """Compares every row with `reference` on the test split.

    Args:
        predictions: By row name, as `read_predictions` reads them, `reference` among them.
        reference: The row to compare with.
        groups: The group of every image, by md5hash.
        classes: The catalog's.
        samples: Resamples, and swaps.
        seed: Of both.

    Returns:
        One line per other row and metric of `METRICS`: row, metric, difference (row minus reference), low, high (95 %,
        each for itself), p, p_adjusted (Holm, over the rows of a metric) and verdict.

    Raises:
        PipelineError: If a row was not predicted for the same images.
    """
    tests = {name: _test_part(table) for name, table in predictions.items()}
    base = tests[reference]
    for name, table in tests.items():
        if not table.index.equals(base.index) or not (table["label"] == base["label"]).all():
            raise PipelineError(f"the predictions of {name}: not about the images of {reference}; run `dvc repro`")
    labels = class_numbers(base["label"], classes)
    of_image = groups.reindex(base.index).to_numpy(dtype=str)
    resamples, swaps = draw(of_image, samples, seed), _swaps(of_image, samples, seed)
    reference_numbers = class_numbers(base["predicted"], classes)
    reference_replicates = counts.averages(
        counts.count_resamples(resamples, labels, reference_numbers, len(classes)), METRICS
    )
    lines = []
    for name, table in tests.items():
        if name == reference:
            continue
        numbers = class_numbers(table["predicted"], classes)
        differences, chance = _randomisation(swaps, labels, numbers, reference_numbers, len(classes))
        counted = counts.count_resamples(resamples, labels, numbers, len(classes))
        replicates = counts.averages(counted, METRICS)
        for metric in METRICS:
            low, high = resamples.interval(replicates[metric] - reference_replicates[metric])
            lines.append((name, metric, differences[metric], low, high, chance[metric]))
    table = pd.DataFrame(lines, columns=["row", "metric", "difference", "low", "high", "p"])
    table["p_adjusted"] = table.groupby("metric")["p"].transform(holm)
    shown = np.where(table["difference"] > 0, BETTER, WORSE)
    table["verdict"] = np.where(table["p_adjusted"] < 1 - LEVEL, shown, NO_DIFFERENCE)
    return table


def holm(p: pd.Series) -> pd.Series:
    """Adjusts p values for being several, each to the smallest level at which Holm's procedure rejects it."""
    ordered = p.sort_values(kind="stable")
    adjusted = (ordered * np.arange(len(p), 0, -1)).cummax().clip(upper=1)
    return adjusted.reindex(p.index)


def _test_part(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["split"] == "test"].set_index("md5hash").sort_index()


def _swaps(groups: np.ndarray, samples: int, seed: int) -> Resamples:
    """Draws for every group of every sample whether its predictions are swapped: weights 0 or 1."""
    names, numbers = np.unique(groups, return_inverse=True)
    coins = np.random.default_rng([seed, 1]).integers(0, 2, (len(names), samples), dtype=np.int8)
    return Resamples(coins.astype(np.float32)[numbers], numbers)


def _randomisation(
    swaps: Resamples, labels: np.ndarray, row: np.ndarray, reference: np.ndarray, n_classes: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Returns the differences of the metrics, and how often swaps give one at least as large."""
    own, other = (counts.count(labels, predicted, n_classes) for predicted in (row, reference))
    moved_right = swaps.totals(labels, n_classes, (reference == labels) * 1.0 - (row == labels))
    moved_predicted = swaps.totals(reference, n_classes) - swaps.totals(row, n_classes)
    support = np.broadcast_to(own.support, moved_right.shape)
    swapped = [
        counts.averages(
            counts.Counts(start.right + sign * moved_right, support, start.predicted + sign * moved_predicted)
        )
        for start, sign in ((own, 1), (other, -1))
    ]
    observed = [counts.averages(c, METRICS) for c in (own, other)]
    differences = {metric: float(observed[0][metric] - observed[1][metric]) for metric in METRICS}
    chance = {}
    for metric in METRICS:
        # a hair's breadth less: the swap that changes nothing has to count whatever the rounding
        reached = np.abs(swapped[0][metric] - swapped[1][metric]) >= abs(differences[metric]) - 1e-6
        chance[metric] = float((1 + reached.sum()) / (1 + len(reached)))
    return differences, chance
