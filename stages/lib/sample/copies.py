"""How the embedded sample encodes its drawings, and how a copy of one differs from it."""

import cv2
import numpy as np

from stages.lib.sample import drawings

JPEG_QUALITY = 88


def jpeg(image: np.ndarray, quality: int = JPEG_QUALITY) -> bytes:
    """Encodes a BGR image, uint8 (height, width, 3)."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def exact_copy(body: bytes, variant: int) -> bytes:
    """Inserts a JPEG comment (ITU-T T.81, B.2.4.5) behind the start marker: other bytes, same pixels."""
    comment = f"copy {variant}".encode()
    return body[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + body[2:]


def near_copy(body: bytes, variant: int) -> bytes:
    """Recompresses, shrinks to 80 %, brightens or crops a JPEG, in turn."""
    image = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
    short_px = min(image.shape[:2])
    kind = variant % 4
    if kind == 1:
        scale = max(0.8, drawings.MIN_SIDE_PX / short_px)
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    elif kind == 2:
        image = cv2.convertScaleAbs(image, alpha=1.05, beta=4)
    elif kind == 3:
        edge_px = min(short_px // 33, (short_px - drawings.MIN_SIDE_PX) // 2)
        image = image[edge_px : image.shape[0] - edge_px, edge_px : image.shape[1] - edge_px]
    return jpeg(image, JPEG_QUALITY - 33 if kind == 0 else JPEG_QUALITY - 6)
