"""The page's photographs: training images and what augmentation makes of them, mistakes, and what Grad-CAM found."""

import numpy as np
import pandas as pd

from stages.lib.backbone.augment import augment
from stages.lib.core.paths import TENSORS
from stages.lib.core.words import UNKNOWN_TYPE
from stages.lib.data.manifest import read_examples
from stages.lib.data.shards import ShardedArray
from stages.lib.report import thumbnails
from stages.lib.report.results import Explained

THUMBNAIL_PX = 144
SAMPLES = 4
"""Training images that are shown."""
VIEWS = 5
"""Of each of them: what a network that trains with augmentation may see in so many epochs."""


def photographs(mistakes: pd.DataFrame, explained: list[Explained], seed: int) -> dict[str, list]:
    """Makes thumbnails.

    Args:
        mistakes: Of the model, the most confident ones.
        explained: What Grad-CAM found, by architecture.
        seed: Of the augmentation.

    Returns:
        `samples`: some training images with their `views`. `mistakes`. `gradcam`: one dictionary per image with
        `networks`, in the order of `explained`: what each named, and its map. All have a `jpeg`.
    """
    tensors = ShardedArray(TENSORS)
    images: dict[str, dict] = {}
    for entry in explained:
        for line, found in zip(_with_images(tensors, entry.table), entry.maps, strict=True):
            spotlight = thumbnails.spotlight(line["image"], found, THUMBNAIL_PX)
            images.setdefault(line["md5hash"], line | {"networks": []})["networks"].append(
                line | {"row": entry.row, "seen": bool(found.any()), "jpeg": spotlight}
            )
    samples = _with_images(tensors, spread(read_examples("train", tensors).table, SAMPLES))
    for place, line in enumerate(samples):
        randoms = (np.random.default_rng([seed, place, view]) for view in range(VIEWS))
        line["views"] = [thumbnails.photograph(augment(line["image"], random), THUMBNAIL_PX) for random in randoms]
    return {"samples": samples, "mistakes": _with_images(tensors, mistakes), "gradcam": list(images.values())}


def spread(train: pd.DataFrame, count: int) -> pd.DataFrame:
    """Chooses training images from the lightest to the darkest skin type; of unknown type only if all are."""
    known = train[train["fitzpatrick_scale"] != UNKNOWN_TYPE]
    ordered = (train if known.empty else known).sort_values(["fitzpatrick_scale", "md5hash"])
    return ordered.iloc[np.unique(np.linspace(0, len(ordered) - 1, count).astype(int))]


def _with_images(tensors: ShardedArray, table: pd.DataFrame) -> list[dict]:
    """Returns the lines of a table with the image that its md5hash names, as `image`, uint8 RGB, and as `jpeg`."""
    images = tensors.gather(tensors.positions(table["md5hash"].tolist()))
    return [
        line | {"image": image, "jpeg": thumbnails.photograph(image, THUMBNAIL_PX)}
        for line, image in zip(table.to_dict("records"), images, strict=True)
    ]
