"""A saved network comes back whole, on its own input and on photographs, or says what is wrong."""

import json
from pathlib import Path

import numpy as np
import pytest

from stages.lib.backbone import backbones, origin
from stages.lib.core.errors import PipelineError
from stages.lib.core.sections import BackboneSpec, Row
from stages.lib.data.shard_writer import ShardSetWriter
from stages.lib.data.shards import ShardedArray
from stages.lib.data.side_inputs import SideInput
from stages.lib.network import artifact
from stages.lib.network.artifact import Artifact

CLASSES = ["acne", "melanoma", "nevus"]
SIDE_PX = 64
KEYS = [f"{n:x}" + "0" * 31 for n in range(6)]
IMAGES = np.random.default_rng(0).integers(0, 256, (6, SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
SEX = SideInput(column="sex", kind="categorical", values=["female", "male"])
SIDES = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]]


def write(directory: Path, items: np.ndarray) -> ShardedArray:
    with ShardSetWriter(directory, KEYS, items.shape[1:], items.dtype) as writer:
        for key, item in zip(KEYS, items, strict=True):
            writer.write(key[0], 0, item[None])
    return ShardedArray(directory)


@pytest.fixture
def tensors(tmp_path, monkeypatch) -> ShardedArray:
    monkeypatch.chdir(tmp_path)
    return write(Path("data/tensors"), IMAGES)


def on_features(precision: str) -> tuple[np.ndarray, Row, BackboneSpec]:
    """Writes features as the stage does; returns them, a row on them and what made them."""
    spec = BackboneSpec(name="mobilenetv2", weights="random", rescale="native", precision=precision)
    backbone = backbones.build_backbone(spec, SIDE_PX, IMAGES)
    features = backbone.predict_on_batch(IMAGES).astype(np.float16)
    write(Path("data/features/mobilenetv2"), features)
    spec = spec.model_copy(update={"sha256": backbones.weights_digest(backbone)})
    origin.write(Path("data/features/mobilenetv2"), spec, backbones.read_scaling(backbone), 0)
    row = Row(
        architecture="mobilenetv2", input="data/features/mobilenetv2", image_size_px=SIDE_PX, dense_units=4,
        side_inputs=["sex"],
    )  # fmt: skip
    return features, row, spec


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_network_on_features_takes_photographs_and_says_the_same(tensors, precision):
    features, row, spec = on_features(precision)
    network = Artifact(row, CLASSES, features.shape[1:], [SEX], origin.read(Path(row.input)))
    assert network.backbone == spec
    model = network.build(1, ShardedArray(Path(row.input)))
    artifact.save(Path("models/mine"), model, network)
    expected = model.predict_on_batch({"features": features.astype(np.float32), "side": SIDES})

    loaded, found = artifact.load(Path("models/mine"), CLASSES)
    assert found == network
    assert (loaded.predict_on_batch({"features": features.astype(np.float32), "side": SIDES}) == expected).all()
    whole, _ = artifact.load_on_pixels(Path("models/mine"))
    said = whole.predict_on_batch({"image": IMAGES, "side": SIDES})
    assert said == pytest.approx(expected, abs=1e-3)  # features are kept in float16
    assert expected.std(axis=0).max() > 1e-2


def test_a_network_on_pixels_is_one_that_takes_photographs(tensors):
    row = Row(architecture="lenet", input="data/tensors", image_size_px=SIDE_PX, filters=[4], dense_units=4)
    network = Artifact(row, CLASSES, (SIDE_PX, SIDE_PX, 3), [], None)
    model = network.build(1, tensors)
    artifact.save(Path("models/mine"), model, network)
    whole, _ = artifact.load_on_pixels(Path("models/mine"), CLASSES)
    assert (whole.predict_on_batch({"image": IMAGES}) == model.predict_on_batch({"image": IMAGES})).all()


def test_other_weights_than_in_training_are_told(tensors):
    features, row, spec = on_features("float32")
    network = Artifact(row, CLASSES, features.shape[1:], [SEX], spec.model_copy(update={"sha256": "0" * 64}))
    artifact.save(Path("models/mine"), network.build(1, ShardedArray(Path(row.input))), network)
    with pytest.raises(PipelineError, match=r"features of mobilenetv2 with other weights \(sha256 000000000000"):
        artifact.load_on_pixels(Path("models/mine"))


def test_other_classes_another_form_and_broken_weights_are_told(tensors):
    row = Row(architecture="lenet", input="data/tensors", image_size_px=SIDE_PX, filters=[4], dense_units=4)
    network = Artifact(row, CLASSES, (SIDE_PX, SIDE_PX, 3), [], None)
    folder = Path("models/mine")
    artifact.save(folder, network.build(1, tensors), network)
    with pytest.raises(PipelineError, match="trained for 3 classes, which are not the catalog's 2"):
        artifact.load(folder, CLASSES[:2])
    (folder / artifact.WEIGHTS).write_bytes(b"no")
    with pytest.raises(PipelineError, match="cannot be read"):
        artifact.load(folder, CLASSES)
    config = json.loads((folder / artifact.CONFIG).read_text())
    del config["row"]["architecture"]
    (folder / artifact.CONFIG).write_text(json.dumps(config))
    with pytest.raises(PipelineError, match=r"model.json: row.architecture: .*another version of this code"):
        artifact.load(folder, CLASSES)
