"""What training and evaluation feed a network: batches from the shards of tensors or features.

A split of features is read into memory as float16 when it takes at most an eighth of the machine's memory (10,600
images of VGG16's 25,088 features: 530 MB), so that an epoch reads no file; otherwise, and for pixels, which a network
needs far longer for than a disk, items come from the memory-mapped shards.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from stages.lib.backbone.augment import augment
from stages.lib.core.errors import PipelineError
from stages.lib.core.sections import Row
from stages.lib.data import side_inputs
from stages.lib.data.manifest import Examples
from stages.lib.data.shards import ShardedArray, view_dir
from stages.lib.data.side_inputs import SideInput

SHARE_OF_MEMORY = 1 / 8
"""Training and validation are two splits, and what a network needs has to fit beside them."""


class Batches(keras.utils.PyDataset):
    """Batches of one split, in an order and with augmentation that depend on seed, epoch and image alone.

    Features are augmented by taking, in every epoch, the plain ones or those of one of the views beside them.
    A batch is `(inputs, targets)`: `inputs` has `image` (uint8, `(b, S, S, 3)`) or `features` (float32, `(b, D)`),
    and `side` (float32, `(b, W)`) where it takes side inputs; `targets` is float32 one-hot, `(b, n_classes)`.
    """

    def __init__(
        self,
        row: Row,
        data: ShardedArray,
        examples: Examples,
        sides: Sequence[SideInput],
        n_classes: int,
        shuffle_seed: int | None = None,
        hide_sides: bool = False,
    ):
        """Prepares the batches of a split.

        Args:
            row: What the network takes and the batch size.
            data: The row's input.
            examples: The images of the split.
            sides: The row's side inputs.
            n_classes: Classes of the catalog.
            shuffle_seed: For training: shuffles, and augments and hides where the row says so. None: as stored.
            hide_sides: Sets all side inputs to unknown.
        """
        threads = os.cpu_count() or 1
        super().__init__(workers=1 if row.on_features else threads, max_queue_size=2 * threads)
        self._row, self._on_pixels = row, not row.on_features
        self._augment = row.augment and shuffle_seed is not None
        sources = [data]
        if self._augment and not self._on_pixels:
            sources += [ShardedArray(directory) for directory in _view_dirs(data.directory)]
        self._n = len(examples.positions)
        self._take = _reader(sources, examples.positions, in_memory=row.on_features)
        self._views = len(sources)
        self._targets = np.eye(n_classes, dtype=np.float32)
        self._labels = examples.labels
        self._sides, self._hide_sides = sides, hide_sides
        self._encoded = side_inputs.encode(sides, examples.table)
        self._seed, self._epoch = shuffle_seed, 0
        self._shuffle()

    @property
    def num_batches(self) -> int:
        """How many batches an epoch has; the last one may be smaller."""
        return -(-self._n // self._row.batch_size)

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        start = index * self._row.batch_size
        chosen = self._order[start : start + self._row.batch_size]
        if self._on_pixels:
            items = self._take(chosen, None)
            if self._augment:
                for place, image in enumerate(chosen):
                    items[place] = augment(items[place], self._random(image))
            inputs = {"image": items}
        else:
            inputs = {"features": self._take(chosen, self._view_of[chosen]).astype(np.float32)}
        if self._sides:
            inputs["side"] = side_inputs.hide(self._sides, self._encoded[chosen], self._hidden[chosen])
        return inputs, self._targets[self._labels[chosen]]

    def on_epoch_end(self) -> None:
        """Moves on to the next epoch's order and augmentation."""
        self._epoch += 1
        self._shuffle()

    def _random(self, image: int) -> np.random.Generator:
        # one generator per image: which thread makes which batch changes nothing
        return np.random.default_rng([self._seed, self._epoch, int(image)])

    def _shuffle(self) -> None:
        self._order = np.arange(self._n)
        self._view_of = np.zeros(self._n, dtype=np.int64)
        self._hidden = np.full((self._n, len(self._sides)), self._hide_sides)
        if self._seed is not None:
            random = np.random.default_rng([self._seed, self._epoch])
            random.shuffle(self._order)
            self._view_of = random.integers(0, self._views, self._n)
            self._hidden = random.random(self._hidden.shape) < self._row.side_input_dropout


def _view_dirs(directory: Path) -> list[Path]:
    """Returns where the views of a set of features are.

    Raises:
        PipelineError: If it has none.
    """
    views = len(list(directory.glob("view-*")))
    if not views:
        raise PipelineError(f"{directory}: has no augmented views; set features.views and run `dvc repro`")
    return [view_dir(directory, view) for view in range(1, views + 1)]


def _reader(
    sources: Sequence[ShardedArray], positions: np.ndarray, in_memory: bool
) -> Callable[[np.ndarray, np.ndarray | None], np.ndarray]:
    """Returns a function that reads items of a split, by their numbers in it and which source each is from.

    Args:
        sources: Of the same items in the same order; a function that gets None for the sources reads the first.
        positions: int64, `(n,)`: where in the sources the split's items are.
        in_memory: Whether to hold them in memory, if they fit.
    """
    n, shape, dtype = len(positions), sources[0].item_shape, sources[0].dtype
    size = len(sources) * n * int(np.prod(shape)) * dtype.itemsize
    if in_memory and size <= SHARE_OF_MEMORY * memory_bytes():
        held = np.empty((len(sources), n, *shape), dtype)
        for source, items in zip(sources, held, strict=True):
            start = 0
            for _, keys, shard in source.shards():
                mine = np.flatnonzero((start <= positions) & (positions < start + len(keys)))
                items[mine] = shard[positions[mine] - start]
                start += len(keys)
        return lambda chosen, source_of: held[0 if source_of is None else source_of, chosen]

    def from_disk(chosen: np.ndarray, source_of: np.ndarray | None) -> np.ndarray:
        if source_of is None or len(sources) == 1:
            return sources[0].gather(positions[chosen])
        items = np.empty((len(chosen), *shape), dtype)
        for number, source in enumerate(sources):
            mine = source_of == number
            items[mine] = source.gather(positions[chosen[mine]])
        return items

    return from_disk


def memory_bytes() -> int:
    """Returns how much memory the machine has; 0 where the system does not say: nothing is held then."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError):
        return 0
