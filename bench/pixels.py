"""Training from pixels with augmentation (`Batches`, `fit`) against the same network on one resident batch without.

The resident batch needs no reading, shuffling or augmentation, so 1.0 would mean that the input costs nothing. Both are
`model.fit` epochs over the same number of images; rows lenet-4 and alexnet of params.yaml, drawn tensors on disk.
`python -m bench.pixels alexnet` measures one.
"""

import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from bench.table import ROOT, Figure, alternating, ratio, show, times
from stages.lib.backbone import backend
from stages.lib.backbone.augment import augment
from stages.lib.core.params import load_params
from stages.lib.core.sections import Row
from stages.lib.data.manifest import Examples
from stages.lib.data.shard_writer import ShardSetWriter
from stages.lib.data.shards import ShardedArray
from stages.lib.network.batches import Batches
from stages.lib.network.networks import build_network
from stages.lib.train.training import compile_network

CLASSES = 114
BATCHES = {"lenet-4": 32, "alexnet": 6}
"""Of a round: seven seconds on two cores. An epoch of Fitzpatrick17k has 413 and 207; the first batch, for which both
sides wait, must not weigh more than it does there."""


class Resident(keras.utils.PyDataset):
    """The same batch, again and again."""

    def __init__(self, batch: tuple, batches: int):
        super().__init__()
        self._batch, self._batches = batch, batches

    @property
    def num_batches(self) -> int:
        return self._batches

    def __getitem__(self, index: int) -> tuple:
        return self._batch


def measure(names: tuple[str, ...] = tuple(BATCHES)) -> list[Figure]:
    backend.start()
    params = load_params(ROOT / "params.yaml")
    return [_measure(name, params.tables[name], params.preprocess.image_size_px) for name in names]


def _measure(name: str, row: Row, side_px: int) -> Figure:
    n = BATCHES[name] * row.batch_size
    with tempfile.TemporaryDirectory() as folder:
        keys = [f"{number % 16:x}{number:031x}" for number in range(n)]
        random = np.random.default_rng(0)
        with ShardSetWriter(Path(folder) / "t", keys, (side_px, side_px, 3), np.uint8) as writer:
            for shard, own in writer.shard_keys.items():
                writer.write(shard, 0, random.integers(0, 256, (len(own), side_px, side_px, 3), dtype=np.uint8))
        data = ShardedArray(Path(folder) / "t")
        numbers = np.arange(n)
        images = Examples(keys, numbers, numbers % CLASSES, pd.DataFrame(index=numbers))
        batches = Batches(row, data, images, [], CLASSES, 42)
        model = build_network(row, CLASSES, data.item_shape)
        compile_network(model, row)
        resident = Resident(batches[0], BATCHES[name])
        cpu_s = {}

        def epoch(kind: str, given: keras.utils.PyDataset) -> None:
            start = time.process_time()
            model.fit(given, shuffle=False, verbose=0)
            cpu_s[kind] = time.process_time() - start

        bare, ours = alternating(lambda: epoch("bare", resident), lambda: epoch("ours", batches), rounds=5)
        augmenting_ms = 1e3 * _augmentation_s(data.gather(np.arange(64)))
    image_ms = 1e3 * cpu_s["bare"] / n
    note = (
        f"{n / ours.min():.0f} against {n / bare.min():.0f} images/s; an image takes the network {image_ms:.1f} ms of "
        f"CPU, its augmentation {augmenting_ms:.2f} ms: {image_ms / (image_ms + augmenting_ms):.2f}x is the limit"
    )
    return ratio(f"epoch of {name} from pixels, augmented", "resident batch", 0.93, times(bare, ours), note)


def _augmentation_s(images: np.ndarray) -> float:
    """Returns how long one thread takes to augment an image, in seconds of processor time."""
    start = time.process_time()
    for number, image in enumerate(images):
        augment(image, np.random.default_rng(number))
    return (time.process_time() - start) / len(images)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or BATCHES:
        show(measure((chosen,)))
