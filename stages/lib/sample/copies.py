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
    """Alters a JPEG in one of eight ways, in turn: the last is compressed more, and all are compressed again."""
    image = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
    short_px = min(image.shape[:2])
    kind = variant % 8
    if kind == 0:  # turned
        image = np.ascontiguousarray(np.rot90(image))
    elif kind == 1:  # shrunk
        scale = max(0.8, drawings.MIN_SIDE_PX / short_px)
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    elif kind == 2:  # mirrored
        image = cv2.flip(image, 1)
    elif kind == 3:  # cropped
        edge_px = min(short_px // 10, (short_px - drawings.MIN_SIDE_PX) // 2)
        image = image[edge_px : image.shape[0] - edge_px, edge_px : image.shape[1] - edge_px]
    elif kind == 4:  # framed
        edge_px = short_px // 12
        image = cv2.copyMakeBorder(
            image, edge_px, edge_px, edge_px, edge_px, cv2.BORDER_CONSTANT, value=(250, 250, 250)
        )
    elif kind == 5:  # brightened
        image = cv2.convertScaleAbs(image, alpha=1.05, beta=4)
    elif kind == 6:  # cut at one side
        image = image[:, : max(image.shape[1] * 4 // 5, drawings.MIN_SIDE_PX)]
    return jpeg(image, JPEG_QUALITY - 33 if kind == 7 else JPEG_QUALITY - 6)
