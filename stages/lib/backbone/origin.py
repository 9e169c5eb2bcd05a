"""What made a set of features, kept beside it: the network, its weights, its precision and how it was scaled."""

import json
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from stages.lib.core.errors import PipelineError
from stages.lib.core.files import read_json, write_json
from stages.lib.core.sections import BackboneSpec

CONFIG = "backbone.json"
SCALING = "scaling.npy"
"""How the features of a random backbone are scaled (`backbones.read_scaling`); trained ones have none."""


def write(directory: Path, spec: BackboneSpec, scaling: np.ndarray | None, views: int) -> None:
    """Writes what made a set of features.

    Args:
        directory: `data/features/<backbone>`.
        spec: The backbone, with its precision and the digest of its weights.
        scaling: float32, `(2, D)`; None for trained weights.
        views: How many augmented views there are.
    """
    write_json(directory / CONFIG, spec.model_dump() | {"views": views})
    if scaling is not None:
        np.save(directory / SCALING, scaling)


def read(directory: Path) -> BackboneSpec:
    """Reads what made a set of features.

    Raises:
        PipelineError: If the directory does not say so.
    """
    try:
        about = read_json(directory / CONFIG)
        return BackboneSpec(**{name: about[name] for name in BackboneSpec.model_fields})
    except (json.JSONDecodeError, KeyError, TypeError, ValidationError):
        raise PipelineError(
            f"{directory / CONFIG}: does not say what made the features; make them again with `dvc repro -f features`"
        ) from None


def read_scaling(directory: Path) -> np.ndarray | None:
    """Returns how features are scaled, float32, `(2, D)`; None where they are not."""
    path = directory / SCALING
    return np.load(path) if path.is_file() else None
