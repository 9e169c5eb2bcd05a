"""Which rows score otherwise than one of them, by more than the draw of test images explains.

The interval of a difference comes from a paired bootstrap of whole groups. The p value comes from a randomisation
test: if two rows were alike, it would not matter which of them made which predictions, so the predictions of each group
are swapped at random (Noreen, Computer-Intensive Methods for Testing Hypotheses, 1989). For accuracy and groups of one
image this is McNemar's exact test. With many rows some differ by chance; Holm's correction (Scand. J. Statistics 6:65,
1979) keeps the chance of a single wrong verdict for a metric at 5 %.
"""

import numpy as np
import pandas as pd

from stages.lib.core.errors import PipelineError
from stages.lib.scoring import metrics
from stages.lib.scoring.bootstrap import LEVEL, Resamples, draw
from stages.lib.scoring.evaluated import Counts, Evaluated
from stages.lib.scoring.predictions import class_numbers

BETTER, WORSE, NO_DIFFERENCE = "better", "worse", "no difference shown"
COMPARED = metrics.shown("compared")


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
        One line per other row and metric of `COMPARED`: row, metric, difference (row minus reference), low, high (95 %,
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

    def evaluated(name: str) -> Evaluated:
        return Evaluated(resamples, labels, class_numbers(tests[name]["predicted"], classes), len(classes))

    model = evaluated(reference)
    of_model = metrics.measure(model, COMPARED)
    lines = []
    for name in tests:
        if name == reference:
            continue
        row = evaluated(name)
        of_row, swapped = metrics.measure(row, COMPARED), _swapped(swaps, row, model)
        for metric, entry in COMPARED.items():
            difference = of_row[metric][0] - of_model[metric][0]
            low, high = resamples.interval(of_row[metric][1] - of_model[metric][1])
            # a hair's breadth less: the swap that changes nothing has to count whatever the rounding
            reached = np.abs(entry.function(swapped[0]) - entry.function(swapped[1])) >= abs(difference) - 1e-6
            better = entry.lower_is_better == (difference < 0)
            p = (1 + reached.sum()) / (1 + len(reached))
            lines.append((name, metric, difference, low, high, float(p), BETTER if better else WORSE))
    table = pd.DataFrame(lines, columns=["row", "metric", "difference", "low", "high", "p", "verdict"])
    table.insert(6, "p_adjusted", table.groupby("metric")["p"].transform(holm))
    table.loc[table["p_adjusted"] >= 1 - LEVEL, "verdict"] = NO_DIFFERENCE
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


def _swapped(swaps: Resamples, row: Evaluated, model: Evaluated) -> tuple[Counts, Counts]:
    """Counts what two rows would have scored with their predictions swapped, `(samples, n_classes)` each."""
    labels, n = row.labels, row.n_classes
    right = swaps.totals(labels, n, (model.predicted == labels) * 1.0 - (row.predicted == labels))
    predicted = swaps.totals(model.predicted, n) - swaps.totals(row.predicted, n)
    support = np.broadcast_to(row.once.counts.support, right.shape)
    first, second = (
        Counts(images.once.counts.right + sign * right, support, images.once.counts.predicted + sign * predicted)
        for images, sign in ((row, 1), (model, -1))
    )
    return first, second
