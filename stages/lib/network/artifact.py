"""A trained row on disk: weights, and what it takes to build the network around them."""

from dataclasses import dataclass
from pathlib import Path

import keras
from pydantic import ValidationError

from stages.lib.core.errors import PipelineError
from stages.lib.core.files import read_json, write_json
from stages.lib.core.sections import BackboneSpec, Row
from stages.lib.network.networks import build_network

WEIGHTS = "model.weights.h5"
"""Not a `.keras` archive: those carry the time they were written, so equal models would get different hashes."""
CONFIG = "model.json"


@dataclass(frozen=True)
class Artifact:
    """What a saved network is, apart from its weights."""

    row: Row
    classes: list[str]
    input_shape: tuple[int, ...]
    backbone: BackboneSpec | None

    def build(self, seed: int) -> keras.Model:
        """Builds the network, its frozen part from `backbone`'s weights, the rest from the seed."""
        return build_network(self.row, len(self.classes), self.input_shape, self.backbone, seed)


def save(directory: Path, model: keras.Model, artifact: Artifact) -> None:
    """Writes a trained network; the weights last, so that a directory with weights is whole."""
    write_json(
        directory / CONFIG,
        {
            "row": artifact.row.model_dump(),
            "classes": artifact.classes,
            "input_shape": list(artifact.input_shape),
            "backbone": artifact.backbone.model_dump() if artifact.backbone else None,
        },
    )
    partial = directory / f"partial.{WEIGHTS}"
    model.save_weights(partial)
    partial.replace(directory / WEIGHTS)


def load(directory: Path, classes: list[str]) -> tuple[keras.Model, Artifact]:
    """Reads a trained network.

    Args:
        directory: Where `save` put it.
        classes: The catalog's classes now.

    Returns:
        The network with its trained weights, and what it is.

    Raises:
        PipelineError: If a file is missing or broken, or the network was trained for other classes.
    """
    config = read_json(directory / CONFIG)
    try:
        artifact = Artifact(
            row=Row(**config["row"]),
            classes=config["classes"],
            input_shape=tuple(config["input_shape"]),
            backbone=BackboneSpec(**config["backbone"]) if config["backbone"] else None,
        )
    except (KeyError, TypeError, ValidationError):
        raise PipelineError(
            f"{directory / CONFIG}: written by another version of this code; train it anew with `dvc repro`"
        ) from None
    if artifact.classes != classes:
        raise PipelineError(
            f"{directory}: trained for {len(artifact.classes)} classes, which are not the catalog's {len(classes)}; "
            f"train it anew with `dvc repro`"
        )
    # all weights come from the file: the backbone's own need not be fetched again
    backbone = artifact.backbone and artifact.backbone.model_copy(update={"weights": None})
    model = build_network(artifact.row, len(classes), artifact.input_shape, backbone)
    try:
        model.load_weights(directory / WEIGHTS)
    except (OSError, ValueError, KeyError) as error:
        raise PipelineError(
            f"{directory / WEIGHTS}: cannot be read ({error}); train it anew with `dvc repro`"
        ) from None
    return model, artifact
