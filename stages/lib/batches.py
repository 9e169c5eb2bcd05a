"""What training and evaluation feed a network: batches from the shards of tensors or features."""

import os

import keras
import numpy as np

from stages.lib.augment import augment
from stages.lib.catalog import SKIN_TYPES, UNKNOWN_TYPE
from stages.lib.params import TENSORS, Row
from stages.lib.shards import ShardedArray


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
        self._row, self._data, self._positions = row, data, positions
        self._targets = np.eye(n_classes, dtype=np.float32)
        self._labels = labels
        self._skin_types = encode_skin_types(skin_types, row.skin_type_encoding)
        self._unknown_type = encode_skin_types(np.array([UNKNOWN_TYPE]), row.skin_type_encoding)
        self._seed, self._epoch = shuffle_seed, 0
        self._shuffle()

    @property
    def num_batches(self) -> int:
        """How many batches an epoch has; the last one may be smaller."""
        return -(-len(self._positions) // self._row.batch_size)

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        start = index * self._row.batch_size
        chosen = self._order[start : start + self._row.batch_size]
        items = self._data.gather(self._positions[chosen])
        if self._row.input == TENSORS:
            if self._seed is not None and self._row.augment:
                items = np.stack([augment(item, self._random(k)) for item, k in zip(items, chosen, strict=True)])
            inputs = {"image": items}
        else:
            inputs = {"features": items.astype(np.float32)}
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
        self._order = np.arange(len(self._positions))
        self._hidden = np.zeros(len(self._order), dtype=bool)
        if self._seed is not None:
            random = np.random.default_rng([self._seed, self._epoch])
            random.shuffle(self._order)
            self._hidden = random.random(len(self._order)) < self._row.skin_type_dropout
