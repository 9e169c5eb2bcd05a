"""Copies correlate in their fine detail however they were altered, and images that are merely alike do not."""

import cv2
import numpy as np
import pytest

from stages.lib.split.pixel_match import PixelMatcher, grey_square

SIDE_PX = 224


def photograph(seed: int, blob_seed: int = 0) -> np.ndarray:
    """A skin with a dark spot: what is coarse comes from `blob_seed`, the texture from `seed`."""
    x, y = np.meshgrid(*[np.linspace(-1, 1, SIDE_PX)] * 2)
    centre = np.random.default_rng([blob_seed, 1]).uniform(-0.2, 0.2, 2)
    spot = 90 * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / 0.08)
    noise = np.random.default_rng(seed).normal(0, 1, (SIDE_PX, SIDE_PX)).astype(np.float32)
    texture = cv2.GaussianBlur(noise, (0, 0), 3)
    grey = 190 - spot + 9 * texture / texture.std()
    return np.clip(np.dstack([grey, grey - 25, grey - 40]), 0, 255).astype(np.uint8)


def recompressed(image: np.ndarray) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR)


def stretched(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR)


ALTERATIONS = {
    "recompressed": recompressed,
    "shrunk": lambda image: stretched(cv2.resize(image, (157, 157), interpolation=cv2.INTER_AREA)),
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
    "cropped": lambda image: stretched(image[11:-11, 11:-11]),
    "cropped at one side": lambda image: stretched(image[:, 20:]),
    "mirrored and cropped": lambda image: stretched(image[8:-8, :-12:][:, ::-1]),
    "brighter": lambda image: cv2.convertScaleAbs(image, alpha=1.15),
    "darker": lambda image: cv2.convertScaleAbs(image, alpha=0.85),
}


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    return PixelMatcher(np.stack([grey_square(a), grey_square(b)])).likeness(0, 1)


@pytest.mark.parametrize("name", ALTERATIONS)
@pytest.mark.parametrize("turned", [False, True])
def test_an_altered_copy_is_the_same(name, turned):
    pair = [photograph(1), ALTERATIONS[name](photograph(1))]
    assert likeness(*pair[:: -1 if turned else 1]) > 0.8


def test_the_same_shape_in_another_skin_is_not():
    assert all(likeness(photograph(1), photograph(seed)) < 0.5 for seed in range(2, 12))


def test_smooth_images_are_never_the_same():
    # with no detail there is nothing to tell them apart by
    smooth = cv2.GaussianBlur(photograph(1), (0, 0), 25)
    blank = np.full_like(smooth, 180)
    assert likeness(smooth, smooth) == likeness(blank, blank) == likeness(blank, photograph(1)) == 0


def test_an_image_equals_itself():
    assert likeness(photograph(1), photograph(1)) == pytest.approx(1, abs=1e-3)
