"""Every planted copy is found and no stranger joined, whether or not the features mean anything."""

import cv2
import numpy as np
import pytest

from stages.lib.data.shard_writer import ShardSetWriter
from stages.lib.data.shards import ShardedArray
from stages.lib.sample.catalog import generate
from stages.lib.split import near_duplicates
from stages.lib.split.near_duplicates import candidate_pairs, find, read_squares
from stages.lib.split.pixel_match import grey_square

RULES = {"cosine": 0.5, "neighbours": 10, "correlation": 0.78}


@pytest.fixture(scope="module")
def drawn() -> tuple[list[str], np.ndarray, set[tuple[int, int]]]:
    """Keys of the drawn sample's images, their squares, and the pairs of which one is a planted copy."""
    made = generate(150)
    bodies = {
        key: body for key, body in made.bodies.items()
        if made.faults.get(key) in (None, "near_duplicate", "exact_duplicate")
    }  # fmt: skip
    images = [cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR_RGB) for body in bodies.values()]
    squares = np.stack([grey_square(cv2.resize(i, (224, 224), interpolation=cv2.INTER_AREA)) for i in images])
    copies = {number for number, key in enumerate(bodies) if made.faults.get(key)}
    return list(bodies), squares, copies


@pytest.mark.parametrize("kind", ["without meaning", "outliers", "constant"])
def test_planted_copies_are_found_without_trained_features(drawn, kind):
    keys, squares, copies = drawn
    features = np.random.default_rng(0).normal(size=(len(keys), 64))
    if kind == "outliers":
        # a feature that fires in a third of all images makes them all alike
        features[::3] += 100 * np.random.default_rng(1).normal(size=64)
    elif kind == "constant":
        features[:] = 1.0
    found = find(features, squares, **RULES)
    assert len(copies) >= 5
    # each planted copy has one original, and there are no other pairs
    assert len(found.pairs) == len(copies)
    assert {copy for pair in found.pairs.tolist() for copy in pair if copy in copies} == copies
    assert found.candidates > len(found.pairs)
    assert (found.likeness >= RULES["correlation"]).all()


def test_features_nominate_what_thumbnails_cannot():
    random = np.random.default_rng(0)
    squares = random.integers(0, 256, (40, 96, 96), dtype=np.uint8)
    features = random.normal(size=(40, 200)) + 100.0  # a direction that all share makes nobody alike
    features[31] = features[4] + random.normal(scale=0.05, size=200)
    assert [4, 31] in candidate_pairs(features, squares, 0.9, 1).tolist()
    assert [4, 31] not in candidate_pairs(random.normal(size=(40, 200)), squares, 0.9, 1).tolist()


def test_pairs_are_the_same_in_blocks(drawn, monkeypatch):
    _, squares, _ = drawn
    features = np.random.default_rng(0).normal(size=(len(squares), 64))
    whole = candidate_pairs(features, squares, 0.1, 3)
    monkeypatch.setattr(near_duplicates, "QUERY_ROWS", 17)
    assert np.array_equal(candidate_pairs(features, squares, 0.1, 3), whole)
    assert (whole[:, 0] < whole[:, 1]).all() and len(np.unique(whole, axis=0)) == len(whole)


def test_squares_come_in_the_order_asked_for(tmp_path):
    keys = ["0a", "0b", "1c"]
    images = np.random.default_rng(0).integers(0, 256, (3, 100, 100, 3), dtype=np.uint8)
    with ShardSetWriter(tmp_path / "t", keys, (100, 100, 3), np.uint8) as writer:
        writer.write("0", 0, images[:2])
        writer.write("1", 0, images[2:])
    squares = read_squares(ShardedArray(tmp_path / "t"), ["1c", "0a"])
    assert np.array_equal(squares, np.stack([grey_square(images[2]), grey_square(images[0])]))
