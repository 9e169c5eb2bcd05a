import cv2
import numpy as np
import pytest

from stages.lib.sample import drawings
from stages.lib.sample.catalog import CONDITIONS
from stages.lib.sample.lesions import LESIONS


def draw(condition="psoriasis", skin_type=3, seed=(1, 2)):
    return drawings.draw(condition, skin_type, np.random.default_rng(seed))


@pytest.mark.parametrize("condition", LESIONS)
def test_draws_bgr_images_with_contrast(condition):
    image = draw(condition)
    assert image.dtype == np.uint8
    assert image.shape[2] == 3
    assert all(drawings.MIN_SIDE_PX <= side <= drawings.MAX_SIDE_PX for side in image.shape[:2])
    assert image.std() > 5


def test_every_catalog_condition_can_be_drawn():
    assert set(LESIONS) == set(CONDITIONS)


def test_drawing_depends_on_the_random_numbers_alone():
    assert (draw() == draw()).all()
    assert draw().shape != draw(seed=(1, 3)).shape or (draw() != draw(seed=(1, 3))).any()


def test_lightness_falls_from_type_1_to_6():
    means = []
    for skin_type in range(1, 7):
        images = [draw("psoriasis", skin_type, (4, number)) for number in range(8)]
        means.append(np.mean([np.median(cv2.cvtColor(image, cv2.COLOR_BGR2Lab)[..., 0]) for image in images]))
    assert (np.diff(means) < -4).all()


def test_looks_mix_evenly():
    own, other = LESIONS["psoriasis"], drawings.LESIONS["vitiligo"]
    assert own.towards(other, 0).body == list(own.body)
    assert own.towards(other, 1).pale == other.pale
    assert own.towards(other, 0.5).pale == pytest.approx((own.pale + other.pale) / 2)
