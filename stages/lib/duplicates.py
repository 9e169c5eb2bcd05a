"""Groups of images that show the same thing: near-duplicates in feature space, joined with the catalog's own groups."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.preprocessing import StandardScaler, normalize
from tqdm import tqdm

BLOCK_ROWS = 1024
"""Similarities are computed for so many images at a time: 1024 x 16,577 float32 are 68 MB."""


def near_duplicate_pairs(features: np.ndarray, cosine: float) -> np.ndarray:
    """Finds pairs of images whose standardised features point the same way.

    Standardising (zero mean and unit variance over the catalog, per feature) takes out what all skin images share;
    without it, every pair is alike.

    Args:
        features: float, `(n, D)`.
        cosine: The least cosine similarity of a pair.

    Returns:
        int64, `(pairs, 2)`, each pair once, the smaller index first.
    """
    standard = normalize(StandardScaler().fit_transform(features.astype(np.float32))).astype(np.float32)
    pairs = [np.empty((0, 2), dtype=np.int64)]
    for start in tqdm(range(0, len(standard), BLOCK_ROWS), desc="near-duplicates", unit="block", mininterval=1):
        similarity = standard[start : start + BLOCK_ROWS] @ standard[start:].T
        found = np.argwhere(similarity >= cosine)
        pairs.append(found[found[:, 0] < found[:, 1]] + start)
    return np.concatenate(pairs)


def group_names(keys: Sequence[str], pairs: np.ndarray, column: pd.Series | None) -> list[str]:
    """Joins pairs, and images that share a value of `column`, to groups.

    Args:
        keys: md5hash per image, `(n,)`.
        pairs: int64, `(pairs, 2)`: images that belong together.
        column: Values of a catalog column, `(n,)`; equal ones belong together, empty ones to nobody. None: none.

    Returns:
        The group of every image, `(n,)`, named by the smallest md5hash in it.
    """
    if column is not None:
        filled = column.reset_index(drop=True)
        filled = filled[filled.notna() & (filled.astype(str) != "")]
        first = filled.groupby(filled).transform(lambda same: same.index[0]).astype(np.int64)
        pairs = np.concatenate([pairs, np.column_stack([first, filled.index])])
    links = coo_array((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(len(keys), len(keys)))
    _, component = connected_components(links, directed=False)
    named = pd.Series(list(keys))
    return named.groupby(component).transform("min").tolist()
