"""Keypoints: as many as allowed, in upright pictures, and the same in a mirror but for the order of numbers."""

import numpy as np
import pytest

from stages.lib.split.local_features import AREA_PX, LENGTH, MAX_KEYPOINTS, MIRROR, describe
from tests.lib.split.pictures import photograph


def test_an_image_has_keypoints_of_one_length():
    described = describe(photograph(1))
    assert 100 < len(described.points) <= MAX_KEYPOINTS
    assert described.descriptors.shape == (len(described.points), 128)
    # the longest product that can come up is exact in float32
    lengths = np.linalg.norm(described.descriptors.astype(float), axis=1)
    assert lengths == pytest.approx(LENGTH, rel=0.02)
    assert (lengths**2).max() < 2**24


@pytest.mark.parametrize(
    ("aspect", "width", "height"), [(1.0, 160, 160), (4 / 3, 185, 139), (0.5, 113, 226), (9, 277, 92)]
)
def test_the_picture_is_as_wide_as_the_image_was(aspect, width, height):
    grey = describe(photograph(1), aspect).grey
    assert grey.shape == (height, width)
    assert grey.size == pytest.approx(AREA_PX, rel=0.01)


def test_a_mirror_reorders_descriptors():
    plain, mirrored = describe(photograph(1)), describe(np.ascontiguousarray(photograph(1)[:, ::-1]))
    cosine = plain.descriptors[:, MIRROR].astype(float) @ mirrored.descriptors.T.astype(float) / LENGTH**2
    nearest = cosine.argmax(axis=1)
    assert np.median(cosine.max(axis=1)) > 0.98
    width = plain.grey.shape[1]
    x = mirrored.points[nearest, 0] + plain.points[:, 0]
    assert np.median(np.abs(x - (width - 1))) < 1
    assert np.array_equal(MIRROR[MIRROR], np.arange(128))


def test_a_blank_image_has_none():
    described = describe(np.full((224, 224, 3), 180, np.uint8))
    assert described.points.shape == (0, 2)
    assert described.descriptors.shape == (0, 128)
