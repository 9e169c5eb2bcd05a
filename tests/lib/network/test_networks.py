"""The networks are the paper's: parameter counts by hand, and head + features equals the whole network on pixels."""

from pathlib import Path

import keras
import numpy as np
import pytest

from stages.lib.backbone.backbones import build_backbone
from stages.lib.core import registry, sections
from stages.lib.core.params import load_params
from stages.lib.core.sections import BackboneSpec, Row, features_dir
from stages.lib.network import networks
from stages.lib.network.fusion import FUSIONS
from stages.lib.network.networks import build_head, build_network, compose

PARAMS = load_params(Path(__file__).parents[3] / "params.yaml")
N_CLASSES = 114
PIXELS = (224, 224, 3)
FEATURES = {"vgg16": 7 * 7 * 512, "inceptionv3": 2048, "resnet101v2": 2048, "mobilenetv2": 1280}

LENET_1 = (
    (3 * 9 + 1) * 32 + (32 * 9 + 1) * 64 + (64 * 9 + 1) * 128 + (128 * 9 + 1) * 128
    # 150 px: 148 74 72 36 34 17 15 7
    + (7 * 7 * 128 + 1) * 512 + 513 * N_CLASSES
)  # fmt: skip
LENET_5 = (
    (3 * 9 + 1) * 32 + (32 * 9 + 1) * 64 + (64 * 9 + 1) * 128 + (128 * 9 + 1) * 128 + (128 * 9 + 1) * 256
    + (2 * 2 * 256 + 1) * 512 + 513 * N_CLASSES
)  # fmt: skip
ALEXNET = (
    (3 * 121 + 1) * 96 + (96 * 25 + 1) * 256 + (256 * 9 + 1) * 384 + (384 * 9 + 1) * 384 + (384 * 9 + 1) * 256
    # 224 px: 54 26 12 5
    + (5 * 5 * 256 + 1) * 4096 + 4097 * 4096 + 4097 * N_CLASSES
)  # fmt: skip


def head(features: int, dense: int) -> int:
    return (features + 1) * dense + (dense + 1) * N_CLASSES


BY_HAND = (
    {f"lenet-{n}": LENET_1 for n in (1, 2, 3, 4)}
    | {f"lenet-{n}": LENET_5 for n in (5, 6, 7, 8)}
    | {f"lenet-{n}-{d}": LENET_1 for n in (3, 4) for d in ("d50", "d30")}
    | {
        "alexnet": ALEXNET,
        "vgg16": head(25088, 256),
        "inceptionv3": head(2048, 256),
        "resnet101v2": head(2048, 512),
        "inceptionv3-type": head(2048 + 7, 256),
        "inceptionv3-type-d40": head(2048 + 7, 256),
        "resnet101v2-type-d40": head(2048 + 7, 512),
    }
)


@pytest.mark.parametrize("name", ["lenet-1", "lenet-5", "alexnet"])
def test_a_network_takes_images_of_its_least_side_and_none_smaller(name):
    least = PARAMS.tables[name].capped(None, 32)
    assert build_network(least, N_CLASSES, PIXELS).output_shape == (None, N_CLASSES)
    with pytest.raises(ValueError, match="would be zero or negative"):
        build_network(least.model_copy(update={"image_size_px": least.image_size_px - 1}), N_CLASSES, PIXELS)


def test_counts_by_hand_are_the_published_ones():
    assert (LENET_1, LENET_5, ALEXNET) == (3_511_090, 1_119_282, 47_214_066)


@pytest.mark.parametrize("name", PARAMS.tables)
def test_every_row_has_the_papers_parameters(name):
    row = PARAMS.tables[name]
    shape = (FEATURES[row.architecture],) if row.on_features else PIXELS
    assert build_network(row, N_CLASSES, shape, side_width=7).count_params() == BY_HAND[name]


def test_every_name_in_params_can_be_built():
    assert set(networks.PIXEL_NETWORKS) == set(registry.PIXEL_NETWORKS)
    assert set(FUSIONS) == set(sections.FUSIONS)
    assert all(hasattr(keras.applications, backbone.builder) for backbone in registry.BACKBONES.values())
    assert all(hasattr(keras.optimizers, name) for name in registry.OPTIMIZERS.values())
    assert all(hasattr(keras.losses, name) for name in registry.LOSSES.values())


def row(**changes) -> Row:
    return Row(**(PARAMS.model.model_dump() | {"dense_units": 8} | changes))


@pytest.mark.parametrize("architecture", ["mobilenetv2", "vgg16"])
@pytest.mark.parametrize("rescale", ["native", "unit"])
def test_head_on_features_equals_the_whole_network_on_pixels(architecture, rescale):
    spec = BackboneSpec(name=architecture, weights="random", rescale=rescale)
    on_features = row(architecture=architecture, input=features_dir(architecture))
    images = np.random.default_rng(0).integers(0, 256, (3, 96, 96, 3), dtype=np.uint8)
    backbone = build_backbone(spec, 96, images)
    model_head = build_head(on_features, 5, backbone.output_shape[-1], 7)
    side = np.eye(7, dtype=np.float32)[[0, 3, 6]]
    features = backbone.predict_on_batch(images)
    apart = model_head.predict_on_batch({"features": features, "side": side})
    whole = compose(backbone, model_head, (96, 96, 3))
    together = whole.predict_on_batch({"image": images, "side": side})
    assert together == pytest.approx(apart, abs=1e-4)
    assert apart.std(axis=0).max() > 1e-3  # the images do not all look the same to it


def test_a_frozen_backbone_inside_a_row_does_not_train():
    backbone = build_backbone(BackboneSpec(name="mobilenetv2", weights="random", rescale="native"), 96)
    pixel_row = row(architecture="mobilenetv2", input=sections.TENSORS, image_size_px=96)
    network = build_network(pixel_row, 5, (96, 96, 3), 7, backbone)
    assert sum(int(np.prod(w.shape)) for w in network.trainable_weights) == (1280 + 7 + 1) * 8 + 9 * 5


@pytest.mark.parametrize("fusion", FUSIONS)
def test_side_inputs_change_what_a_network_says_and_are_asked_for_by_rows_that_take_them(fusion):
    network = build_network(row(fusion=fusion), 5, (2048,), 7)
    said = network.predict_on_batch({"features": np.ones((2, 2048), np.float32), "side": np.eye(7)[[0, 5]]})
    assert not np.allclose(said[0], said[1])
    assert set(build_network(row(side_inputs=[]), 5, (2048,)).input) == {"features"}


def test_metablock_gates_every_feature_by_the_side_inputs():
    # sigmoid(tanh(features * f(side)) + g(side)), by hand from the layers' weights
    features, side = keras.Input((2,)), keras.Input((1,))
    block = keras.Model([features, side], FUSIONS["metablock"](features, side))
    f, g = (layer for layer in block.layers if isinstance(layer, keras.layers.Dense))
    f.set_weights([np.array([[2.0, -1.0]]), np.array([0.5, 0.0])])
    g.set_weights([np.array([[1.0, 0.0]]), np.array([0.0, 3.0])])
    said = block.predict_on_batch([np.array([[0.3, 0.7]]), np.array([[2.0]])])
    expected = 1 / (1 + np.exp(-(np.tanh(np.array([0.3 * 4.5, 0.7 * -2.0])) + np.array([2.0, 3.0]))))
    assert said[0] == pytest.approx(expected, abs=1e-6)
