"""Keypoints vote for the images that hold the same ones, plain and in a mirror, and for no image of their own."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from stages.lib.split import nominate as nomination
from stages.lib.split.local_features import MIRROR, describe
from stages.lib.split.nominate import Keypoints, nominate
from tests.lib.split.pictures import photograph

BLANK = np.full((224, 224, 3), 180, np.uint8)


@pytest.fixture(scope="module")
def pool():
    with ThreadPoolExecutor(2) as made:
        yield made


@pytest.fixture(scope="module")
def images():
    """Twenty, of which number 15 is number 4 turned and number 17 is number 6 in a mirror; number 9 is blank."""
    pictures = [photograph(seed) for seed in range(20)]
    pictures[15], pictures[17], pictures[9] = np.rot90(pictures[4]), pictures[6][:, ::-1], BLANK
    return [describe(np.ascontiguousarray(picture)) for picture in pictures]


def test_copies_nominate_each_other(images, pool):
    known = Keypoints(images, pool)
    plain, mirrored = (nominate(known, known, 20, 1, side, pool).tolist() for side in (False, True))
    assert [4, 15] in plain and [15, 4] in plain
    assert [6, 17] in mirrored and [17, 6] in mirrored
    assert all(one != other and 9 not in (one, other) for one, other in plain + mirrored)
    assert len({one for one, _ in plain}) == len(plain)


def test_others_nominate_by_the_same_words(images, pool):
    known = Keypoints(images, pool)
    asking = Keypoints([images[9], images[6]], pool, known.words)
    # an image is not its own where it is not among those that are asked
    assert nominate(asking, known, 20, 1, False, pool).tolist() == [[1, 6]]
    assert nominate(asking, known, 20, 1, True, pool).tolist() == [[1, 17]]


def test_blocks_and_threads_change_nothing(images, pool, monkeypatch):
    known = Keypoints(images, pool)
    whole = nominate(known, known, 20, 5, False, pool)
    monkeypatch.setattr(nomination, "_BLOCK", 100)
    with ThreadPoolExecutor(7) as many:
        again = Keypoints(images, many)
        assert np.array_equal(nominate(again, again, 20, 5, False, many), whole)


def test_words_come_with_their_mirror_images(images, pool):
    known = Keypoints(images, pool)
    half = len(known.words) // 2
    assert np.array_equal(known.words[half:], known.words[:half, MIRROR])
    assert known.starts[-1] == len(known.owner) == sum(len(image.points) for image in images)


def test_images_without_a_keypoint_nominate_nobody(pool):
    blanks = [describe(BLANK)] * 3
    known = Keypoints(blanks, pool)
    assert nominate(known, known, 3, 5, False, pool).shape == (0, 2)
