"""Near-duplicates: images of one photograph, however it was turned, cut, framed, marked or recompressed in between.

Keypoints nominate pairs and decide over them, so that neither trained weights nor the processor that computes features
has a say. An image nominates no more than a few others, so that the comparisons grow with the images and not with
their pairs.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from stages.lib.data.shards import ShardedArray
from stages.lib.split.local_features import LocalFeatures, describe
from stages.lib.split.nominate import Keypoints, nominate
from stages.lib.split.same_photograph import inliers

NOMINEES = 6
"""That an image has, as it is and mirrored. Copies of one photograph that are more still hang together as a chain."""


@dataclass(frozen=True)
class NearDuplicates:
    """What the search found."""

    pairs: np.ndarray
    """int64, `(p, 2)`: confirmed, numbers of images, each pair once and the smaller first, sorted."""
    inliers: np.ndarray
    """int64, `(p,)`: keypoints in distinct places that agree."""
    candidates: int
    """Pairs that were looked at."""


@contextmanager
def workers() -> Iterator[ThreadPoolExecutor]:
    """Returns threads to work with, one for every processor."""
    cv2.setNumThreads(1)  # the threads are ours; those of OpenCV and of matrix products would only compete with them
    with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count()) as pool:
        yield pool


def read_features(
    tensors: ShardedArray, keys: Sequence[str], aspects: np.ndarray, pool: ThreadPoolExecutor
) -> list[LocalFeatures]:
    """Describes images, a shard at a time.

    Args:
        tensors: uint8 RGB, `(side, side, 3)` each.
        keys: md5hashes of the wanted ones, `(n,)`.
        aspects: float, `(n,)`: width by height of each as it was received.
        pool: Does the work.

    Returns:
        `(n,)`, in the order of `keys`.

    Raises:
        PipelineError: If an image is missing.
    """
    tensors.positions(keys)  # names the first that is missing
    number = {key: place for place, key in enumerate(keys)}
    found = {}
    with tqdm(total=len(keys), desc="near-duplicates: describe", unit="image", mininterval=1) as bar:
        for _, shard_keys, items in tensors.shards():
            wanted = [(number[key], item) for key, item in zip(shard_keys, items, strict=True) if key in number]
            for (place, _), described in zip(
                wanted, pool.map(lambda one: describe(one[1], aspects[one[0]]), wanted), strict=True
            ):
                found[place] = described
                bar.update()
    return [found[place] for place in range(len(keys))]


def find(images: list[LocalFeatures], known: Keypoints, pool: ThreadPoolExecutor) -> NearDuplicates:
    """Finds near-duplicates.

    Args:
        images: `(n,)`.
        known: Their keypoints.
        pool: Does the work.
    """
    # which of a pair nominated the other makes no difference, mirrored or not
    sides = [
        np.unique(np.sort(nominated, axis=1), axis=0) for nominated in _both_sides(known, known, len(images), pool)
    ]
    looks = [(*pair, mirrored) for mirrored, pairs in enumerate(sides) for pair in pairs.tolist()]
    compared = pool.map(lambda look: inliers(images[look[0]], images[look[1]], bool(look[2])), looks, chunksize=16)
    bar = tqdm(compared, total=len(looks), desc="near-duplicates: compare", unit="pair", mininterval=1)
    agreeing = np.fromiter(bar, dtype=np.int64, count=len(looks))
    pairs, place = np.unique(np.concatenate(sides), axis=0, return_inverse=True)
    most = np.zeros(len(pairs), np.int64)
    np.maximum.at(most, place, agreeing)
    return NearDuplicates(pairs[most > 0], most[most > 0], len(pairs))


def found_among(
    copies: list[LocalFeatures], sources: np.ndarray, images: list[LocalFeatures], known: Keypoints, groups: np.ndarray,
    pool: ThreadPoolExecutor,
) -> np.ndarray:  # fmt: skip
    """Says which copies the search would find.

    Args:
        copies: `(m,)`.
        sources: int64, `(m,)`: the image that each was made of.
        images: `(n,)`.
        known: Their keypoints.
        groups: `(n,)`: which images hang together already. A copy that is joined to one of its source's is found.
        pool: Does the work.

    Returns:
        bool, `(m,)`.
    """
    asking = Keypoints(copies, pool, known.words)
    found = np.zeros(len(copies), bool)
    for mirrored, pairs in enumerate(_both_sides(asking, known, len(images), pool)):
        right = pairs[groups[pairs[:, 1]] == groups[sources[pairs[:, 0]]]]
        compared = pool.map(lambda pair: inliers(images[pair[1]], copies[pair[0]], bool(mirrored)), right)  # noqa: B023
        found[right[np.fromiter(compared, np.int64, len(right)) > 0, 0]] = True
    return found


def _both_sides(queries: Keypoints, known: Keypoints, images: int, pool: ThreadPoolExecutor) -> list[np.ndarray]:
    return [nominate(queries, known, images, NOMINEES, mirrored, pool) for mirrored in (False, True)]
