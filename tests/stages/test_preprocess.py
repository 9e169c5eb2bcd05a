"""The tensors are the images, decoded and stretched; a run that fails leaves none."""

import hashlib
import io

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from stages import preprocess
from stages.lib.core.errors import PipelineError
from stages.lib.core.params import load_params
from stages.lib.core.sections import Preprocess
from stages.lib.data.images import decode_rgb
from stages.lib.data.shards import ShardedArray

SIDE_PX = 80
SIZES = [(200, 120), (40, 60), (80, 80), (200, 40), (30, 90), (81, 80), (75, 75), (160, 160)]


def encoded(seed: int, width: int, height: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG" if seed % 2 else "JPEG")
    return buffer.getvalue()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A checkout with raw images and a manifest; the images by key, in the manifest's order."""
    params = load_params().model_copy(update={"dataset": "sample", "preprocess": Preprocess(image_size_px=SIDE_PX)})
    monkeypatch.setattr(preprocess, "load_params", lambda: params)
    bodies = {}
    for seed, size in enumerate(SIZES * 3):
        body = encoded(seed, *size)
        key = hashlib.md5(body).hexdigest()
        path = tmp_path / "data/raw/sample/images" / key[:2] / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        bodies[key] = body
    manifest = pd.DataFrame({"md5hash": list(bodies), "fitzpatrick_scale": 3, "label": "acne"})
    manifest.to_csv(tmp_path / "data/manifest.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return bodies


def test_tensors_are_the_decoded_and_resized_images(project, tmp_path):
    preprocess.main()
    data = ShardedArray(tmp_path / "data/tensors")
    assert data.keys == sorted(project)
    assert (data.item_shape, data.dtype) == ((SIDE_PX, SIDE_PX, 3), np.uint8)
    for key, tensor in zip(project, data.gather(data.positions(list(project))), strict=True):
        pixels = decode_rgb(project[key], SIDE_PX)
        if max(pixels.shape[:2]) < 2 * SIDE_PX:  # longer sides have their own tests
            pixels = cv2.resize(pixels, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR)
            assert np.array_equal(tensor, pixels), key


def test_an_image_of_the_right_size_is_not_touched():
    pixels = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
    assert preprocess.stretch(pixels, SIDE_PX) is pixels


def test_a_long_side_is_averaged_even_if_the_other_grows():
    stripes = np.zeros((40, 8 * SIDE_PX, 3), np.uint8)
    stripes[:, ::8] = 248
    # one column in eight is lit: the mean is an eighth of it, where sampling would give 0 or 248
    assert (preprocess.stretch(stripes, SIDE_PX) == 31).all()


@pytest.mark.parametrize("factor", [2, 3, 8])
def test_a_side_that_is_some_times_too_long_becomes_the_mean(factor):
    pixels = np.random.default_rng(factor).integers(0, 256, (SIDE_PX * factor, SIDE_PX * factor, 3), dtype=np.uint8)
    means = pixels.reshape(SIDE_PX, factor, SIDE_PX, factor, 3).mean(axis=(1, 3))
    assert np.abs(preprocess.stretch(pixels, SIDE_PX) - means).max() <= 0.5


@pytest.mark.parametrize("length_px", [SIDE_PX + 1, 2 * SIDE_PX - 1, 2 * SIDE_PX + 1, 5 * SIDE_PX - 1])
def test_shrinking_leaves_no_pixel_out(length_px):
    for lit in range(SIDE_PX, SIDE_PX + 8):  # far from the border
        line = np.zeros((SIDE_PX, length_px, 3), np.uint8)
        line[:, lit * length_px // (3 * SIDE_PX)] = 255
        assert preprocess.stretch(line, SIDE_PX).any()


def test_colours_stay_rgb():
    red = np.full((50, 90, 3), (255, 0, 0), np.uint8)
    assert (preprocess.stretch(red, SIDE_PX) == (255, 0, 0)).all()


def test_a_second_run_writes_the_same_bytes(project, tmp_path):
    def run():
        preprocess.main()
        return {path.name: path.read_bytes() for path in (tmp_path / "data/tensors").iterdir()}

    first = run()
    assert set(first) == {f"{key[0]}.npy" for key in project} | {"index.csv"}
    assert run() == first


@pytest.mark.parametrize("error", [KeyboardInterrupt, PipelineError("gone"), RuntimeError])
def test_an_interrupted_run_leaves_no_tensors(project, tmp_path, monkeypatch, error):
    whole, calls = preprocess.tensor, []

    def fail_late(*args):
        calls.append(args)
        if len(calls) > 10:
            raise error
        return whole(*args)

    monkeypatch.setattr(preprocess, "tensor", fail_late)
    with pytest.raises(error if isinstance(error, type) else type(error)):
        preprocess.main()
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["manifest.csv", "raw"]


def test_a_missing_manifest_is_named(project, tmp_path):
    (tmp_path / "data/manifest.csv").unlink()
    with pytest.raises(PipelineError, match=r"manifest\.csv: missing"):
        preprocess.main()


@pytest.mark.parametrize(("content", "message"), [(None, "missing"), (b"<html>", "changed since validate")])
def test_an_image_that_is_gone_or_changed_is_named(project, tmp_path, content, message):
    key = next(iter(project))
    path = tmp_path / "data/raw/sample/images" / key[:2] / key
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(PipelineError, match=f"{key}.*{message}"):
        preprocess.main()
    assert not (tmp_path / "data/tensors").exists()
