"""What the results page says of a run itself: where its results come from, its settings and its fingerprints."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.lib.core.files import read_bytes
from stages.lib.core.registry import label
from stages.lib.core.sections import SAMPLE_CATALOG, Backbone, Row

PAPER_DATASET = "fitzpatrick17k"
DIGITS = 16
"""Of a fingerprint."""


def origin(
    dataset: str,
    catalog: str,
    weights: str,
    max_epochs: int | None,
    max_image_size_px: int | None,
    backbones: Mapping[str, Backbone | None],
) -> dict[str, Any]:
    """Returns what the results come from: dataset, weights and whether the paper's figures can be compared.

    Args:
        dataset: Its name in params.yaml.
        catalog: Of the dataset: `sample`, a path or a URL.
        weights: Of the dataset.
        max_epochs: Of rows trained from pixels, None: not capped.
        max_image_size_px: Of the images that networks see, None: not capped.
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
        "max_image_size_px": max_image_size_px,
    }


def weights_name(weights: str) -> str:
    """Returns `imagenet`, `random` or a directory's last part: where it lies is no result."""
    return Path(weights).name


def column_label(column: str) -> str:
    """Returns the name of a catalog column on pages."""
    return {"fitzpatrick_scale": "skin type", "fitzpatrick_centaur": "skin type (Centaur)"}.get(column, column)


def describe(row: Row, kinds: Mapping[str, str]) -> str:
    """Puts a row's network and training into words.

    Args:
        row: The row.
        kinds: Of the dataset's side inputs, by column.
    """
    network = label(row.architecture)
    if row.filters:
        network += " " + "/".join(map(str, row.filters))
    if row.on_features:
        network = f"frozen {network}"
    for column in row.side_inputs:
        network += f" + {column_label(column)}" + (" as a number" if kinds.get(column) == "raw" else "")
    if row.fusion != "concatenate":
        network += f" by {row.fusion}"
    parts = [network, f"dense {row.dense_units}", f"{label(row.optimizer)} {row.learning_rate:g}"]
    return ", ".join(parts + ["augmented"] * row.augment + [f"batch {row.batch_size}", f"dropout {row.dropout:g}"])


def settings(row: Row, capped: Row) -> dict[str, str]:
    """Returns a row's settings as text, in the order of params.yaml; empty ones left out.

    Args:
        row: The row.
        capped: The same as its dataset lets it train.
    """
    own, used = row.model_dump(), capped.model_dump()
    values = {key: ", ".join(map(str, value)) if isinstance(value, list) else value for key, value in own.items()}
    values |= {key: f"{own[key]}, capped at {used[key]}" for key in own if used[key] != own[key]}
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items() if own[key] != []
    }


def fingerprints(files: dict[str, Path]) -> dict[str, str]:
    """Returns what tells one run from another whatever its commit and date: the first digits of files' SHA-256.

    Raises:
        PipelineError: If one is missing.
    """
    return {name: hashlib.sha256(read_bytes(path)).hexdigest()[:DIGITS] for name, path in files.items()}
