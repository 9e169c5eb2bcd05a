"""Coarse classes: the catalog's groups of conditions, nine and three of them, where it has them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from stages.lib.core.errors import PipelineError

COLUMNS = {"nine_partition_label": "nine", "three_partition_label": "three"}
"""Of the catalog, with the short names that tables of results use."""
NONE_KEPT = "(no image kept)"
"""The coarse class of a class whose images were all dropped: the manifest does not say to which it belongs."""


@dataclass(frozen=True)
class CoarseClasses:
    """A grouping of the catalog's classes."""

    names: list[str]
    """In sorted order."""
    numbers: np.ndarray
    """int64, `(n_classes,)`: which of `names` every class belongs to."""

    def probabilities(self, of_classes: np.ndarray) -> np.ndarray:
        """Adds up the probabilities of classes, `(n, n_classes)`, to those of coarse ones, `(n, len(names))`."""
        return np.asarray(of_classes, dtype=np.float64) @ np.eye(len(self.names))[self.numbers]


def read_coarse_classes(manifest: pd.DataFrame, classes: list[str]) -> dict[str, CoarseClasses]:
    """Finds the coarse classes in the manifest.

    Args:
        manifest: Of the kept images; `label` and perhaps the columns of `COLUMNS`.
        classes: The catalog's.

    Returns:
        By column; one that is missing or has an empty cell is left out.

    Raises:
        PipelineError: If a class belongs to two coarse classes of one column.
    """
    found = {}
    for column in COLUMNS:
        if column not in manifest or (manifest[column] == "").any():
            continue
        pairs = manifest[["label", column]].drop_duplicates()
        twice = pairs[pairs["label"].duplicated()]
        if not twice.empty:
            label = twice.iloc[0]["label"]
            both = " and ".join(map(repr, pairs.loc[pairs["label"] == label, column].tolist()[:2]))
            raise PipelineError(f"catalog: class {label!r} is in {column} both {both}; give its rows one of them")
        of_class = pairs.set_index("label")[column].reindex(classes).fillna(NONE_KEPT)
        names, numbers = np.unique(of_class.to_numpy(dtype=str), return_inverse=True)
        found[column] = CoarseClasses(names.tolist(), numbers)
    return found
