"""Which pairs are worth a look: every keypoint votes for the images that hold the keypoints most like it.

To look for them among all keypoints would take the square of their number. So each is put to the nearest of some
thousand keypoints drawn by lot, a vocabulary of visual words (Sivic and Zisserman, "Video Google", ICCV 2003), and
compared with the keypoints of its own word alone. A vocabulary holds the mirror image of each of its words, so that the
mirror image of a keypoint belongs to the mirror image of its word and needs no search of its own.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from tqdm import tqdm

from stages.lib.split.local_features import LENGTH, MIRROR, LocalFeatures

MAX_WORDS = 4096
_KEYPOINTS_A_WORD = 256
_VOTES = 3
"""That a keypoint has. One goes to the keypoint itself where it is among those that are looked through."""
_MIN_COSINE = 0.92
"""From here on a keypoint is voted for."""
_MIN_VOTES = 2
"""That an image needs, from one other, to be nominated."""
_BLOCK = 1 << 22
"""Numbers that are computed at a time."""


class Keypoints:
    """The keypoints of many images, by word.

    Attributes:
        words: float32, `(words, 128)`: the second half mirrors the first.
        starts: int64, `(words + 1,)`: where in the next two each word's keypoints begin.
        owner: int32, `(keypoints,)`: whose image it is.
        descriptors: uint8, `(keypoints, 128)`.
    """

    def __init__(self, images: list[LocalFeatures], pool: ThreadPoolExecutor, words: np.ndarray | None = None):
        """Sorts keypoints by word.

        Args:
            images: `(n,)`.
            pool: Does the work.
            words: A vocabulary; None: drawn from the keypoints.
        """
        counts = [len(image.descriptors) for image in images]
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self.words = _draw_words(images, starts) if words is None else words
        word = np.concatenate([*pool.map(lambda image: _nearest_word(image.descriptors, self.words), images)])
        # stable: within a word, the order of the images
        order = np.argsort(word, kind="stable")
        self.starts = np.searchsorted(word, np.arange(len(self.words) + 1), sorter=order)
        self.owner = np.repeat(np.arange(len(images), dtype=np.int32), counts)[order]
        # where each of an image's keypoints goes: fills the one large array without another of its size
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        self.descriptors = np.empty((len(order), 128), np.uint8)
        for image, start, stop in zip(images, starts[:-1], starts[1:], strict=True):
            self.descriptors[place[start:stop]] = image.descriptors

    def of_word(self, word: int) -> slice:
        """Returns where a word's keypoints are."""
        return slice(self.starts[word], self.starts[word + 1])


def nominate(
    queries: Keypoints, known: Keypoints, images: int, nominees: int, mirrored: bool, pool: ThreadPoolExecutor
) -> np.ndarray:
    """Lets every query image nominate.

    Args:
        queries: Keypoints of the images that nominate, by the words of `known`.
        known: Keypoints of the images that can be nominated. The same as `queries` if images nominate each other.
        images: How many images `known` is of.
        nominees: How many of them each nominates at most: those with the most votes, of equal ones the first.
        mirrored: Whether queries are looked at in a mirror.
        pool: Does the work.

    Returns:
        int64, `(pairs, 2)`: query and nominee, sorted; none nominates itself.
    """
    half, own = len(known.words) // 2, queries is known

    def votes(word: int) -> np.ndarray:
        """Returns votes of a word's keypoints, int64: query image x images + voted image."""
        asking, asked = queries.of_word(word), known.of_word((word + half) % (2 * half) if mirrored else word)
        if asking.start == asking.stop or asked.start == asked.stop:
            return np.zeros(0, np.int64)
        theirs, voted = known.descriptors[asked].astype(np.float32).T, known.owner[asked]
        rows, parts = max(1, _BLOCK // theirs.shape[1]), []
        for start in range(asking.start, asking.stop, rows):
            block = slice(start, min(start + rows, asking.stop))
            ours = queries.descriptors[block]
            likeness = (ours[:, MIRROR] if mirrored else ours).astype(np.float32) @ theirs
            at = np.arange(len(likeness))
            for _ in range(_VOTES):
                best = likeness.argmax(axis=1)
                asker, voted_for = queries.owner[block], voted[best]
                near = likeness[at, best] >= _MIN_COSINE * LENGTH**2
                if own:
                    near &= asker != voted_for
                parts.append(asker[near].astype(np.int64) * images + voted_for[near])
                likeness[at, best] = -1
        return np.concatenate(parts)

    name = f"near-duplicates: nominate{', mirrored' * mirrored}"
    cast = np.concatenate([np.zeros(0, np.int64), *_run(pool, votes, range(len(known.words)), name)])
    pair, count = np.unique(cast, return_counts=True)
    query, voted = np.divmod(pair, images)
    fit = count >= _MIN_VOTES
    query, voted, count = query[fit], voted[fit], count[fit]
    order = np.lexsort([voted, -count, query])
    query = query[order]
    rank = np.arange(len(query)) - np.searchsorted(query, query)
    return np.column_stack([query, voted[order]])[rank < nominees]


def _run(pool: ThreadPoolExecutor, work: Callable, items: range, name: str) -> list:
    return list(tqdm(pool.map(work, items), total=len(items), desc=name, unit="word", mininterval=1))


def _draw_words(images: list[LocalFeatures], starts: np.ndarray) -> np.ndarray:
    """Draws a vocabulary, always the same for the same images: float32, `(words, 128)`, the second half mirrored."""
    total = int(starts[-1])
    half = min(MAX_WORDS, max(2, total // _KEYPOINTS_A_WORD)) // 2
    drawn = np.random.default_rng(0).choice(total, min(half, total), replace=False)
    owners = np.searchsorted(starts, drawn, side="right") - 1
    words = [images[owner].descriptors[number - starts[owner]] for owner, number in zip(owners, drawn, strict=True)]
    plain = np.float32(words).reshape(-1, 128)
    return np.concatenate([plain, plain[:, MIRROR]])


def _nearest_word(descriptors: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Returns the word of every keypoint: int16, `(k,)`."""
    if not len(words):
        return np.zeros(len(descriptors), np.int16)
    return (descriptors.astype(np.float32) @ words.T).argmax(axis=1).astype(np.int16)
