"""Grad-CAM: where in an image a network found what speaks for a class.

Selvaraju et al., "Grad-CAM: Visual explanations from deep networks via gradient-based localization", ICCV 2017. The
last feature maps are weighted with the mean gradient of the class's score, before the softmax, and what is positive in
their sum is kept. Only `keras` and `keras.ops` are used; the gradient comes from `stages.lib.backbone.backend`.
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops

from stages.lib.backbone import backend


@dataclass(frozen=True)
class Halves:
    """A network cut at its last feature maps.

    Attributes:
        below: From uint8 RGB images, `(batch, S, S, 3)`, to the maps, `(batch, H, W, C)`.
        above: From a dictionary of `maps`, and `side` where the network takes side inputs, to the classes' scores
            before the softmax, `(batch, n_classes)`.
    """

    below: keras.Model
    above: keras.Model


def cut(model: keras.Model) -> Halves:
    """Cuts a trained network: after its own last convolution, or before the pooling of its backbone's maps.

    Args:
        model: A row's network on pixels, from `artifact.load_on_pixels`. It must not be used afterwards: its softmax is
            taken off.
    """
    nested = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    return _cut_composed(*nested) if nested else _cut_convolutional(model)


def class_maps(halves: Halves, images: np.ndarray, sides: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Explains the class that a network names for each image.

    Args:
        halves: The network.
        images: uint8 RGB, `(n, S, S, 3)`.
        sides: float32, `(n, W)`, the encoded side inputs; of width 0 if the network takes none.

    Returns:
        float32 maps, `(n, H, W)`, each from 0 to 1, its strongest place (all 0 where nothing speaks for the class);
        and float32 probabilities, `(n, n_classes)`.
    """
    side_px = halves.below.input_shape[1]
    if images.shape[1] != side_px:
        images = ops.convert_to_numpy(layers.Resizing(side_px, side_px)(images))
    further = {"side": ops.convert_to_tensor(sides)} if sides.shape[1] else {}
    maps = ops.convert_to_tensor(halves.below(images, training=False), "float32")
    scores = ops.convert_to_numpy(halves.above({"maps": maps} | further, training=False))
    named = ops.one_hot(scores.argmax(axis=1), scores.shape[1])

    # images do not meet in a network that is not training: the gradient of the sum is each image's own
    gradient = backend.gradient(
        lambda maps: ops.sum(halves.above({"maps": maps} | further, training=False) * named), maps
    )
    weights = ops.mean(gradient, axis=(1, 2), keepdims=True)
    summed = ops.convert_to_numpy(ops.relu(ops.sum(weights * maps, axis=-1)))
    strongest = summed.max(axis=(1, 2), keepdims=True)
    relative = np.divide(summed, strongest, out=np.zeros_like(summed), where=strongest > 0)
    return relative, ops.convert_to_numpy(ops.softmax(scores))


def _cut_convolutional(model: keras.Model) -> Halves:
    maps = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)][-1].output
    maps.name = "maps"  # Keras warns of inputs whose key is not their name
    inputs = {"maps": maps} | {name: part for name, part in model.input.items() if name == "side"}
    return Halves(keras.Model(model.input["image"], maps), keras.Model(inputs, _without_softmax(model).output))


def _cut_composed(backbone: keras.Model, head: keras.Model) -> Halves:
    pool, standardise = backbone.layers[-2:]
    maps = layers.Input(pool.input.shape[1:], name="maps")
    further = {name: part for name, part in head.input.items() if name == "side"}
    features = standardise(pool(maps), training=False)
    scores = _without_softmax(head)({"features": features} | further)
    return Halves(keras.Model(backbone.input, pool.input), keras.Model({"maps": maps} | further, scores))


def _without_softmax(model: keras.Model) -> keras.Model:
    """Lets a network end in scores: the softmax's gradient would mix in what speaks against the other classes."""
    model.layers[-1].activation = keras.activations.linear
    return model
