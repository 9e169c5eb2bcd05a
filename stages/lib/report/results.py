"""What was measured on each row, as `evaluate`, `baselines` and `explain` wrote it, and what the paper printed."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stages.lib.core.errors import PipelineError
from stages.lib.core.files import read_csv, read_json
from stages.lib.scoring import coarse
from stages.lib.scoring.metrics import METRICS, shown

MODEL = "model"
"""The name of the row that all others are compared with."""
FURTHER = "further"
TITLES = {
    "1": "Table 1: networks trained from scratch, by architecture, optimizer and batch size",
    "2": "Table 2: dropout",
    "3": "Table 3: transfer learning, from frozen networks",
    "4": "Table 4: transfer learning with the skin type as second input",
    FURTHER: "Further rows",
}
"""By the column `table` of the paper's scores; rows that it lacks are further ones."""
PAPER_SCORES = ("loss", "accuracy", "f1")
"""Columns of the paper's scores. The first two are metrics of ours; its `f1` is not (see `scoring.published`)."""
MAX_MATRIX = 12
"""Classes of a confusion matrix that fits a telephone."""

_CURVES = [f"{split}{metric}" for split in ("", "val_") for metric in ("loss", "accuracy", "f1_weighted")]
_SKIN_TYPES = [f"{name}{end}" for name in shown("skin_types") for end in ("", "_low", "_high")]
_TABLES = {
    "confusion": (["actual", "predicted"], []),
    "classes": (["level", "name"], ["support", "predicted", "precision", "recall", "f1"]),
    "reliability": (["calibration"], ["low", "high", "n", "confidence", "accuracy"]),
    "mistakes": (["md5hash", "label", "predicted"], ["confidence", "label_probability"]),
    "skin_types": (["rating", "input", "level", "group"], ["n", *_SKIN_TYPES]),
}
"""Columns of text and of numbers in the tables of data/evaluations/<row>."""


class Explained(NamedTuple):
    """Grad-CAM of one architecture: `table` has md5hash, label, predicted, probability; `maps` is `(n, H, W)`."""

    row: str
    table: pd.DataFrame
    maps: np.ndarray


def read_assessment(directory: Path) -> dict[str, Any]:
    """Reads `assessment.json` of a row.

    Raises:
        PipelineError: If it is missing, is no JSON or lacks a metric.
    """
    path = directory / "assessment.json"
    if not path.is_file():
        raise PipelineError(f"{path}: missing; row {directory.name} has no scores yet: run `dvc repro`")
    assessment = read_json(path)
    absent = set(METRICS) - set(assessment.get("metrics", {}) if isinstance(assessment, dict) else {})
    if absent:
        raise PipelineError(f"{path}: lacks {sorted(absent)[0]}; delete it and run `dvc repro`")
    return assessment


def read_curves(directory: Path) -> pd.DataFrame:
    """Reads `curves.csv` of a row: its training, epoch by epoch.

    Raises:
        PipelineError: If it is missing or malformed.
    """
    return read_csv(directory / "curves.csv", [], ["epoch", *_CURVES, "chosen"])


def long_curves(curves: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Puts the curves of all rows into one table, which `dvc plots` draws: row, epoch, split, metric, value."""
    parts = [table.melt(["epoch", "chosen"], var_name="metric").assign(row=name) for name, table in curves.items()]
    table = pd.concat(parts, ignore_index=True)
    table["value"] = pd.to_numeric(table["value"])
    table["split"] = np.where(table["metric"].str.startswith("val_"), "validation", "training")
    table["metric"] = table["metric"].str.removeprefix("val_")
    return table[["row", "epoch", "split", "metric", "value"]]


def read_tables(directory: Path) -> dict[str, pd.DataFrame]:
    """Reads the tables of a row but its curves and predictions, by the names of their files.

    Raises:
        PipelineError: If a file is missing or malformed.
    """
    return {name: read_csv(directory / f"{name}.csv", *columns) for name, columns in _TABLES.items()}


def read_explained(directory: Path, row: str) -> Explained:
    """Reads what `explain` wrote for an architecture, of which it took a row.

    Raises:
        PipelineError: If a file is missing or cannot be read.
    """
    table = read_csv(directory / "explained.csv", ["md5hash", "label", "predicted"], ["probability"])
    try:
        return Explained(row, table, np.load(directory / "maps.npy"))
    except (OSError, ValueError) as error:
        raise PipelineError(f"{directory / 'maps.npy'}: cannot be read ({error}); run `dvc repro`") from None


def read_paper(path: Path) -> pd.DataFrame:
    """Reads the published scores by row: `table` (text) and `PAPER_SCORES`.

    Raises:
        PipelineError: If the file is missing, malformed or has a row twice.
    """
    table = read_csv(path, ["row", "table"], PAPER_SCORES, remedy=f"restore it with `git restore {path}`")
    for row, fault in ((table["row"].duplicated(), "is there twice; keep one"),
                       (table.isna().any(axis=1), "lacks a score; add it")):  # fmt: skip
        if row.any():
            raise PipelineError(f"{path}: row {table['row'][row].iloc[0]} {fault}")
    return table.set_index("row")


def published(paper: pd.DataFrame, row: str) -> dict[str, float]:
    """Returns what the paper printed of a row; nothing if it lacks the row."""
    return paper.loc[row].to_dict() if row in paper.index else {}


def by_table(rows: list[str], paper: pd.DataFrame) -> dict[str, list[str]]:
    """Returns the results tables that have rows, by title: the paper's, then that of the rows that it lacks."""
    of_row = paper["table"].reindex(rows).fillna(FURTHER)
    keys = [*sorted(paper["table"].unique()), FURTHER]
    tables = {TITLES.get(key, f"Table {key}"): of_row.index[of_row == key].tolist() for key in keys}
    return {title: names for title, names in tables.items() if names}


def fairness_of(assessment: dict[str, Any]) -> dict[str, Any]:
    """Returns how far apart the skin types are, by type and by the catalog's main rating, side inputs given."""
    main = {"rating": "fitzpatrick_scale", "input": "given", "level": "type"}
    return next(found for found in assessment["skin_types"] if main.items() <= found.items())


def matrix(confusion: pd.DataFrame) -> dict[str, Any] | None:
    """Counts which class was taken for which, for the finest classes of which a matrix fits a page.

    Args:
        confusion: One line per test image: `actual` and `predicted`, and both again with `_nine` and `_three` where the
            catalog has coarse classes.

    Returns:
        `names` of the classes, at most `MAX_MATRIX`; `counts`, one list per actual class; `fine`, whether the classes
        are those that the model names. None if no matrix fits.
    """
    for suffix in ("", *(f"_{name}" for name in coarse.COLUMNS.values())):
        if f"actual{suffix}" not in confusion:
            continue
        actual, predicted = confusion[f"actual{suffix}"], confusion[f"predicted{suffix}"]
        names = sorted(set(actual) | set(predicted))
        if len(names) <= MAX_MATRIX:
            counts = pd.crosstab(actual.to_numpy(), predicted.to_numpy())
            counts = counts.reindex(index=names, columns=names, fill_value=0)
            return {"names": names, "counts": counts.to_numpy().tolist(), "fine": not suffix}
    return None


def confused_pairs(confusion: pd.DataFrame, count: int) -> pd.DataFrame:
    """Finds which classes are taken for which most often.

    Args:
        confusion: `actual` and `predicted`, one line per test image.
        count: How many pairs, at most.

    Returns:
        `actual`, `predicted`, `images` (how often) and `share` (of the actual class), most frequent first; pairs that
        are equally frequent by share, then by name. Empty if nothing was mistaken.
    """
    support = confusion["actual"].value_counts()
    wrong = confusion[confusion["actual"] != confusion["predicted"]]
    pairs = wrong.groupby(["actual", "predicted"]).size().rename("images").reset_index()
    pairs["share"] = pairs["images"] / pairs["actual"].map(support)
    order = ["images", "share", "actual", "predicted"]
    return pairs.sort_values(order, ascending=[False, False, True, True]).head(count).reset_index(drop=True)
