"""The kept images as tables: what validate and split wrote, joined for those who train and evaluate."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from stages.lib.core.errors import PipelineError
from stages.lib.core.files import read_csv, read_json
from stages.lib.core.paths import CLASSES, MANIFEST, SPLITS_TABLE
from stages.lib.data.shards import ShardedArray


@dataclass(frozen=True)
class Examples:
    """The images of one split."""

    keys: list[str]
    """md5hash, `(n,)`."""
    positions: np.ndarray
    """int64, `(n,)`: where in the input's shards they are."""
    labels: np.ndarray
    """int64, `(n,)`: class numbers, in the order of the catalog's class list."""
    table: pd.DataFrame
    """Their lines of the manifest, in the same order."""


def read_manifest() -> pd.DataFrame:
    """Reads data/manifest.csv: text columns, but for `fitzpatrick_scale`, which is int64.

    Raises:
        PipelineError: If it is missing.
    """
    return read_csv(MANIFEST, ["md5hash", "fitzpatrick_scale", "label"]).astype({"fitzpatrick_scale": "int64"})


def read_classes() -> list[str]:
    """Reads the catalog's classes, in the order of the networks' outputs."""
    return read_json(CLASSES)


def read_groups() -> pd.Series:
    """Reads the near-duplicate group of every kept image: text, by md5hash.

    Raises:
        PipelineError: If data/splits.csv is missing.
    """
    return read_csv(SPLITS_TABLE, ["md5hash", "group", "split", "fold"]).set_index("md5hash")["group"]


def read_examples(split: str, data: ShardedArray) -> Examples:
    """Reads what belongs to one split, and only that.

    Args:
        split: `train`, `val` or `test`.
        data: The input in which the images are looked up.

    Returns:
        The split's images in the order of the manifest.

    Raises:
        PipelineError: If a table is missing, the split is empty or an image is not in `data`.
    """
    splits = read_csv(SPLITS_TABLE, ["md5hash", "group", "split", "fold"])
    table = read_manifest().merge(splits[splits["split"] == split], on="md5hash", validate="one_to_one")
    if table.empty:
        raise PipelineError(f"{SPLITS_TABLE}: no image is in the {split} split")
    keys = table["md5hash"].tolist()
    numbers = {name: number for number, name in enumerate(read_classes())}
    return Examples(
        keys=keys,
        positions=data.positions(keys),
        labels=table["label"].map(numbers).to_numpy(np.int64),
        table=table,
    )
