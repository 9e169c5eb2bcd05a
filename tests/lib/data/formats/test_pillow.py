"""Formats beside JPEG: what is shown, what is refused and why, and what hostile headers cost."""

import io
import struct
import tracemalloc

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from stages.lib.data.formats.fault import BadImage
from stages.lib.data.images import decode
from tests.lib.data.encoded import encode, picture

MAX_PIXELS = 1_000_000
LZW = encode(picture(), "TIFF", compression="tiff_lzw")
NOISE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def reason(content: bytes) -> str:
    with pytest.raises(BadImage) as caught:
        decode(content, MAX_PIXELS)
    return caught.value.reason


def bmp_of_32_bits(alpha: int, masks: bool) -> bytes:
    """A BMP of one colour, (0, 100, 200); with masks, it says that the fourth byte is alpha (BITMAPV5HEADER)."""
    size = 124 if masks else 40
    fields = struct.pack("<IiiHHIIiiII", size, 40, 30, 1, 32, 3 if masks else 0, 0, 0, 0, 0, 0)
    fields += struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) if masks else b""
    header = struct.pack("<2sIHHI", b"BM", 0, 0, 0, 14 + size) + fields.ljust(size, b"\0")
    return header + bytes([200, 100, 0, alpha]) * 1200


@pytest.mark.parametrize("masks", [False, True])
def test_a_bmp_whose_alpha_is_nought_everywhere_is_opaque(masks):
    assert (decode(bmp_of_32_bits(0, masks), MAX_PIXELS).pixels == (0, 100, 200)).all()
    assert (decode(bmp_of_32_bits(255, masks), MAX_PIXELS).pixels == (0, 100, 200)).all()


def test_a_bmp_whose_alpha_is_used_lies_on_white():
    assert decode(bmp_of_32_bits(51, masks=True), MAX_PIXELS).pixels[0, 0].tolist() == [204, 224, 244]


SOUND = {
    "PNG": [("RGB", {}), ("L", {}), ("1", {}), ("P", {}), ("RGBA", {}), ("LA", {})],
    "GIF": [("P", {}), ("L", {}), ("1", {}), ("P", {"interlace": 0}), ("P", {"transparency": 3})],
    "WEBP": [("RGB", {"lossless": True}), ("RGBA", {"lossless": True, "exact": True})],
    "BMP": [("RGB", {}), ("L", {}), ("1", {}), ("P", {}), ("RGBA", {})],
    "TIFF": [
        *((mode, {}) for mode in ("RGB", "L", "1", "P", "RGBA", "CMYK", "YCbCr", "LA")),
        *(("RGB", {"compression": name}) for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits")),
        ("1", {"compression": "group4"}),
    ],
}


@pytest.mark.parametrize(
    ("kind", "mode", "options"), [(kind, *case) for kind, cases in SOUND.items() for case in cases]
)
def test_sound_files_show_what_was_drawn_and_get_no_complaint(kind, mode, options):
    drawn = Image.fromarray(picture()).convert(mode)
    found = decode(encode(drawn, kind, **options), MAX_PIXELS)
    assert (found.complaint, found.damaged) == ("", False)
    shown = drawn.convert("RGBA")
    shown = np.asarray(Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown).convert("RGB"))
    if "transparency" in options:
        shown = np.where((np.asarray(drawn) == 3)[:, :, None], 255, shown)
    assert np.array_equal(found.pixels, shown)


def test_12_bits_are_scaled():
    ramp = np.tile(np.linspace(0, 4095, 40).astype(np.uint16), (40, 1))
    packed = np.empty((40, 60), np.uint8)  # two values in three bytes
    packed[:, 0::3], packed[:, 2::3] = ramp[:, 0::2] >> 4, ramp[:, 1::2] & 255
    packed[:, 1::3] = (ramp[:, 0::2] & 15) << 4 | ramp[:, 1::2] >> 8
    tags = [(256, 3, 1, 40), (257, 3, 1, 40), (258, 3, 1, 12), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 122)]
    tags += [(277, 3, 1, 1), (278, 3, 1, 40), (279, 4, 1, packed.size)]
    content = b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags))
    content += b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    pixels = decode(content.ljust(122, b"\0") + packed.tobytes(), MAX_PIXELS).pixels
    assert np.array_equal(pixels[0, :, 0], ramp[0] >> 4)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (encode(picture(), "JPEG2000"), "unsupported"),
        (encode(picture(), "AVIF"), "unsupported"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), "unsupported"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isomavc1" + bytes(40), "not_an_image"),
        (LZW[:-900], "truncated"),
        (encode(picture(), "TIFF")[:-900], "truncated"),
        (encode(picture(), "BMP")[:-900], "truncated"),
        (encode(picture(), "WEBP", lossless=True)[:-90], "truncated"),
        (LZW[:400] + b"\xff" * 90 + LZW[490:], "damaged"),
        (b"BM" + bytes(60), "unsupported"),
        (b"%PDF-1.4\n" + bytes(40), "not_an_image"),
    ],
)  # fmt: skip
def test_a_reason_is_what_happened(content, expected):
    assert reason(content) == expected


def test_a_gif_whose_data_end_early_is_damaged():
    content = encode(Image.fromarray(NOISE).convert("P"), "GIF")
    start = Image.open(io.BytesIO(content)).tile[0].offset
    first = content[start]
    cut = content[: start + 1 + first] + b"\0;"  # the first block alone
    found = None
    try:
        found = decode(cut, MAX_PIXELS)
    except BadImage as fault:
        assert fault.reason in ("truncated", "damaged")
    assert found is None or found.damaged


def test_frames_behind_the_first_are_not_judged():
    frames = [Image.fromarray(picture(seed=seed)).convert("L") for seed in range(3)]
    content = bytearray(encode(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    content[-300:-1] = bytes(299)
    found = decode(bytes(content), MAX_PIXELS)
    assert (found.complaint, found.damaged) == ("", False)


def huge(kind: str) -> bytes:
    """A header that claims a picture of gigabytes."""
    content = bytearray(encode(Image.fromarray(picture()).convert("P" if kind == "GIF" else "RGB"), kind))
    if kind == "GIF":
        content[6:10] = struct.pack("<HH", 65535, 65535)
    if kind == "BMP":
        content[18:26] = struct.pack("<ii", 2**31 - 1, 2**31 - 1)
    if kind == "WEBP":
        frames = [Image.fromarray(picture(seed=seed)) for seed in range(2)]
        content = bytearray(encode(frames[0], kind, save_all=True, append_images=frames[1:]))
        content[24:30] = b"\xfe\x3f\0\xfe\x3f\0"
    return bytes(content)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "WEBP"])
def test_a_huge_header_allocates_nothing(kind):
    content = huge(kind)
    tracemalloc.start()
    assert reason(content) == "too_many_pixels"
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_tags_that_share_their_data_are_not_copied():
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    content = encode(picture(), "TIFF", tiffinfo=tags)
    first = struct.unpack_from("<I", content, 4)[0]
    number = struct.unpack_from("<H", content, first)[0]
    entries = content[first + 2 : first + 2 + 12 * number]
    shared = b"".join(struct.pack("<HHII", 40000 + tag, 7, len(content), 0) for tag in range(300))
    moved = len(content) + len(content) % 2
    hostile = content[:4] + struct.pack("<I", moved) + content[8:].ljust(moved - 8, b"\0")
    hostile += struct.pack("<H", number + 300) + entries + shared + bytes(4)
    found = decode(hostile, MAX_PIXELS)
    assert np.array_equal(found.pixels, picture())
    assert found.complaint == "the tags claim more data than the file has"
