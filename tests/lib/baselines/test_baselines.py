"""Baselines: the nearest class mean against scikit-learn, and which table gets which."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stages.lib.baselines import baselines
from stages.lib.core.params import load_params
from stages.lib.data.shard_writer import ShardSetWriter
from stages.lib.data.shards import ShardedArray

PARAMS = load_params(Path(__file__).parents[3] / "params.yaml")


@pytest.fixture
def data(tmp_path) -> tuple[ShardedArray, np.ndarray]:
    random = np.random.default_rng(0)
    keys = sorted(f"{n % 16:x}{n:031x}" for n in range(90))
    values = random.normal(0, 1, (90, 7)) * [1, 100, 1, 1, 1, 1, 0] + [0, 5000, 0, 0, 0, 0, 3]
    with ShardSetWriter(tmp_path / "f", keys, (7,), np.float16) as writer:
        for letter in sorted({key[0] for key in keys}):
            rows = [n for n, key in enumerate(keys) if key[0] == letter]
            writer.write(letter, 0, values[rows].astype(np.float16))
    return ShardedArray(tmp_path / "f"), values.astype(np.float16).astype(np.float64)


def test_the_nearest_class_mean_is_scikit_learns(data, monkeypatch):
    array, values = data
    random = np.random.default_rng(1)
    order = random.permutation(90)
    train, test, labels = order[:60], order[60:], random.choice([0, 2, 3], 60)
    monkeypatch.setattr(baselines, "_CHUNK_IMAGES", 13)
    found = baselines.nearest_class_mean(array, train, labels, test, 5, "f")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="self.within_class_std_dev_")  # of the feature that never moves
        fitted = make_pipeline(StandardScaler(), NearestCentroid()).fit(values[train], labels)
    assert (found == fitted.predict(values[test])).all()
    assert set(found) <= {0, 2, 3}


def test_the_majority_is_the_training_splits():
    # a class without a training image counts as one
    assert baselines.class_shares(np.array([1, 1, 3, 0]), 4) == pytest.approx([0.2, 0.4, 0.2, 0.2])


def test_a_table_gets_the_means_on_the_features_that_its_rows_see():
    by_table = {}
    for number, names in {1: ["lenet-1", "alexnet"], 3: ["vgg16", "inceptionv3", "resnet101v2"],
                          4: ["inceptionv3-type", "inceptionv3-type-d40", "resnet101v2-type-d40"]}.items():  # fmt: skip
        rows = [PARAMS.tables[name] for name in names]
        by_table[number] = baselines.for_table(rows)
    assert by_table[1] == ["majority", "mean-mobilenetv2"]
    assert by_table[3] == ["majority", "mean-vgg16", "mean-inceptionv3", "mean-resnet101v2"]
    assert by_table[4] == ["majority", "mean-inceptionv3", "mean-resnet101v2"]
