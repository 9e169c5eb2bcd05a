"""Near-duplicates: pairs that a cheap look takes for candidates and a look at the pixels confirms.

Two cheap looks nominate. Standardised backbone features see through mirroring and cropping, but only trained
weights make them mean anything; grey thumbnails of 16 px, mirrored too, need no training. Either nominates each
image's nearest, not all above a threshold, so that the work grows with the images and not with their pairs.
`pixel_match` has the last word.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler, normalize
from tqdm import tqdm

from stages.lib.data.shards import ShardedArray
from stages.lib.split.pixel_match import PixelMatcher, grey_square

THUMBNAIL_PX = 16
MIN_THUMBNAIL_CORRELATION = 0.5
"""Below it a thumbnail nominates nobody, however near; copies cropped by 5 % a side come to .74 and more."""
QUERY_ROWS = 2048
"""Neighbours are looked up for so many images at a time, between two steps of the progress bar."""


@dataclass(frozen=True)
class NearDuplicates:
    """What the search found."""

    pairs: np.ndarray
    """int64, `(p, 2)`: confirmed, numbers of images, each pair once and the smaller first, sorted."""
    likeness: np.ndarray
    """float64, `(p,)`: the correlation that confirmed each."""
    candidates: int
    """Pairs that were looked at."""


def find(
    features: np.ndarray, squares: np.ndarray, cosine: float, neighbours: int, correlation: float
) -> NearDuplicates:
    """Finds near-duplicates.

    Args:
        features: float, `(n, D)`: of one backbone.
        squares: uint8, `(n, 96, 96)`: the same images' grey squares.
        cosine: The least cosine similarity of standardised features that makes a candidate.
        neighbours: How many candidates an image nominates by either look.
        correlation: The least correlation of fine detail that confirms one.
    """
    candidates = candidate_pairs(features, squares, cosine, neighbours)
    cv2.setNumThreads(1)  # the threads are ours, one pair each; OpenCV's own would only compete with them
    matcher = PixelMatcher(squares)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda pair: matcher.likeness(*pair), candidates.tolist(), chunksize=64)
        bar = tqdm(found, total=len(candidates), desc="near-duplicates: compare", unit="pair", mininterval=1)
        likeness = np.fromiter(bar, dtype=np.float64, count=len(candidates))
    confirmed = likeness >= correlation
    return NearDuplicates(candidates[confirmed], likeness[confirmed], len(candidates))


def read_squares(tensors: ShardedArray, keys: Sequence[str]) -> np.ndarray:
    """Reads images as grey squares.

    Args:
        tensors: uint8 RGB, `(side, side, 3)` each.
        keys: md5hashes of the wanted ones, `(n,)`.

    Returns:
        uint8, `(n, 96, 96)`, in the order of `keys`.

    Raises:
        PipelineError: If an image is missing.
    """
    positions = tensors.positions(keys)
    squares = [
        grey_square(tensors.gather(position[None])[0])
        for position in tqdm(positions, desc="near-duplicates: read", unit="image", mininterval=1)
    ]
    return np.stack(squares)


def candidate_pairs(features: np.ndarray, squares: np.ndarray, cosine: float, neighbours: int) -> np.ndarray:
    """Nominates pairs: each image with those nearest to it in features or as thumbnails.

    Standardising (zero mean and unit variance over the catalog, per feature) takes out what all skin images share;
    without it, every pair is alike.

    Args:
        features: float, `(n, D)`.
        squares: uint8, `(n, 96, 96)`.
        cosine: The least cosine similarity of standardised features.
        neighbours: How many an image nominates by features, by thumbnail and by mirrored thumbnail.

    Returns:
        int64, `(pairs, 2)`, each pair once, the smaller number first, sorted.
    """
    standard = normalize(StandardScaler().fit_transform(features.astype(np.float32)))
    size = (THUMBNAIL_PX, THUMBNAIL_PX)
    thumbnails = np.stack([cv2.resize(s, size, interpolation=cv2.INTER_AREA) for s in squares]).astype(np.float32)
    plain, mirrored = _unit_rows(thumbnails), _unit_rows(thumbnails[:, :, ::-1])
    looks = {
        "features": (standard, standard, cosine),
        "thumbnails": (plain, plain, MIN_THUMBNAIL_CORRELATION),
        "mirrored": (plain, mirrored, MIN_THUMBNAIL_CORRELATION),
    }
    nominated = [_nearest(*look, neighbours, name) for name, look in looks.items()]
    return np.unique(np.sort(np.concatenate(nominated), axis=1), axis=0)


def _unit_rows(thumbnails: np.ndarray) -> np.ndarray:
    """Makes the scalar product of two thumbnails their correlation: float32, `(n, pixels)`."""
    flat = thumbnails.reshape(len(thumbnails), -1)
    return normalize(flat - flat.mean(axis=1, keepdims=True))


def _nearest(rows: np.ndarray, queries: np.ndarray, least: float, neighbours: int, name: str) -> np.ndarray:
    """Returns pairs of each query with its nearest other rows, int64 `(pairs, 2)`; both have unit length.

    Between unit vectors, squared distance is 2 - 2 x cosine.
    """
    count = min(neighbours + 1, len(rows))  # one more: a row is its own nearest
    index = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(rows)
    pairs = []
    for start in tqdm(range(0, len(rows), QUERY_ROWS), desc=f"near-duplicates: {name}", unit="block", mininterval=1):
        distance, other = index.kneighbors(queries[start : start + QUERY_ROWS])
        own = np.repeat(np.arange(start, start + len(other)), count).reshape(other.shape)
        near = (1 - distance**2 / 2 >= least) & (other != own)
        pairs.append(np.column_stack([own[near], other[near]]))
    return np.concatenate(pairs).astype(np.int64)
