import io

import numpy as np
import pytest
from PIL import Image

from stages.lib.report import thumbnails

GREY = np.full((40, 40, 3), 160, np.uint8)


def pixels(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def test_a_photograph_keeps_its_colours():
    image = GREY.copy()
    image[:, :, 0] = 220  # red, so that a swap of channels shows
    shown = pixels(thumbnails.photograph(image, 20))
    assert shown.shape == (20, 20, 3)
    assert np.abs(shown - (220, 160, 160)).max() < 8


@pytest.mark.parametrize(("weight", "brightness"), [(1.0, 160), (0.0, 40)])
def test_a_spotlight_is_bright_where_a_class_rests(weight, brightness):
    shown = pixels(thumbnails.spotlight(GREY, np.full((5, 5), weight, np.float16), 40))
    # the outline runs along the edge where everything counts
    assert np.abs(shown[10:30, 10:30] - brightness).max() < 8


def test_the_outline_runs_where_the_weight_is_half():
    weights = np.tile(np.linspace(0, 1, 40), (40, 1))
    shown = pixels(thumbnails.spotlight(GREY, weights, 40))
    brightest = shown[5:35, 2:38].sum(axis=2).argmax(axis=1) + 2
    assert np.abs(brightest - 20).max() <= 1


def test_same_pixels_same_bytes():
    assert thumbnails.photograph(GREY, 20) == thumbnails.photograph(GREY, 20)
