"""Batches: every image once an epoch, by seed and epoch alone, and skin types as the networks take them."""

from pathlib import Path

import numpy as np
import pytest

from stages.lib.core.errors import PipelineError
from stages.lib.core.params import load_params
from stages.lib.core.sections import TENSORS, Row
from stages.lib.data.shard_writer import ShardSetWriter
from stages.lib.data.shards import ShardedArray, view_dir
from stages.lib.network import batches as module
from stages.lib.network.batches import Batches, encode_skin_types

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


def batches(data: ShardedArray, seed: int | None, **changes) -> Batches:
    numbers = np.arange(10)
    return Batches(row(**changes), data, numbers, numbers % 5, np.resize([1, 6, -1], 10), 5, seed)


def epoch(made: Batches) -> list[int]:
    return [int(value) for n in range(made.num_batches) for value in made[n][0]["features"][:, 0]]


def test_an_epoch_has_every_image_once_with_its_label_and_type(features):
    made = batches(features, 42)
    assert made.num_batches == 3 and len(made[2][1]) == 2
    assert sorted(epoch(made)) == list(range(10))
    inputs, targets = made[0]
    numbers = inputs["features"][:, 0].astype(int)
    assert (targets.argmax(axis=1) == numbers % 5).all() and targets.sum() == 4
    assert (inputs["skin_type"] == encode_skin_types(np.resize([1, 6, -1], 10)[numbers], "one_hot")).all()
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


def test_skin_types_are_one_of_seven_and_unknown_is_one_of_them():
    encoded = encode_skin_types(np.array([1, 6, -1]), "one_hot")
    assert encoded.tolist() == [[1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0, 1]]
    assert encode_skin_types(np.array([3, -1]), "scalar").tolist() == [[3.0], [-1.0]]


def test_a_share_of_skin_types_is_hidden_in_training_alone_and_anew_in_every_epoch(tmp_path):
    keys = [f"{n:032x}" for n in range(400)]
    with ShardSetWriter(tmp_path / "many", keys, (1,), np.float16) as writer:
        writer.write("0", 0, np.arange(400, dtype=np.float16)[:, None])
    data, numbers, types = ShardedArray(tmp_path / "many"), np.arange(400), np.resize([1, 4], 400)

    def unknown(seed: int | None, share: float) -> Batches:
        changes = {"batch_size": 400, "skin_type_dropout": share}
        return Batches(row(**changes), data, numbers, numbers % 5, types, 5, seed)

    def hidden(made: Batches) -> list[float]:
        inputs = made[0][0]
        given = encode_skin_types(types[inputs["features"][:, 0].astype(int)], "one_hot")
        away = inputs["skin_type"][:, -1] == 1
        assert (inputs["skin_type"][~away] == given[~away]).all() and (inputs["skin_type"].sum(axis=1) == 1).all()
        return sorted(inputs["features"][away, 0])

    training, again = unknown(3, 0.25), unknown(3, 0.25)
    first = hidden(training)
    assert 70 < len(first) < 130 and hidden(again) == first
    training.on_epoch_end()
    assert hidden(training) != first
    assert hidden(unknown(None, 0.25)) == hidden(unknown(3, 0.0)) == []
    assert (unknown(3, 0.25)[0][0]["features"] == unknown(3, 0.0)[0][0]["features"]).all()
