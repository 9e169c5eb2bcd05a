"""JPEG by libjpeg-turbo (through simplejpeg), which says what it finds wrong; Pillow decodes in silence.

libjpeg goes on after almost anything (libjpeg.txt, "Error handling"): where data are missing it fills with grey, and
where a code is wrong all that follows may be shifted. It calls that a warning, as it does a stray byte in the header,
which changes nothing.
"""

import re

import numpy as np
import simplejpeg

from stages.lib.core.words import UNSUPPORTED
from stages.lib.data.formats.fault import BadImage

START = b"\xff\xd8\xff"
MAX_SCANS = 100
"""Of a progressive JPEG. Encoders write about ten; some kB of empty scans cost minutes (libjpeg-turbo, `-maxscans`)."""

_REDUCTIONS = (8, 4, 2)
"""By which libjpeg shrinks while it decodes, and the faster for it; other factors take longer than the whole image."""
_SCAN = re.compile(rb"\xff\xda\x00[\x08\x0a\x0c\x0e][\x01-\x04]")
_NOT_JUDGED = "Could not determine subsampling level"
"""What TurboJPEG says where colours are sampled in an unusual way; it then decodes nothing, though libjpeg can."""


def decode(content: bytes, max_pixels: int, least_px: int | None) -> tuple[int, int, np.ndarray]:
    """Decodes a JPEG of which libjpeg has nothing to complain.

    Args:
        content: The file's bytes.
        max_pixels: The most pixels.
        least_px: If given, the picture comes at 1/2, 1/4 or 1/8 of its size, the smallest whose sides have at least
            so many pixels: libjpeg's inverse transform then gives the mean of 2 x 2 and more pixels for less work.

    Returns:
        Width and height of the file's picture, and its pixels as stored: uint8 RGB, `(height, width, 3)`.

    Raises:
        ValueError: libjpeg's first complaint, or that there are too many pixels.
        BadImage: If there are too many scans.
    """
    if (scans := len(_SCAN.findall(content))) > MAX_SCANS:
        raise BadImage(UNSUPPORTED, f"JPEG of {scans} scans, more than {MAX_SCANS}")
    height_px, width_px, _, _ = simplejpeg.decode_jpeg_header(content)
    if height_px * width_px > max_pixels:
        raise ValueError(f"{width_px}x{height_px} px")
    fitting = (factor for factor in _REDUCTIONS if least_px and min(height_px, width_px) >= factor * least_px)
    factor = next(fitting, 1)
    # libjpeg rounds sizes up; the decoder takes the smallest size that is not below these
    least = {"min_height": -(-height_px // factor), "min_width": -(-width_px // factor)}
    return width_px, height_px, simplejpeg.decode_jpeg(content, colorspace="RGB", strict=True, **least)


def complaint(content: bytes, words: str) -> tuple[str, bool]:
    """Tells what a complaint of libjpeg means for the pixels of a JPEG that could be decoded all the same.

    Args:
        content: The file's bytes.
        words: libjpeg's first complaint.

    Returns:
        The complaint that counts, and whether pixels may be wrong. A complaint of the header touches none, but
        TurboJPEG stops there, so the rest is judged without what was complained of.
    """
    if _NOT_JUDGED in words:
        return f"not judged: {words}", False
    try:
        simplejpeg.decode_jpeg_header(content)
    except ValueError:
        try:
            simplejpeg.decode_jpeg(_bare(content), colorspace="RGB", strict=True)
        except ValueError as error:
            return str(error), _NOT_JUDGED not in str(error)
        return words, False
    return words, True


def _bare(content: bytes) -> bytes:
    """Leaves out of a header what no pixel depends on: bytes between segments, comments, metadata (ITU T.81, B.1)."""
    parts, at = [content[:2]], 2
    while (at := content.find(b"\xff", at)) >= 0 and at + 4 <= len(content):
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD9:  # none, or one without a length
            at += 1
            continue
        if marker == 0xDA:  # the first scan, from where on every byte counts
            return b"".join(parts) + content[at:]
        if not (0xE0 <= marker <= 0xED or marker in (0xEF, 0xFE)):  # APP14, Adobe's, tells how colours are stored
            parts.append(content[at : at + 2 + length])
        at += 2 + length
    return content
