"""Every format by Pillow: headers, pixels and orientation, and what is wrong in words that are true."""

import io
import struct
import warnings

import cv2
import numpy as np
from PIL import Image

from stages.lib.core.words import NOT_AN_IMAGE, TOO_MANY_PIXELS, TRUNCATED, UNSUPPORTED
from stages.lib.data.formats.fault import BadImage, reason_of

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")
"""What browsers and cameras write. Pillow knows more; some run a program (EPS) or fit any bytes (TGA)."""
_NOT_READ = ("AVIF", "JPEG2000", "ICNS", "ICO", "PSD")
"""Formats of images that are told from what is no image at all."""
_HEIF = (b"heic", b"heix", b"heim", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")
"""Brands of HEIF files (ISO/IEC 23008-12), as telephones write them; Pillow knows no HEIC."""

_ORIENTATION_TAG, _BITS_PER_SAMPLE_TAG, _STRIPS, _TILES = 0x0112, 258, (273, 279), (324, 325)

Image.MAX_IMAGE_PIXELS = None  # `open_header` has a limit of its own; Pillow's is one for the whole process
Image.init()  # registers the formats, so that `OPEN` below is complete
# Both warn of odd metadata; that says nothing about the pixels and would be printed for every such image
warnings.filterwarnings("ignore", module=r"PIL\.")
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def open_header(content: bytes, max_pixels: int) -> Image.Image:
    """Reads a header; no pixel is decoded.

    Raises:
        BadImage: If there is none, or it tells of more than `max_pixels`.
    """
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except MemoryError:
        raise
    except Exception as error:  # damaged headers raise whatever Pillow's parsers run into
        raise _unreadable(content, error) from error
    if image.width * image.height > max_pixels:
        raise BadImage(TOO_MANY_PIXELS, f"{image.width}x{image.height} px")
    image.info.pop("xmp", None)  # from which Pillow would turn a TIFF
    return image


def _unreadable(content: bytes, error: Exception) -> BadImage:
    """Says why a header cannot be read."""
    begins = f"{len(content)} bytes that begin with {content[:24]!r}"
    # `OPEN` holds each format's test of a file's first bytes
    known = next((name for name in FORMATS if Image.OPEN[name][1](content[:16])), None)
    if known is None:
        other = next((name for name in _NOT_READ if Image.OPEN[name][1](content[:16]) is True), None)
        if content[4:8] == b"ftyp" and content[8:12] in _HEIF:
            other = f"HEIF ({content[8:12].decode()})"
        return BadImage(UNSUPPORTED, f"{other}: {begins}") if other else BadImage(NOT_AN_IMAGE, begins)
    if isinstance(error, Image.UnidentifiedImageError):  # which keeps the reason to itself
        try:
            Image.OPEN[known][0](io.BytesIO(content), "")
        except Exception as found:
            error = found
    cause = error.__cause__ or error
    ended = isinstance(cause, EOFError | IndexError | struct.error) or _ends_early(content, known)
    return BadImage(TRUNCATED if ended else reason_of(str(error)), f"{known}, {error}: {begins}")


def _ends_early(content: bytes, known: str) -> bool:
    """Tells whether a file says of itself that there should be more of it."""
    if known == "WEBP":
        return int.from_bytes(content[4:8], "little") + 8 > len(content)
    if known == "TIFF":  # where its tags are
        return int.from_bytes(content[4:8], "little" if content[:1] == b"I" else "big") >= len(content)
    return known == "JPEG" and b"\xff\xda" not in content


def decode_pixels(image: Image.Image) -> np.ndarray:
    """Decodes the first frame to uint8 RGB, `(height, width, 3)`, as stored.

    Transparency is put on white; 16 and 12 bits are scaled to 8.

    Raises:
        BadImage: If it cannot be decoded whole.
    """
    try:
        bits = 16
        if image.format == "TIFF":
            _check_strips(image)
            bits = max(image.tag_v2.get(_BITS_PER_SAMPLE_TAG, (bits,)))
        image.load()
        if image.mode.startswith("I;16"):
            # the upper byte, which is what Pillow keeps of 16-bit colour, too
            return np.repeat((np.asarray(image) >> (bits - 8)).astype(np.uint8)[:, :, None], 3, axis=2)
        if image.mode in ("I", "F"):
            raise BadImage(UNSUPPORTED, f"{image.format} of mode {image.mode}, which has no fixed brightness")
        if image.has_transparency_data:
            shown = image.convert("RGBA")
            # writers of 32-bit BMP leave the fourth byte 0 where there is no transparency
            if image.format == "BMP" and shown.getextrema()[3] == (0, 0):
                shown.putalpha(255)
            image = Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown)
        return np.asarray(image.convert("RGB"))
    except (BadImage, MemoryError):
        raise
    except Exception as error:  # damaged data raise OSError, SyntaxError, ValueError, struct.error, ...
        reason = TRUNCATED if isinstance(error, EOFError) else reason_of(str(error))
        raise BadImage(reason, f"{type(error).__name__}: {error}") from error


def _check_strips(image: Image.Image) -> None:
    """Raises `BadImage` if a TIFF's data are said to be where the file has ended; libtiff says only that it failed."""
    end = image.fp.seek(0, io.SEEK_END)
    for offsets, counts in (_STRIPS, _TILES):
        pairs = zip(image.tag_v2.get(offsets, ()), image.tag_v2.get(counts, ()), strict=False)
        last = max((offset + count for offset, count in pairs), default=0)
        if last > end:
            raise BadImage(TRUNCATED, f"TIFF whose data end at byte {last} of {end}")


def complaint_of(image_format: str, content: bytes) -> tuple[str, bool]:
    """Says what Pillow does not of a GIF or TIFF that it decoded; other formats have nothing left to say.

    Pillow takes a GIF whose data end before the picture does, and a TIFF whose tags are damaged; OpenCV does not.

    Returns:
        The complaint, or empty; and whether pixels may be wrong by it.
    """
    if image_format not in ("GIF", "TIFF"):
        return "", False
    words = ""
    if image_format == "GIF":  # of which the first frame is judged: others may be many, or damaged
        at = Image.open(io.BytesIO(content), formats=("GIF",)).tile[0].offset
        while at < len(content) and content[at]:
            at += 1 + content[at]
        if content[at + 1 : at + 2] not in (b",", b"!", b";"):
            words = "neither another frame nor the end follows the first frame"
        content = content[: at + 1] + b";"
    elif content[2:4] in (b"+\0", b"\0+"):  # BigTIFF, whose tags are written in another way
        return "", False
    elif _claimed_by_tags(content) > len(content):
        return "the tags claim more data than the file has", False
    try:
        whole = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) is not None
    except cv2.error:
        whole = False
    return (words, False) if whole else (f"OpenCV's {image_format} decoder cannot read it", image_format == "GIF")


def _claimed_by_tags(content: bytes) -> int:
    """Adds up the sizes in bytes of a TIFF's first tags (TIFF 6.0, section 2), each of which libtiff would copy."""
    order = "<" if content[:1] == b"I" else ">"
    first, number = struct.unpack_from(f"{order}I", content, 4)[0], 0
    if first + 2 <= len(content):
        number = min(struct.unpack_from(f"{order}H", content, first)[0], (len(content) - first - 2) // 12)
    entry = np.dtype([("tag", "u2"), ("type", "u2"), ("count", "u4"), ("value", "u4")]).newbyteorder(order)
    entries = np.frombuffer(content, entry, number, first + 2 if number else 0)
    widths = np.array([1, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8])  # by type
    return int((widths[np.minimum(entries["type"], 12)] * entries["count"].astype(np.int64)).sum())


def orientation(image: Image.Image) -> int:
    """Returns the EXIF orientation (Exif 2.32, section 4.6.4); 1, as stored, where there is none or EXIF is damaged.

    Pillow's `getexif` would take XMP's, too. It turns a TIFF, whose tags are EXIF's, while it decodes.
    """
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b""))
        return exif.get(_ORIENTATION_TAG, 1)
    except Exception:  # parsing damaged metadata raises anything
        return 1
