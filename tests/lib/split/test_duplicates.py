"""Near-duplicates are joined with the catalog's groups."""

import numpy as np
import pandas as pd

from stages.lib.split.duplicates import group_names


def test_groups_chain_and_are_named_by_their_smallest_key():
    pairs = np.array([[0, 1], [1, 2]])
    assert group_names(["d", "c", "b", "a"], pairs, None) == ["b", "b", "b", "a"]


def test_a_column_joins_equal_values_but_not_empty_ones():
    none = np.empty((0, 2), dtype=np.int64)
    column = pd.Series(["lesion 1", "", "lesion 1", "", None])
    assert group_names(list("abcde"), none, column) == ["a", "b", "a", "d", "e"]
    assert group_names(list("abcde"), np.array([[2, 3]]), column) == ["a", "b", "a", "a", "e"]
