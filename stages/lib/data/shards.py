"""One array of many items, stored as up to 16 `.npy` files keyed by the first hex digit of the md5hash.

Items are read through memory maps, so no reader holds the whole array; a change of one image changes one shard, which
is what DVC then stores and sends. `index.csv` says where each item is. `stages.lib.data.shard_writer` writes them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from stages.lib.core.errors import PipelineError

INDEX = "index.csv"
_COLUMNS = ["md5hash", "shard", "position"]


def view_dir(directory: Path, view: int) -> Path:
    """Returns where the shards of an augmented view lie: `view-1`, `view-2`, ... inside those of the plain items."""
    return directory / f"view-{view}"


class ShardedArray:
    """What a `ShardSetWriter` wrote, read-only: an array of shape `(len(keys), *item_shape)`.

    Attributes:
        directory: Where it lies.
        keys: md5hash of every item, sorted. An item's position is its place in this list.
        item_shape: Of one item.
        dtype: Of the items.
    """

    def __init__(self, directory: Path):
        """Opens the shards; reads none of their items.

        Args:
            directory: Where they are.

        Raises:
            PipelineError: If it is missing, or its index and shards do not agree.
        """
        self.directory = directory
        index = self._read_index()
        self.keys: list[str] = index["md5hash"].tolist()
        self._lookup = pd.Index(self.keys)
        counts = index["shard"].value_counts().sort_index()
        self._shards = {name: self._open(name, count) for name, count in counts.items()}
        self._starts = np.concatenate([[0], np.cumsum(counts.to_numpy())]).astype(np.int64)
        kinds = {(array.shape[1:], array.dtype) for array in self._shards.values()}
        if len(kinds) > 1:
            raise self._fault(f"its shards disagree: {', '.join(sorted(f'{d} {s}' for s, d in kinds))}")
        self.item_shape, self.dtype = kinds.pop()

    def positions(self, keys: Sequence[str]) -> np.ndarray:
        """Looks keys up.

        Args:
            keys: md5hashes, `(n,)`, in any order.

        Returns:
            int64, `(n,)`: their positions.

        Raises:
            PipelineError: Naming the first one that is missing.
        """
        found = self._lookup.get_indexer(pd.Index(keys, dtype=self._lookup.dtype)).astype(np.int64)
        if (found < 0).any():
            missing = keys[int(np.argmax(found < 0))]
            raise self._fault(f"has no image {missing} ({int((found < 0).sum())} of {len(keys)} are missing)")
        return found

    def gather(self, positions: np.ndarray) -> np.ndarray:
        """Reads items.

        Args:
            positions: int64, `(n,)`, in any order, repeats allowed.

        Returns:
            `(n, *item_shape)`, in the order of `positions`; a copy.

        Raises:
            IndexError: If a position is negative or too large.
        """
        positions = np.asarray(positions, dtype=np.int64)
        if len(positions) and not 0 <= positions.min() <= positions.max() < len(self.keys):
            raise IndexError(f"positions go from 0 to {len(self.keys) - 1}")
        items = np.empty((len(positions), *self.item_shape), dtype=self.dtype)
        shard_of = np.searchsorted(self._starts, positions, side="right") - 1
        arrays = list(self._shards.values())
        for number in np.unique(shard_of):
            chosen = shard_of == number
            items[chosen] = arrays[number][positions[chosen] - self._starts[number]]
        return items

    def shards(self) -> Iterator[tuple[str, list[str], np.ndarray]]:
        """Yields each shard's name, its keys and its items, in the order of `keys`.

        Items are mapped again and unmapped with the caller's last reference, so that the memory taken is a shard's.
        """
        for name, start, stop in zip(self._shards, self._starts[:-1], self._starts[1:], strict=True):
            yield name, self.keys[start:stop], self._open(name, stop - start)

    def _read_index(self) -> pd.DataFrame:
        path = self.directory / INDEX
        try:
            index = pd.read_csv(path, dtype=str, keep_default_na=False)
        except FileNotFoundError:
            raise PipelineError(f"{path}: missing; run the stage that writes it with `dvc repro`") from None
        except (ValueError, pd.errors.ParserError) as error:
            raise self._fault(f"{INDEX} is not CSV ({error})") from None
        if list(index.columns) != _COLUMNS or index.empty:
            raise self._fault(f"{INDEX} has no row, or other columns than {', '.join(_COLUMNS)}")
        expected = index.groupby("shard").cumcount().astype(str)
        keys = index["md5hash"]
        if not keys.is_monotonic_increasing or not keys.is_unique or (index["position"] != expected).any():
            raise self._fault(f"{INDEX} is not in the order of md5hash")
        if (index["shard"] != keys.str[0]).any():
            raise self._fault(f"{INDEX} puts an image into another shard than its first digit")
        return index

    def _open(self, name: str, count: int) -> np.ndarray:
        path = self.directory / f"{name}.npy"
        try:
            # a plain view of the map: indexing numpy's memmap class costs several times as much
            array = np.asarray(np.load(path, mmap_mode="r"))
        except FileNotFoundError:
            raise self._fault(f"{INDEX} names shard {path.name}, which is not there") from None
        except (ValueError, EOFError) as error:
            raise self._fault(f"{path.name} is damaged ({error})") from None
        if len(array) != count:
            raise self._fault(f"{path.name} has {len(array)} items, {INDEX} {count}")
        return array

    def _fault(self, what: str) -> PipelineError:
        return PipelineError(f"{self.directory}: {what}; make it again with `dvc repro`")
