"""What the results page says of a run itself: where its results come from, its settings and its fingerprints."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd

from stages.lib.core.files import read_bytes
from stages.lib.core.sections import SAMPLE_CATALOG, TENSORS, Backbone, Row
from stages.lib.core.words import SKIN_TYPES, UNKNOWN_TYPE

PAPER_DATASET = "fitzpatrick17k"


def origin(
    dataset: str, catalog: str, weights: str, max_epochs: int | None, backbones: dict[str, Backbone | None]
) -> dict[str, Any]:
    """Returns what the results come from: dataset, weights and whether the paper's figures can be compared.

    Args:
        dataset: Its name in params.yaml.
        catalog: Of the dataset: `sample`, a path or a URL.
        weights: Of the dataset.
        max_epochs: Of rows trained from pixels, None: not capped.
        backbones: By name; None for networks that have no weights to start from.
    """
    return {
        "dataset": dataset,
        "synthetic": catalog == SAMPLE_CATALOG,
        "comparable": dataset == PAPER_DATASET,
        "weights": weights_name(weights),
        "own_weights": {
            name: weights_name(backbone.weights)
            for name, backbone in backbones.items()
            if backbone and backbone.weights and backbone.weights != weights
        },
        "max_epochs": max_epochs,
    }


def weights_name(weights: str) -> str:
    """Returns `imagenet`, `random` or a directory's last part: where it lies is no result."""
    return Path(weights).name


def settings(row: Row, max_epochs: int | None) -> dict[str, str]:
    """Returns a row's settings as text, in the order of params.yaml; empty ones and the table left out."""
    values = {key: value for key, value in row.model_dump(exclude={"table"}).items() if value != []}
    if max_epochs and max_epochs < row.epochs and row.input == TENSORS:
        values["epochs"] = f"{row.epochs}, capped at {max_epochs}"
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def fingerprints(files: dict[str, Path]) -> dict[str, str]:
    """Returns what tells one run from another whatever its commit and date: the first 16 digits of files' SHA-256.

    Raises:
        PipelineError: If one is missing.
    """
    return {name: hashlib.sha256(read_bytes(path)).hexdigest()[:16] for name, path in files.items()}


def count_images(catalog: pd.DataFrame, manifest: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Counts images before and after validation, by `label` and by `skin_type`."""
    by_label = {"catalog": catalog["label"].value_counts(), "kept": manifest["label"].value_counts()}
    by_type = {
        name: table["fitzpatrick_scale"].value_counts().reindex(SKIN_TYPES, fill_value=0)
        for name, table in (("catalog", catalog), ("kept", manifest))
    }
    types = pd.DataFrame(by_type)
    types.index = ["unknown" if number == UNKNOWN_TYPE else str(number) for number in types.index]
    return {"label": pd.DataFrame(by_label).fillna(0).astype(int), "skin_type": types}
