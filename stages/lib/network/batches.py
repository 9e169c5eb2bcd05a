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
from stages.lib.core.sections import TENSORS, Row
from stages.lib.core.words import SKIN_TYPES, UNKNOWN_TYPE
from stages.lib.data.shards import ShardedArray, view_dir

SHARE_OF_MEMORY = 1 / 8
"""Training and validation are two splits, and what a network needs has to fit beside them."""


def encode_skin_types(skin_types: np.ndarray, encoding: str) -> np.ndarray:
    """Encodes skin types as a network takes them.

    Args:
        skin_types: int, `(n,)`: 1 to 6, or -1 for unknown.
        encoding: `one_hot`: seven columns, the last for unknown. `scalar`: the raw number, -1 included, as the
            published run fed it; kept for comparison with it.

    Returns:
        float32, `(n, 7)` or `(n, 1)`.
    """
    if encoding == "scalar":
        return skin_types[:, None].astype(np.float32)
    return (skin_types[:, None] == np.array(SKIN_TYPES)).astype(np.float32)


class Batches(keras.utils.PyDataset):
    """Batches of one split, in an order and with augmentation that depend on seed, epoch and image alone.

    Features are augmented by taking, in every epoch, the plain ones or those of one of the views beside them.
    A batch is `(inputs, targets)`: `inputs` has `image` (uint8, `(b, S, S, 3)`) or `features` (float32, `(b, D)`),
    and `skin_type` where the row takes it; `targets` is float32 one-hot, `(b, n_classes)`.
    """

    def __init__(
        self,
        row: Row,
        data: ShardedArray,
        positions: np.ndarray,
        labels: np.ndarray,
        skin_types: np.ndarray,
        n_classes: int,
        shuffle_seed: int | None = None,
    ):
        """Prepares the batches of a split.

        Args:
            row: What the network takes and the batch size.
            data: The row's input.
            positions: int64, `(n,)`: where in `data` the images of the split are.
            labels: int, `(n,)`: class numbers.
            skin_types: int, `(n,)`.
            n_classes: Classes of the catalog.
            shuffle_seed: For training: shuffles, and augments where the row says so. None: as stored.
        """
        threads = os.cpu_count() or 1
        super().__init__(workers=threads if row.input == TENSORS else 1, max_queue_size=2 * threads)
        self._row, self._on_pixels = row, row.input == TENSORS
        self._augment = row.augment and shuffle_seed is not None
        sources = [data]
        if self._augment and not self._on_pixels:
            sources += [ShardedArray(directory) for directory in _view_dirs(data.directory)]
        self._n = len(positions)
        self._take = _reader(sources, positions, in_memory=not self._on_pixels)
        self._views = len(sources)
        self._targets = np.eye(n_classes, dtype=np.float32)
        self._labels = labels
        self._skin_types = encode_skin_types(skin_types, row.skin_type_encoding)
        self._unknown_type = encode_skin_types(np.array([UNKNOWN_TYPE]), row.skin_type_encoding)
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
        if self._row.skin_type_input:
            inputs["skin_type"] = np.where(self._hidden[chosen, None], self._unknown_type, self._skin_types[chosen])
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
        self._hidden = np.zeros(self._n, dtype=bool)
        if self._seed is not None:
            random = np.random.default_rng([self._seed, self._epoch])
            random.shuffle(self._order)
            self._view_of = random.integers(0, self._views, self._n)
            self._hidden = random.random(self._n) < self._row.skin_type_dropout


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
    """Returns how much memory the machine has; 0 where the system does not say, which stands for: hold nothing."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError):
        return 0
