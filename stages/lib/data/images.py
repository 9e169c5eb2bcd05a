"""From bytes as a server sent them to checked RGB pixels, as a person would see them.

Pillow judges every image, because it notices when one is cut short (OpenCV fills the rest with grey). Once
an image is known to be sound, OpenCV decodes plain JPEGs up to three times as fast; both use libjpeg-turbo
with the same settings, so the pixels are the same (tests/lib/data/test_images.py holds them to it).
"""

import hashlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from stages.lib.core.errors import PipelineError

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")
"""What browsers and cameras write. Pillow knows more; some run a program (EPS) or fit any bytes (TGA)."""

NOT_AN_IMAGE = "not_an_image"
TRUNCATED = "truncated"
TOO_SMALL = "too_small"
TOO_MANY_PIXELS = "too_many_pixels"

_ORIENTATION_TAG = 0x0112

Image.init()  # registers the formats, so that `OPEN` below is complete
# `inspect` has its own limit; Pillow's is a warning at one size and an error at twice that
Image.MAX_IMAGE_PIXELS = None
# Pillow warns of odd metadata; that says nothing about the pixels and would be printed for every such image
warnings.filterwarnings("ignore", module=r"PIL\.")


class BadImage(Exception):  # noqa: N818 - a verdict on one row, not a failure of the run
    """Bytes that are not a sound image.

    Attributes:
        reason: `not_an_image`, `truncated`, `too_small` or `too_many_pixels`.
        detail: What was found; the same bytes give the same words.
    """

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class ImageInfo:
    """A sound image."""

    width_px: int
    """As displayed, so after EXIF orientation."""
    height_px: int
    pixels_digest: str
    """SHA-256 of size and RGB pixels: equal for two files that show the same, whatever their bytes."""


def read_raw(raw: Path, md5hash: str) -> bytes:
    """Reads an image as the stage fetch stored it.

    Args:
        raw: `data/raw/<dataset>`.
        md5hash: The image's key.

    Raises:
        PipelineError: If the file is missing.
    """
    path = raw / "images" / md5hash[:2] / md5hash
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise PipelineError(f"{path}: missing although fetched; run `dvc repro -f fetch`") from None


def inspect(content: bytes, min_side_px: int, max_pixels: int) -> ImageInfo:
    """Checks an image by decoding all of it.

    Args:
        content: The file's bytes.
        min_side_px: The least width and height.
        max_pixels: The most pixels; read from the header, so that a decompression bomb is never decoded.

    Returns:
        Size and digest of its pixels.

    Raises:
        BadImage: With the reason for which it cannot be used.
    """
    image = _open(content)
    size = f"{image.width}x{image.height} px"
    if image.width * image.height > max_pixels:
        raise BadImage(TOO_MANY_PIXELS, size)
    if min(image.size) < min_side_px:
        raise BadImage(TOO_SMALL, size)
    pixels = _upright(_decode(image), image)
    height_px, width_px = pixels.shape[:2]
    digest = hashlib.sha256(f"{width_px}x{height_px}:".encode())
    digest.update(pixels)
    return ImageInfo(width_px, height_px, digest.hexdigest())


def decode_rgb(content: bytes, least_px: int | None = None) -> np.ndarray:
    """Decodes an image that `inspect` found sound, as a person would see it.

    EXIF orientation is applied, transparency put on white, 16 bits are scaled to 8, and of an animation the
    first frame is taken. Embedded colour profiles are not applied.

    Args:
        content: The file's bytes.
        least_px: If given, a plain JPEG comes at 1/2, 1/4 or 1/8 of its size, the smallest whose sides have at least
            so many pixels: libjpeg's inverse transform then gives the mean of 2 x 2 and more pixels for less work.

    Returns:
        uint8 RGB, `(height, width, 3)`, contiguous.

    Raises:
        BadImage: If it is not an image or is cut short.
    """
    image = _open(content)
    if image.format == "JPEG" and image.mode in ("L", "RGB"):
        # orientation is left to `_upright`: one reading of EXIF for both decoders
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION | _reduction(min(image.size), least_px)
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
        if pixels is not None:
            return _upright(pixels, image)
    return _upright(_decode(image), image)


def _reduction(side_px: int, least_px: int | None) -> int:
    """Returns OpenCV's flag for the strongest reduction that leaves `least_px` of a side, 0 for none."""
    # the flags' names say grey, but it is IMREAD_COLOR_RGB that decides about colour
    for factor, flag in (
        (8, cv2.IMREAD_REDUCED_GRAYSCALE_8),
        (4, cv2.IMREAD_REDUCED_GRAYSCALE_4),
        (2, cv2.IMREAD_REDUCED_GRAYSCALE_2),
    ):
        if least_px and side_px >= factor * least_px:
            return flag
    return 0


def _open(content: bytes) -> Image.Image:
    """Reads the header."""
    try:
        return Image.open(io.BytesIO(content), formats=FORMATS)
    except MemoryError:
        raise
    except Exception as error:  # damaged headers raise whatever Pillow's parsers run into
        # `OPEN` holds each format's test of a file's first bytes
        known = any(Image.OPEN[name][1](content[:16]) for name in FORMATS)
        detail = f"{len(content)} bytes that begin with {content[:24]!r}"
        raise BadImage(TRUNCATED if known else NOT_AN_IMAGE, detail) from error


def _decode(image: Image.Image) -> np.ndarray:
    """Decodes the first frame to uint8 RGB, as stored."""
    try:
        image.load()
        if image.mode.startswith("I;16"):
            # the upper byte, which is what Pillow keeps of 16-bit colour, too
            return np.repeat((np.asarray(image) >> 8).astype(np.uint8)[:, :, None], 3, axis=2)
        if image.mode in ("I", "F"):
            raise BadImage(NOT_AN_IMAGE, f"{image.format} of mode {image.mode}, which has no fixed brightness")
        if image.has_transparency_data:
            shown = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown)
        return np.asarray(image.convert("RGB"))
    except (BadImage, MemoryError):
        raise
    except Exception as error:  # damaged data raise OSError, SyntaxError, ValueError, struct.error, ...
        raise BadImage(TRUNCATED, f"{type(error).__name__}: {error}") from error


def _upright(pixels: np.ndarray, image: Image.Image) -> np.ndarray:
    """Turns pixels as the EXIF orientation of `image` asks for (Exif 2.32, section 4.6.4).

    A broken EXIF asks for nothing. Pillow's own `ImageOps.exif_transpose` rewrites the EXIF and fails on one.
    """
    try:
        orientation = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # as above: parsing damaged metadata raises anything
        orientation = 1
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
