"""Stage preprocess: decodes every kept image once and stores it as a square uint8 RGB tensor."""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from stages.lib.core.errors import PipelineError, run_stage
from stages.lib.core.params import load_params
from stages.lib.core.sections import TENSORS
from stages.lib.data.images import BadImage, decode_rgb, read_raw
from stages.lib.data.manifest import read_manifest
from stages.lib.data.shard_writer import ShardSetWriter

RAW = Path("data/raw")


def main() -> None:
    """Writes data/tensors/: shards of uint8 RGB, N x side x side x 3, and their index."""
    params = load_params()
    raw, side_px = RAW / params.dataset, params.preprocess.image_size_px
    keys = read_manifest()["md5hash"].tolist()
    cv2.setNumThreads(1)  # the threads are ours, one image each; OpenCV's own would only compete with them

    with (
        ShardSetWriter(Path(TENSORS), keys, (side_px, side_px, 3), np.uint8) as writer,
        ThreadPoolExecutor(os.cpu_count()) as pool,
        tqdm(total=len(keys), desc="preprocess", unit="image", mininterval=1) as progress,
    ):

        def store(shard: str, row: int, md5hash: str) -> None:
            writer.write(shard, row, tensor(raw, md5hash, side_px)[None])

        for shard, shard_keys in writer.shard_keys.items():
            for _ in pool.map(store, repeat(shard), range(len(shard_keys)), shard_keys):
                progress.update()
    print(f"preprocess: {len(keys)} tensors of {side_px} x {side_px} px in {TENSORS}")


def tensor(raw: Path, md5hash: str, side_px: int) -> np.ndarray:
    """Reads, decodes and resizes one image.

    Args:
        raw: `data/raw/<dataset>`.
        md5hash: The image's key.
        side_px: The result's width and height.

    Returns:
        uint8 RGB, `(side_px, side_px, 3)`.

    Raises:
        PipelineError: If the file is missing, or is not the one that validate saw.
    """
    try:
        pixels = decode_rgb(read_raw(raw, md5hash), side_px)
    except BadImage as fault:
        raise PipelineError(f"{raw}: image {md5hash} changed since validate: {fault}; `dvc repro`") from None
    return stretch(pixels, side_px)


def stretch(pixels: np.ndarray, side_px: int) -> np.ndarray:
    """Stretches an image to a square, as the published run's `target_size` does.

    A side that is twice too long or more shrinks by a whole factor first, averaging; what is left, less than a factor
    of two, is bilinear, where every pixel still counts. Averaging over area to the end takes as long as decoding does.

    Args:
        pixels: uint8, `(height, width, 3)`.
        side_px: The result's width and height.

    Returns:
        uint8, `(side_px, side_px, 3)`; `pixels` itself if it has that size.
    """
    height, width = pixels.shape[:2]
    averaged = (width // max(1, width // side_px), height // max(1, height // side_px))
    if averaged != (width, height):
        pixels = cv2.resize(pixels, averaged, interpolation=cv2.INTER_AREA)
    if averaged != (side_px, side_px):
        pixels = cv2.resize(pixels, (side_px, side_px), interpolation=cv2.INTER_LINEAR)
    return pixels


if __name__ == "__main__":
    run_stage(main)
