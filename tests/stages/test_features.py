"""Features: what is stored is what the backbone says, computed once, by shard, whatever happened in between."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from stages import features
from stages.lib.backbone.augment import augment
from stages.lib.backbone.backbones import build_backbone
from stages.lib.core.paths import TENSORS
from stages.lib.core.sections import BackboneSpec
from stages.lib.data.shard_writer import ShardSetWriter
from stages.lib.data.shards import ShardedArray, view_dir

ROOT = Path(__file__).parents[2]
SIDE_PX = 75
OUT = Path("data/features/mobilenetv2")


def key(shard: str, number: int) -> str:
    return f"{shard}{number:031x}"


def image(md5hash: str) -> np.ndarray:
    return np.random.default_rng(int(md5hash, 16)).integers(0, 256, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)


def write_tensors(keys: list[str]) -> None:
    with ShardSetWriter(TENSORS, keys, (SIDE_PX, SIDE_PX, 3), np.uint8) as writer:
        for shard, shard_keys in writer.shard_keys.items():
            writer.write(shard, 0, np.stack([image(k) for k in shard_keys]))


@pytest.fixture(scope="module")
def backbone():
    spec = BackboneSpec(name="mobilenetv2", weights="random", rescale="native")
    return build_backbone(spec, SIDE_PX, np.stack([image(key("0", number)) for number in range(4)]))


@pytest.fixture
def stage(tmp_path, monkeypatch, backbone):
    """Runs the stage in a folder of its own; counts how many images went through the network in each run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["features", "--backbone", "mobilenetv2"])
    monkeypatch.setattr(features, "BATCH_IMAGES", 2)
    monkeypatch.setattr("stages.lib.backbone.backbones.build_backbone", lambda *_: backbone)  # which takes seconds
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    content["features"]["precision"] = "float32"
    compute, computed = features.compute, []

    def counting(predict, keys, *rest):
        computed[-1] += len(keys)
        return compute(predict, keys, *rest)

    monkeypatch.setattr(features, "compute", counting)

    def run(**changes) -> int:
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(content | {"features": content["features"] | changes}))
        computed.append(0)
        features.main()
        return computed[-1]

    return run


def test_features_are_the_backbones_and_only_what_changed_is_computed_again(stage, backbone):
    keys = [key("0", 1), key("0", 2), key("0", 3), key("a", 1)]
    write_tensors(keys)
    assert stage() == 4
    stored = ShardedArray(OUT)
    expected = backbone.predict_on_batch(np.stack([image(k) for k in stored.keys]))
    assert stored.gather(np.arange(4)).astype(np.float32) == pytest.approx(expected, rel=2e-3, abs=1e-3)
    about = json.loads((OUT / "backbone.json").read_text())
    assert about["precision"] == "float32" and about["views"] == 0

    first = (OUT / "0.npy").read_bytes()
    write_tensors([*keys, key("a", 2), key("f", 1)])
    assert stage() == 3  # shards a and f
    assert (OUT / "0.npy").read_bytes() == first and len(ShardedArray(OUT).keys) == 6
    assert stage() == 0
    assert len(list((features.PARTS / "mobilenetv2").iterdir())) == 3


def test_views_are_variations_of_the_image_and_the_plain_ones_are_kept(stage, backbone):
    keys = [key("0", 1), key("b", 2)]
    write_tensors(keys)
    assert stage() == 2
    assert stage(views=2) == 4
    plain, first, second = ShardedArray(OUT), *(ShardedArray(view_dir(OUT, view)) for view in (1, 2))
    assert plain.keys == first.keys == second.keys == keys
    values = [data.gather(np.arange(2)) for data in (plain, first, second)]
    assert not any((values[a] == values[b]).all() for a, b in ((0, 1), (0, 2), (1, 2)))
    varied = augment(image(keys[1]), np.random.default_rng([int(keys[1], 16), 2]))
    assert values[2][1].astype(np.float32) == pytest.approx(
        backbone.predict_on_batch(varied[None])[0], rel=2e-3, abs=1e-3
    )
    assert stage(views=0) == 0 and not view_dir(OUT, 1).exists()


def test_a_run_that_was_killed_goes_on_where_it_was(stage, monkeypatch):
    write_tensors([key("0", 1), key("5", 1), key("5", 2), key("c", 1)])
    compute = features.compute

    def dies(predict, keys, *rest):
        if keys[0].startswith("c"):
            raise KeyboardInterrupt
        return compute(predict, keys, *rest)

    monkeypatch.setattr(features, "compute", dies)
    with pytest.raises(KeyboardInterrupt):
        stage()
    assert not OUT.exists()
    monkeypatch.setattr(features, "compute", compute)
    assert stage() == 1
