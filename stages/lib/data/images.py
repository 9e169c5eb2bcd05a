"""From bytes as a server sent them to RGB pixels, as a person would see them, in one decoding.

libjpeg-turbo (through simplejpeg) decodes JPEGs and complains of everything that is not as it should be. An image of
which it has nothing to complain is sound; the others, and other formats, are Pillow's to judge, which knows what can be
forgiven: it reads on after a stray byte, but notices when an image is cut short. Both give the same pixels.
"""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image

from stages.lib.core.errors import PipelineError
from stages.lib.core.words import NOT_AN_IMAGE, TOO_MANY_PIXELS, TRUNCATED

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")
"""What browsers and cameras write. Pillow knows more; some run a program (EPS) or fit any bytes (TGA)."""

_ORIENTATION_TAG = 0x0112
_EXIF_MARK = b"Exif\0\0"
_REDUCTIONS = (8, 4, 2)
"""By which libjpeg shrinks while it decodes, and the faster for it; other factors take longer than the whole image."""

Image.init()  # registers the formats, so that `OPEN` below is complete
# `decode` has its own limit; Pillow's is a warning at one size and an error at twice that
Image.MAX_IMAGE_PIXELS = None
# Pillow warns of odd metadata; that says nothing about the pixels and would be printed for every such image
warnings.filterwarnings("ignore", module=r"PIL\.")


class BadImage(Exception):  # noqa: N818 - a verdict on one row, not a failure of the run
    """Bytes that are not a sound image.

    Attributes:
        reason: One of `DECODE_FAULTS`.
        detail: What was found; the same bytes give the same words.
    """

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class Picture:
    """A sound image, decoded."""

    width_px: int
    """Of the file's image as displayed, so after EXIF orientation."""
    height_px: int
    pixels: np.ndarray
    """uint8 RGB, `(height, width, 3)`, contiguous; the size of the file's image or a reduced one."""


def read_raw(raw: Path, md5hash: str) -> bytes:
    """Reads an image as the stage fetch stored it.

    Args:
        raw: `data/raw`.
        md5hash: The image's key.

    Raises:
        PipelineError: If the file is missing.
    """
    path = f"{raw}/images/{md5hash[:2]}/{md5hash}"
    try:
        # a third of the time of Path.read_bytes, which tells where every image is read
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            return file.readall()
    except FileNotFoundError:
        raise PipelineError(f"{path}: missing although fetched; run `dvc repro -f fetch`") from None


def decode(content: bytes, max_pixels: int, least_px: int | None = None) -> Picture:
    """Decodes an image, as a person would see it, and tells whether it is sound.

    EXIF orientation is applied, transparency put on white, 16 bits are scaled to 8, and of an animation the
    first frame is taken. Embedded colour profiles are not applied.

    Args:
        content: The file's bytes.
        max_pixels: The most pixels; read from the header, so that a decompression bomb is never decoded.
        least_px: If given, a sound JPEG comes at 1/2, 1/4 or 1/8 of its size, the smallest whose sides have at least
            so many pixels: libjpeg's inverse transform then gives the mean of 2 x 2 and more pixels for less work.

    Raises:
        BadImage: If it is not an image, is cut short or has too many pixels.
    """
    found = _flawless_jpeg(content, max_pixels, least_px)
    if found is None:
        image = _open(content)
        if image.width * image.height > max_pixels:
            raise BadImage(TOO_MANY_PIXELS, f"{image.width}x{image.height} px")
        found, orientation = Picture(*image.size, _decode(image)), _orientation(image)
    else:
        orientation = _orientation(_open(content)) if _EXIF_MARK in content else 1
    return _upright(found, orientation)


def _flawless_jpeg(content: bytes, max_pixels: int, least_px: int | None) -> Picture | None:
    """Decodes a JPEG, as stored; None if libjpeg has anything to complain of, or it is none, or has too many pixels."""
    try:
        height_px, width_px, _, _ = simplejpeg.decode_jpeg_header(content)
        if height_px * width_px > max_pixels:
            return None
        fitting = (factor for factor in _REDUCTIONS if least_px and min(height_px, width_px) >= factor * least_px)
        factor = next(fitting, 1)
        # libjpeg rounds sizes up; the decoder takes the smallest size that is not below these
        least = {"min_height": -(-height_px // factor), "min_width": -(-width_px // factor)}
        pixels = simplejpeg.decode_jpeg(content, colorspace="RGB", strict=True, **least)
    except ValueError:  # CMYK too, which Pillow converts
        return None
    return Picture(width_px, height_px, pixels)


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


def _orientation(image: Image.Image) -> int:
    """Returns the EXIF orientation (Exif 2.32, section 4.6.4); 1, as stored, where there is none or EXIF is damaged."""
    try:
        return image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # parsing damaged metadata raises anything
        return 1


def _upright(stored: Picture, orientation: int) -> Picture:
    """Turns a picture as EXIF asks for; Pillow's own `exif_transpose` rewrites the EXIF and fails on a damaged one."""
    pixels, size = stored.pixels, (stored.width_px, stored.height_px)
    if orientation in (5, 6, 7, 8):
        pixels, size = pixels.swapaxes(0, 1), size[::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return Picture(*size, np.ascontiguousarray(pixels))
