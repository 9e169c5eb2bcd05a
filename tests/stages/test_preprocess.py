"""The tensors are the sound images, decoded and stretched; of the others the reason is noted."""

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
from stages.lib.data.images import decode
from stages.lib.data.outcomes import read_decoded
from stages.lib.data.shards import ShardedArray

SIDE_PX, MAX_PIXELS = 80, 160 * 160
SIZES = [(200, 120), (40, 60), (80, 80), (200, 40), (30, 90), (81, 80), (75, 75), (160, 160)]


def encoded(seed: int, width: int, height: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG" if seed % 2 else "JPEG")
    return buffer.getvalue()


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


class Project:
    """A checkout with what fetch writes."""

    def __init__(self, root):
        self.root, self.bodies, self.statuses = root, {}, {}
        self.raw = root / "data/raw"

    def add(self, body: bytes, status: str = "ok") -> str:
        key = hashlib.md5(body).hexdigest()
        if status == "ok":
            path = self.path(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
            self.bodies[key] = body
        self.statuses[key] = status
        fetched = pd.DataFrame({"md5hash": self.statuses.keys(), "status": self.statuses.values(), "detail": ""})
        fetched.to_csv(self.raw / "fetch.csv", index=False)
        return key

    def path(self, key):
        return self.raw / "images" / key[:2] / key

    def tensors(self):
        preprocess.main()
        return ShardedArray(self.root / "data/tensors")

    def outcomes(self):
        return read_decoded(pd.Series(list(self.bodies), index=list(self.bodies)))

    def files(self):
        return {path.name: path.read_bytes() for path in (self.root / "data").rglob("*") if path.is_file()}


@pytest.fixture
def project(tmp_path, monkeypatch):
    params = load_params().model_copy(
        update={"dataset": "sample", "preprocess": Preprocess(image_size_px=SIDE_PX, max_pixels=MAX_PIXELS)}
    )
    monkeypatch.setattr(preprocess, "load_params", lambda: params)
    monkeypatch.chdir(tmp_path)
    made = Project(tmp_path)
    for seed, size in enumerate(SIZES * 3):
        made.add(encoded(seed, *size))
    return made


def test_tensors_are_the_decoded_and_resized_images(project):
    data, bodies = project.tensors(), project.bodies
    assert data.keys == sorted(bodies)
    assert (data.item_shape, data.dtype) == ((SIDE_PX, SIDE_PX, 3), np.uint8)
    for key, tensor in zip(bodies, data.gather(data.positions(list(bodies))), strict=True):
        pixels = decode(bodies[key], MAX_PIXELS, SIDE_PX).pixels
        if max(pixels.shape[:2]) < 2 * SIDE_PX:  # longer sides have their own tests
            pixels = cv2.resize(pixels, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR)
            assert np.array_equal(tensor, pixels), key


def test_sizes_are_noted(project):
    project.tensors()
    noted = project.outcomes()
    assert list(zip(noted["width_px"], noted["height_px"], strict=True)) == SIZES * 3
    assert (noted[["reason", "detail"]] == "").all(axis=None)
    assert noted["pixels_digest"].is_unique


def test_what_cannot_be_decoded_is_noted_and_has_no_tensor(project):
    whole = encoded(100, 90, 90)
    faults = {
        project.add(whole[: len(whole) // 2]): ("truncated", "truncated"),
        project.add(b"<html>gone</html>"): ("not_an_image", "17 bytes"),
        project.add(encoded(101, 161, 160)): ("too_many_pixels", "161x160 px"),
    }
    absent = project.add(b"never came", status="fetch_failed")
    data, noted = project.tensors(), project.outcomes()
    assert data.keys == sorted(set(project.bodies) - set(faults))
    assert absent not in data.keys
    for key, (reason, detail) in faults.items():
        assert noted.loc[key, "reason"] == reason
        assert detail in noted.loc[key, "detail"]
        assert pd.isna(noted.loc[key, "width_px"])
    sound = [key for key in project.bodies if key not in faults]
    for key, tensor in zip(sound, data.gather(data.positions(sound)), strict=True):
        assert np.array_equal(tensor, preprocess.tensor(project.raw, key, preprocess.load_params().preprocess)[1])


def test_the_digest_is_of_size_and_pixels_not_of_the_file(project):
    content = encoded(100, 90, 90)
    same = [project.add(content), project.add(content[:2] + b"\xff\xfe\x00\x05abc" + content[2:])]
    flat = [project.add(png(np.zeros(shape, np.uint8))) for shape in ((40, 80, 3), (80, 40, 3))]
    project.tensors()
    digests = project.outcomes()["pixels_digest"]
    assert digests.loc[same].nunique() == 1
    assert digests.loc[flat].nunique() == 2


def test_nothing_decodable_is_told_and_writes_nothing(project):
    for key in project.bodies:
        project.path(key).write_bytes(b"<html>")
    with pytest.raises(PipelineError, match=r"none of 24 images can be decoded \(24 not_an_image\)"):
        preprocess.main()
    assert sorted(path.name for path in (project.root / "data").iterdir()) == ["raw"]


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


def test_a_second_run_writes_the_same_bytes(project):
    project.add(b"<html>")
    data = project.tensors()
    first = project.files()
    assert set(first) >= {f"{key[0]}.npy" for key in data.keys} | {"index.csv", "decoded.csv"}
    project.tensors()
    assert project.files() == first


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
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["raw"]


def test_a_missing_table_is_named(project):
    (project.raw / "fetch.csv").unlink()
    with pytest.raises(PipelineError, match=r"fetch\.csv: missing"):
        preprocess.main()


def test_an_image_that_is_gone_is_named(project):
    key = next(iter(project.bodies))
    project.path(key).unlink()
    with pytest.raises(PipelineError, match=f"{key}: missing"):
        preprocess.main()
    assert not (project.root / "data/tensors").exists()
