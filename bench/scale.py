"""How time and memory grow with the number of images: preprocess, features, training a head, a process each.

1,000, 4,000 and 16,577 images, drawn: JPEGs of 400 x 300 px for preprocess, uint8 tensors on disk for features
(MobileNetV2, random weights), features on disk for heads (2,048 numbers as ResNet101V2's, 25,088 as VGG16's). Peak RSS
and CPU seconds are the child's own, start-up included; what one more image costs is taken from two sizes, in CPU time,
which other programs change least. Features take 250, 1,000 and 4,000 images, or minutes with `--full`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.preprocess import lay_out, photographs
from bench.table import ROOT, Figure, below, one_of, show
from stages.lib.data.shard_writer import ShardSetWriter

SIZES = (1000, 4000, 16577)
SIZES_OF_FEATURES = (250, 1000, 4000)
WAYS = ("preprocess", "features", "head-2048", "head-25088")
EPOCHS = {"head-2048": 20, "head-25088": 3}
"""Enough for an image to weigh more than the start-up does from run to run."""

HEAD = """
import sys
from pathlib import Path
import numpy as np
from stages.lib.backbone import backend
from stages.lib.core.params import load_params
from stages.lib.data.shards import ShardedArray
params = load_params(Path(sys.argv[1]))
data = ShardedArray(Path("features"))
backend.start()
from stages.lib.network.batches import Batches
from stages.lib.network.networks import build_head
from stages.lib.train.training import compile_network
row = params.tables["resnet101v2-type-d40"]
head = build_head(row, 114, data.item_shape[0])
compile_network(head, row)
n = len(data.keys)
def part(numbers, seed):
    return Batches(row, data, numbers, numbers % 114, np.ones(len(numbers), int), 114, seed)
cut = int(0.9 * n)
train, val = part(np.arange(cut), 0), part(np.arange(cut, n), None)
head.fit(train, validation_data=val, epochs=int(sys.argv[2]), shuffle=False, verbose=0)
"""


def keys_of(n: int) -> list[str]:
    """Returns n keys spread over all shards."""
    return [f"{number % 16:x}{number:031x}" for number in range(n)]


def fill(directory: Path, n: int, shape: tuple[int, ...], dtype: type) -> None:
    """Writes n drawn items; those of a shard repeat a block."""
    with ShardSetWriter(directory, keys_of(n), shape, dtype) as writer:
        block = np.random.default_rng(0).integers(0, 200, (16, *shape)).astype(dtype)
        for shard, keys in writer.shard_keys.items():
            for start in range(0, len(keys), 16):
                writer.write(shard, start, block[: len(keys) - start])


class Taken(NamedTuple):
    """What a process took: seconds by the clock, of the processor in it and in the kernel for it, and peak RSS."""

    wall_s: float
    user_s: float
    kernel_s: float
    rss_gb: float

    @property
    def cpu_s(self) -> float:
        return self.user_s + self.kernel_s


def run(folder: Path, command: list[str]) -> Taken:
    """Runs a command in `folder`."""
    start = time.perf_counter()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen([sys.executable, *command], cwd=folder, env=environment, stdout=log, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{command}: {(folder / 'log').read_text()[-2000:]}")
    return Taken(time.perf_counter() - start, usage.ru_utime, usage.ru_stime, usage.ru_maxrss / 1e6)  # Linux counts kB


def once(way: str, n: int) -> Taken:
    """Sets up n images in a temporary folder and runs one stage over them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
        if way == "preprocess":
            lay_out(folder, photographs(n, (400, 300)))
            return run(folder, ["-m", "stages.preprocess"])
        if way == "features":
            fill(folder / "data/tensors", n, (224, 224, 3), np.uint8)
            return run(folder, ["-m", "stages.features", "--backbone", "mobilenetv2"])
        fill(folder / "features", n, (int(way.split("-")[1]),), np.float16)
        return run(folder, ["-c", HEAD, "params.yaml", str(EPOCHS[way])])


def _an_image_more(few: Taken, many: Taken, images: int) -> Taken:
    """Returns what one image costs, from two sizes."""
    return Taken(*((of_many - of_few) / images for of_few, of_many in zip(few, many, strict=True)))


def measure(ways: tuple[str, ...] = WAYS, full: bool = False) -> list[Figure]:
    figures, lines = [], []
    for way in ways:
        sizes = SIZES_OF_FEATURES if way == "features" and not full else SIZES
        taken = {n: once(way, n) for n in sizes}
        most = taken[sizes[-1]]
        for n, one in taken.items():
            bar = "#" * max(1, round(40 * one.cpu_s / most.cpu_s))
            lines.append(f"{way:>12} {n:>7,} {one.wall_s:9.1f} {one.cpu_s:9.1f} {one.rss_gb:7.2f} GB  {bar}")
        figures.append(below(f"peak RSS, {way}", 2.5, most.rss_gb, "GB", f"{sizes[-1]:,} images"))
        early, late = (_an_image_more(taken[a], taken[b], b - a) for a, b in pairwise(sizes))
        note = (
            f"an image costs {late.cpu_s * 1e3:.2f} ms beyond {sizes[1]:,}, {early.cpu_s * 1e3:.2f} ms before; "
            f"of it the kernel {late.kernel_s * 1e3:.2f} and {early.kernel_s * 1e3:.2f} ms"
        )
        figures.append(below(f"growth, {way}", 1.15, late.cpu_s / early.cpu_s, "x", note))
    print("\n       stage  images   clock s     CPU s   peak RSS  CPU s against the most")
    print("\n".join(lines))
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("ways", nargs="*", default=WAYS, type=one_of(*WAYS), help=", ".join(WAYS))
    parser.add_argument("--full", action="store_true", help="features at 16,577 images too: some minutes")
    given = parser.parse_args()
    show(measure(tuple(given.ways), given.full))
