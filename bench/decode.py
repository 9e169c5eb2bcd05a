"""Validate and preprocess against a bare loop of `cv2.imread` and `cv2.resize`, on as many threads: images per second.

`python -m bench.decode [--images DIRECTORY]`, by default HAM10000's in $FITZPATRICK_SHARED or `../shared`. The loop
notices no damaged file, reads no EXIF and joins no duplicates; it is what the machine could do at most.
"""

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2

from stages.lib.images import decode_rgb, inspect
from stages.lib.params import load_params
from stages.preprocess import stretch

SHARED = Path(os.environ.get("FITZPATRICK_SHARED", "../shared"))
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, default=SHARED / "ham10000/images")
    paths = sorted(path for path in parser.parse_args().images.rglob("*") if path.is_file())
    params = load_params()
    rules, side_px = params.validate_, params.preprocess.image_size_px
    cv2.setNumThreads(1)
    works: dict[str, Callable[[Path], object]] = {
        "bare loop": lambda path: cv2.resize(cv2.imread(str(path)), (side_px, side_px)),
        "validate": lambda path: inspect(path.read_bytes(), rules.min_side_px, rules.max_pixels),
        "preprocess": lambda path: stretch(decode_rgb(path.read_bytes()), side_px),
    }
    seconds = dict.fromkeys(works, float("inf"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in range(ROUNDS):  # in turn, so that a busy moment of the machine hits all alike
            for name, work in works.items():
                start = time.perf_counter()
                for _ in pool.map(work, paths):
                    pass
                seconds[name] = min(seconds[name], time.perf_counter() - start)
    seconds["validate + preprocess"] = seconds["validate"] + seconds["preprocess"]
    print(f"{len(paths)} images, {os.cpu_count()} threads, best of {ROUNDS}")
    for name, value in seconds.items():
        print(f"{name:24} {len(paths) / value:8.0f} images/s {seconds['bare loop'] / value:6.2f} x")


if __name__ == "__main__":
    main()
