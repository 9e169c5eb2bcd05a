"""A PNG's picture is judged by its own chunks, whatever stands in the others."""

import io
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from stages.lib.data.formats import png as png_chunks
from stages.lib.data.formats.fault import BadImage
from stages.lib.data.images import decode
from tests.lib.data.encoded import encode, picture

MAX_PIXELS = 1_000_000
PLAIN = encode(picture(), "PNG")


def chunk(name: bytes, body: bytes, sound: bool = True) -> bytes:
    checksum = zlib.crc32(name + body) ^ (0 if sound else 1)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)


def with_chunk(name: bytes, body: bytes, sound: bool = True) -> bytes:
    return PLAIN[:33] + chunk(name, body, sound) + PLAIN[33:]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (with_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(1_500_000))), ""),
        (with_chunk(b"tEXt", b"k\0" + b"x" * 2_000_000), ""),
        (with_chunk(b"iTXt", b"k\0\1\0\0\0" + zlib.compress(bytes(3_000_000))), ""),
        (with_chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(2_000_000))), ""),
        (with_chunk(b"tEXt", b"k\0v", sound=False), "wrong checksum of the chunk tEXt"),
        (with_chunk(b"prVt", b"whatever"), ""),
        (PLAIN + b"after the end", ""),
        (PLAIN[:-12], "the file ends before its chunk IEND"),
        (PLAIN[:-1] + b"?", "wrong checksum of the chunk IEND"),
    ],
)
def test_what_is_beside_the_picture_changes_nothing(content, complaint):
    found = decode(content, MAX_PIXELS)
    assert np.array_equal(found.pixels, picture())
    assert (found.complaint, found.damaged) == (complaint, complaint.endswith("IEND") and complaint[0] == "w")


def test_wrong_image_data_are_told_by_their_checksum():
    rows = np.zeros((40, 1 + 3 * 40), np.uint8)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 40, 8, 2, 0, 0, 0))
    stored = bytearray(zlib.compress(rows.tobytes(), 0))  # not compressed, so that any byte is a pixel
    stored[2000] ^= 0x40
    adler = struct.pack(">I", zlib.adler32(bytes(stored[7:-4])))
    body = bytes(stored[:-4]) + adler
    content = png_chunks.START + header + chunk(b"IDAT", body, sound=False) + chunk(b"IEND", b"")
    found = decode(content, MAX_PIXELS)
    assert (found.complaint, found.damaged) == ("wrong checksum of the chunk IDAT", True)


@pytest.mark.parametrize("name", [b"IHDR", b"PLTE"])
def test_a_wrong_checksum_of_what_must_be_right_is_damage(name):
    content = encode(Image.fromarray(picture()).convert("P"), "PNG")
    at = content.index(name) + 4
    with pytest.raises(BadImage, match=f"damaged: .*checksum.*{name.decode()}"):
        decode(content[: at + 5] + bytes([content[at + 5] ^ 1]) + content[at + 6 :], MAX_PIXELS)


def test_a_transparency_whose_checksum_is_wrong_is_left_out_as_browsers_do():
    found = decode(with_chunk(b"tRNS", b"\0\1\0\2\0\3", sound=False), MAX_PIXELS)
    assert np.array_equal(found.pixels, picture())
    assert (found.complaint, found.damaged) == ("wrong checksum of the chunk tRNS", True)


def test_a_critical_chunk_of_another_kind_is_not_supported():
    with pytest.raises(BadImage, match="unsupported: PNG with the critical chunk CgBI"):
        decode(PLAIN[:8] + chunk(b"CgBI", b"\0\0\0\2") + PLAIN[8:], MAX_PIXELS)


def test_of_an_animation_nothing_but_the_picture_is_read():
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    content = encode(frames[0], "PNG", save_all=True, append_images=frames[1:])
    bare, complaint, damaged = png_chunks.picture_chunks(content)
    assert (complaint, damaged) == ("", False)
    assert not hasattr(Image.open(io.BytesIO(bare)), "n_frames") or Image.open(io.BytesIO(bare)).n_frames == 1


def test_bombs_in_text_and_profile_are_not_inflated():
    bomb = zlib.compress(bytes(100_000_000))
    content = PLAIN[:33] + b"".join(chunk(name, b"k\0\0" + bomb) for name in (b"zTXt", b"iCCP")) + PLAIN[33:]
    start = time.process_time()
    assert decode(content, MAX_PIXELS).complaint == ""
    assert time.process_time() - start < 0.2
