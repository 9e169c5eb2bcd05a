"""data/evaluations/<row>/predictions.csv: what a row's network made of every validation and test image."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from stages.lib.core.errors import PipelineError
from stages.lib.core.files import read_csv, write_csv

HIDDEN = "test_hidden"
"""The `split` of the test images when they are seen with all side inputs set to unknown."""
KEYS = ["md5hash", "split", "label", "predicted"]


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


def write_predictions(path: Path, parts: dict[str, Predicted], classes: list[str]) -> None:
    """Writes md5hash, split, label, predicted and, with six significant digits, `p_<class>` for every class.

    Args:
        path: The file.
        parts: By `split`: `val`, `test`, and `test_hidden` for rows that take side inputs.
        classes: The catalog's.
    """
    tables = []
    for split, part in parts.items():
        table = pd.DataFrame(part.probabilities, columns=[f"p_{name}" for name in classes])
        names = np.array(classes)
        keys = {"md5hash": part.keys, "split": split, "label": names[part.labels], "predicted": names[part.predicted]}
        tables.append(pd.concat([pd.DataFrame(keys), table], axis=1))
    write_csv(path, pd.concat(tables, ignore_index=True), float_format="%.6g")


def read_predictions(path: Path) -> pd.DataFrame:
    """Reads which class a row or a baseline named for every image: md5hash, split, label and predicted, as text.

    Raises:
        PipelineError: If the file is missing or is not such a file.
    """
    return read_csv(path, KEYS, rest=False)


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
