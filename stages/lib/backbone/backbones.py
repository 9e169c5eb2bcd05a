"""The frozen ImageNet networks of keras.applications: uint8 RGB images in, a vector of features out.

Normalisation is part of the network, so a caller cannot get it wrong: images come as they are in the tensors.
"""

import hashlib
from pathlib import Path

import keras
import numpy as np
from keras import applications, layers, ops

from stages.lib.core.errors import PipelineError
from stages.lib.core.registry import BACKBONES, Application
from stages.lib.core.sections import BackboneSpec
from stages.lib.data.shards import ShardedArray

RANDOM_WEIGHTS_SEED = 0
"""Random weights are part of a backbone's definition, so they do not follow the run's seed."""
CALIBRATION_IMAGES = 48
"""Over so many of the images at hand the features of a random network are scaled."""


def build_backbone(spec: BackboneSpec, image_size_px: int, scaling: np.ndarray | None = None) -> keras.Model:
    """Builds a frozen backbone with its weights.

    Args:
        spec: Which network, which weights, which rescaling, the size of the images that it sees, and the precision
            that it computes in. Resizing, normalisation, pooling and what comes out are float32 in any, and so are the
            weights.
        image_size_px: Side of the square images that it is given.
        scaling: Of the features of a random network: those that `read_scaling` gives, or images to scale them over,
            uint8 RGB, `(n, S, S, 3)`. None: left as they are.

    Returns:
        A model from uint8 (or float in [0, 255]) RGB, `(batch, S, S, 3)`, to float32 features, `(batch, D)`.

    Raises:
        PipelineError: If the weights cannot be had; says the three ways to get them.
    """
    application = BACKBONES[spec.name]
    inputs = layers.Input((image_size_px, image_size_px, 3), name="image")
    x = ops.cast(inputs, "float32")
    side_px = min(image_size_px, spec.max_image_size_px or image_size_px)
    if side_px < image_size_px:
        x = layers.Resizing(side_px, side_px)(x)
    if spec.channels == "bgr":
        x = ops.flip(x, axis=-1)
    if spec.rescale == "unit":
        x = layers.Rescaling(1 / 255)(x)
    elif application.normalisation != "inside":
        x = applications.imagenet_utils.preprocess_input(x, mode=application.normalisation)
    network = _load(application, spec, side_px)
    if spec.precision == "bfloat16":
        network = _in_bfloat16(network, application)
    network.trainable = False
    # training=False keeps batch normalisation on its stored statistics also while a head is trained
    x = network(x, training=False)
    pool = layers.Flatten() if application.pooling == "flatten" else layers.GlobalAveragePooling2D()
    model = keras.Model(inputs, pool(x), name=f"{spec.name}_features")
    normalise = layers.BatchNormalization(center=False, scale=False, epsilon=0.0, name="standardise")
    scaled = keras.Model(model.input, normalise(model.output, training=False), name=model.name)
    if scaling is not None:
        normalise.set_weights(list(scaling if scaling.ndim == 2 else _scaling_over(scaling, model)))
    scaled.trainable = False
    return scaled


def calibration_images(tensors: ShardedArray) -> np.ndarray:
    """Returns the images over which a random network is scaled: uint8 RGB, `(n, S, S, 3)`, spread over all of them."""
    n = len(tensors.keys)
    return tensors.gather(np.unique(np.linspace(0, n - 1, min(n, CALIBRATION_IMAGES)).astype(np.int64)))


def read_scaling(model: keras.Model) -> np.ndarray:
    """Returns mean and variance that a backbone's features are scaled by, float32, `(2, D)`."""
    return np.stack([ops.convert_to_numpy(weight) for weight in model.get_layer("standardise").weights])


def weights_digest(model: keras.Model) -> str:
    """Returns the SHA-256 of a model's weights, in order, so that results say what they started from."""
    digest = hashlib.sha256()
    for weight in model.weights:
        digest.update(ops.convert_to_numpy(weight).tobytes())
    return digest.hexdigest()


def _load(application: Application, spec: BackboneSpec, image_size_px: int) -> keras.Model:
    """Builds the bare network from `imagenet`, `random` or a directory; never one in place of another."""
    arguments = {"include_top": False, "input_shape": (image_size_px, image_size_px, 3)}
    if spec.weights == "random":
        keras.utils.set_random_seed(RANDOM_WEIGHTS_SEED)
        return _builder(application)(weights=None, **arguments)
    if spec.weights is None:
        return _builder(application)(weights=None, **arguments)
    if spec.weights == "imagenet":
        try:
            return _builder(application)(weights="imagenet", **arguments)
        except Exception as error:  # keras raises a bare Exception when its download fails
            raise PipelineError(
                f"{spec.name}: ImageNet weights could not be downloaded ({error}). {_ways(spec)}"
            ) from None
    path = Path(spec.weights) / f"{spec.name}.weights.h5"
    if not path.is_file():
        raise PipelineError(f"{path}: no such weights. {_ways(spec)}")
    try:
        return _builder(application)(weights=str(path), **arguments)
    except (OSError, ValueError, KeyError) as error:
        raise PipelineError(f"{path}: not weights of {spec.name} without its top ({error}). {_ways(spec)}") from None


def _in_bfloat16(network: keras.Model, application: Application) -> keras.Model:
    """Builds a network again with the same float32 weights, to compute in bfloat16.

    Not loaded so in the first place: random weights are drawn in float32, and are to be the same in both.
    """
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        rounded = _builder(application)(weights=None, include_top=False, input_shape=network.input_shape[1:])
    finally:
        keras.config.set_dtype_policy(policy)
    rounded.set_weights(network.get_weights())
    return rounded


def _builder(application: Application) -> type[keras.Model]:
    return getattr(applications, application.builder)


def _scaling_over(images: np.ndarray, model: keras.Model) -> np.ndarray:
    """Returns mean and variance, float32, `(2, D)`, with which the features of a random network can be told apart.

    In an untrained network the signal fades with depth (MobileNetV2's features end near 1e-12, below what float16 can
    hold), and what differs between images drowns in what they share. So the features are centred, and scaled by one
    number for all: scaled each for itself, those that hardly vary would become outliers.
    """
    features = model.predict(images, batch_size=16, verbose=0).astype(np.float64)
    variance = features.var(axis=0).mean() or 1.0
    return np.stack([features.mean(axis=0), np.full(features.shape[1], variance)]).astype(np.float32)


def _ways(spec: BackboneSpec) -> str:
    """Names the three ways to give a backbone its weights."""
    return (
        f"Three ways to get them: `-S backbones.{spec.name}.weights=imagenet` on a machine with internet; "
        f"a directory with {spec.name}.weights.h5 (`-S backbones.{spec.name}.weights=<directory>`); "
        f"`-S backbones.{spec.name}.weights=random` to try the pipeline without"
    )
