"""Near-duplicates are joined with the catalog's groups."""

import numpy as np
import pandas as pd
import pytest

from stages.lib.core.words import MISSING_WORDS
from stages.lib.split.duplicates import group_names, largest_share


def test_groups_chain_and_are_named_by_their_smallest_key():
    pairs = np.array([[0, 1], [1, 2]])
    assert group_names(["d", "c", "b", "a"], pairs, None) == ["b", "b", "b", "a"]


def test_a_column_joins_equal_values_but_not_empty_ones():
    none = np.empty((0, 2), dtype=np.int64)
    column = pd.Series(["lesion 1", "", "lesion 1", "", ""])
    assert group_names(list("abcde"), none, column) == ["a", "b", "a", "d", "e"]
    assert group_names(list("abcde"), np.array([[2, 3]]), column) == ["a", "b", "a", "a", "e"]


@pytest.mark.parametrize("word", [*sorted(MISSING_WORDS), "NA", "Unknown", "#N/A", " ", "\u00a0", "None ", "n/a\u200b"])
def test_words_for_a_missing_id_join_nobody(word):
    none = np.empty((0, 2), dtype=np.int64)
    assert group_names(list("abcd"), none, pd.Series([word, "L1", word, " L1"])) == ["a", "b", "c", "b"]
    assert largest_share(pd.Series([word] * 9)) == ("", 0)


def test_nought_is_an_id():
    assert largest_share(pd.Series(["0", "0", "1", "NA"])) == ("0", 2)
