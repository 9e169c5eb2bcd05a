"""Backbones take raw pixels, normalise them themselves, and say how to get weights that are not there."""

from pathlib import Path

import numpy as np
import pytest

from stages.lib.backbone.backbones import build_backbone, read_scaling, weights_digest
from stages.lib.core.errors import PipelineError
from stages.lib.core.sections import BackboneSpec

SHARED_WEIGHTS = Path(__file__).parents[4] / "shared/weights"


def spec(**changes) -> BackboneSpec:
    return BackboneSpec(**({"name": "mobilenetv2", "weights": "random", "rescale": "native"} | changes))


def test_random_weights_are_the_same_every_time_and_keep_the_signal():
    images = np.random.default_rng(0).integers(0, 256, (4, 96, 96, 3), dtype=np.uint8)
    first, again = build_backbone(spec(), 96, images), build_backbone(spec(), 96, images)
    assert weights_digest(first) == weights_digest(again) != weights_digest(build_backbone(spec(), 96, images[:2]))
    features = first.predict_on_batch(images)
    assert features.shape == (4, 1280)
    assert features.mean() == pytest.approx(0, abs=1e-3) and features.var(axis=0).mean() == pytest.approx(1, rel=0.05)
    restored = build_backbone(spec(), 96, read_scaling(first))
    assert weights_digest(restored) == weights_digest(first)


@pytest.mark.parametrize(("name", "low", "high"), [("mobilenetv2", -1.0, 1.0), ("vgg16", -123.68, 255 - 103.939)])
def test_images_are_normalised_inside(name, low, high):
    network = build_backbone(spec(name=name), 96)
    steps = network.operations
    inner = next(number for number, step in enumerate(steps) if step.name.startswith(name))
    normalised = network.__class__(network.input, steps[inner - 1].output)
    image = np.zeros((1, 96, 96, 3), np.uint8)
    image[0, 0, 0] = 255
    seen = normalised.predict_on_batch(image)
    assert seen.min() == pytest.approx(low, abs=1e-3) and seen.max() == pytest.approx(high, abs=1e-3)


def test_larger_images_are_shrunk_to_what_the_backbone_is_to_see():
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    halves = images.reshape(2, 32, 2, 32, 2, 3).mean(axis=(2, 4))
    capped = build_backbone(spec(max_image_size_px=32), 64, read_scaling(build_backbone(spec(), 32, halves)))
    assert capped.input_shape == (None, 64, 64, 3)
    expected = build_backbone(spec(), 32, halves).predict_on_batch(halves)
    np.testing.assert_allclose(capped.predict_on_batch(images), expected, rtol=1e-3, atol=1e-3)
    assert weights_digest(build_backbone(spec(max_image_size_px=96), 64)) == weights_digest(build_backbone(spec(), 64))


def test_channels_can_be_given_the_wrong_way_round():
    image = np.random.default_rng(0).integers(0, 256, (1, 96, 96, 3), dtype=np.uint8)
    swapped = build_backbone(spec(channels="bgr"), 96).predict_on_batch(image)
    assert (swapped == build_backbone(spec(), 96).predict_on_batch(image[..., ::-1])).all()


def test_missing_weights_are_named_with_the_three_ways_to_get_them(tmp_path):
    with pytest.raises(PipelineError) as caught:
        build_backbone(spec(weights=str(tmp_path)), 96)
    line = str(caught.value)
    assert f"{tmp_path}/mobilenetv2.weights.h5" in line
    assert all(f"backbones.mobilenetv2.weights={way}" in line for way in ("imagenet", "random", "<directory>"))


def test_a_file_that_is_no_weights_is_named(tmp_path):
    (tmp_path / "mobilenetv2.weights.h5").write_bytes(b"not found")
    with pytest.raises(PipelineError, match=r"mobilenetv2\.weights\.h5: not weights of mobilenetv2"):
        build_backbone(spec(weights=str(tmp_path)), 96)


@pytest.mark.skipif(not SHARED_WEIGHTS.exists(), reason="ImageNet weights are not here")
@pytest.mark.parametrize("name", ["mobilenetv2", "vgg16"])
def test_imagenet_weights_load_from_a_directory(name):
    trained = build_backbone(spec(name=name, weights=str(SHARED_WEIGHTS)), 96)
    assert weights_digest(trained) != weights_digest(build_backbone(spec(name=name), 96))
