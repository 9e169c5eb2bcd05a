"""Random variations of training images: those of the published rows, in one warp and one table look-up.

The published settings are Keras' `ImageDataGenerator` with shifts and zoom of 0.2, shear 0.2, rotation 40, horizontal
flip, brightness 0.5 to 1.5 and channel shift 20, borders filled with the nearest pixel.
"""

import cv2
import numpy as np

SHIFT = 0.2
"""Largest shift, as a share of the side."""
SHEAR_DEG = 0.2
"""Keras reads `shear_range` in degrees, so the published 0.2 hardly shears."""
ZOOM = 0.2
ROTATION_DEG = 40.0
BRIGHTNESS = (0.5, 1.5)
CHANNEL_SHIFT = 20.0
"""Largest value added to all channels, of 255."""


def augment(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Returns one random variation of an image.

    Args:
        image: uint8 RGB, `(S, S, 3)`; left as it is.
        random: Draws the variation; the same state gives the same variation.

    Returns:
        uint8 RGB, `(S, S, 3)`.
    """
    height, width = image.shape[:2]
    matrix = _affine(height, width, random)
    warped = cv2.warpAffine(
        image,
        matrix,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    shift = random.uniform(-CHANNEL_SHIFT, CHANNEL_SHIFT)
    brightness = random.uniform(*BRIGHTNESS)
    shifted = np.clip(np.arange(256) + shift, 0, 255)
    return cv2.LUT(warped, np.clip(np.rint(shifted * brightness), 0, 255).astype(np.uint8))


def _affine(height: int, width: int, random: np.random.Generator) -> np.ndarray:
    """Composes rotation, shift, shear, zoom and flip about the centre: output to input pixels, `(2, 3)`."""
    angle = np.deg2rad(random.uniform(-ROTATION_DEG, ROTATION_DEG))
    down, right = random.uniform(-SHIFT, SHIFT, 2) * (height, width)
    shear = np.deg2rad(random.uniform(-SHEAR_DEG, SHEAR_DEG))
    zoom_x, zoom_y = random.uniform(1 - ZOOM, 1 + ZOOM, 2)
    flip = -1.0 if random.random() < 0.5 else 1.0
    rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = rotate @ [[1, -np.sin(shear)], [0, np.cos(shear)]] @ np.diag([zoom_x * flip, zoom_y])
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    offset = centre + np.array([right, down]) - linear @ centre
    return np.column_stack([linear, offset])
