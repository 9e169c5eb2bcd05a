"""The frozen ImageNet networks of keras.applications: uint8 RGB images in, a vector of features out.

Normalisation is part of the network, so a caller cannot get it wrong: images come as they are in the tensors.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import keras
import numpy as np
from keras import applications, layers, ops

from stages.lib.core.errors import PipelineError
from stages.lib.core.sections import BackboneSpec
from stages.lib.sample.drawings import draw
from stages.lib.sample.lesions import LESIONS

RANDOM_WEIGHTS_SEED = 0
"""Random weights are part of a backbone's definition, so they do not follow the run's seed."""
CALIBRATION_TYPES = (1, 3, 6)
"""Skin types of the drawings over which the features of random networks are scaled."""


@dataclass(frozen=True)
class Application:
    """One network of keras.applications and what it expects."""

    build: Callable[..., keras.Model]
    normalisation: Literal["caffe", "tf"]
    """`caffe`: BGR minus ImageNet's mean, not scaled; `tf`: RGB scaled to [-1, 1]."""
    pooling: Literal["flatten", "average"]
    """How its last feature maps become a vector. VGG16's are flattened, as in the published rows."""
    gains_from_bfloat16: bool = True
    """Whether bfloat16 is faster with it and moves its features by little."""


APPLICATIONS = {
    # Simonyan, Zisserman, 2015: 7 x 7 x 512 at 224 px
    "vgg16": Application(applications.VGG16, "caffe", "flatten"),
    # Szegedy et al., 2016: 2048 maps
    "inceptionv3": Application(applications.InceptionV3, "tf", "average"),
    # He et al., "Identity mappings in deep residual networks", 2016: 2048 maps
    "resnet101v2": Application(applications.ResNet101V2, "tf", "average"),
    # Sandler et al., 2018: 1280 maps
    # depthwise layers gain nothing from bfloat16 (0.96x), and on 48 photographs its features moved by 12 % on average,
    # where those of the other three moved by 1.0 to 1.4 %
    "mobilenetv2": Application(applications.MobileNetV2, "tf", "average", gains_from_bfloat16=False),
}


def build_backbone(spec: BackboneSpec, image_size_px: int, precision: str = "float32") -> keras.Model:
    """Builds a frozen backbone with its weights.

    Args:
        spec: Which network, which weights, which rescaling.
        image_size_px: Side of the square images.
        precision: `float32`, or `bfloat16`: what the network computes in. Normalisation, pooling and what comes out
            are float32 in both, and so are the weights.

    Returns:
        A model from uint8 (or float in [0, 255]) RGB, `(batch, S, S, 3)`, to float32 features, `(batch, D)`.

    Raises:
        PipelineError: If the weights cannot be had; says the three ways to get them.
    """
    application = APPLICATIONS[spec.name]
    inputs = layers.Input((image_size_px, image_size_px, 3), name="image")
    x = ops.cast(inputs, "float32")
    if spec.rescale == "unit":
        x = layers.Rescaling(1 / 255)(x)
    else:
        x = applications.imagenet_utils.preprocess_input(x, mode=application.normalisation)
    network = _load(application, spec, image_size_px)
    if precision == "bfloat16":
        network = _in_bfloat16(network, application)
    network.trainable = False
    # training=False keeps batch normalisation on its stored statistics also while a head is trained
    x = network(x, training=False)
    pool = layers.Flatten() if application.pooling == "flatten" else layers.GlobalAveragePooling2D()
    model = keras.Model(inputs, pool(x), name=f"{spec.name}_features")
    model = _standardised(model, random_weights=spec.weights == "random")
    model.trainable = False
    return model


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
        return application.build(weights=None, **arguments)
    if spec.weights is None:
        return application.build(weights=None, **arguments)
    if spec.weights == "imagenet":
        try:
            return application.build(weights="imagenet", **arguments)
        except Exception as error:  # keras raises a bare Exception when its download fails
            raise PipelineError(
                f"{spec.name}: ImageNet weights could not be downloaded ({error}). {_ways(spec)}"
            ) from None
    path = Path(spec.weights) / f"{spec.name}.weights.h5"
    if not path.is_file():
        raise PipelineError(f"{path}: no such weights. {_ways(spec)}")
    try:
        return application.build(weights=str(path), **arguments)
    except (OSError, ValueError, KeyError) as error:
        raise PipelineError(f"{path}: not weights of {spec.name} without its top ({error}). {_ways(spec)}") from None


def _in_bfloat16(network: keras.Model, application: Application) -> keras.Model:
    """Builds a network anew with the same float32 weights, to compute in bfloat16.

    Not loaded so in the first place: random weights are drawn in float32, and are to be the same in both.
    """
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        rounded = application.build(weights=None, include_top=False, input_shape=network.input_shape[1:])
    finally:
        keras.config.set_dtype_policy(policy)
    rounded.set_weights(network.get_weights())
    return rounded


def _standardised(model: keras.Model, random_weights: bool) -> keras.Model:
    """Ends a backbone with a normalisation, which changes nothing where the weights are trained.

    In an untrained network the signal fades with depth (MobileNetV2's features end near 1e-12, below what float16 can
    hold), and what differs between images drowns in what they share. There the features are centred, and scaled by
    one number for all, over drawn images of skin. The scale is not each feature's own: those that hardly vary would
    become outliers. Mean and scale are weights of the model, so they are saved with it.
    """
    normalise = layers.BatchNormalization(center=False, scale=False, epsilon=0.0, name="standardise")
    standardised = keras.Model(model.input, normalise(model.output, training=False), name=model.name)
    if random_weights:
        features = model.predict_on_batch(_drawings(model.input_shape[1])).astype(np.float64)
        variance = np.full(features.shape[1], features.var(axis=0).mean())
        normalise.set_weights([features.mean(axis=0).astype(np.float32), variance.astype(np.float32)])
    return standardised


def _drawings(side_px: int) -> np.ndarray:
    """Draws each of the sample's conditions on light, middle and dark skin: uint8 RGB, `(n, side_px, side_px, 3)`."""
    random = np.random.default_rng(RANDOM_WEIGHTS_SEED)
    drawn = [draw(condition, skin_type, random) for condition in sorted(LESIONS) for skin_type in CALIBRATION_TYPES]
    return np.stack([cv2.resize(image[..., ::-1], (side_px, side_px)) for image in drawn])


def _ways(spec: BackboneSpec) -> str:
    """Names the three ways to give a backbone its weights."""
    return (
        f"Three ways to get them: `-S backbones.{spec.name}.weights=imagenet` on a machine with internet; "
        f"a directory with {spec.name}.weights.h5 (`-S backbones.{spec.name}.weights=<directory>`); "
        f"`-S backbones.{spec.name}.weights=random` to try the pipeline without"
    )
