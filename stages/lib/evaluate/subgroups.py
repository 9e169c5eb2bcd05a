"""Results by skin type: every type and bucket with its interval, the gap, and three measures of fairness."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from stages.lib.core.errors import PipelineError
from stages.lib.core.words import SKIN_TYPES, UNKNOWN_TYPE
from stages.lib.scoring import counts
from stages.lib.scoring.bootstrap import Resamples, estimate

RATINGS = ("fitzpatrick_scale", "fitzpatrick_centaur")
"""The catalog's two ratings of the skin type."""
METRICS = ("accuracy", "f1_weighted")
UNKNOWN = "unknown"
LEVELS = {
    "type": {str(t) if t != UNKNOWN_TYPE else UNKNOWN: (t,) for t in SKIN_TYPES},
    "bucket": {"I-II": (1, 2), "III-IV": (3, 4), "V-VI": (5, 6), UNKNOWN: (UNKNOWN_TYPE,)},
}
"""By level: the groups, and the skin types in each."""


@dataclass(frozen=True)
class Rated:
    """Test images with what was predicted and how their skin was rated."""

    resamples: Resamples
    labels: np.ndarray
    """int64, `(n,)`."""
    predicted: np.ndarray
    """int64, `(n,)`."""
    n_classes: int
    skin_types: np.ndarray
    """int64, `(n,)`: 1 to 6, or -1."""
    seed: int
    """Of the permutations."""

    def members(self, level: str) -> dict[str, np.ndarray]:
        """Returns by group which images are in it, bool, `(n,)`."""
        return {name: np.isin(self.skin_types, types) for name, types in LEVELS[level].items()}


def read_ratings(manifest: pd.DataFrame) -> dict[str, np.ndarray]:
    """Reads the ratings that a catalog has; an empty cell is unknown.

    Returns:
        By column: int64, `(n,)`.

    Raises:
        PipelineError: If a rating is no skin type.
    """
    found = {}
    for column in RATINGS:
        if column not in manifest:
            continue
        numbers = pd.to_numeric(manifest[column].replace("", UNKNOWN_TYPE), errors="coerce")
        wrong = ~numbers.isin(SKIN_TYPES)
        if wrong.any():
            row = manifest[wrong].iloc[0]
            raise PipelineError(
                f"catalog: {row['md5hash']}, column {column}: {row[column]!r} is not 1 to 6 or -1; correct it"
            )
        found[column] = numbers.to_numpy(np.int64)
    return found


def by_group(rated: Rated, level: str) -> pd.DataFrame:
    """Scores every skin type or bucket.

    Args:
        rated: The test images.
        level: `type` or `bucket`.

    Returns:
        One line per group: group, n (images), groups (near-duplicate groups), accuracy and f1_weighted, each with
        `_low` and `_high`. What cannot be given is NaN: all of it for a group without images.
    """
    lines = []
    for name, inside in rated.members(level).items():
        part = rated.resamples.only(inside)
        labels, predicted = rated.labels[inside], rated.predicted[inside]
        scores = counts.averages(counts.count(labels, predicted, rated.n_classes), METRICS)
        moved = counts.averages(counts.count_resamples(part, labels, predicted, rated.n_classes), ["f1_weighted"])
        intervals = {
            "accuracy": part.share_interval(labels == predicted),
            "f1_weighted": part.interval(moved["f1_weighted"]),
        }
        if (labels == predicted).all() or not (labels == predicted).any():
            intervals["f1_weighted"] = math.nan, math.nan  # 0 or 1 in every resample: not an interval
        line = {"group": name, "n": len(labels), "groups": part.n_groups}
        for metric, interval in intervals.items():
            stored = estimate(float(scores[metric]), interval)
            line |= {metric: stored["value"], f"{metric}_low": stored["low"], f"{metric}_high": stored["high"]}
        lines.append(line)
    return pd.DataFrame(lines)


def summarise(rated: Rated, level: str, min_support: int) -> dict:
    """Says how far the known skin types are apart, for assessment.json.

    Args:
        rated: The test images.
        level: `type` or `bucket`.
        min_support: Groups with fewer images are left out.

    Returns:
        `gap` (accuracy of the best group minus that of the worst, with the interval of this difference), `best`,
        `worst`, `gap_p`, and what `disparities` returns. `gap_p` is how often a gap as large comes by chance: with
        the skin types dealt anew over the images, whole groups of near-duplicates at a time.
    """
    members = {name: inside for name, inside in rated.members(level).items() if name != UNKNOWN}
    members = {name: inside for name, inside in members.items() if inside.sum() >= min_support}
    summary = {"gap": estimate(math.nan, (math.nan, math.nan)), "best": None, "worst": None, "gap_p": None}
    if len(members) >= 2:
        right = rated.labels == rated.predicted
        accuracy = {name: right[inside].mean() for name, inside in members.items()}
        best, worst = max(accuracy, key=accuracy.get), min(accuracy, key=accuracy.get)
        gap = accuracy[best] - accuracy[worst]
        moved = [rated.resamples.only(members[name]).means(right[members[name]]) for name in (best, worst)]
        pair = rated.resamples.only(members[best] | members[worst])
        summary = {
            "gap": estimate(gap, pair.interval(moved[0] - moved[1])),
            "best": best,
            "worst": worst,
            "gap_p": round(float((1 + (permuted_gaps(rated, members) >= gap - 1e-6).sum()) / (1 + len(moved[0]))), 6),
        }
    return summary | disparities(rated, members, min_support)


def permuted_gaps(rated: Rated, members: dict[str, np.ndarray]) -> np.ndarray:
    """Deals skin types anew, as often as there are resamples, and returns the gap in accuracy of each deal.

    A permutation test (Fisher, The Design of Experiments, 1935) holds for a type of five images too, where resamples
    of five right answers say the same every time. What is dealt to are a group's images of one type; such units of
    the same size with as many right answers are alike, so a deal is a random table of kinds by types (scipy's
    `random_table`), as many rows as there are kinds of units instead of one per image.

    Args:
        rated: The test images.
        members: By skin type or bucket: which images are in it, bool, `(n,)`; no image is in two.

    Returns:
        float64, `(samples,)`.
    """
    images = pd.DataFrame({"right": rated.labels == rated.predicted, "group": rated.resamples.groups, "n": 1})
    images = pd.concat([images[inside].assign(type=name) for name, inside in members.items()])
    units = images.groupby(["group", "type"]).agg({"right": "sum", "n": "sum"}).reset_index()
    table = pd.crosstab([units["right"], units["n"]], units["type"])
    deals = stats.random_table(table.sum(axis=1), table.sum(axis=0)).rvs(
        rated.resamples.weights.shape[1], random_state=np.random.default_rng([rated.seed, 2])
    )
    right, n = (np.einsum("skt,k->st", deals, table.index.get_level_values(name)) for name in ("right", "n"))
    return np.ptp(right / n, axis=1)


def disparities(rated: Rated, members: dict[str, np.ndarray], min_support: int) -> dict:
    """Computes PQD, DPM and EOM (Du et al., FairDisCo, ECCV 2022 workshops), each 1 where groups are treated alike.

    The three are ratios of the smallest to the largest over the groups: PQD of accuracies; DPM of the shares of images
    predicted as a class, averaged over classes; EOM of recalls, averaged over classes. With 114 classes most cells hold
    a few images, and the ratio of two such numbers is noise. So DPM takes the classes that are predicted
    `min_support` times or more, and EOM those that two groups or more have `min_support` images of, over these groups;
    a class that is recognised in none of them says nothing and is left out too.

    Args:
        rated: The test images.
        members: By group: which images are in it, bool, `(n,)`.
        min_support: As above.

    Returns:
        `pqd`, `dpm` and `eom` (None where nothing can be compared), `min_support`, `groups_compared`, and for DPM and
        EOM `_classes`, how many count, and `_coverage`, their share of the catalog's classes.
    """
    cells = [counts.count(rated.labels[i], rated.predicted[i], rated.n_classes) for i in members.values()]
    summary = {"pqd": None, "dpm": None, "eom": None, "min_support": min_support, "groups_compared": list(members)}
    dpm_ratios = eom_ratios = np.zeros(0)
    if len(cells) >= 2:
        right, support, predicted = (
            np.stack([getattr(cell, name) for cell in cells]) for name in ("right", "support", "predicted")
        )
        summary["pqd"] = _mean(_ratios((right.sum(axis=1) / support.sum(axis=1))[:, None]))
        often = predicted.sum(axis=0) >= min_support
        dpm_ratios = _ratios((predicted / support.sum(axis=1, keepdims=True))[:, often])
        enough = support >= min_support
        recalls = np.where(enough, counts.share(right, support), np.nan)
        eom_ratios = _ratios(recalls[:, enough.sum(axis=0) >= 2])
        summary |= {"dpm": _mean(dpm_ratios), "eom": _mean(eom_ratios)}
    for name, ratios in (("dpm", dpm_ratios), ("eom", eom_ratios)):
        summary |= {f"{name}_classes": len(ratios), f"{name}_coverage": round(len(ratios) / rated.n_classes, 6)}
    return summary


def _ratios(rates: np.ndarray) -> np.ndarray:
    """Returns smallest over largest of `(n_groups, n)` rates, by column; columns that are all 0 are left out."""
    rates = rates[:, np.nanmax(rates, axis=0) > 0] if rates.size else rates
    return np.nanmin(rates, axis=0) / np.nanmax(rates, axis=0) if rates.size else np.zeros(0)


def _mean(ratios: np.ndarray) -> float | None:
    return round(float(ratios.mean()), 6) if len(ratios) else None
