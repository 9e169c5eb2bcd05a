"""The networks of the results tables: what a row of params.yaml says becomes a Keras model.

Every model ends in a softmax over the catalog's classes. Inputs are a dictionary: `image` (uint8 RGB) or `features`,
and `skin_type` for rows that take it. Only `keras` and `keras.ops` are used, so any Keras backend runs them.
"""

from typing import Any

import keras
from keras import layers

from stages.lib.backbone.backbones import build_backbone
from stages.lib.core.sections import TENSORS, BackboneSpec, Row

SKIN_TYPE_WIDTH = {"one_hot": 7, "scalar": 1}
"""How many numbers encode a skin type (see `stages.lib.network.batches.encode_skin_types`)."""


def build_network(
    row: Row, n_classes: int, input_shape: tuple[int, ...], backbone: BackboneSpec | None, seed: int = 0
) -> keras.Model:
    """Builds the network of a row for its input.

    Args:
        row: The row.
        n_classes: Classes of the catalog.
        input_shape: Of one item of the row's input: `(S, S, 3)` pixels or `(D,)` features.
        backbone: Where the frozen part of a backbone row starts from; None for LeNet and AlexNet.
        seed: Of the initial weights of what is trained.

    Returns:
        An uncompiled model to float32 probabilities, `(batch, n_classes)`.
    """
    frozen = None
    if row.input == TENSORS and backbone is not None:
        frozen = build_backbone(backbone, row.image_size_px)
    # after the backbone, whose random weights have a seed of their own
    keras.utils.set_random_seed(seed)
    if row.input != TENSORS:
        return build_head(row, n_classes, input_shape[0])
    if frozen is None:
        return _build_from_pixels(row, n_classes, input_shape)
    return compose(frozen, build_head(row, n_classes, frozen.output_shape[-1]), input_shape)


def build_head(row: Row, n_classes: int, n_features: int) -> keras.Model:
    """Builds what is trained on top of a frozen backbone: [skin type,] dense ReLU, [dropout,] softmax."""
    features = layers.Input((n_features,), name="features")
    inputs, x = {"features": features}, features
    if row.skin_type_input:
        inputs["skin_type"] = _skin_type_input(row)
        x = layers.Concatenate()([x, inputs["skin_type"]])
    x = layers.Dense(row.dense_units, activation="relu")(x)
    if row.dropout:
        x = layers.Dropout(row.dropout)(x)
    return keras.Model(inputs, layers.Dense(n_classes, activation="softmax")(x), name=f"{row.architecture}_head")


def compose(backbone: keras.Model, head: keras.Model, image_shape: tuple[int, ...]) -> keras.Model:
    """Joins a backbone and the head of its features to one network on pixels.

    Args:
        backbone: From pixels to features, as `build_backbone` makes it.
        head: From `features` (and `skin_type`) to probabilities.
        image_shape: `(S, S, 3)` of the images; they are resized to what the backbone takes.

    Returns:
        A model on `image` (and `skin_type`).
    """
    image = layers.Input(image_shape, name="image", dtype="uint8")
    inputs = {"image": image}
    head_inputs: dict[str, Any] = {"features": backbone(_resized(image, backbone.input_shape[1]))}
    if "skin_type" in head.input:
        width = head.input["skin_type"].shape[-1]
        inputs["skin_type"] = head_inputs["skin_type"] = layers.Input((width,), name="skin_type")
    return keras.Model(inputs, head(head_inputs), name=head.name.removesuffix("_head"))


def _build_from_pixels(row: Row, n_classes: int, image_shape: tuple[int, ...]) -> keras.Model:
    """Builds LeNet or AlexNet, with the skin type joined to the flattened maps where a row asks for it."""
    image = layers.Input(image_shape, name="image", dtype="uint8")
    inputs = {"image": image}
    x = layers.Rescaling(1 / 255)(_resized(image, row.image_size_px))
    x = layers.Flatten()(_lenet_maps(x, row.filters) if row.architecture == "lenet" else _alexnet_maps(x))
    if row.skin_type_input:
        inputs["skin_type"] = _skin_type_input(row)
        x = layers.Concatenate()([x, inputs["skin_type"]])
    if row.architecture == "lenet":
        if row.dropout:
            x = layers.Dropout(row.dropout)(x)
        x = layers.Dense(row.dense_units, activation="relu")(x)
    else:
        for _ in range(2):
            x = layers.Dense(row.dense_units, activation="relu")(x)
            if row.dropout:
                x = layers.Dropout(row.dropout)(x)
    return keras.Model(inputs, layers.Dense(n_classes, activation="softmax")(x), name=row.architecture)


def _lenet_maps(x: keras.KerasTensor, filters: list[int]) -> keras.KerasTensor:
    """The report's LeNet: per filter count a 3 x 3 convolution without padding, ReLU, 2 x 2 max-pooling."""
    for count in filters:
        x = layers.Conv2D(count, 3, activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    return x


def _alexnet_maps(x: keras.KerasTensor) -> keras.KerasTensor:
    """AlexNet's convolutions on one device, without response normalisation (Krizhevsky et al., NeurIPS 2012)."""
    x = layers.Conv2D(96, 11, strides=4, activation="relu")(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = layers.Conv2D(256, 5, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    for count in (384, 384, 256):
        x = layers.Conv2D(count, 3, padding="same", activation="relu")(x)
    return layers.MaxPooling2D(3, strides=2)(x)


def _skin_type_input(row: Row) -> keras.KerasTensor:
    return layers.Input((SKIN_TYPE_WIDTH[row.skin_type_encoding],), name="skin_type")


def _resized(image: keras.KerasTensor, side_px: int) -> keras.KerasTensor:
    """Brings pixels to the side that a network takes, inside the model, so that it accepts the tensors as they are."""
    return image if image.shape[1] == side_px else layers.Resizing(side_px, side_px)(image)
