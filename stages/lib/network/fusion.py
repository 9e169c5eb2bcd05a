"""How side inputs, such as the skin type, join an image's features."""

from collections.abc import Callable

import keras
from keras import layers, ops


def concatenate(features: keras.KerasTensor, side: keras.KerasTensor) -> keras.KerasTensor:
    """Puts side inputs, `(batch, W)`, behind the features, `(batch, D)`: `(batch, D + W)`."""
    return layers.Concatenate()([features, side])


def metablock(features: keras.KerasTensor, side: keras.KerasTensor) -> keras.KerasTensor:
    """Lets side inputs, `(batch, W)`, strengthen and weaken features, `(batch, D)`: `(batch, D)`.

    Pacheco and Krohling, "An attention-based mechanism to combine images and metadata in deep learning models applied
    to skin cancer classification", IEEE J. Biomed. Health Inform. 25(9), 2021.
    """
    gate, shift = (layers.Dense(features.shape[-1])(side) for _ in range(2))
    return ops.sigmoid(ops.tanh(features * gate) + shift)


FUSIONS: dict[str, Callable] = {"concatenate": concatenate, "metablock": metablock}
