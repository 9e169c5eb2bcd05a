"""Preprocess and validate, the stages' own `main`, against bare `cv2.imread` + `cv2.resize` that keeps nothing.

Drawn JPEGs with as much detail as photographs (the note says how large), two threads on both sides. Ours also judges
whether an image is sound, turns it as EXIF says, averages where it shrinks much, tells equal pixels and writes. Two
sizes: one that libjpeg can halve while it decodes, and one that it cannot. Where an image is small, writing its 150 kB
tensor weighs: the note says what the bare loop reaches when it writes what it has.
`python -m bench.preprocess FOLDER` measures on a folder of images instead.
"""

import contextlib
import hashlib
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from bench.table import ROOT, Figure, alternating, ratio, show, times
from stages import preprocess, validate

IMAGES, SIDE_PX, THREADS = 3000, 224, 2
SIZES = ((600, 450), (400, 300))


def photographs(number: int, size: tuple[int, int]) -> Iterator[bytes]:
    """Draws JPEGs whose detail falls off with its frequency, as that of photographs does, with a camera's noise."""
    random, (width, height) = np.random.default_rng(0), size
    scene = np.full((2 * height, 2 * width, 3), 128, np.float32)
    for cells in (8, 16, 32, 64, 128, 256):
        rough = random.normal(0, 60 / cells**0.5, (cells, cells, 3)).astype(np.float32)
        scene += cv2.resize(rough, (2 * width, 2 * height), interpolation=cv2.INTER_CUBIC)
    scene = (scene + random.normal(0, 3, scene.shape)).clip(0, 255).astype(np.uint8)
    for _ in range(number):
        top, left = random.integers(0, height), random.integers(0, width)
        seen = np.ascontiguousarray(scene[top : top + height, left : left + width])
        yield cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def lay_out(folder: Path, bodies: Iterator[bytes]) -> list[str]:
    """Writes what fetch would of these images; returns the files' paths."""
    raw, paths = folder / "data/raw", {}
    for body in bodies:
        key = hashlib.md5(body).hexdigest()
        paths[key] = raw / "images" / key[:2] / key
        paths[key].parent.mkdir(parents=True, exist_ok=True)
        paths[key].write_bytes(body)
    rows = pd.DataFrame({"md5hash": list(paths), "fitzpatrick_scale": 2, "label": "acne", "url": ""})
    rows.to_csv(raw / "catalog.csv", index=False)
    rows[["md5hash"]].assign(status="ok", detail="").to_csv(raw / "fetch.csv", index=False)
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    return [str(path) for path in paths.values()]


def measure() -> list[Figure]:
    return [
        figure
        for width, height in SIZES
        for figure in compare(f"{width} x {height} px", photographs(IMAGES, (width, height)))
    ]


def compare(name: str, bodies: Iterator[bytes]) -> list[Figure]:
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(THREADS) as pool, contextlib.chdir(folder):
        paths = lay_out(Path(folder), bodies)

        def bare() -> None:
            def one(path: str) -> None:
                cv2.resize(cv2.imread(path), (SIDE_PX, SIDE_PX))

            list(pool.map(one, paths))

        def kept() -> None:
            def one(path: str, row: int) -> None:
                image = cv2.resize(cv2.imread(path), (SIDE_PX, SIDE_PX))
                os.pwrite(file.fileno(), image.reshape(-1), row * image.nbytes)

            with Path("kept").open("wb", buffering=0) as file:
                list(pool.map(one, paths, range(len(paths))))
            Path("kept").unlink()

        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            slow, written, decoding, judging = alternating(bare, kept, preprocess.main, validate.main, rounds=7)
        size_kb = np.mean([Path(path).stat().st_size for path in paths]) / 1e3
    against, kb = "cv2.imread + resize", f"{size_kb:.0f} kB"
    rates = f"{len(paths) / decoding.min():,.0f} against {len(paths) / slow.min():,.0f} images/s of {kb}"
    written_too = f"the bare loop that writes: {times(slow, written):.2f}x"
    return [
        ratio(f"preprocess, {name}", against, 0.9, times(slow, decoding), f"{rates}; {written_too}"),
        ratio(
            f"preprocess and validate, {name}", against, 0.9, times(slow, decoding + judging), f"{len(paths):,} images"
        ),
    ]


if __name__ == "__main__":
    if sys.argv[1:]:
        files = sorted(path for path in Path(sys.argv[1]).rglob("*") if path.is_file())
        show(compare(sys.argv[1], (path.read_bytes() for path in files)))
    else:
        show(measure())
