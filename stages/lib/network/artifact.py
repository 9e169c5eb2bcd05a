"""A trained row on disk: its weights, and what it takes to build the network around them, down to the pixels."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from pydantic import TypeAdapter, ValidationError

from stages.lib.backbone import origin
from stages.lib.backbone.backbones import build_backbone, calibration_images, weights_digest
from stages.lib.core.errors import PipelineError
from stages.lib.core.files import read_json, write_json
from stages.lib.core.sections import BackboneSpec, Row
from stages.lib.data.shards import ShardedArray
from stages.lib.data.side_inputs import SideInput
from stages.lib.network.networks import build_network, compose

WEIGHTS = "model.weights.h5"
"""Not a `.keras` archive: those carry the time they were written, so equal models would get different hashes."""
CONFIG = "model.json"


@dataclass(frozen=True)
class Artifact:
    """What a saved network is, apart from its weights.

    Attributes:
        row: The row that was trained.
        classes: The catalog's, in the order of the network's outputs.
        input_shape: Of one item of the row's input: `(S, S, 3)` pixels or `(D,)` features.
        side_inputs: How its side inputs are encoded.
        backbone: What its features come from, or its frozen part; None for networks trained from pixels.
    """

    row: Row
    classes: list[str]
    input_shape: tuple[int, ...]
    side_inputs: list[SideInput]
    backbone: BackboneSpec | None

    @property
    def side_width(self) -> int:
        """How many numbers encode the side inputs."""
        return sum(side.width for side in self.side_inputs)

    def build(self, seed: int, data: ShardedArray) -> keras.Model:
        """Builds the network for training: its frozen part from `backbone`'s weights, the rest from the seed.

        Args:
            seed: Of the initial weights.
            data: The row's input; a random backbone is scaled over it.
        """
        frozen = None
        if self.backbone and not self.row.on_features:
            images = calibration_images(data) if self.backbone.weights == "random" else None
            frozen = build_backbone(self.backbone, self.row.image_size_px, images)
        return self._network(frozen, seed)

    def _network(self, frozen: keras.Model | None, seed: int = 0) -> keras.Model:
        return build_network(self.row, len(self.classes), self.input_shape, self.side_width, frozen, seed)


def save(directory: Path, model: keras.Model, artifact: Artifact) -> None:
    """Writes a trained network; the weights last, so that a directory with weights is whole."""
    write_json(directory / CONFIG, TypeAdapter(Artifact).dump_python(artifact, mode="json"))
    scaling = origin.read_scaling(Path(artifact.row.input)) if artifact.row.on_features else None
    if scaling is not None:
        np.save(directory / origin.SCALING, scaling)
    partial = directory / f"partial.{WEIGHTS}"
    model.save_weights(partial)
    partial.replace(directory / WEIGHTS)


def load(directory: Path, classes: list[str] | None = None) -> tuple[keras.Model, Artifact]:
    """Reads a trained network on the input that it was trained on.

    Args:
        directory: Where `save` put it.
        classes: The catalog's classes now; None: not compared.

    Returns:
        The network with its trained weights, and what it is.

    Raises:
        PipelineError: If a file is missing or broken, or the network was trained for other classes.
    """
    try:
        artifact = TypeAdapter(Artifact).validate_python(read_json(directory / CONFIG))
    except ValidationError as error:
        fault = error.errors()[0]
        raise PipelineError(
            f"{directory / CONFIG}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}; written by another version of "
            f"this code: train it again with `dvc repro`"
        ) from None
    if classes is not None and artifact.classes != classes:
        raise PipelineError(
            f"{directory}: trained for {len(artifact.classes)} classes, which are not the catalog's {len(classes)}; "
            f"train it again with `dvc repro`"
        )
    frozen = None
    if artifact.backbone and not artifact.row.on_features:
        # all weights come from the file: the backbone's own need not be fetched again
        frozen = build_backbone(artifact.backbone.model_copy(update={"weights": None}), artifact.row.image_size_px)
    model = artifact._network(frozen)
    try:
        model.load_weights(directory / WEIGHTS)
    except (OSError, ValueError, KeyError) as error:
        raise PipelineError(
            f"{directory / WEIGHTS}: cannot be read ({error}); train it again with `dvc repro`"
        ) from None
    return model, artifact


def load_on_pixels(directory: Path, classes: list[str] | None = None) -> tuple[keras.Model, Artifact]:
    """Reads any trained network as one that takes photographs.

    Args:
        directory: Where `save` put it.
        classes: As for `load`.

    Returns:
        A network on `image`, uint8 RGB, `(batch, S, S, 3)`, and, for rows with side inputs, `side`, float32,
        `(batch, W)`, as `stages.lib.data.side_inputs.encode` makes it; and what it is. Features are computed by the
        backbone, and in the precision, that it was trained with.

    Raises:
        PipelineError: As `load`; or if the backbone's weights cannot be had, or are others than in training.
    """
    model, artifact = load(directory, classes)
    if not artifact.row.on_features:
        return model, artifact
    side_px, spec = artifact.row.image_size_px, artifact.backbone
    backbone = build_backbone(spec, side_px, origin.read_scaling(directory))
    if (found := weights_digest(backbone)) != spec.sha256:
        raise PipelineError(
            f"{directory}: trained on features of {spec.name} with other weights (sha256 {spec.sha256[:12]}...) than "
            f"those that {spec.weights} gives here ({found[:12]}...); use the weights of the training, or train again"
        )
    return compose(backbone, model, (side_px, side_px, 3)), artifact
