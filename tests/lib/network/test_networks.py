"""The networks are the paper's: parameter counts by hand, and head + features equals the whole network on pixels."""

from pathlib import Path

import numpy as np
import pytest

from stages.lib.backbone.backbones import build_backbone
from stages.lib.core.params import load_params
from stages.lib.core.sections import TENSORS, BackboneSpec, Row, features_dir
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


def test_counts_by_hand_are_the_published_ones():
    assert (LENET_1, LENET_5, ALEXNET) == (3_511_090, 1_119_282, 47_214_066)


@pytest.mark.parametrize("name", PARAMS.tables)
def test_every_row_has_the_papers_parameters(name):
    row = PARAMS.tables[name]
    shape = PIXELS if row.input == TENSORS else (FEATURES[row.architecture],)
    assert build_network(row, N_CLASSES, shape, None).count_params() == BY_HAND[name]


def row(**changes) -> Row:
    return Row(**(PARAMS.model.model_dump() | {"dense_units": 8} | changes))


@pytest.mark.parametrize("architecture", ["mobilenetv2", "vgg16"])
@pytest.mark.parametrize("rescale", ["native", "unit"])
def test_head_on_features_equals_the_whole_network_on_pixels(architecture, rescale):
    spec = BackboneSpec(name=architecture, weights="random", rescale=rescale)
    on_features = row(architecture=architecture, input=features_dir(architecture))
    backbone = build_backbone(spec, 96)
    model_head = build_head(on_features, 5, backbone.output_shape[-1])
    images = np.random.default_rng(0).integers(0, 256, (3, 96, 96, 3), dtype=np.uint8)
    skin_type = np.eye(7, dtype=np.float32)[[0, 3, 6]]
    features = backbone.predict_on_batch(images)
    apart = model_head.predict_on_batch({"features": features, "skin_type": skin_type})
    whole = compose(backbone, model_head, (96, 96, 3))
    together = whole.predict_on_batch({"image": images, "skin_type": skin_type})
    assert together == pytest.approx(apart, abs=1e-4)
    assert apart.std(axis=0).max() > 1e-3  # the images do not all look the same to it


def test_a_frozen_backbone_inside_a_row_is_that_of_the_features_and_does_not_train():
    spec = BackboneSpec(name="mobilenetv2", weights="random", rescale="native")
    pixel_row = row(architecture="mobilenetv2", input=TENSORS, image_size_px=96)
    network = build_network(pixel_row, 5, (96, 96, 3), spec)
    assert sum(int(np.prod(w.shape)) for w in network.trainable_weights) == (1280 + 7 + 1) * 8 + 9 * 5
    images = np.random.default_rng(1).integers(0, 256, (2, 96, 96, 3), dtype=np.uint8)
    inside = next(layer for layer in network.layers if layer.name == "mobilenetv2_features")
    assert inside.predict_on_batch(images) == pytest.approx(build_backbone(spec, 96).predict_on_batch(images), rel=1e-5)


def test_the_skin_type_changes_what_a_typed_row_says_and_only_that():
    network = build_network(row(), 5, (2048,), None)
    features = np.ones((2, 2048), np.float32)
    said = network.predict_on_batch({"features": features, "skin_type": np.eye(7, dtype=np.float32)[[0, 5]]})
    assert not np.allclose(said[0], said[1])
    untyped = build_network(row(skin_type_input=False), 5, (2048,), None)
    assert set(untyped.input) == {"features"}
    scalar = build_network(row(skin_type_encoding="scalar"), 5, (2048,), None)
    assert scalar.input["skin_type"].shape == (None, 1)
