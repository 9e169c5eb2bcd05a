"""data/evaluations/<row>/predictions.csv: what a row's network made of every validation and test image."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from stages.lib.core.errors import PipelineError
from stages.lib.core.files import replacing

HIDDEN = "test_hidden"
"""The `split` of the test images when they are seen with all side inputs set to unknown."""
KEYS = ["md5hash", "split", "label", "predicted"]
_PREFIX = "p_"


@dataclass(frozen=True)
class Predicted:
    """Probabilities for a set of images."""

    keys: list[str]
    """md5hash, `(n,)`."""
    labels: np.ndarray
    """int64, `(n,)`: true class numbers."""
    probabilities: np.ndarray
    """float, `(n, n_classes)`; rows add up to 1."""

    @property
    def predicted(self) -> np.ndarray:
        """The most probable class, int64, `(n,)`; of equals the first."""
        return self.probabilities.argmax(axis=1)


def to_table(parts: dict[str, Predicted], classes: list[str]) -> pd.DataFrame:
    """Puts predictions into the file's form.

    Args:
        parts: By `split`: `val`, `test`, and `test_hidden` for rows that take the skin type.
        classes: The catalog's.

    Returns:
        md5hash, split, label, predicted, and `p_<class>` for every class.
    """
    names = np.array(classes)
    tables = [
        pd.concat(
            [
                pd.DataFrame(
                    {"md5hash": p.keys, "split": split, "label": names[p.labels], "predicted": names[p.predicted]}
                ),
                pd.DataFrame(p.probabilities, columns=[_PREFIX + name for name in classes]),
            ],
            axis=1,
        )
        for split, p in parts.items()
    ]
    return pd.concat(tables, ignore_index=True)


def write_predictions(path: Path, parts: dict[str, Predicted], classes: list[str]) -> None:
    """Writes predictions, probabilities with six significant digits.

    The bytes are those of `DataFrame.to_csv`, which calls two functions for every number: a second for each row of
    Fitzpatrick17k's 114 classes. Here a line's numbers are formatted at once, in a tenth of that.

    Args:
        path: The file.
        parts: As for `to_table`.
        classes: The catalog's.
    """
    table = to_table(parts, classes)
    numbers = ",".join(["%.6g"] * len(classes))
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.columns)
        keys = table[KEYS].itertuples(index=False)
        for key, values in zip(keys, table.iloc[:, len(KEYS) :].to_numpy().tolist(), strict=True):
            writer.writerow([*key, *(numbers % tuple(values)).split(",")])


def read_predictions(path: Path, probabilities: bool = True) -> pd.DataFrame:
    """Reads a file of predictions, of a row or of a baseline.

    Args:
        path: The file.
        probabilities: Whether to read them; without, md5hash, split, label and predicted come alone, and fast.

    Raises:
        PipelineError: If it is missing or is not such a file.
    """
    again = "write it anew with `dvc repro`"
    try:
        table = pd.read_csv(
            path,
            dtype=dict.fromkeys(KEYS, str),
            keep_default_na=False,
            usecols=None if probabilities else KEYS,
        )
    except FileNotFoundError:
        raise PipelineError(f"{path}: missing; {again}") from None
    except ValueError as error:  # pandas' parser errors, those of UTF-8, and an absent column
        raise PipelineError(f"{path}: not a file of predictions ({error}); {again}") from None
    if table.empty or not set(KEYS) <= set(table.columns):
        raise PipelineError(f"{path}: has no row, or lacks one of {', '.join(KEYS)}; {again}")
    return table


def class_numbers(names: pd.Series, classes: list[str]) -> np.ndarray:
    """Numbers classes by their place in `classes`, int64, `(n,)`.

    Raises:
        PipelineError: If a name is not among them.
    """
    numbers = pd.Index(classes).get_indexer(pd.Index(names)).astype(np.int64)
    if (numbers < 0).any():
        raise PipelineError(
            f"predictions: {names.iloc[int(np.argmax(numbers < 0))]!r} is no class of the catalog; run `dvc repro`"
        )
    return numbers


def from_table(table: pd.DataFrame, classes: list[str]) -> dict[str, Predicted]:
    """Takes a file's content apart again, by `split`.

    Raises:
        PipelineError: If it is about other classes.
    """
    columns = [_PREFIX + name for name in classes]
    if list(table.columns) != KEYS + columns:
        raise PipelineError("predictions: made for other classes than the catalog's; run `dvc repro`")
    return {
        split: Predicted(
            part["md5hash"].tolist(), class_numbers(part["label"], classes), part[columns].to_numpy(np.float64)
        )
        for split, part in table.groupby("split", sort=False)
    }
