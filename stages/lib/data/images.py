"""From bytes as a server sent them to square RGB pixels, as a person would see them, in one decoding.

libjpeg-turbo (through simplejpeg) decodes JPEGs and complains of everything that is not as it should be. Where it does,
and for other formats, Pillow decodes, which stops at less; what was complained of is kept beside the pixels. Both
decoders give the same pixels.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from stages.lib.core.errors import PipelineError
from stages.lib.core.words import DAMAGED
from stages.lib.data.formats import jpeg, pillow, png
from stages.lib.data.formats.fault import BadImage, reason_of

_EXIF_MARK = re.compile(rb"Exif\0\0")  # found by `re` in about half the time that `in` takes


@dataclass(frozen=True)
class Picture:
    """An image, decoded."""

    width_px: int
    """Of the file's image as displayed, so after EXIF orientation."""
    height_px: int
    pixels: np.ndarray
    """uint8 RGB, `(height, width, 3)`, contiguous; the size of the file's image, a reduced one or a square."""
    complaint: str = ""
    """What a decoder found wrong, in its words; empty: nothing."""
    damaged: bool = False
    """Whether pixels may be wrong by what was complained of."""


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


def read_square(content: bytes, side_px: int, max_pixels: int) -> Picture:
    """Decodes an image and stretches it to the square that networks see.

    Args:
        content: The file's bytes.
        side_px: The square's width and height.
        max_pixels: The most pixels of the image in its file.

    Returns:
        The picture with pixels `(side_px, side_px, 3)`.

    Raises:
        BadImage: If it cannot be decoded.
    """
    picture = decode(content, max_pixels, side_px)
    return replace(picture, pixels=stretch(picture.pixels, side_px))


def decode(content: bytes, max_pixels: int, least_px: int | None = None) -> Picture:
    """Decodes an image, as a person would see it, and tells what is wrong with it.

    EXIF orientation is applied, in every format that has EXIF; XMP's is not, as in browsers. Transparency is put on
    white, 16 bits are scaled to 8, and of an animation the first frame is taken. Embedded colour profiles are not
    applied.

    Args:
        content: The file's bytes.
        max_pixels: The most pixels; read from the header, so that a decompression bomb is never decoded.
        least_px: If given, a sound JPEG comes at 1/2, 1/4 or 1/8 of its size, the smallest whose sides have at least
            so many pixels.

    Raises:
        BadImage: If it is not an image that is read here, is cut short or broken, or has too many pixels.
    """
    words, damaged = "", False
    if content.startswith(jpeg.START):
        try:
            found = Picture(*jpeg.decode(content, max_pixels, least_px))
        except ValueError as error:
            words = str(error)
        else:
            turn = pillow.orientation(pillow.open_header(content, max_pixels)) if _EXIF_MARK.search(content) else 1
            return _upright(found, turn)
    elif content.startswith(png.START):
        content, words, damaged = png.picture_chunks(content)
    try:
        image = pillow.open_header(content, max_pixels)
        found = Picture(*image.size, pillow.decode_pixels(image))
    except BadImage as fault:
        raise _in_full(fault, words) from fault
    if words and image.format in ("JPEG", "MPO"):
        words, damaged = jpeg.complaint(content, words)
    if not words:
        words, damaged = pillow.complaint_of(image.format, content)
    return _upright(replace(found, complaint=words, damaged=damaged), pillow.orientation(image))


def _in_full(fault: BadImage, words: str) -> BadImage:
    """Adds to what Pillow says of an image that it could not decode what another has said before."""
    if not words or words in fault.detail:
        return fault
    reason = reason_of(words) if fault.reason == DAMAGED else fault.reason
    return BadImage(reason, f"{fault.detail}; {words}")


def stretch(pixels: np.ndarray, side_px: int) -> np.ndarray:
    """Stretches an image to a square, as the published run's `target_size` does.

    A side that is twice too long or more shrinks by a whole factor first, averaging; what is left, less than a factor
    of two, is bilinear, where every pixel still counts. Averaging over area to the end takes as long as decoding does.

    Args:
        pixels: uint8, `(height, width, 3)`.
        side_px: The result's width and height.

    Returns:
        uint8, `(side_px, side_px, 3)`; `pixels` itself if it has that size.
    """
    height, width = pixels.shape[:2]
    averaged = (width // max(1, width // side_px), height // max(1, height // side_px))
    if averaged != (width, height):
        pixels = cv2.resize(pixels, averaged, interpolation=cv2.INTER_AREA)
    if averaged != (side_px, side_px):
        pixels = cv2.resize(pixels, (side_px, side_px), interpolation=cv2.INTER_LINEAR)
    return pixels


def _upright(stored: Picture, orientation: int) -> Picture:
    """Turns a picture as EXIF asks for; Pillow's own `exif_transpose` rewrites the EXIF and fails on a damaged one."""
    pixels, size = stored.pixels, (stored.width_px, stored.height_px)
    if orientation in (5, 6, 7, 8):
        pixels, size = pixels.swapaxes(0, 1), size[::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return replace(stored, width_px=size[0], height_px=size[1], pixels=np.ascontiguousarray(pixels))
