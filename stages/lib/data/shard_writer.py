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
from numpy.lib.format import dtype_to_descr, open_memmap, write_array_header_1_0

from stages.lib.core.errors import PipelineError, size
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
            PipelineError: If there is no key, or one is there twice.
        """
        table = pd.DataFrame({"md5hash": sorted(keys)})
        if table.empty:
            raise PipelineError(f"{directory}: no image to write; see what became of them in data/raw/fetch.csv")
        twice = table["md5hash"].duplicated()
        if twice.any():
            raise PipelineError(f"{directory}: md5hash {table['md5hash'][twice].iloc[0]} is there twice")
        table["shard"] = table["md5hash"].str[0]
        table["position"] = table.groupby("shard").cumcount()
        self.shard_keys = {name: part["md5hash"].tolist() for name, part in table.groupby("shard")}
        self._target, self._index = directory, table
        self._item_shape, self._dtype = tuple(item_shape), np.dtype(dtype)
        self._item_bytes = self._dtype.itemsize * int(np.prod(self._item_shape))
        self._written, self._absent = (
            {name: np.zeros(len(part), dtype=bool) for name, part in self.shard_keys.items()} for _ in range(2)
        )
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
        content = memoryview(np.ascontiguousarray(block).reshape(-1).view(np.uint8))
        _write_all(file, content, first_item + start * self._item_bytes)
        self._written[shard][start:stop] = True

    def leave_out(self, shard: str, row: int) -> None:
        """Leaves an item out of the array: there turned out to be none."""
        self._absent[shard][row] = True

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
            gaps = sum(int((~rows & ~self._absent[name]).sum()) for name, rows in self._written.items())
            if gaps:
                raise AssertionError(f"{self._target}: {gaps} of {len(self._index)} items were never written")
            for name, absent in self._absent.items():
                if absent.any():
                    self._close_up(name, np.flatnonzero(~absent))
            index = self._index[~np.concatenate(list(self._absent.values()))]
            write_csv(self.directory / INDEX, index.assign(position=index.groupby("shard").cumcount()))

    def _check_space(self) -> None:
        # tell it before hours of work, not after
        needed = len(self._index) * self._item_bytes
        free = shutil.disk_usage(self.directory).free
        if needed > free:
            raise PipelineError(
                f"{self._target}: needs {size(needed)} and the disk has {size(free)} left; free some space, then run "
                f"the same command"
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

    def _close_up(self, shard: str, present: np.ndarray) -> None:
        """Moves the items of a shard together, over those that were left out."""
        path = self.directory / f"{shard}.npy"
        if not len(present):
            path.unlink(missing_ok=True)
            return
        file, first_item = self._open(shard)
        for row, old_row in enumerate(present):
            if row != old_row:
                item = os.pread(file, self._item_bytes, first_item + int(old_row) * self._item_bytes)
                _write_all(file, memoryview(item), first_item + row * self._item_bytes)
        os.ftruncate(file, first_item + len(present) * self._item_bytes)
        with path.open("r+b") as header:  # as long as the one before: numpy leaves room for another length
            shape = (len(present), *self._item_shape)
            described = {"descr": dtype_to_descr(self._dtype), "fortran_order": False, "shape": shape}
            write_array_header_1_0(header, described)
            if header.tell() != first_item:
                raise AssertionError(f"{path}: its header takes {header.tell()} bytes, not {first_item}")


def _write_all(file: int, content: memoryview, place: int) -> None:
    while len(content):  # the system may take less than all of it
        taken = os.pwrite(file, content, place)
        content, place = content[taken:], place + taken
