"""The embedded sample: a small catalog with its images, drawn by code, that the pipeline runs on by default.

The images are synthetic drawings, not medical images. Only the condition names, their partitions, the column
names and the shape of the skin type distribution come from Fitzpatrick17k (Groh et al. 2021). Like the real
collection the sample is imbalanced and has faults; `FAULTS` counts them.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd

from stages.lib.sample import drawings
from stages.lib.sample.copies import JPEG_QUALITY, exact_copy, jpeg, near_copy

_Key = TypeVar("_Key")

MIN_IMAGES = 40
MIN_PER_CONDITION = 12

# Condition: (nine_partition_label, three_partition_label, weight, lean). A small sample takes the first few, so the
# three partitions come first. The weights sum to 300. The lean, in standard deviations, is towards dark skin: so the
# skin type says something of the condition, and never says which it is.
CONDITIONS = {
    "psoriasis": ("inflammatory", "non-neoplastic", 84, 0.0),
    "melanoma": ("malignant melanoma", "malignant", 60, -1.0),
    "seborrheic keratosis": ("benign epidermal", "benign", 54, -0.5),
    "vitiligo": ("inflammatory", "non-neoplastic", 54, 1.0),
    "port wine stain": ("benign dermal", "benign", 48, 0.5),
}

# Images per Fitzpatrick type in Fitzpatrick17k's catalog; -1 is unknown.
SKIN_TYPES = {1: 2947, 2: 4808, 3: 3308, 4: 2781, 5: 1533, 6: 635, -1: 565}

# Rows of each fault in a sample of 300 images, on top of them; see `fault_counts` for other sizes.
FAULTS = {
    "no_url": 3,  # url is missing, no body
    "html_page": 2,  # the body is an HTML page, and md5hash is that page's
    "truncated": 2,  # the body is the first half of a JPEG, and md5hash is that half's
    "changed_on_server": 1,  # the body is a sound JPEG whose MD5 is not md5hash
    "wrongly_labelled": 2,  # a sound image of another condition, and qc says so
    "exact_duplicate": 3,  # the pixels of another row in different bytes
    "near_duplicate": 8,  # another row's image recompressed, resized, brightened or cropped
}

HTML_PAGE = "<!DOCTYPE html><html><head><title>404</title></head><body>Image {} is gone</body></html>\n"


@dataclass(frozen=True)
class Sample:
    """A catalog and what its addresses would serve.

    Attributes:
        catalog: Fitzpatrick17k's nine columns in its order: two int64 columns for the skin type, strings
            elsewhere. `qc` and `url` may be missing.
        bodies: The response body for a row, by its `md5hash`; none for rows without address.
        faults: The fault of each faulty row, a key of `FAULTS`, by its `md5hash`.
    """

    catalog: pd.DataFrame
    bodies: dict[str, bytes]
    faults: dict[str, str]


def generate(n_images: int = 300, seed: int = 7) -> Sample:
    """Draws a sample. The same arguments give the same bytes.

    Args:
        n_images: Number of sound, distinct images. Faulty rows come on top: 21 of them at 300 images. From
            65 images on there are five conditions, below that fewer; each has at least 12 of the images.
        seed: Seed of all random numbers, non-negative.

    Returns:
        The sample, its rows shuffled.

    Raises:
        ValueError: If `n_images` is below 40, too few for three conditions.
    """
    if n_images < MIN_IMAGES:
        raise ValueError(f"n_images is {n_images}; a sample needs at least {MIN_IMAGES}")
    # Image number i draws from [seed, i] with i from 1 on, so the catalog's own stream is [seed, 0].
    rng = np.random.default_rng([seed, 0])
    names = list(CONDITIONS)[: condition_count(n_images)]
    weights = {name: CONDITIONS[name][2] for name in names}
    labels = rng.permutation(quotas(n_images, weights, MIN_PER_CONDITION))
    types = _skin_types(labels, rng)

    draft = _Draft(seed)
    for label, skin_type in zip(labels.tolist(), types.tolist(), strict=True):
        draft.add(label, skin_type, jpeg(draft.draw(label, skin_type)))
    originals = iter(rng.permutation(n_images).tolist())
    for fault, count in fault_counts(n_images).items():
        for variant in range(count):
            if fault.endswith("duplicate"):
                _add_copy(draft, fault, variant, next(originals))
            else:
                _add_fault(draft, fault, str(rng.choice(labels)), int(rng.choice(types)))
    catalog = pd.DataFrame([draft.rows[i] for i in rng.permutation(len(draft.rows))])
    return Sample(catalog, draft.bodies, draft.faults)


def condition_count(n_images: int) -> int:
    """Returns the number of conditions, 3-5, in `generate(n_images)`."""
    return min(n_images // (MIN_PER_CONDITION + 1), len(CONDITIONS))


def fault_counts(n_images: int) -> dict[str, int]:
    """Returns the number of rows of each fault that `generate(n_images)` adds: a fixed share, at least one."""
    return {fault: max(1, round(count * n_images / 300)) for fault, count in FAULTS.items()}


def quotas(total: int, weights: Mapping[_Key, float], minimum: int) -> list[_Key]:
    """Returns `total` keys, each about in proportion to its weight and at least `minimum` times."""
    share = {key: total * weight / sum(weights.values()) for key, weight in weights.items()}
    counts = {key: max(minimum, int(value)) for key, value in share.items()}
    while sum(counts.values()) != total:
        step = 1 if sum(counts.values()) < total else -1
        free = [key for key in counts if step > 0 or counts[key] > minimum]
        counts[max(free, key=lambda key: step * (share[key] - counts[key]))] += step
    return [key for key, count in counts.items() for _ in range(count)]


def _skin_types(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns a skin type for each label, int64 `(n,)`: their shares are those of `SKIN_TYPES`, as conditions lean."""
    types = np.sort(quotas(len(labels), SKIN_TYPES, 1))
    darkness = rng.standard_normal(len(labels)) + [CONDITIONS[label][3] for label in labels]
    darkness[rng.permutation(len(labels))[: (types < 1).sum()]] = -np.inf  # the unknown are anybody
    dealt = np.empty_like(types)
    dealt[np.argsort(darkness)] = types
    return dealt


class _Draft:
    """A sample in the making: its rows so far, with bodies and faults as in `Sample`."""

    def __init__(self, seed: int) -> None:
        self.rows: list[dict[str, object]] = []
        self.bodies: dict[str, bytes] = {}
        self.faults: dict[str, str] = {}
        self._seed = seed

    def draw(self, condition: str, skin_type: int) -> np.ndarray:
        """Draws the image of the next row, uint8 BGR (height, width, 3); `skin_type` as in the catalog."""
        rng = np.random.default_rng([self._seed, len(self.rows) + 1])
        if skin_type < 1:
            # An unknown type is unknown to the catalog only: the skin itself has one.
            skin_type = int(rng.choice([key for key in SKIN_TYPES if key > 0]))
        return drawings.draw(condition, skin_type, rng)

    def add(
        self, label: str, skin_type: int, body: bytes, fault: str | None = None, serves: bytes | None = None
    ) -> None:
        """Adds a row for `body`; `serves` is what its address sends instead, b"" if there is no address."""
        number = len(self.rows) + 1
        # A stream beside the image's own: how an image is drawn must not change its row.
        rng = np.random.default_rng([self._seed, number, 1])
        url = f"https://sample.invalid/{label.replace(' ', '-')}/{number}.jpg"
        md5hash = hashlib.md5(body).hexdigest()
        qc = "1 Diagnostic" if rng.random() < 0.02 else None
        self.rows.append(
            {
                "md5hash": md5hash,
                "fitzpatrick_scale": skin_type,
                "fitzpatrick_centaur": _second_opinion(skin_type, rng),
                "label": label,
                "nine_partition_label": CONDITIONS[label][0],
                "three_partition_label": CONDITIONS[label][1],
                "qc": "3 Wrongly labelled" if fault == "wrongly_labelled" else qc,
                "url": None if serves == b"" else url,
                # As in the real catalog: present where `url` is missing, and with a second suffix.
                "url_alphanum": "".join(filter(str.isalnum, url)) + ".jpg",
            }
        )
        if serves != b"":
            self.bodies[md5hash] = serves or body
        if fault:
            self.faults[md5hash] = fault


def _second_opinion(skin_type: int, rng: np.random.Generator) -> int:
    """Returns the crowd's type: mostly the same, sometimes a neighbour or unknown."""
    if skin_type < 1:
        return int(rng.choice([-1, 1, 2, 3, 4, 5, 6]))
    other = int(np.clip(skin_type + rng.choice([0, 1, -1], p=[0.78, 0.11, 0.11]), 1, 6))
    return -1 if rng.random() < 0.04 else other


def _add_fault(draft: _Draft, fault: str, label: str, skin_type: int) -> None:
    """Adds a row with a fault that needs no other row."""
    names = list(CONDITIONS)
    shown = names[names.index(label) - 1] if fault == "wrongly_labelled" else label
    image = draft.draw(shown, skin_type)
    body, serves = jpeg(image), None
    if fault == "no_url":
        serves = b""
    elif fault == "html_page":
        body = HTML_PAGE.format(len(draft.rows) + 1).encode()
    elif fault == "truncated":
        body = body[: len(body) // 2]
    elif fault == "changed_on_server":
        serves = jpeg(image, JPEG_QUALITY - 20)
    draft.add(label, skin_type, body, fault, serves)


def _add_copy(draft: _Draft, fault: str, variant: int, original: int) -> None:
    """Adds a row that shows the image of row `original` once more."""
    row = draft.rows[original]
    copy = exact_copy if fault == "exact_duplicate" else near_copy
    body = copy(draft.bodies[row["md5hash"]], variant)
    draft.add(row["label"], row["fitzpatrick_scale"], body, fault)
