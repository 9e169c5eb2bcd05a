import pytest

from stages.lib.fetch.intake import kind_of


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "JPEG image"),
        (b"\x89PNG\r\n\x1a\n", "PNG image"),
        (b"GIF89a", "GIF image"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "WebP image"),
        (b"RIFF\x10\0\0\0WAVE", "no image"),
        (b"II*\0", "TIFF image"),
        (b"BM\x10", "BMP image"),
        (b"", "empty body"),
        (b"\xef\xbb\xbf\r\n <!DOCTYPE html>", "HTML page"),
        (b"<HTML>", "HTML page"),
        (b"404 not found", "no image"),
    ],
)
def test_a_file_is_what_it_starts_with(start, kind):
    assert kind_of(start) == kind
