"""Results by skin type: every type and bucket with its interval, the gap, and three measures of fairness."""

import math

import numpy as np
import pandas as pd
from scipy import stats

from stages.lib.core.errors import PipelineError
from stages.lib.core.words import SKIN_TYPES, UNKNOWN_TYPE
from stages.lib.scoring import metrics
from stages.lib.scoring.bootstrap import estimate
from stages.lib.scoring.evaluated import Evaluated, share

RATINGS = ("fitzpatrick_scale", "fitzpatrick_centaur")
"""The catalog's two ratings of the skin type."""
UNKNOWN = "unknown"
LEVELS = {
    "type": {str(t) if t != UNKNOWN_TYPE else UNKNOWN: (t,) for t in SKIN_TYPES},
    "bucket": {"I-II": (1, 2), "III-IV": (3, 4), "V-VI": (5, 6), UNKNOWN: (UNKNOWN_TYPE,)},
}
"""By level: the groups, and the skin types in each."""


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


def members(skin_types: np.ndarray, level: str) -> dict[str, np.ndarray]:
    """Returns by group of a level which images are in it, bool, `(n,)`, from their skin types, int, `(n,)`."""
    return {name: np.isin(skin_types, types) for name, types in LEVELS[level].items()}


def by_group(images: Evaluated, members: dict[str, np.ndarray]) -> list[dict]:
    """Scores every skin type or bucket.

    Args:
        images: The test images.
        members: By group: which of them are in it, bool, `(n,)`.

    Returns:
        One line per group: group, n (images), groups (near-duplicate groups), and the metrics of the table by skin
        type, each with `_low` and `_high`. What cannot be given is None: all of it for a group without images.
    """
    lines = []
    for name, inside in members.items():
        part = images.only(inside)
        line = {"group": name, "n": int(inside.sum()), "groups": part.resamples.n_groups}
        for metric, found in metrics.estimates(part, metrics.shown("skin_types")).items():
            line |= {metric: found["value"], f"{metric}_low": found["low"], f"{metric}_high": found["high"]}
        lines.append(line)
    return lines


def summarise(images: Evaluated, members: dict[str, np.ndarray], min_support: int, seed: int) -> dict:
    """Says how far the known skin types are apart, for assessment.json.

    Args:
        images: The test images.
        members: By group: which of them are in it, bool, `(n,)`; no image is in two.
        min_support: Groups with fewer images are left out.
        seed: Of the permutations.

    Returns:
        `gap` (accuracy of the best group minus that of the worst, with the interval of this difference), `best`,
        `worst`, `gap_p`, and what `disparities` returns. `gap_p` is how often a gap as large comes by chance: with
        the skin types dealt again over the images, whole groups of near-duplicates at a time.
    """
    members = {name: inside for name, inside in members.items() if name != UNKNOWN and inside.sum() >= min_support}
    summary = {"gap": estimate(math.nan, (math.nan, math.nan)), "best": None, "worst": None, "gap_p": None}
    if len(members) >= 2:
        right = images.labels == images.predicted
        accuracy = {name: right[inside].mean() for name, inside in members.items()}
        best, worst = max(accuracy, key=accuracy.get), min(accuracy, key=accuracy.get)
        gap = accuracy[best] - accuracy[worst]
        moved = [images.resamples.only(members[name]).means(right[members[name]]) for name in (best, worst)]
        pair = images.resamples.only(members[best] | members[worst])
        reached = permuted_gaps(images, members, seed) >= gap - 1e-6
        summary = {
            "gap": estimate(gap, pair.interval(moved[0] - moved[1])),
            "best": best,
            "worst": worst,
            "gap_p": round(float((1 + reached.sum()) / (1 + len(reached))), 6),
        }
    return summary | disparities(images, members, min_support)


def permuted_gaps(images: Evaluated, members: dict[str, np.ndarray], seed: int) -> np.ndarray:
    """Deals skin types again, as often as there are resamples, and returns the gap in accuracy of each deal.

    A permutation test (Fisher, The Design of Experiments, 1935) holds for a type of five images too, where resamples
    of five right answers say the same every time. What is dealt to are a group's images of one type; such units of
    the same size with as many right answers are alike, so a deal is a random table of kinds by types (scipy's
    `random_table`), as many rows as there are kinds of units instead of one per image.

    Args:
        images: The test images.
        members: By skin type or bucket: which images are in it, bool, `(n,)`; no image is in two.
        seed: Of the deals.

    Returns:
        float64, `(samples,)`.
    """
    lines = pd.DataFrame({"right": images.labels == images.predicted, "group": images.resamples.groups, "n": 1})
    lines = pd.concat([lines[inside].assign(type=name) for name, inside in members.items()])
    units = lines.groupby(["group", "type"]).agg({"right": "sum", "n": "sum"}).reset_index()
    table = pd.crosstab([units["right"], units["n"]], units["type"])
    deals = stats.random_table(table.sum(axis=1), table.sum(axis=0)).rvs(
        images.resamples.weights.shape[1], random_state=np.random.default_rng([seed, 2])
    )
    right, n = (np.einsum("skt,k->st", deals, table.index.get_level_values(name)) for name in ("right", "n"))
    return np.ptp(right / n, axis=1)


def disparities(images: Evaluated, members: dict[str, np.ndarray], min_support: int) -> dict:
    """Computes PQD, DPM and EOM (Du et al., FairDisCo, ECCV 2022 workshops), each 1 where groups are treated alike.

    The three are ratios of the smallest to the largest over the groups: PQD of accuracies; DPM of the shares of images
    predicted as a class, averaged over classes; EOM of recalls, averaged over classes. With 114 classes most cells hold
    a few images, and the ratio of two such numbers is noise. So DPM takes the classes that are predicted
    `min_support` times or more, and EOM those that two groups or more have `min_support` images of, over these groups;
    a class that is recognised in none of them says nothing and is left out too.

    Args:
        images: The test images.
        members: By group: which images are in it, bool, `(n,)`.
        min_support: As above.

    Returns:
        `pqd`, `dpm` and `eom` (None where nothing can be compared), `min_support`, `groups_compared`, and for DPM and
        EOM `_classes`, how many count, and `_coverage`, their share of the catalog's classes.
    """
    cells = [images.only(inside).once.counts for inside in members.values()]
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
        recalls = np.where(enough, share(right, support), np.nan)
        eom_ratios = _ratios(recalls[:, enough.sum(axis=0) >= 2])
        summary |= {"dpm": _mean(dpm_ratios), "eom": _mean(eom_ratios)}
    for name, ratios in (("dpm", dpm_ratios), ("eom", eom_ratios)):
        summary |= {f"{name}_classes": len(ratios), f"{name}_coverage": round(len(ratios) / images.n_classes, 6)}
    return summary


def _ratios(rates: np.ndarray) -> np.ndarray:
    """Returns smallest over largest of `(n_groups, n)` rates, by column; columns that are all 0 are left out."""
    rates = rates[:, np.nanmax(rates, axis=0) > 0] if rates.size else rates
    return np.nanmin(rates, axis=0) / np.nanmax(rates, axis=0) if rates.size else np.zeros(0)


def _mean(ratios: np.ndarray) -> float | None:
    return round(float(ratios.mean()), 6) if len(ratios) else None
