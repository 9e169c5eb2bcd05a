"""Writes an array of many items as shards (see `stages.lib.data.shards`), each item where it belongs in its file.

So the writer does not hold the whole array, and threads write at the same time.
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

from stages.lib.core.errors import PipelineError
from stages.lib.core.files import replacing, write_csv
from stages.lib.data.shards import INDEX


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
