"""Every image that a server may send comes out as a person would see it, or with the reason why not."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from stages.lib.core.errors import PipelineError
from stages.lib.data.formats import jpeg, pillow
from stages.lib.data.formats.fault import BadImage
from stages.lib.data.images import decode, read_raw, read_square, stretch
from tests.lib.data.encoded import encode, picture, png

MAX_PIXELS = 1_000_000
SIDE_PX = 80


def pixels_of(content: bytes) -> np.ndarray:
    """The pixels at full size."""
    picture = decode(content, MAX_PIXELS)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.flags.c_contiguous
    assert picture.pixels.shape == (picture.height_px, picture.width_px, 3)
    return picture.pixels


def reason(content: bytes) -> str:
    with pytest.raises(BadImage) as caught:
        decode(content, MAX_PIXELS)
    assert " at 0x" not in caught.value.detail, "an address would differ from run to run"
    return caught.value.reason


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_lossless_colour_comes_out_as_it_went_in(kind):
    assert np.array_equal(pixels_of(encode(picture(), kind)), picture())


@pytest.fixture
def no_pillow(monkeypatch):
    """Whatever Pillow is asked to decode fails the test."""
    monkeypatch.setattr(pillow, "decode_pixels", lambda _: pytest.fail("was decoded by Pillow"))


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("options", [{"quality": 95, "subsampling": 0}, {"quality": 30}, {"progressive": True}])
@pytest.mark.parametrize("size", [(64, 48), (67, 41)])
def test_both_decoders_read_the_same_jpeg_pixels(mode, options, size, no_pillow):
    content = encode(Image.fromarray(picture(*size)).convert(mode), "JPEG", **options)
    by_pillow = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    assert np.array_equal(pixels_of(content), by_pillow)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize(("least_px", "factor"), [(97, 1), (96, 2), (49, 2), (48, 4), (24, 8), (3, 8)])
def test_a_reduced_jpeg_is_the_mean_of_its_pixels(mode, least_px, factor):
    rough = Image.fromarray(picture(8, 6)).convert(mode)
    content = encode(rough.resize((256, 192), Image.Resampling.BICUBIC), "JPEG", quality=95, subsampling=0)
    reduced = decode(content, MAX_PIXELS, least_px)
    means = pixels_of(content).reshape(192 // factor, factor, 256 // factor, factor, 3).mean(axis=(1, 3))
    assert reduced.pixels.shape == means.shape
    assert np.abs(reduced.pixels - means).mean() < 1
    assert (reduced.width_px, reduced.height_px) == (256, 192)


@pytest.mark.parametrize(("size", "reduced_size"), [((255, 193), (128, 97)), ((193, 257), (97, 129))])
def test_an_odd_size_is_halved_and_rounded_up(size, reduced_size):
    assert decode(encode(picture(*size), "JPEG"), MAX_PIXELS, 96).pixels.shape == (*reduced_size[::-1], 3)


def test_a_reduced_jpeg_is_upright():
    stored = np.zeros((64, 96, 3), np.uint8)
    stored[:32, :48] = 255, 0, 0
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to the right
    reduced = decode(encode(stored, "JPEG", exif=exif, quality=95, subsampling=0), MAX_PIXELS, 32)
    assert (reduced.width_px, reduced.height_px) == (64, 96)
    assert reduced.pixels.shape == (48, 32, 3)
    assert (np.abs(reduced.pixels[:20, 20:] - np.array([255, 0, 0.0])) < 8).all()
    assert (reduced.pixels[:20, :12] < 8).all()


@pytest.mark.parametrize("kind", ["JPEG", "CMYK JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(kind, orientation):
    # what the camera stored is the upright picture turned the other way round
    undo = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: np.rot90(p, 1),
        7: lambda p: np.rot90(p.swapaxes(0, 1), 2),
        8: lambda p: np.rot90(p, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 95}, "CMYK JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(kind, {})
    stored = Image.fromarray(np.ascontiguousarray(undo[orientation](picture())))
    mode, kind = ("CMYK", "JPEG") if kind == "CMYK JPEG" else ("RGB", kind)
    pixels = pixels_of(encode(stored.convert(mode), kind, exif=exif, **options))
    assert pixels.shape == picture().shape
    assert np.abs(pixels.astype(int) - picture()).mean() < 3


XMP = b'<x:xmpmeta xmlns:tiff="http://ns.adobe.com/tiff/1.0/"><a tiff:Orientation="6"/></x:xmpmeta>'


@pytest.mark.parametrize("with_exif", [False, True])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"xmp": XMP}),
        ("JPEG", {"xmp": XMP, "progressive": True}),
        ("PNG", {}),
        ("WEBP", {"xmp": XMP}),
        ("TIFF", {"tiffinfo": {700: XMP}}),
    ],
)
def test_an_orientation_in_xmp_is_not_applied(kind, options, with_exif):
    exif = Image.Exif()
    exif[0x010F] = "a maker"  # EXIF without an orientation
    if with_exif and kind != "TIFF":
        options = options | {"exif": exif}
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", XMP.decode())
        options = options | {"pnginfo": text}
    content = encode(picture(), kind, **options)
    assert Image.open(io.BytesIO(content)).getexif().get(0x0112) == 6, "Pillow would turn it"
    assert pixels_of(content).shape == picture().shape
    found = decode(broken_at_the_header(content) if kind == "JPEG" else content, MAX_PIXELS)
    assert found.pixels.shape == picture().shape


def broken_at_the_header(jpeg_content: bytes) -> bytes:
    """Puts stray bytes before the tables, so that Pillow decodes it."""
    at = jpeg_content.index(b"\xff\xdb")
    return jpeg_content[:at] + bytes(3) + jpeg_content[at:]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_asks_for_nothing():
    sound = encode(picture(), "JPEG")
    exif = b"Exif\x00\x00II*\x00\xff\xff\xff\xff"
    content = sound[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + sound[2:]
    assert np.array_equal(pixels_of(content), pixels_of(sound))


def test_grey_has_three_equal_channels():
    grey = picture()[:, :, 0]
    assert np.array_equal(pixels_of(encode(grey, "PNG")), np.repeat(grey[:, :, None], 3, axis=2))


def test_black_and_white():
    pixels = pixels_of(encode(Image.fromarray(picture()).convert("1"), "PNG"))
    assert set(np.unique(pixels)) == {0, 255}


def test_cmyk_jpeg_shows_its_colours():
    content = encode(Image.new("CMYK", (40, 40), (0, 255, 255, 0)), "JPEG")
    assert np.abs(pixels_of(content)[20, 20].astype(int) - (255, 0, 0)).max() < 6


def test_palette_transparency_lies_on_white():
    image = Image.new("P", (40, 40), 0)
    image.putpalette([0, 0, 0, 200, 10, 20])
    image.paste(1, (20, 0, 40, 40))
    pixels = pixels_of(encode(image, "PNG", transparency=0))
    assert pixels[5, 5].tolist() == [255, 255, 255]
    assert pixels[5, 30].tolist() == [200, 10, 20]


@pytest.mark.parametrize(("alpha", "shown"), [(0, [255, 255, 255]), (255, [0, 100, 200]), (51, [204, 224, 244])])
def test_alpha_lies_on_white(alpha, shown):
    content = encode(Image.new("RGBA", (40, 40), (0, 100, 200, alpha)), "PNG")
    assert pixels_of(content)[0, 0].tolist() == shown


def test_grey_with_alpha_lies_on_white():
    assert pixels_of(encode(Image.new("LA", (40, 40), (0, 0)), "PNG"))[0, 0].tolist() == [255, 255, 255]


def test_16_bit_grey_is_scaled():
    ramp = np.repeat(np.linspace(0, 65535, 40).astype(np.uint16)[None], 40, axis=0)
    pixels = pixels_of(encode(ramp, "PNG"))
    assert np.array_equal(pixels[0, :, 0], ramp[0] >> 8)
    assert pixels[0, -1].tolist() == [255, 255, 255]


def test_16_bit_colour_is_scaled():
    row = b"\x00" + struct.pack(">HHH", 65535, 32768, 256) * 40
    assert pixels_of(png(40, 40, 16, 2, row * 40))[0, 0].tolist() == [255, 128, 1]


def test_of_an_animation_the_first_frame_is_taken():
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue", "lime")]
    content = encode(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)
    assert (pixels_of(content) == (255, 0, 0)).all()


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})])
def test_other_formats_with_several_frames_show_the_first(kind, options):
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    content = encode(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert Image.open(io.BytesIO(content)).n_frames == 2
    assert (pixels_of(content) == (255, 0, 0)).all()


def test_the_transparent_part_of_an_animation_lies_on_white():
    frames = [Image.new("RGBA", (40, 40), (0, 100, 200, alpha)) for alpha in (0, 255)]
    content = encode(frames[0], "PNG", save_all=True, append_images=frames[1:])
    assert (pixels_of(content) == 255).all()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_jpeg_cut_short_is_truncated(share, options):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    content = encode(noise, "JPEG", **options)
    assert reason(content[: max(4, int(len(content) * share))]) == "truncated"


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "BMP"])
def test_other_formats_cut_short_are_truncated(kind):
    content = encode(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8), kind)
    assert reason(content[: len(content) // 2]) == "truncated"
    assert reason(content[:20]) == "truncated"


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"<!DOCTYPE html><html>404</html>", b"%!PS-Adobe-3.0 EPSF-3.0\n", bytes(500)]
)
def test_what_is_not_an_image(content):
    assert reason(content) == "not_an_image"


def test_values_without_a_fixed_brightness_are_not_supported():
    assert reason(encode(Image.fromarray(np.ones((40, 40), np.float32)), "TIFF")) == "unsupported"


@pytest.mark.filterwarnings("ignore:Image size")
def test_the_limit_itself_is_allowed():
    content = encode(picture(32, 32), "PNG")
    assert decode(content, 32 * 32).width_px == 32
    with pytest.raises(BadImage, match="too_many_pixels: 32x32 px"):
        decode(content, 32 * 32 - 1)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_bomb_is_refused_by_its_header(kind, no_pillow, monkeypatch):
    monkeypatch.setattr(jpeg.simplejpeg, "decode_jpeg", lambda *_, **__: pytest.fail("was decoded"))
    bomb = png(60_000, 60_000, 8, 2, b"") if kind == "PNG" else encode(picture(), "JPEG")
    if kind == "JPEG":  # the frame header: marker, length, precision, height, width
        frame = bomb.index(b"\xff\xc0")
        bomb = bomb[: frame + 5] + struct.pack(">HH", 60_000, 60_000) + bomb[frame + 9 :]
    assert reason(bomb) == "too_many_pixels"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(PipelineError, match=r"images/ab/abc.*dvc repro"):
        read_raw(tmp_path, "abc")


def test_an_image_of_the_right_size_is_not_touched():
    pixels = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
    assert stretch(pixels, SIDE_PX) is pixels


def test_a_long_side_is_averaged_even_if_the_other_grows():
    stripes = np.zeros((40, 8 * SIDE_PX, 3), np.uint8)
    stripes[:, ::8] = 248
    # one column in eight is lit: the mean is an eighth of it, where sampling would give 0 or 248
    assert (stretch(stripes, SIDE_PX) == 31).all()


@pytest.mark.parametrize("factor", [2, 3, 8])
def test_a_side_that_is_some_times_too_long_becomes_the_mean(factor):
    pixels = np.random.default_rng(factor).integers(0, 256, (SIDE_PX * factor, SIDE_PX * factor, 3), dtype=np.uint8)
    means = pixels.reshape(SIDE_PX, factor, SIDE_PX, factor, 3).mean(axis=(1, 3))
    assert np.abs(stretch(pixels, SIDE_PX) - means).max() <= 0.5


@pytest.mark.parametrize("length_px", [SIDE_PX + 1, 2 * SIDE_PX - 1, 2 * SIDE_PX + 1, 5 * SIDE_PX - 1])
def test_shrinking_leaves_no_pixel_out(length_px):
    for lit in range(SIDE_PX, SIDE_PX + 8):  # far from the border
        line = np.zeros((SIDE_PX, length_px, 3), np.uint8)
        line[:, lit * length_px // (3 * SIDE_PX)] = 255
        assert stretch(line, SIDE_PX).any()


def test_colours_stay_rgb():
    red = np.full((50, 90, 3), (255, 0, 0), np.uint8)
    assert (stretch(red, SIDE_PX) == (255, 0, 0)).all()


@pytest.mark.parametrize(("kind", "size"), [("JPEG", (200, 300)), ("JPEG", (60, 90)), ("PNG", (200, 300))])
def test_a_square_is_the_picture_at_once_decoded_and_stretched(kind, size):
    content = encode(picture(*size), kind)
    square, whole = read_square(content, SIDE_PX, MAX_PIXELS), decode(content, MAX_PIXELS)
    assert (square.width_px, square.height_px) == size
    assert square.pixels.shape == (SIDE_PX, SIDE_PX, 3)
    assert np.abs(square.pixels.astype(int) - stretch(whole.pixels, SIDE_PX)).mean() < 2
