"""Preprocess: its tensors, written to shards, against bare `cv2.imread` + `cv2.resize` that keeps nothing.

400 drawn JPEGs of 600 x 450 px, two threads on both sides. Ours also checks each file, turns BGR to RGB, and writes.
"""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from bench.table import Figure, alternating, ratio, show
from stages.lib.shards import ShardSetWriter
from stages.preprocess import tensor

IMAGES, SIDE_PX, THREADS = 400, 224, 2


def draw(raw: Path, images: int) -> list[str]:
    """Writes JPEGs where fetch would put them; returns their keys."""
    random, keys = np.random.default_rng(0), []
    for number in range(images):
        key = f"{number * 2654435761 % 2**32:08x}{number:024x}"
        path = raw / "images" / key[:2] / key
        path.parent.mkdir(parents=True, exist_ok=True)
        rough = cv2.resize(random.integers(0, 256, (12, 16, 3), dtype=np.uint8), (600, 450))
        path.write_bytes(cv2.imencode(".jpg", rough)[1].tobytes())
        keys.append(key)
    return keys


def measure() -> list[Figure]:
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(THREADS) as pool:
        raw = Path(folder) / "raw"
        keys = draw(raw, IMAGES)

        def bare() -> None:
            def one(key: str) -> None:
                cv2.resize(cv2.imread(str(raw / "images" / key[:2] / key)), (SIDE_PX, SIDE_PX))

            list(pool.map(one, keys))

        def ours() -> None:
            with ShardSetWriter(Path(folder) / "tensors", keys, (SIDE_PX, SIDE_PX, 3), np.uint8) as writer:
                for shard, shard_keys in writer.shard_keys.items():

                    def store(row: int, shard: str = shard, shard_keys: list[str] = shard_keys) -> None:
                        writer.write(shard, row, tensor(raw, shard_keys[row], SIDE_PX)[None])

                    list(pool.map(store, range(len(shard_keys))))

        slow, fast = alternating(bare, ours, rounds=5)
    note = f"{IMAGES / fast:,.0f} against {IMAGES / slow:,.0f} images/s"
    return [ratio("preprocess", "cv2.imread + resize", 0.9, slow / fast, note)]


if __name__ == "__main__":
    show(measure())
