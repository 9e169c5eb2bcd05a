"""What libjpeg complains of is kept beside the pixels, and told apart: pixels may be wrong, or not."""

import io
import re

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from stages.lib.data.formats import jpeg
from stages.lib.data.formats.fault import BadImage
from stages.lib.data.images import decode
from tests.lib.data.encoded import encode, picture

MAX_PIXELS = 1_000_000
NOISE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
PLAIN = encode(NOISE, "JPEG", quality=85)
SCAN = PLAIN.index(b"\xff\xda") + 14


def with_stray_bytes(content: bytes, marker: bytes) -> bytes:
    at = content.index(marker)
    return content[:at] + b"\x00\x07\xff\x00" + content[at:]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (PLAIN[:-200] + b"\xff\xd9", "premature end of data segment"),
        (PLAIN[:-200] + bytes(198) + b"\xff\xd9", "extraneous bytes before marker 0xd9|bad Huffman code"),
        (PLAIN[:SCAN] + PLAIN[SCAN + 51 :], "597 extraneous bytes before marker 0xd9"),
        (PLAIN[:-2] + bytes(9) + PLAIN[-2:], "extraneous bytes before marker 0xd9"),
        (
            encode(NOISE, "JPEG", restart_marker_blocks=2).replace(b"\xff\xd3", b"", 1),
            "before marker 0xd4|instead of RST3",
        ),
        (encode(Image.fromarray(NOISE).convert("CMYK"), "JPEG")[:-200] + b"\xff\xd9", "premature end"),
        (encode(Image.fromarray(NOISE).convert("L"), "JPEG")[:-200] + b"\xff\xd9", "premature end"),
        (with_stray_bytes(PLAIN[:-200] + b"\xff\xd9", b"\xff\xc4"), "premature end"),
    ],
    ids=["cut and closed", "zeroed", "removed", "after the last code", "restart", "CMYK", "grey", "behind stray bytes"],
)
def test_pixels_that_may_be_wrong_are_told_in_the_decoders_words(content, words):
    found = decode(content, MAX_PIXELS)
    assert re.search(words, found.complaint), found.complaint
    assert found.damaged
    assert found.pixels.shape == (48, 64, 3)


@pytest.mark.parametrize("marker", [b"\xff\xdb", b"\xff\xc0", b"\xff\xc4", b"\xff\xda"])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_stray_bytes_in_the_header_touch_no_pixel(marker, mode):
    content = encode(Image.fromarray(NOISE).convert(mode), "JPEG")
    found = decode(with_stray_bytes(content, marker), MAX_PIXELS)
    assert "extraneous bytes before marker" in found.complaint
    assert not found.damaged
    assert np.abs(found.pixels.astype(int) - decode(content, MAX_PIXELS).pixels).max() <= (1 if mode == "CMYK" else 0)


def test_a_jfif_version_of_the_future_touches_no_pixel():
    found = decode(PLAIN.replace(b"JFIF\0\1", b"JFIF\0\7", 1), MAX_PIXELS)
    assert "JFIF" in found.complaint
    assert not found.damaged


def test_an_unusual_sampling_is_decoded_and_said_not_to_be_judged():
    at = PLAIN.index(b"\xff\xc0") + 11  # the first component's sampling
    content = PLAIN[:at] + b"\x31" + PLAIN[at + 1 :]
    with pytest.raises(ValueError, match="subsampling"):
        simplejpeg.decode_jpeg(content)
    grey = decode(content, MAX_PIXELS)
    assert grey.complaint.startswith("not judged: ")
    assert not grey.damaged


@pytest.mark.parametrize("kind", [{}, {"progressive": True}, {"restart_marker_blocks": 4}, {"subsampling": "4:4:4"}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_sound_files_get_no_complaint_and_the_pixels_of_pillow(kind, mode):
    content = encode(Image.fromarray(picture(67, 41)).convert(mode), "JPEG", **kind)
    found = decode(content, MAX_PIXELS)
    by_pillow = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    assert (found.complaint, found.damaged) == ("", False)
    assert np.abs(found.pixels.astype(int) - by_pillow).max() <= (1 if mode == "CMYK" else 0)


def test_a_picture_with_others_behind_it_is_its_first():
    content = encode(picture(), "MPO", save_all=True, append_images=[Image.fromarray(picture(seed=1))])
    found = decode(content, MAX_PIXELS)
    assert found.complaint == ""
    assert np.abs(found.pixels.astype(int) - picture()).mean() < 10


def test_thousands_of_scans_are_refused_before_they_cost_minutes():
    content = encode(picture(), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    with pytest.raises(BadImage, match=r"unsupported: JPEG of \d+ scans, more than 100"):
        decode(content[:-2] + content[last:-2] * 200 + content[-2:], MAX_PIXELS)


def test_marks_of_scans_in_what_follows_the_picture_are_none():
    tail = b"\xff\xda" * (jpeg.MAX_SCANS + 1)
    assert decode(PLAIN + tail, MAX_PIXELS).complaint == ""
