"""Draws the sample's images: skin of a given Fitzpatrick type with the lesions of a given condition.

These are synthetic drawings for testing a pipeline. They are not medical images, and nothing learned from
them says anything about skin disease. All colour arithmetic is done in CIELAB, where "darker", "redder" and
"paler" are single axes and a lesion can be described relative to whatever skin it sits on.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from stages.lib.sample.lesions import LESIONS, Lesion

MIN_SIDE_PX, MAX_SIDE_PX = 128, 320

# Skin tone per Fitzpatrick type: individual typology angle (ITA) in degrees and CIELAB b*. The angles lie in
# the six ITA classes (very light > 55, light > 41, intermediate > 28, tan > 10, brown > -30, dark) of Chardon,
# Cretois & Hourseau 1991 and Del Bino & Bernerd 2013. That types 1-6 map onto them one to one is our choice.
SKIN_TONES = {1: (59, 14), 2: (49, 16), 3: (36, 18), 4: (20, 20), 5: (-22, 17), 6: (-60, 12)}

# How far, at most, an image's lesions drift towards another condition's look.
MIMICRY = 0.1
# The share of images that look like another condition altogether: no network gets them all, whatever it trains for.
MIMICS = 0.06

DEPIGMENTED_LAB = (92.0, 1.0, 2.0)
SCALE_LAB = (86.0, 4.0, 8.0)
BACKDROPS_LAB = ((32, -4, -14), (58, -8, -12), (22, 0, 0), (80, 0, 2), (46, -14, 4))


def draw(condition: str, skin_type: int, rng: np.random.Generator) -> np.ndarray:
    """Draws one image.

    Args:
        condition: A key of `LESIONS`.
        skin_type: Fitzpatrick type, 1-6.
        rng: The image's own random numbers.

    Returns:
        BGR image, uint8, (height, width, 3), each side 128-320 px.
    """
    short_px = MIN_SIDE_PX + 90 * rng.beta(1, 1.8)
    sides_px = short_px, min(short_px * np.exp(rng.uniform(0, 0.4)), MAX_SIDE_PX)
    height, width = (round(side_px) for side_px in (sides_px if rng.random() < 0.6 else sides_px[::-1]))
    across, backdrop = _limb(rng, height, width)
    image = _skin(rng, skin_type, height, width)
    drift = 1.0 if rng.random() < MIMICS else MIMICRY * rng.beta(1, 1.3)
    look = LESIONS[condition].towards(LESIONS[str(rng.choice(list(LESIONS)))], drift)
    _add_lesions(image, look, across, rng)
    _add_hairs(image, rng)
    image[:, backdrop] = np.float32(BACKDROPS_LAB[rng.integers(len(BACKDROPS_LAB))])[:, None]
    _light(image, across, rng)
    bgr = cv2.cvtColor(cv2.merge(list(image)), cv2.COLOR_Lab2BGR)
    bgr = cv2.GaussianBlur(bgr, (0, 0), rng.uniform(0.4, 1.1))
    grain = rng.uniform(1, 5) * rng.standard_normal((height, width), dtype=np.float32)
    return cv2.convertScaleAbs(np.clip(bgr * 255 + cv2.merge([grain] * 3), 0, 255))


def _lab(colour: Sequence[float]) -> np.ndarray:
    """Returns a colour or shift as float32 (3, 1, 1): images are drawn as planes, which NumPy adds faster."""
    return np.float32(colour)[:, None, None]


def _noise(rng: np.random.Generator, height: int, width: int, cells: float) -> np.ndarray:
    """Returns smooth noise of about unit variance, float32 (height, width), `cells` cells a short side."""
    cell_px = max(min(height, width) / cells, 1)
    grid = rng.standard_normal((int(height / cell_px) + 2, int(width / cell_px) + 2), dtype=np.float32)
    # Cubic interpolation is ten times slower than linear, which is smooth enough from a quarter of the size.
    if cell_px > 8:
        grid = cv2.resize(grid, (width // 4 + 1, height // 4 + 1), interpolation=cv2.INTER_CUBIC)
    return cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)


def _limb(rng: np.random.Generator, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Lays the body part into the frame: often it fills it, sometimes it is a limb before a backdrop.

    Returns:
        The position across the limb, float32 (height, width), 0 on its axis and 1 on its edge, and whether a
        pixel is backdrop, bool (height, width).
    """
    y, x = (np.arange(side_px, dtype=np.float32) / min(height, width) for side_px in (height, width))
    angle = rng.uniform(0, np.pi)
    axis = (x - x.mean()) * math.sin(angle) - (y - y.mean())[:, None] * math.cos(angle)
    half_width = rng.uniform(0.36, 0.55) if rng.random() < 0.15 else rng.uniform(0.9, 2.5)
    across = np.abs(axis + 0.015 * _noise(rng, height, width, 2)) / half_width
    return across, across > 1


def _skin(rng: np.random.Generator, skin_type: int, height: int, width: int) -> np.ndarray:
    """Returns bare skin as CIELAB planes, float32 (3, height, width)."""
    angle_deg, yellow = SKIN_TONES[skin_type]
    yellow += rng.normal(0, 1.2)
    lightness = 50 + yellow * np.tan(np.radians(angle_deg + rng.normal(0, 3)))
    image = np.empty((3, height, width), np.float32)
    image[:] = _lab((lightness, rng.normal(11, 1.2), yellow))
    pores = _noise(rng, height, width, rng.uniform(70, 110))
    image[0] += 1.2 * pores + 1.2 * _noise(rng, height, width, 5)
    image[1] += 1.2 * _noise(rng, height, width, 4) + 0.5 * _noise(rng, height, width, 20)
    return image


def _blobs(rng: np.random.Generator, look: Lesion, count: int, across: np.ndarray) -> tuple[np.ndarray, float]:
    """Places `count` lesions.

    Returns:
        Depth inside the nearest lesion, float32 (height, width), 1 in its middle, 0 on its border, negative
        outside, and the mean radius in px.
    """
    height, width = across.shape
    depth = np.full((height, width), -1, np.float32)
    radii_px = rng.uniform(*look.radius, count) * min(height, width)
    focus = rng.uniform(0.4, 0.6, 2)
    for radius_px in radii_px:
        for _ in range(20):
            place = (focus + look.spread * rng.uniform(-0.5, 0.5, 2)).clip(0, 0.999)
            row, column = place * (height, width)
            if across[int(row), int(column)] < 0.8 and np.abs(place - 0.5).max() < 0.45:
                break
        ratio = math.sqrt(rng.uniform(1, look.elongation))
        reach_px = radius_px * ratio / 0.55 + 2
        top, bottom = int(max(row - reach_px, 0)), int(min(row + reach_px + 1, height))
        left, right = int(max(column - reach_px, 0)), int(min(column + reach_px + 1, width))
        y, x = np.ogrid[top - row : bottom - row, left - column : right - column]
        y, x = y[: bottom - top].astype(np.float32), x[:, : right - left].astype(np.float32)
        turn = rng.uniform(0, np.pi)
        along, beside = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
        distance = np.hypot(along / ratio, beside * ratio) / radius_px
        shape = bottom - top, right - left
        warp = 1 + look.jag * (0.6 * _noise(rng, *shape, 5) + 0.3 * _noise(rng, *shape, 11))
        # The floor keeps the outline inside the patch, which would cut it straight.
        distance *= np.maximum(warp, 0.55)
        patch = depth[top:bottom, left:right]
        np.maximum(patch, 1 - distance, out=patch)
    return depth, float(radii_px.mean())


def _ramp(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Smooth step of `values` from 0 at `low` to 1 at `high`."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def _add_lesions(image: np.ndarray, look: Lesion, across: np.ndarray, rng: np.random.Generator) -> None:
    """Paints lesions of the given look, and the moles and patches any skin may have, onto `image`."""
    shape = height, width = across.shape
    melanin = np.clip((72 - image[0].mean()) / 36, 0, 1)
    # Pigment hides redness, and a dark skin has less lightness to lose.
    tint = _lab((1 - 0.3 * melanin, 1 - 0.35 * melanin, 1))

    flat = Lesion((1, 1), (0.04, 0.12), 0.3, 0.15, (-9, 3, 6))
    mole = Lesion((1, 1), (0.006, 0.016), 0.1, 0.4, (-17, 3, 4))
    for extra, count in ((flat, rng.poisson(0.2)), (mole, rng.poisson(rng.choice([0, 3, 14])))):
        if count:
            depth, _ = _blobs(rng, extra, count, across)
            image += _ramp(depth, 0, extra.soft) * (_lab(extra.body) * tint)

    count = round(float(np.exp(rng.uniform(*np.log(look.count)))))
    depth, radius_px = _blobs(rng, look, count, across)
    cover = _ramp(depth, 0, look.soft)
    strength = rng.uniform(0.8, 1.15) * (1 + 0.12 * _noise(rng, *shape, 3))
    blotches = np.clip(_noise(rng, *shape, 8) + 0.5 * _noise(rng, *shape, 18), -1.5, 1.5)
    layers = (
        (cover, look.body + rng.normal(0, (2.5, 2, 1.5))),
        (cover * blotches, look.mottle),
        (cover * (1 - _ramp(depth, 0.2, 0.45)), look.rim),
    )
    for where, shift in layers:
        image += (where * strength) * (_lab(shift) * tint)
    image += (look.pale * rng.uniform(0.7, 1) * cover) * (_lab(DEPIGMENTED_LAB) - image)
    flakes = _ramp(_noise(rng, *shape, 36) + 0.9 * blotches, 1 - 2 * look.scale, 3 - 2 * look.scale)
    white = min(look.scale * 1.6, 0.85) * flakes * _ramp(depth, 0.05, 0.35)
    image += white * (_lab((SCALE_LAB[0] - 14 * melanin, *SCALE_LAB[1:])) - image)

    # A dome's slope towards the light brightens, the other side shades; the steepest lit spot shines.
    dome = np.sqrt(np.clip(1 - (1 - np.clip(depth, 0, 1)) ** 2, 0, 1)) * radius_px * look.relief
    bumps = _noise(rng, *shape, 36) * cover * look.rough * min(height, width) / 90
    surface = cv2.GaussianBlur(dome + bumps, (0, 0), 0.8 + radius_px / 12)
    angle = rng.uniform(0, 2 * np.pi)
    slope = math.cos(angle) * cv2.Sobel(surface, cv2.CV_32F, 1, 0, scale=1 / 8)
    slope += math.sin(angle) * cv2.Sobel(surface, cv2.CV_32F, 0, 1, scale=1 / 8)
    image[0] += 11 * np.tanh(slope) + 9 * _ramp(slope, 0.7, 1.4)


def _add_hairs(image: np.ndarray, rng: np.random.Generator) -> None:
    """Draws fine dark hairs, on most images none or few."""
    height, width = image.shape[1:]
    stroke = np.zeros((height, width), np.uint8)
    lean = rng.uniform(0, np.pi)
    for _ in range(int(rng.choice([0, 0, 4, 10, 22]))):
        start = rng.uniform(0, 1, 2) * (width, height)
        angle = lean + rng.normal(0, 0.25) + rng.normal(0, 0.3) * np.linspace(0, 2, 9)
        steps = rng.uniform(0.015, 0.035) * min(height, width) * np.stack([np.cos(angle), np.sin(angle)], 1)
        path = np.rint((start + np.cumsum(steps, 0)) * 8).astype(np.int32)
        cv2.polylines(stroke, [path], False, 255, 1, cv2.LINE_AA, 3)
    opacity = cv2.GaussianBlur(stroke, (0, 0), 0.6).astype(np.float32) / 255
    image += rng.uniform(0.4, 0.8) * opacity * (_lab((18, 3, 4)) - image)


def _light(image: np.ndarray, across: np.ndarray, rng: np.random.Generator) -> None:
    """Lights `image`: exposure, a gradient, the limb's curvature, a vignette and a colour cast."""
    height, width = across.shape
    y, x = np.linspace(-1, 1, height, dtype=np.float32)[:, None], np.linspace(-1, 1, width, dtype=np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    light = rng.normal(1.06, 0.06) + rng.uniform(0, 0.13) * (x * math.cos(angle) + y * math.sin(angle))
    light -= rng.uniform(0, 0.1) * (x * x + y * y)
    light *= 1 - 0.3 * np.clip(across, 0, 1) ** 4
    image *= light
    image[1:] += _lab(rng.normal(0, (1.5, 2.5)))
    np.clip(image[0], 2, 99, out=image[0])
