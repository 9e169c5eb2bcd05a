"""Groups of images that belong to one split: near-duplicates, joined with the catalog's own groups."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from stages.lib.core.words import is_missing, plain


def known(column: pd.Series) -> pd.Series:
    """Returns the ids of a catalog column that are not missing (`is_missing`), without white space around them."""
    return column[~column.map(is_missing)].map(plain)


def largest_share(column: pd.Series) -> tuple[str, int]:
    """Returns the id that most images share, and how many; an id that many share may be a word for a missing one."""
    counts = known(column).value_counts()
    return (str(counts.index[0]), int(counts.iloc[0])) if len(counts) else ("", 0)


def group_names(keys: Sequence[str], pairs: np.ndarray, column: pd.Series | None) -> list[str]:
    """Joins pairs, and images that share a value of `column`, to groups.

    Args:
        keys: md5hash per image, `(n,)`.
        pairs: int64, `(pairs, 2)`: images that belong together.
        column: Values of a catalog column, text, `(n,)`; equal ones belong together, missing ones to nobody. None:
            none.

    Returns:
        The group of every image, `(n,)`, named by the smallest md5hash in it.
    """
    if column is not None:
        filled = known(column.reset_index(drop=True))
        first = filled.groupby(filled).transform(lambda same: same.index[0]).astype(np.int64)
        pairs = np.concatenate([pairs, np.column_stack([first, filled.index])])
    links = coo_array((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(len(keys), len(keys)))
    _, component = connected_components(links, directed=False)
    named = pd.Series(list(keys))
    return named.groupby(component).transform("min").tolist()
