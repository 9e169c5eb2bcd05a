"""Small pictures of test images, as JPEG bytes: the same pixels give the same bytes.

They are photographs, so the page shows them beside text of its own instead of drawing text into them.
"""

import cv2
import numpy as np

QUALITY = 82
SHADE = 0.25
"""How bright a place stays on which a class does not rest at all."""
LEVEL = 0.5
"""Where the outline runs: places at least half as strong as the strongest."""


def photograph(image: np.ndarray, side_px: int) -> bytes:
    """Shrinks an image.

    Args:
        image: uint8 RGB, `(S, S, 3)`.
        side_px: Of the square thumbnail.
    """
    return _jpeg(_resized(image, side_px))


def spotlight(image: np.ndarray, weights: np.ndarray, side_px: int) -> bytes:
    """Shows where a network looked: bright what mattered, dark what did not, outlined at half of the strongest.

    Brightness, unlike a rainbow of colours, can be read in black and white and hides nothing of the skin's colour.

    Args:
        image: uint8 RGB, `(S, S, 3)`.
        weights: `(H, W)`, 0 to 1.
        side_px: Of the square thumbnail.
    """
    light = cv2.resize(weights.astype(np.float32), (side_px, side_px), interpolation=cv2.INTER_LINEAR)
    shown = _resized(image, side_px) * (SHADE + (1 - SHADE) * light[:, :, None])
    shown = np.clip(np.rint(shown), 0, 255).astype(np.uint8)
    outlines, _ = cv2.findContours((light >= LEVEL).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    # white on black, so that it is seen on any skin
    cv2.drawContours(shown, outlines, -1, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.drawContours(shown, outlines, -1, (255, 255, 255), 1, cv2.LINE_AA)
    return _jpeg(shown)


def _resized(image: np.ndarray, side_px: int) -> np.ndarray:
    return cv2.resize(image, (side_px, side_px), interpolation=cv2.INTER_AREA)


def _jpeg(image: np.ndarray) -> bytes:
    _, content = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return content.tobytes()
