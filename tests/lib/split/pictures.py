"""Pictures whose copies can be found: rough skin with spots, every one different."""

import cv2
import numpy as np

SIDE_PX = 224


def photograph(seed: int) -> np.ndarray:
    """Draws one: uint8 RGB, `(224, 224, 3)`."""
    random = np.random.default_rng(seed)
    grey = np.full((SIDE_PX, SIDE_PX), 170, np.float32)
    for sigma_px, deviation in ((2, 8), (5, 10), (14, 14)):
        noise = cv2.GaussianBlur(random.normal(0, 1, grey.shape).astype(np.float32), (0, 0), sigma_px)
        grey += deviation * noise / noise.std()
    return np.clip(np.dstack([grey, grey - 25, grey - 40]), 0, 255).astype(np.uint8)
