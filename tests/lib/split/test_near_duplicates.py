"""Every planted copy is found and no stranger joined; the order of images and the number of threads change nothing."""

import cv2
import numpy as np
import pytest

from stages.lib.core.errors import PipelineError
from stages.lib.data.shard_writer import ShardSetWriter
from stages.lib.data.shards import ShardedArray
from stages.lib.sample.catalog import generate
from stages.lib.split import near_duplicates
from stages.lib.split.local_features import describe
from stages.lib.split.near_duplicates import find, read_features, workers
from stages.lib.split.nominate import Keypoints
from tests.lib.split.pictures import photograph


@pytest.fixture(scope="module")
def drawn():
    """The drawn sample's images, described, and the numbers of those that are planted copies."""
    made = generate(60)
    bodies = {
        key: body for key, body in made.bodies.items()
        if made.faults.get(key) in (None, "near_duplicate", "exact_duplicate")
    }  # fmt: skip
    pictures = [cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR_RGB) for body in bodies.values()]
    images = [describe(cv2.resize(one, (224, 224)), one.shape[1] / one.shape[0]) for one in pictures]
    return images, {number for number, key in enumerate(bodies) if made.faults.get(key)}


def searched(images):
    with workers() as pool:
        return find(images, Keypoints(images, pool), pool)


def test_planted_copies_are_found_and_nothing_else(drawn):
    images, copies = drawn
    found = searched(images)
    # each planted copy has one original
    assert len(copies) >= 3 and len(found.pairs) == len(copies)
    assert {copy for pair in found.pairs.tolist() for copy in pair if copy in copies} == copies
    assert (found.pairs[:, 0] < found.pairs[:, 1]).all() and (found.inliers > 20).all()
    assert found.candidates > len(found.pairs)


def test_the_number_of_threads_changes_nothing(drawn, monkeypatch):
    images, _ = drawn
    monkeypatch.setattr(near_duplicates.os, "cpu_count", lambda: 1)
    one = searched(images)
    monkeypatch.setattr(near_duplicates.os, "cpu_count", lambda: 5)
    five = searched(images)
    assert np.array_equal(one.pairs, five.pairs) and np.array_equal(one.inliers, five.inliers)


def test_images_without_copies_give_no_pair():
    found = searched([describe(photograph(seed)) for seed in range(3)])
    assert found.pairs.shape == (0, 2) and found.inliers.shape == (0,)


def test_images_come_in_the_order_asked_for(tmp_path):
    keys = ["0a", "0b", "1c"]
    images = np.stack([photograph(seed) for seed in range(3)])
    with ShardSetWriter(tmp_path / "t", keys, images.shape[1:], np.uint8) as writer:
        writer.write("0", 0, images[:2])
        writer.write("1", 0, images[2:])
    tensors = ShardedArray(tmp_path / "t")
    with workers() as pool:
        described = read_features(tensors, ["1c", "0a"], np.array([2.0, 1.0]), pool)
        with pytest.raises(PipelineError, match="has no image 2d"):
            read_features(tensors, ["2d"], np.ones(1), pool)
    for found, expected in zip(described, (describe(images[2], 2.0), describe(images[0])), strict=True):
        assert np.array_equal(found.grey, expected.grey) and np.array_equal(found.descriptors, expected.descriptors)
