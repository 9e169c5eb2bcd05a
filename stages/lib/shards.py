"""One array of many items, stored as up to 16 `.npy` files keyed by the first hex digit of the md5hash.

Items are written where they belong in their file, and read through memory maps, so neither writer nor reader holds the
whole array; a change of one image changes one shard, which is what DVC then stores and sends. `index.csv` says where
each item is.
"""

import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
import pandas as pd
from numpy.lib.format import open_memmap

from stages.lib.errors import PipelineError
from stages.lib.files import replacing, write_csv

INDEX = "index.csv"
_COLUMNS = ["md5hash", "shard", "position"]


def view_dir(directory: Path, view: int) -> Path:
    """Returns where the shards of an augmented view lie: `view-1`, `view-2`, ... inside those of the plain items."""
    return directory / f"view-{view}"


class ShardSetWriter(AbstractContextManager):
    """Writes a directory of shards that appears whole when the `with` block ends well, else not at all.

    Attributes:
        directory: Where the files are until then; more files may be added to it.
        shard_keys: The md5hashes of each shard in the order of its rows; both are sorted.

    Example:
        with ShardSetWriter(Path("data/tensors"), keys, (224, 224, 3), np.uint8) as writer:
            for shard, keys in writer.shard_keys.items():
                writer.write(shard, 0, np.stack([tensor(key) for key in keys]))
    """

    def __init__(self, directory: Path, keys: Sequence[str], item_shape: tuple[int, ...], dtype: np.typing.DTypeLike):
        """Lays out the shards.

        Args:
            directory: Where the shards shall be; what is there is replaced.
            keys: md5hash of every item, in any order.
            item_shape: Of one item.
            dtype: Of the items.

        Raises:
            PipelineError: If there is no key, or one stands twice.
        """
        table = pd.DataFrame({"md5hash": sorted(keys)})
        if table.empty:
            raise PipelineError(f"{directory}: no image to write; see data/dropped.csv for why none was kept")
        twice = table["md5hash"].duplicated()
        if twice.any():
            raise PipelineError(f"{directory}: md5hash {table['md5hash'][twice].iloc[0]} stands twice")
        table["shard"] = table["md5hash"].str[0]
        table["position"] = table.groupby("shard").cumcount()
        self.shard_keys = {name: part["md5hash"].tolist() for name, part in table.groupby("shard")}
        self._target, self._index = directory, table
        self._item_shape, self._dtype = tuple(item_shape), np.dtype(dtype)
        self._written = {name: np.zeros(len(part), dtype=bool) for name, part in self.shard_keys.items()}
        self._lock, self._files = threading.Lock(), {}

    def write(self, shard: str, start: int, block: np.ndarray) -> None:
        """Writes consecutive items. Threads may write different items of a shard at the same time.

        Args:
            shard: One of `shard_keys`.
            start: The row of the block's first item.
            block: `(n, *item_shape)`, of the writer's dtype.

        Raises:
            ValueError: If the block does not fit the shard.
        """
        stop = start + len(block)
        if block.shape[1:] != self._item_shape or block.dtype != self._dtype or stop > len(self.shard_keys[shard]):
            raise ValueError(f"shard {shard}: {block.dtype} {block.shape} at row {start} does not fit")
        file, first_item = self._open(shard)
        # not through a memory map: a page fault for every 4 kB costs four times as much as the copy
        place = first_item + start * self._dtype.itemsize * int(np.prod(self._item_shape))
        rest = memoryview(np.ascontiguousarray(block).reshape(-1).view(np.uint8))
        while len(rest):  # the system may take less than all of it
            taken = os.pwrite(file, rest, place)
            rest, place = rest[taken:], place + taken
        self._written[shard][start:stop] = True

    def __enter__(self) -> "ShardSetWriter":
        self._context = self._into_place()
        self._context.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._context.__exit__(kind, error, traceback)

    @contextmanager
    def _into_place(self) -> Iterator[None]:
        with replacing(self._target) as self.directory, ExitStack() as self._closing:
            self.directory.mkdir()
            self._check_space()
            yield
            gaps = sum(int((~rows).sum()) for rows in self._written.values())
            if gaps:
                raise AssertionError(f"{self._target}: {gaps} of {len(self._index)} items were never written")
            write_csv(self.directory / INDEX, self._index)

    def _check_space(self) -> None:
        # tell it before hours of work, not after
        needed = len(self._index) * int(np.prod(self._item_shape)) * self._dtype.itemsize
        free = shutil.disk_usage(self.directory).free
        if needed > free:
            raise PipelineError(
                f"{self._target}: needs {needed / 1e9:.1f} GB and the disk has {free / 1e9:.1f} GB left"
            )

    def _open(self, shard: str) -> tuple[int, int]:
        """Returns the descriptor of a shard's file, and where in it the first item is; made when first asked for."""
        with self._lock:
            if shard not in self._files:
                path = self.directory / f"{shard}.npy"
                shape = (len(self.shard_keys[shard]), *self._item_shape)
                first_item = open_memmap(path, mode="w+", dtype=self._dtype, shape=shape).offset
                file = self._closing.enter_context(path.open("r+b", buffering=0))
                self._files[shard] = file.fileno(), first_item
            return self._files[shard]


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

        Items are mapped anew and unmapped with the caller's last reference, so that the memory taken is a shard's.
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
        return PipelineError(f"{self.directory}: {what}; make it anew with `dvc repro`")
