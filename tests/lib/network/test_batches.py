"""Batches: every image once an epoch, by seed and epoch alone, and side inputs hidden where a row says so."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages.lib.core.errors import PipelineError
from stages.lib.core.params import load_params
from stages.lib.core.sections import TENSORS, Row
from stages.lib.data import side_inputs
from stages.lib.data.manifest import Examples
from stages.lib.data.shard_writer import ShardSetWriter
from stages.lib.data.shards import ShardedArray, view_dir
from stages.lib.network import batches as module
from stages.lib.network.batches import Batches

PARAMS = load_params(Path(__file__).parents[3] / "params.yaml")
KEYS = [f"{n:x}" * 32 for n in range(10)]


def row(**changes) -> Row:
    return Row(**(PARAMS.model.model_dump() | {"batch_size": 4} | changes))


def write(directory: Path, shape: tuple[int, ...], dtype: type, values: np.ndarray) -> ShardedArray:
    with ShardSetWriter(directory, KEYS, shape, dtype) as writer:
        for number, key in enumerate(KEYS):
            writer.write(key[0], 0, values[number : number + 1].astype(dtype))
    return ShardedArray(directory)


@pytest.fixture
def features(tmp_path) -> ShardedArray:
    return write(tmp_path / "f", (3,), np.float16, np.arange(10)[:, None] + np.zeros(3))


def examples(n: int, types: list[int]) -> Examples:
    numbers = np.arange(n)
    table = pd.DataFrame({"fitzpatrick_scale": np.resize(types, n), "sex": np.resize(["f", "m"], n)})
    return Examples([], numbers, numbers % 5, table)


def sides(of: Examples, *names: str) -> list[side_inputs.SideInput]:
    return side_inputs.fit(dict.fromkeys(names, "categorical"), names, of.table)


def batches(data: ShardedArray, seed: int | None, **changes) -> Batches:
    images = examples(10, [1, 6, -1])
    return Batches(row(**changes), data, images, sides(images, "fitzpatrick_scale"), 5, seed)


def epoch(made: Batches) -> list[int]:
    return [int(value) for n in range(made.num_batches) for value in made[n][0]["features"][:, 0]]


def test_an_epoch_has_every_image_once_with_its_label_and_type(features):
    made = batches(features, 42)
    assert made.num_batches == 3 and len(made[2][1]) == 2
    assert sorted(epoch(made)) == list(range(10))
    inputs, targets = made[0]
    numbers = inputs["features"][:, 0].astype(int)
    assert (targets.argmax(axis=1) == numbers % 5).all() and targets.sum() == 4
    assert inputs["side"].argmax(axis=1).tolist() == np.resize([0, 5, 6], 10)[numbers].tolist()
    assert inputs["features"].dtype == np.float32


def test_the_order_follows_seed_and_epoch(features):
    first, again, other = batches(features, 1), batches(features, 1), batches(features, 2)
    assert epoch(first) == epoch(again) != epoch(other)
    earlier = epoch(first)
    first.on_epoch_end()
    again.on_epoch_end()
    assert epoch(first) == epoch(again) != earlier


def test_without_a_seed_the_order_is_the_stored_one_in_every_epoch(features):
    made = batches(features, None)
    made.on_epoch_end()
    assert epoch(made) == list(range(10))


def test_augmentation_is_for_training_and_does_not_depend_on_who_asks_first(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (10, 8, 8, 3))
    data = write(tmp_path / "t", (8, 8, 3), np.uint8, images)
    pixels = {"input": TENSORS, "augment": True, "architecture": "vgg16"}
    training, again, plain = (batches(data, seed, **pixels) for seed in (7, 7, None))
    backwards = [again[n][0]["image"] for n in (2, 1, 0)][::-1]
    forwards = [training[n][0]["image"] for n in (0, 1, 2)]
    assert all((a == b).all() for a, b in zip(forwards, backwards, strict=True))
    assert (np.concatenate([plain[n][0]["image"] for n in range(3)]) == images).all()
    assert not any((forwards[0][0] == image).all() for image in images)
    training.on_epoch_end()
    assert (training[0][0]["image"] != forwards[0]).any()


@pytest.mark.parametrize("memory", [0, 1 << 40])
def test_every_epoch_deals_plain_features_and_views_anew(features, tmp_path, monkeypatch, memory):
    monkeypatch.setattr(module, "memory_bytes", lambda: memory)
    for view in (1, 2):
        write(view_dir(tmp_path / "f", view), (3,), np.float16, np.arange(10)[:, None] + np.full(3, 100 * view))
    made, again = batches(features, 7, augment=True), batches(features, 7, augment=True)
    epochs = []
    for _ in range(8):
        values = np.array(epoch(made))
        assert sorted(values % 100) == list(range(10)) and epoch(again) == values.tolist()
        epochs.append({int(value) % 100: int(value) // 100 for value in values})
        made.on_epoch_end()
        again.on_epoch_end()
    assert {view for dealt in epochs for view in dealt.values()} == {0, 1, 2}
    assert all(len({dealt[image] for dealt in epochs}) > 1 for image in range(10))
    assert epoch(batches(features, None, augment=True)) == list(range(10))  # validation sees the plain ones


def test_augmenting_features_without_views_says_what_to_do(features):
    with pytest.raises(PipelineError, match=r"has no augmented views; set features\.views"):
        batches(features, 7, augment=True)


def test_memory_and_disk_give_the_same_batches(features, monkeypatch):
    held = epoch(batches(features, 3))
    monkeypatch.setattr(module, "memory_bytes", lambda: 0)
    assert epoch(batches(features, 3)) == held


def test_a_share_of_each_side_input_is_hidden_in_training_alone_and_again_in_every_epoch(tmp_path):
    keys = [f"{n:032x}" for n in range(400)]
    with ShardSetWriter(tmp_path / "many", keys, (1,), np.float16) as writer:
        writer.write("0", 0, np.arange(400, dtype=np.float16)[:, None])
    data, images = ShardedArray(tmp_path / "many"), examples(400, [1, 4])
    both = sides(images, "fitzpatrick_scale", "sex")
    encoded = side_inputs.encode(both, images.table)

    def made(seed: int | None, share: float, **options) -> Batches:
        return Batches(row(batch_size=400, side_input_dropout=share), data, images, both, 5, seed, **options)

    def hidden(made: Batches) -> list[list[float]]:
        inputs = made[0][0]
        given = encoded[inputs["features"][:, 0].astype(int)]
        found = []
        for part in (slice(0, 7), slice(7, 10)):
            side = inputs["side"][:, part]
            away = side[:, -1] == 1
            assert (side[~away] == given[~away, part]).all() and (side.sum(axis=1) == 1).all()
            found.append(sorted(inputs["features"][away, 0]))
        return found

    training, again = made(3, 0.25), made(3, 0.25)
    first = hidden(training)
    assert all(70 < len(away) < 130 for away in first) and first[0] != first[1] and hidden(again) == first
    training.on_epoch_end()
    assert hidden(training) != first
    assert hidden(made(None, 0.25)) == hidden(made(3, 0.0)) == [[], []]
    assert [len(away) for away in hidden(made(None, 0.0, hide_sides=True))] == [400, 400]
    assert (made(3, 0.25)[0][0]["features"] == made(3, 0.0)[0][0]["features"]).all()
