"""Stage preprocess: decodes every image that arrived, once, and stores them as square uint8 RGB tensors.

What cannot be decoded is noted with the reason, and what a decoder complains of beside the tensor. Which images are
used is for `validate` to say, from the notes alone, so that another policy decodes nothing again.
"""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path

import cv2
import numpy as np
import xxhash
from tqdm import tqdm

from stages.lib.core.errors import PipelineError, run_stage
from stages.lib.core.params import load_params
from stages.lib.core.paths import RAW
from stages.lib.core.sections import TENSORS, Preprocess
from stages.lib.data.formats.fault import BadImage
from stages.lib.data.images import read_raw, read_square
from stages.lib.data.outcomes import DECODED, Outcome, read_fetched, write_decoded
from stages.lib.data.shard_writer import ShardSetWriter

BLOCK_IMAGES = 16
"""Handed to a thread at a time; one by one, handing over would take a tenth as long as decoding."""


def main() -> None:
    """Writes data/tensors/ (shards of uint8 RGB, N x side x side x 3, and their index) and data/decoded.csv."""
    params = load_params()
    rules = params.preprocess
    fetched = read_fetched(RAW)
    keys = fetched.loc[fetched["status"] == "ok", "md5hash"].tolist()
    cv2.setNumThreads(1)  # the threads are ours; OpenCV's own would only compete with them
    outcomes: list[Outcome] = []

    with (
        ShardSetWriter(Path(TENSORS), keys, (rules.image_size_px, rules.image_size_px, 3), np.uint8) as writer,
        ThreadPoolExecutor(os.cpu_count()) as pool,
        tqdm(total=len(keys), desc="preprocess", unit="image", mininterval=1) as progress,
    ):

        def store(block: tuple[str, int, list[str]]) -> list[Outcome]:
            shard, start, block_keys = block
            found = []
            for row, md5hash in enumerate(block_keys, start):
                outcome, pixels = tensor(RAW, md5hash, rules)
                if pixels is None:
                    writer.leave_out(shard, row)
                else:
                    writer.write(shard, row, pixels[None])
                found.append(outcome)
            return found

        for found in pool.map(store, blocks(writer.shard_keys)):
            outcomes += found
            progress.update(len(found))
        reasons = Counter(outcome.reason for outcome in outcomes if outcome.reason)
        faults = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        if reasons.total() == len(keys):
            raise PipelineError(
                f"{RAW}: none of {len(keys)} images can be decoded ({faults}); look at what its files are"
            )
    write_decoded(sorted(outcomes, key=lambda outcome: outcome.md5hash))
    sound = len(keys) - reasons.total()
    print(f"preprocess: {sound} tensors of {rules.image_size_px} x {rules.image_size_px} px in {TENSORS}")
    if faults:
        print(f"preprocess: {faults}; each with its detail in {DECODED}")
    if complaints := sum(outcome.complaint != "" for outcome in outcomes):
        print(f"preprocess: decoders complain of {complaints} of the tensors' images; their words are in {DECODED}")


def blocks(shard_keys: dict[str, list[str]]) -> Iterator[tuple[str, int, list[str]]]:
    """Yields runs of images of one shard: its name, the row of the first, and the keys.

    The shards come in turns, because threads that write to the same file wait for each other.
    """
    runs = (
        [(shard, start, keys[start : start + BLOCK_IMAGES]) for start in range(0, len(keys), BLOCK_IMAGES)]
        for shard, keys in shard_keys.items()
    )
    for turn in zip_longest(*runs):
        yield from filter(None, turn)


def tensor(raw: Path, md5hash: str, rules: Preprocess) -> tuple[Outcome, np.ndarray | None]:
    """Reads, decodes and resizes one image.

    Args:
        raw: `data/raw`.
        md5hash: The image's key.
        rules: The tensor's size, and the most pixels that are decoded.

    Returns:
        What came of it; and its tensor, uint8 RGB, `(side, side, 3)`, or None.

    Raises:
        PipelineError: If the file is missing.
    """
    try:
        picture = read_square(read_raw(raw, md5hash), rules.image_size_px, rules.max_pixels)
    except BadImage as fault:
        return Outcome(md5hash, fault.reason, fault.detail), None
    digest = xxhash.xxh3_128(f"{picture.width_px}x{picture.height_px}:".encode())
    digest.update(picture.pixels.reshape(-1))
    outcome = Outcome(
        md5hash, "", "", picture.width_px, picture.height_px, digest.hexdigest(), picture.complaint, picture.damaged
    )
    return outcome, picture.pixels


if __name__ == "__main__":
    run_stage(main)
