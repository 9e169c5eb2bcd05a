"""A copy is the same photograph however it was altered; a common watermark makes no two photographs one."""

import cv2
import numpy as np
import pytest

from stages.lib.split import same_photograph
from stages.lib.split.local_features import describe
from stages.lib.split.planted import ALTERATIONS, altered
from stages.lib.split.same_photograph import correlation, inliers
from tests.lib.split.pictures import photograph


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_altered_copy_is_the_same_either_way_round(name):
    original, copy = describe(photograph(1)), altered(photograph(1), 1.0, ALTERATIONS[name])
    for pair in ((original, copy), (copy, original)):
        assert max(inliers(*pair, mirrored) for mirrored in (False, True)) >= 20


def test_a_mirror_image_is_one_in_the_mirror_only():
    original, copy = describe(photograph(1)), altered(photograph(1), 1.0, ALTERATIONS["mirrored"])
    assert inliers(original, copy, True) > 100
    assert inliers(original, copy, False) == 0


def test_other_images_are_not():
    described = [describe(photograph(seed)) for seed in range(8)]
    assert not any(inliers(described[0], other, mirrored) for other in described[1:] for mirrored in (False, True))


def test_a_common_logo_does_not_make_one_of_two(monkeypatch):
    pictures = [photograph(seed) for seed in (1, 2)]
    for picture in pictures:
        picture[20:100, 20:100] = photograph(3)[:80, :80]
    a, b = map(describe, pictures)
    assert inliers(a, b, False) == 0
    # it is the pixels that tell them apart: the keypoints of the logo do match
    monkeypatch.setattr(same_photograph, "MIN_CORRELATION", -1)
    assert inliers(a, b, False) > 1.5 * same_photograph.MIN_INLIERS


def test_smooth_images_are_never_the_same():
    smooth = describe(cv2.GaussianBlur(photograph(1), (0, 0), 40))
    blank = describe(np.full((224, 224, 3), 180, np.uint8))
    assert inliers(smooth, smooth, False) == inliers(blank, blank, False) == inliers(blank, smooth, False) == 0


def test_correlation_is_that_of_what_is_covered_and_has_detail():
    grey, other = (describe(photograph(seed)).grey for seed in (1, 2))
    here, half_off = np.eye(2, 3), np.array([[1.0, 0, 80], [0, 1, 0]])
    assert correlation(grey, grey, here) > 0.99
    assert correlation(grey, np.clip(grey * 0.6 + 20, 0, 255).astype(np.uint8), here) > 0.95
    assert abs(correlation(grey, other, here)) < 0.2
    assert correlation(grey, np.roll(grey, 80, axis=1), half_off) > 0.99
    half_flat = np.where(np.arange(160) < 80, 128, grey).astype(np.uint8)
    assert correlation(half_flat, half_flat, here) > 0.99
    assert correlation(grey, grey, np.array([[1.0, 0, 500], [0, 1, 0]])) == -1
