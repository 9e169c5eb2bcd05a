"""The networks of the results tables: what a row of params.yaml says becomes a Keras model.

Every model ends in a softmax over the catalog's classes. Inputs are a dictionary: `image` (uint8 RGB) or `features`,
and `side` for rows with side inputs. Only `keras` and `keras.ops` are used, so any Keras backend runs them.
"""

import keras
from keras import layers

from stages.lib.core.sections import Row
from stages.lib.network.fusion import FUSIONS


def build_network(
    row: Row,
    n_classes: int,
    input_shape: tuple[int, ...],
    side_width: int = 0,
    backbone: keras.Model | None = None,
    seed: int = 0,
) -> keras.Model:
    """Builds the network of a row for its input.

    Args:
        row: The row.
        n_classes: Classes of the catalog.
        input_shape: Of one item of the row's input: `(S, S, 3)` pixels or `(D,)` features.
        side_width: How many numbers encode the row's side inputs.
        backbone: The frozen part of a backbone row on pixels; None for all others.
        seed: Of the initial weights of what is trained.

    Returns:
        An uncompiled model to float32 probabilities, `(batch, n_classes)`.
    """
    keras.utils.set_random_seed(seed)
    if row.on_features:
        return build_head(row, n_classes, input_shape[0], side_width)
    if backbone is None:
        return _build_from_pixels(row, n_classes, input_shape, side_width)
    return compose(backbone, build_head(row, n_classes, backbone.output_shape[-1], side_width), input_shape)


def build_head(row: Row, n_classes: int, n_features: int, side_width: int = 0) -> keras.Model:
    """Builds what is trained on top of a frozen backbone: [side inputs,] dense ReLU, [dropout,] softmax."""
    features = layers.Input((n_features,), name="features")
    inputs = {"features": features}
    x = _with_side_inputs(row, features, inputs, side_width)
    x = layers.Dense(row.dense_units, activation="relu")(x)
    if row.dropout:
        x = layers.Dropout(row.dropout)(x)
    return keras.Model(inputs, layers.Dense(n_classes, activation="softmax")(x), name=f"{row.architecture}_head")


def compose(backbone: keras.Model, head: keras.Model, image_shape: tuple[int, ...]) -> keras.Model:
    """Joins a backbone and the head of its features to one network on pixels.

    Args:
        backbone: From pixels to features, as `build_backbone` makes it.
        head: From `features` (and `side`) to probabilities.
        image_shape: `(S, S, 3)` of the images; they are resized to what the backbone takes.

    Returns:
        A model on `image` (and `side`).
    """
    image = layers.Input(image_shape, name="image", dtype="uint8")
    inputs = {"image": image}
    head_inputs = {"features": backbone(_resized(image, backbone.input_shape[1]))}
    if "side" in head.input:
        inputs["side"] = head_inputs["side"] = layers.Input(head.input["side"].shape[1:], name="side")
    return keras.Model(inputs, head(head_inputs), name=head.name.removesuffix("_head"))


def _build_from_pixels(row: Row, n_classes: int, image_shape: tuple[int, ...], side_width: int) -> keras.Model:
    """Builds a network that is trained from pixels, with side inputs joined to its flattened maps."""
    image = layers.Input(image_shape, name="image", dtype="uint8")
    inputs = {"image": image}
    maps, head = PIXEL_NETWORKS[row.architecture]
    x = layers.Flatten()(maps(layers.Rescaling(1 / 255)(_resized(image, row.image_size_px)), row))
    x = head(_with_side_inputs(row, x, inputs, side_width), row)
    return keras.Model(inputs, layers.Dense(n_classes, activation="softmax")(x), name=row.architecture)


def _lenet_maps(x: keras.KerasTensor, row: Row) -> keras.KerasTensor:
    """The report's LeNet: per filter count a 3 x 3 convolution without padding, ReLU, 2 x 2 max-pooling."""
    for count in row.filters:
        x = layers.Conv2D(count, 3, activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    return x


def _lenet_head(x: keras.KerasTensor, row: Row) -> keras.KerasTensor:
    if row.dropout:
        x = layers.Dropout(row.dropout)(x)
    return layers.Dense(row.dense_units, activation="relu")(x)


def _alexnet_maps(x: keras.KerasTensor, row: Row) -> keras.KerasTensor:
    """AlexNet's convolutions on one device, without response normalisation (Krizhevsky et al., NeurIPS 2012)."""
    x = layers.Conv2D(96, 11, strides=4, activation="relu")(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = layers.Conv2D(256, 5, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    for count in (384, 384, 256):
        x = layers.Conv2D(count, 3, padding="same", activation="relu")(x)
    return layers.MaxPooling2D(3, strides=2)(x)


def _alexnet_head(x: keras.KerasTensor, row: Row) -> keras.KerasTensor:
    for _ in range(2):
        x = layers.Dense(row.dense_units, activation="relu")(x)
        if row.dropout:
            x = layers.Dropout(row.dropout)(x)
    return x


PIXEL_NETWORKS = {"lenet": (_lenet_maps, _lenet_head), "alexnet": (_alexnet_maps, _alexnet_head)}
"""By architecture: from pixels scaled to [0, 1] to feature maps, and from flattened maps to what the softmax sees."""


def _with_side_inputs(row: Row, x: keras.KerasTensor, inputs: dict, side_width: int) -> keras.KerasTensor:
    """Joins the row's side inputs, if it has any, to `x`, and adds their input to `inputs`."""
    if not row.side_inputs:
        return x
    inputs["side"] = layers.Input((side_width,), name="side")
    return FUSIONS[row.fusion](x, inputs["side"])


def _resized(image: keras.KerasTensor, side_px: int) -> keras.KerasTensor:
    """Brings pixels to the side that a network takes, inside the model, so that it accepts the tensors as they are."""
    return image if image.shape[1] == side_px else layers.Resizing(side_px, side_px)(image)
