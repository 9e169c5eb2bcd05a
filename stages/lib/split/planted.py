"""How many copies the search finds, measured on copies that are made of the run's own images.

That no group is in two splits follows from how groups are dealt and says nothing of copies that were not found.
So a few images are altered as web sites alter theirs, and looked for among all.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pandas as pd

from stages.lib.data.shards import ShardedArray
from stages.lib.split.local_features import LocalFeatures, describe
from stages.lib.split.near_duplicates import found_among
from stages.lib.split.nominate import Keypoints

SOURCES = 10
"""Images that copies are made of."""


def rotated(image: np.ndarray, degrees: float) -> np.ndarray:
    """Turns an image about its centre; the corners are black."""
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return cv2.warpAffine(image, turn, (width, height))


def cropped(image: np.ndarray, share: float) -> np.ndarray:
    """Cuts a share of the side off at all four."""
    y, x = round(image.shape[0] * share), round(image.shape[1] * share)
    return image[y : image.shape[0] - y, x : image.shape[1] - x]


def framed(image: np.ndarray, share: float) -> np.ndarray:
    """Puts a black border around an image."""
    return cv2.copyMakeBorder(image, *[round(share * min(image.shape[:2]))] * 4, cv2.BORDER_CONSTANT)


def marked(image: np.ndarray) -> np.ndarray:
    """Writes across an image."""
    height, width = image.shape[:2]
    scale, thickness = width / 280, max(1, width // 100)
    white = (255, 255, 255)
    return cv2.putText(image.copy(), "Some Atlas", (5, height // 2), cv2.FONT_HERSHEY_SIMPLEX, scale, white, thickness)


def recompressed(image: np.ndarray, quality: int) -> np.ndarray:
    """Writes an image as JPEG and reads it."""
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def shrunk(image: np.ndarray, factor: float) -> np.ndarray:
    """Shrinks an image, averaging."""
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def shaded(image: np.ndarray, factors: tuple[float, float, float]) -> np.ndarray:
    """Multiplies the channels."""
    return np.minimum(image * np.float32(factors), 255).astype(np.uint8)


ALTERATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mirrored": lambda image: image[:, ::-1],
    "upside down": lambda image: image[::-1],
    "quarter turn": np.rot90,
    "turned by 10 degrees": lambda image: rotated(image, 10),
    "10 % cropped off each side": lambda image: cropped(image, 0.1),
    "15 % cropped off each side": lambda image: cropped(image, 0.15),
    "framed": lambda image: framed(image, 0.08),
    "watermark": marked,
    "grey": lambda image: np.dstack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)] * 3),
    "colour cast": lambda image: shaded(image, (1.2, 1.0, 0.7)),
    "half as bright": lambda image: shaded(image, (0.5, 0.5, 0.5)),
    "blurred": lambda image: cv2.GaussianBlur(image, (0, 0), image.shape[1] / 170),
    "JPEG of quality 30": lambda image: recompressed(image, 30),
    "half the size": lambda image: shrunk(image, 0.5),
    "mirrored, cropped and recompressed": lambda image: recompressed(cropped(image[:, ::-1], 0.1), 50),
}


def altered(square: np.ndarray, aspect: float, alter: Callable[[np.ndarray], np.ndarray]) -> LocalFeatures:
    """Alters an image and describes it as if it had been received so.

    Args:
        square: uint8 RGB, `(side, side, 3)`: stretched to a square.
        aspect: Width by height before it was stretched.
        alter: Takes and gives uint8 RGB, `(height, width, 3)`.
    """
    side = len(square)
    upright = cv2.resize(square, (max(1, round(side * min(aspect, 1.0))), max(1, round(side / max(aspect, 1.0)))))
    copy = np.ascontiguousarray(alter(upright))
    height, width = copy.shape[:2]
    return describe(cv2.resize(copy, (side, side), interpolation=cv2.INTER_AREA), width / height)


def recall(
    tensors: ShardedArray, keys: list[str], aspects: np.ndarray, images: list[LocalFeatures], known: Keypoints,
    groups: np.ndarray, seed: int, pool: ThreadPoolExecutor,
) -> dict:  # fmt: skip
    """Measures which share of planted copies is found.

    Args:
        tensors: The images, stretched to squares.
        keys: md5hashes, `(n,)`.
        aspects: float, `(n,)`: width by height of each as it was received.
        images: The same images, described.
        known: Their keypoints.
        groups: `(n,)`: which of them hang together.
        seed: Of the choice of images.
        pool: Does the work.

    Returns:
        `planted` and `found` copies, the share `overall`, and `per_alteration` the same of each.
    """
    chosen = np.sort(np.random.default_rng(seed).permutation(len(keys))[:SOURCES])
    squares = tensors.gather(tensors.positions([keys[number] for number in chosen]))
    plan = [(name, place) for name in ALTERATIONS for place in range(len(chosen))]
    copies = [*pool.map(lambda of: altered(squares[of[1]], aspects[chosen[of[1]]], ALTERATIONS[of[0]]), plan)]
    sources = chosen[[place for _, place in plan]]
    table = pd.DataFrame(plan, columns=["alteration", "source"])
    table["found"] = found_among(copies, sources, images, known, groups, pool)
    per = table.groupby("alteration", sort=False)["found"].agg(["size", "sum"])
    return {
        "planted": len(table),
        "found": int(table["found"].sum()),
        "overall": round(float(table["found"].mean()), 4),
        "per_alteration": [
            {"alteration": name, "planted": int(row["size"]), "found": int(row["sum"])} for name, row in per.iterrows()
        ],
    }
