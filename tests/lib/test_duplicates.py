"""Near-duplicates are found in feature space and joined with the catalog's groups."""

import numpy as np
import pandas as pd

from stages.lib import duplicates
from stages.lib.duplicates import group_names, near_duplicate_pairs


def test_copies_are_found_and_strangers_are_not(monkeypatch):
    random = np.random.default_rng(0)
    # a common direction that all images share must not make them alike
    features = random.normal(size=(60, 40)) + 100.0
    features[50] = features[3] + random.normal(scale=0.05, size=40)
    features[59] = features[7]
    for rows in (1024, 16):  # in one block, and across blocks
        monkeypatch.setattr(duplicates, "BLOCK_ROWS", rows)
        pairs = near_duplicate_pairs(features, 0.95)
        assert sorted(map(tuple, pairs.tolist())) == [(3, 50), (7, 59)]


def test_a_constant_feature_does_no_harm():
    features = np.column_stack([np.random.default_rng(0).normal(size=(9, 30)), np.zeros(9)])
    assert near_duplicate_pairs(features, 0.95).shape == (0, 2)


def test_groups_chain_and_are_named_by_their_smallest_key():
    pairs = np.array([[0, 1], [1, 2]])
    assert group_names(["d", "c", "b", "a"], pairs, None) == ["b", "b", "b", "a"]


def test_a_column_joins_equal_values_but_not_empty_ones():
    none = np.empty((0, 2), dtype=np.int64)
    column = pd.Series(["lesion 1", "", "lesion 1", "", None])
    assert group_names(list("abcde"), none, column) == ["a", "b", "a", "d", "e"]
    assert group_names(list("abcde"), np.array([[2, 3]]), column) == ["a", "b", "a", "a", "e"]
