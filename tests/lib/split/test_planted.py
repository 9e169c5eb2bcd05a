"""Recall is measured: full where copies are found, nothing where the search finds none."""

import numpy as np
import pytest

from stages.lib.data.shard_writer import ShardSetWriter
from stages.lib.data.shards import ShardedArray
from stages.lib.split import near_duplicates, planted
from stages.lib.split.local_features import describe
from stages.lib.split.nominate import Keypoints
from tests.lib.split.pictures import photograph

KEYS = [f"{number:02x}" for number in range(6)]


@pytest.fixture
def measure(tmp_path, monkeypatch):
    """Measures with two sources among six images, of which some may be blank."""
    monkeypatch.setattr(planted, "SOURCES", 2)

    def run(pictures: np.ndarray) -> dict:
        with ShardSetWriter(tmp_path / "t", KEYS, pictures.shape[1:], np.uint8) as writer:
            writer.write("0", 0, pictures)
        images = [describe(picture, 1.5) for picture in pictures]
        with near_duplicates.workers() as pool:
            known = Keypoints(images, pool)
            return planted.recall(
                ShardedArray(tmp_path / "t"), KEYS, np.full(6, 1.5), images, known, np.arange(6), 1, pool
            )

    return run


def test_all_copies_of_images_with_detail_are_found(measure):
    told = measure(np.stack([photograph(seed) for seed in range(6)]))
    assert (told["planted"], told["found"], told["overall"]) == (2 * len(planted.ALTERATIONS),) * 2 + (1.0,)
    assert [row["alteration"] for row in told["per_alteration"]] == list(planted.ALTERATIONS)
    assert all(row["planted"] == row["found"] == 2 for row in told["per_alteration"])


def test_copies_of_blank_images_are_not(measure):
    assert measure(np.full((6, 224, 224, 3), 180, np.uint8))["overall"] == 0


def test_a_search_that_confirms_nothing_has_no_recall(measure, monkeypatch):
    monkeypatch.setattr(near_duplicates, "inliers", lambda *_: 0)
    assert measure(np.stack([photograph(seed) for seed in range(6)]))["found"] == 0


def test_a_copy_that_is_joined_to_a_copy_is_found():
    # 0 and 1 are one photograph; which of the two is its source makes no difference
    images = [describe(photograph(seed)) for seed in (0, 0, 2)]
    with near_duplicates.workers() as pool:
        known = Keypoints(images, pool)
        found = near_duplicates.found_among(images[:1], np.array([1]), images, known, np.array([0, 0, 2]), pool)
        lost = near_duplicates.found_among(images[:1], np.array([2]), images, known, np.array([0, 0, 2]), pool)
    assert found.tolist() == [True] and lost.tolist() == [False]
