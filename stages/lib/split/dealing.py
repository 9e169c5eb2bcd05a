"""Dealing groups of images into parts of given shares, each part with its share of every class and skin type bucket.

The order of dealing is a hash of the group's name, so a group keeps its place whatever is added, and each part
takes groups in that order up to its quota. Adding images moves only the few groups at the edges of the quotas. No rule
without memory can do both: place every image for good and keep every class within one image of its share.
"""

import hashlib

import numpy as np
import pandas as pd


def deal_parts(
    strata: pd.DataFrame, groups: pd.Series, shares: list[float], salt: str, placed: pd.Series | None = None
) -> pd.Series:
    """Deals whole groups to parts.

    Parts get their share of all images, and of each class rounded, by largest remainder; within a class, the buckets
    share that. A group is taken if it brings the part nearer to its quotas; where all groups of a cell are too large,
    other buckets of the class fill in; a class that would then lack in a part gets its smallest group there.

    Args:
        strata: Columns `label` and `bucket`, `(n,)` each.
        groups: The group of every image, `(n,)`, with the same index.
        shares: Of each part but the last, which takes the rest; together less than 1.
        salt: Other salts give other orders.
        placed: The part that each image has beforehand, `(n,)`, the same for all of a group; -1: none yet.
            None: nothing is placed.

    Returns:
        int64, `(n,)`: the number of each image's part.
    """
    deck = _Deck(strata, groups, salt)
    if placed is not None:
        deck.part[:] = placed.groupby(groups).first()[deck.names].to_numpy()
    for number, share in enumerate(shares):
        deck.fill(number, share)
    deck.part[deck.part < 0] = len(shares)
    return groups.map(pd.Series(deck.part, index=deck.names)).astype(np.int64)


class _Deck:
    """Groups in the order in which they are dealt.

    Attributes:
        names: Of the groups, `(g,)`.
        part: int64, `(g,)`: where each was dealt to; -1: not yet.
        counts: Per group, a list of `(label, bucket, images)`, all numbers; most groups have one entry.
    """

    def __init__(self, strata: pd.DataFrame, groups: pd.Series, salt: str):
        self.names = sorted(groups.unique(), key=lambda name: hashlib.sha256(f"{salt}:{name}".encode()).digest())
        self.part = np.full(len(self.names), -1, dtype=np.int64)
        label, self._labels = pd.factorize(strata["label"], sort=True)
        bucket, buckets = pd.factorize(strata["bucket"], sort=True)
        self.shape = (len(self._labels), len(buckets))
        self._salt, self._due = salt, np.zeros(len(self._labels))
        place = groups.map(pd.Series(np.arange(len(self.names)), index=self.names))
        table = pd.DataFrame({"group": place.to_numpy(), "label": label, "bucket": bucket})
        sizes = table.value_counts(["group", "label", "bucket"], sort=False)
        self.counts = [[] for _ in self.names]
        for (group, *cell), images in sizes.items():
            self.counts[group].append((*cell, int(images)))

    def fill(self, number: int, share: float) -> None:
        """Fills one part; what rounding gave a class too much or too little in the parts before is made up for."""
        given = self.part == number
        total, own = self._sum(self.part >= -1), self._sum(given)
        sizes = total.sum(axis=1)
        self._due += sizes * share
        quota = largest_remainder(self._due, round(sizes.sum() * share))
        self._due -= quota
        need = np.zeros(self.shape, dtype=np.int64)
        for label, seats in enumerate(np.maximum(quota - own.sum(axis=1), 0)):
            need[label] = systematic(total[label] * share - own[label], seats, self._offset(number, label))
        self._take(number, need)
        left = (quota - self._sum(self.part == number).sum(axis=1))[:, None]
        self._give_back(number, left, np.flatnonzero(given))
        self._take(number, left, by_class=True)
        self._complete(number, quota > 0)

    def _offset(self, number: int, label: int) -> float:
        """Returns a number in [0, 1) that is a class' own."""
        digest = hashlib.sha256(f"{self._salt}:{number}:{self._labels[label]}".encode()).digest()
        return int.from_bytes(digest[:6], "big") / 2**48

    def _take(self, number: int, need: np.ndarray, by_class: bool = False) -> None:
        """Takes every free group, in order, that brings `need` nearer to zero."""
        for place in np.flatnonzero(self.part < 0):
            after = need.copy() if len(self.counts[place]) > 1 else need
            change = 0
            for label, bucket, images in self.counts[place]:
                cell = (label, 0 if by_class else bucket)
                change += abs(after[cell] - images) - abs(after[cell])
                after[cell] -= images
            if change < 0:
                self.part[place] = number
                need[:] = after
            elif after is need:
                need[cell] += images

    def _give_back(self, number: int, left: np.ndarray, given: np.ndarray) -> None:
        """Frees the groups, last come first, without which the classes of a part are nearer to their quotas.

        Groups of several labels or buckets fit the cells in sum, which may leave a class with too many.
        """
        for place in np.setdiff1d(np.flatnonzero(self.part == number), given)[::-1]:
            after = left.copy()
            for label, _, images in self.counts[place]:
                after[label] += images
            if np.abs(after).sum() < np.abs(left).sum():
                self.part[place] = -1
                left[:] = after

    def _complete(self, number: int, due: np.ndarray) -> None:
        """Gives a class that is due but has nothing in this part its smallest free group, if it has another."""
        for label in np.flatnonzero(due & (self._sum(self.part == number).sum(axis=1) == 0)):
            free = [p for p in np.flatnonzero(self.part < 0) if any(cell[0] == label for cell in self.counts[p])]
            if len(free) > 1:
                self.part[min(free, key=lambda p: sum(cell[2] for cell in self.counts[p]))] = number

    def _sum(self, chosen: np.ndarray) -> np.ndarray:
        """Counts the images of the chosen groups: int64, `(classes, buckets)`."""
        total = np.zeros(self.shape, dtype=np.int64)
        for place in np.flatnonzero(chosen):
            for label, bucket, images in self.counts[place]:
                total[label, bucket] += images
        return total


def largest_remainder(wanted: np.ndarray, seats: int) -> np.ndarray:
    """Rounds `wanted`, of which negative parts count as 0, to integers that add up to `seats`."""
    exact = np.maximum(wanted, 0)
    whole = np.floor(exact + 1e-9).astype(np.int64)
    if whole.sum() <= seats:
        whole[np.argsort(whole - exact, kind="stable")[: seats - whole.sum()]] += 1
    return whole


def systematic(wanted: np.ndarray, seats: int, offset: float) -> np.ndarray:
    """Rounds `wanted`, scaled to add up to `seats`, each to one of the integers around it.

    Systematic sampling (Madow, Annals of Mathematical Statistics 20:333, 1949): over many rows with offsets spread over
    [0, 1) it favours nobody, where the largest remainder would never seat a bucket that is rare everywhere.
    """
    exact = np.maximum(wanted, 0)
    if seats == 0 or exact.sum() == 0:
        return np.zeros(len(exact), dtype=np.int64)
    ends = np.cumsum(exact) * seats / exact.sum()
    ends[-1] = seats
    return np.diff(np.floor(np.concatenate([[0], ends]) + offset)).astype(np.int64)
