"""The networks, optimizers and losses that params.yaml can name: one table each, and none of them needs Keras.

`stages.lib.core.sections` takes the allowed names from here, and the modules that build things take the builders. So a
new entry is allowed in params.yaml and can be built at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Application:
    """A network of keras.applications and what it expects of its input."""

    builder: str
    """Its function in `keras.applications`."""
    label: str
    """Its name on pages."""
    normalisation: Literal["caffe", "tf", "torch", "inside"]
    """As in `keras.applications.imagenet_utils.preprocess_input`: `caffe` is BGR minus ImageNet's mean, `tf` is RGB
    scaled to [-1, 1], `torch` is RGB scaled to [0, 1] minus ImageNet's mean, divided by its standard deviation.
    `inside`: the network takes RGB from 0 to 255 and normalises it itself."""
    pooling: Literal["flatten", "average"]
    """How its last feature maps become a vector. VGG16's are flattened, as in the published rows."""
    min_image_size_px: int = 32
    """The least side of images that Keras builds it for."""
    gains_from_bfloat16: bool = True
    """Whether bfloat16 is faster with it and changes its features by little."""


BACKBONES = {
    # Simonyan, Zisserman, 2015: 7 x 7 x 512 at 224 px
    "vgg16": Application("VGG16", "VGG16", "caffe", "flatten"),
    # Szegedy et al., 2016: 2048 maps
    "inceptionv3": Application("InceptionV3", "InceptionV3", "tf", "average", min_image_size_px=75),
    # He et al., "Identity mappings in deep residual networks", 2016: 2048 maps
    "resnet101v2": Application("ResNet101V2", "ResNet101V2", "tf", "average"),
    # Sandler et al., 2018: 1280 maps
    # depthwise layers gain nothing from bfloat16 (0.96x), and on 48 photographs its features moved by 12 % on average,
    # those of the other three by 1.0 to 1.4 %
    "mobilenetv2": Application("MobileNetV2", "MobileNetV2", "tf", "average", gains_from_bfloat16=False),
}

PIXEL_NETWORKS = {"lenet": "LeNet", "alexnet": "AlexNet"}
"""Networks that are trained from pixels, with their names on pages; `stages.lib.network.networks` builds them."""

OPTIMIZERS = {"adam": "Adam", "rmsprop": "RMSprop", "sgd": "SGD"}
"""Classes of `keras.optimizers`."""

LOSSES = {"cross_entropy": "CategoricalCrossentropy"}
"""Classes of `keras.losses`."""

ARCHITECTURES = (*PIXEL_NETWORKS, *BACKBONES)


def min_image_size_px(architecture: str, filters: Sequence[int] = ()) -> int:
    """Returns the least side of images that a network can take.

    Args:
        architecture: One of `ARCHITECTURES`.
        filters: Of LeNet's convolutions: each one, with its pooling, takes a side of 2n + 2 to n.
    """
    if architecture in BACKBONES:
        return BACKBONES[architecture].min_image_size_px
    if architecture == "alexnet":
        return 67
    side_px = 1
    for _ in filters:
        side_px = 2 * side_px + 2
    return side_px


def label(name: str) -> str:
    """Returns how pages spell a network or an optimizer."""
    return BACKBONES[name].label if name in BACKBONES else (PIXEL_NETWORKS | OPTIMIZERS).get(name, name)
