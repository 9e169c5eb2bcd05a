"""Preprocess: its tensors, written to shards, against bare `cv2.imread` + `cv2.resize` that keeps nothing.

Drawn JPEGs, two threads on both sides. Ours also reads EXIF, averages where it shrinks much, and writes. Two sizes: one
that libjpeg can halve while it decodes, and one that it cannot. Where an image is small, writing its 150 kB tensor
weighs: the note says what the bare loop reaches when it writes what it has, which is the most that can be.
"""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from bench.table import Figure, alternating, ratio, show, times
from stages.lib.data.shard_writer import ShardSetWriter
from stages.preprocess import tensor

IMAGES, SIDE_PX, THREADS = 800, 224, 2
SIZES = ((600, 450), (400, 300))


def draw(raw: Path, images: int, size: tuple[int, int] = SIZES[0]) -> list[str]:
    """Writes JPEGs where fetch would put them; returns their keys."""
    random, keys = np.random.default_rng(0), []
    for number in range(images):
        key = f"{number * 2654435761 % 2**32:08x}{number:024x}"
        path = raw / "images" / key[:2] / key
        path.parent.mkdir(parents=True, exist_ok=True)
        rough = cv2.resize(random.integers(0, 256, (12, 16, 3), dtype=np.uint8), size)
        path.write_bytes(cv2.imencode(".jpg", rough)[1].tobytes())
        keys.append(key)
    return keys


def measure() -> list[Figure]:
    cv2.setNumThreads(1)
    return [_measure(size) for size in SIZES]


def _measure(size: tuple[int, int]) -> Figure:
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(THREADS) as pool:
        raw = Path(folder) / "raw"
        keys = draw(raw, IMAGES, size)

        def bare() -> None:
            def one(key: str) -> None:
                cv2.resize(cv2.imread(str(raw / "images" / key[:2] / key)), (SIDE_PX, SIDE_PX))

            list(pool.map(one, keys))

        def kept() -> None:
            def one(key: str, row: int) -> None:
                image = cv2.resize(cv2.imread(str(raw / "images" / key[:2] / key)), (SIDE_PX, SIDE_PX))
                os.pwrite(file.fileno(), image.reshape(-1), row * image.nbytes)

            with (Path(folder) / "kept").open("wb", buffering=0) as file:
                list(pool.map(one, keys, range(len(keys))))

        def ours() -> None:
            with ShardSetWriter(Path(folder) / "tensors", keys, (SIDE_PX, SIDE_PX, 3), np.uint8) as writer:
                for shard, shard_keys in writer.shard_keys.items():

                    def store(row: int, shard: str = shard, shard_keys: list[str] = shard_keys) -> None:
                        writer.write(shard, row, tensor(raw, shard_keys[row], SIDE_PX)[None])

                    list(pool.map(store, range(len(shard_keys))))

        slow, written, fast = alternating(bare, kept, ours, rounds=7)
    note = (
        f"{IMAGES / fast.min():,.0f} against {IMAGES / slow.min():,.0f} images/s; the bare loop that writes: "
        f"{slow.min() / written.min():.2f}x"
    )
    return ratio(f"preprocess, {size[0]} x {size[1]} px", "cv2.imread + resize", 0.9, times(slow, fast), note)


if __name__ == "__main__":
    show(measure())
