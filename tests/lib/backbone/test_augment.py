"""Augmentation: seeded, bounded, and what its one matrix does."""

import numpy as np

from stages.lib.backbone import augment as module
from stages.lib.backbone.augment import augment


def test_the_same_state_gives_the_same_variation_and_the_image_is_left_alone():
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    before = image.copy()
    first, again, other = (augment(image, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == image.shape and first.dtype == np.uint8
    assert (first == again).all() and (first != other).any() and (image == before).all()


def test_a_flat_image_stays_flat_and_within_brightness_and_shift():
    image = np.full((32, 32, 3), 100, np.uint8)
    values = [augment(image, np.random.default_rng(seed)) for seed in range(200)]
    assert all(value.std() == 0 for value in values)
    seen = np.array([value[0, 0, 0] for value in values])
    assert seen.min() >= (100 - module.CHANNEL_SHIFT) * module.BRIGHTNESS[0] - 1
    assert seen.max() <= (100 + module.CHANNEL_SHIFT) * module.BRIGHTNESS[1] + 1
    assert seen.min() < 60 and seen.max() > 150


def test_half_of_the_variations_are_mirrored(monkeypatch):
    for name in ("SHIFT", "SHEAR_DEG", "ZOOM", "ROTATION_DEG", "CHANNEL_SHIFT"):
        monkeypatch.setattr(module, name, 0.0)
    monkeypatch.setattr(module, "BRIGHTNESS", (1.0, 1.0))
    image = np.random.default_rng(0).integers(0, 256, (17, 16, 3), dtype=np.uint8)
    variations = [augment(image, np.random.default_rng(seed)) for seed in range(60)]
    mirrored = sum((variation == image[:, ::-1]).all() for variation in variations)
    same = sum((variation == image).all() for variation in variations)
    assert mirrored + same == 60 and 15 < mirrored < 45


def test_shifts_reach_a_fifth_of_the_side(monkeypatch):
    for name in ("SHEAR_DEG", "ZOOM", "ROTATION_DEG"):
        monkeypatch.setattr(module, name, 0.0)
    offsets = []
    for seed in range(200):
        matrix = module._affine(100, 100, np.random.default_rng(seed))
        offsets.append(matrix @ [49.5, 49.5, 1] - 49.5)  # where the output's centre is taken from
    offsets = np.abs(offsets)
    assert 18 < offsets.max() <= 20.0
