"""Shards give back what was written, in any order, and say what is wrong when they are not whole."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from stages.lib.core.errors import PipelineError
from stages.lib.data import shard_writer
from stages.lib.data.shard_writer import ShardSetWriter
from stages.lib.data.shards import ShardedArray

KEYS = [hashlib.md5(str(number).encode()).hexdigest() for number in range(60)]


def items(keys, item_shape=(3,), dtype=np.float16):
    """One item per key that depends on the key alone."""
    rows = [np.random.default_rng(int(key[:8], 16)).integers(0, 200, item_shape) for key in keys]
    return np.array(rows).astype(dtype)


def write(directory, keys=KEYS, item_shape=(3,), dtype=np.float16, block=2):
    with ShardSetWriter(directory, keys, item_shape, dtype) as writer:
        for shard, shard_keys in writer.shard_keys.items():
            for start in range(0, len(shard_keys), block):
                writer.write(shard, start, items(shard_keys[start : start + block], item_shape, dtype))
    return directory


@pytest.fixture
def directory(tmp_path):
    return write(tmp_path / "set")


@pytest.mark.parametrize(("item_shape", "dtype"), [((5,), np.float16), ((4, 4, 3), np.uint8)])
def test_round_trip(tmp_path, item_shape, dtype):
    data = ShardedArray(write(tmp_path / "set", KEYS, item_shape, dtype))
    assert data.keys == sorted(KEYS)
    assert (data.item_shape, data.dtype) == (item_shape, dtype)
    assert np.array_equal(data.gather(data.positions(KEYS)), items(KEYS, item_shape, dtype))


def test_gather_takes_any_order_and_repeats(directory):
    data = ShardedArray(directory)
    keys = np.random.default_rng(0).choice(KEYS, 200).tolist()
    positions = data.positions(keys)
    assert positions.dtype == np.int64
    assert np.array_equal(data.gather(positions), items(keys))
    assert data.gather(positions[:0]).shape == (0, 3)


@pytest.mark.parametrize("position", [-1, len(KEYS)])
def test_positions_outside_are_refused(directory, position):
    with pytest.raises(IndexError):
        ShardedArray(directory).gather(np.array([position]))


def test_shards_stream_everything_in_order(directory):
    parts = list(ShardedArray(directory).shards())
    assert [name for name, _, _ in parts] == sorted({key[0] for key in KEYS})
    assert [key for _, keys, _ in parts for key in keys] == sorted(KEYS)
    for name, keys, array in parts:
        assert {key[0] for key in keys} == {name}
        assert np.array_equal(array, items(keys))


def test_only_shards_with_items_exist(tmp_path):
    write(tmp_path / "set", ["a" * 32, "3" * 32])
    assert sorted(p.name for p in (tmp_path / "set").iterdir()) == ["3.npy", "a.npy", "index.csv"]


def test_the_order_of_keys_and_blocks_changes_no_byte(tmp_path):
    first, second = write(tmp_path / "1"), write(tmp_path / "2", KEYS[::-1], block=7)
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes()


def test_shards_may_be_written_in_turns(tmp_path):
    keys = ["a0", "a1", "b0", "b1"]
    with ShardSetWriter(tmp_path / "set", keys, (3,), np.float16) as writer:
        for row in (1, 0):
            for shard in "ab":
                writer.write(shard, row, items([f"{shard}{row}"] if shard == "a" else [f"a{row + 2}"]))
    assert np.array_equal(ShardedArray(tmp_path / "set").gather([0, 1, 2, 3]), items(["a0", "a1", "a2", "a3"]))


def test_a_missing_key_is_named(directory):
    with pytest.raises(PipelineError, match=f"no image {'0' * 32} \\(2 of 3 "):
        ShardedArray(directory).positions([KEYS[0], "0" * 32, "1" * 32])


def test_a_failure_leaves_what_was_there(directory, tmp_path):
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    with pytest.raises(KeyboardInterrupt), ShardSetWriter(directory, KEYS, (9,), np.uint8) as writer:
        writer.write(KEYS[0][0], 0, np.zeros((1, 9), np.uint8))
        raise KeyboardInterrupt
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before
    assert list(tmp_path.iterdir()) == [directory]


def test_unwritten_items_are_a_bug(tmp_path):
    with (
        pytest.raises(AssertionError, match="60 of 60"),
        ShardSetWriter(tmp_path / "set", KEYS, (3,), np.uint8),
    ):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "block", [np.zeros((1, 4), np.float16), np.zeros((1, 3), np.float32), np.zeros((99, 3), np.float16)]
)
def test_a_block_that_does_not_fit_is_refused(tmp_path, block):
    with (
        pytest.raises(ValueError, match="does not fit"),
        ShardSetWriter(tmp_path / "set", KEYS, (3,), np.float16) as writer,
    ):
        writer.write(KEYS[0][0], 0, block)


@pytest.mark.parametrize(("keys", "message"), [([], "no image"), ([KEYS[0]] * 2, f"{KEYS[0]} is there twice")])
def test_keys_that_make_no_array(tmp_path, keys, message):
    with pytest.raises(PipelineError, match=message):
        ShardSetWriter(tmp_path / "set", keys, (3,), np.uint8)


def test_a_disk_too_small_is_told_before_writing(tmp_path, monkeypatch):
    monkeypatch.setattr(shard_writer.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(PipelineError, match="disk"):
        write(tmp_path / "set")
    assert not list(tmp_path.iterdir())


def test_a_missing_directory_is_told(tmp_path):
    with pytest.raises(PipelineError, match=r"index\.csv: missing; run"):
        ShardedArray(tmp_path / "absent")


def _remove(path):
    path.unlink()


def _cut(path):
    path.write_bytes(path.read_bytes()[:-4])


def _fewer(path):
    np.save(path, np.load(path)[1:])


def _reshape(path):
    np.save(path, np.load(path)[:, :2])


def _retype(path):
    np.save(path, np.load(path).astype(np.float32))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_remove, "not there"),
        (_cut, "damaged"),
        (_fewer, "items"),
        (_reshape, "disagree"),
        (_retype, "disagree"),
    ],
)
def test_a_damaged_shard_is_told(directory, damage, message):
    damage(directory / f"{KEYS[0][0]}.npy")
    with pytest.raises(PipelineError, match=message):
        ShardedArray(directory)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[::-1], "order"),
        (lambda t: t.drop(columns="position"), "columns"),
        (lambda t: t[:0], "no row"),
        (lambda t: t.assign(position=t["position"][::-1].to_numpy()), "order"),
        (lambda t: t.assign(shard="0", position=range(len(t))), "another shard"),
    ],
)
def test_a_damaged_index_is_told(directory, change, message):
    path = directory / "index.csv"
    change(pd.read_csv(path, dtype=str)).to_csv(path, index=False)
    with pytest.raises(PipelineError, match=message):
        ShardedArray(directory)


@pytest.mark.parametrize(
    "absent", [KEYS[:1], KEYS[5:30], sorted(KEYS)[:3], sorted(KEYS)[-3:], [k for k in KEYS if k[0] == "a"]]
)
def test_items_left_out_leave_no_gap(tmp_path, absent):
    with ShardSetWriter(tmp_path / "set", KEYS, (3,), np.float16) as writer:
        for shard, shard_keys in writer.shard_keys.items():
            for row, key in enumerate(shard_keys):
                if key in absent:
                    writer.leave_out(shard, row)
                else:
                    writer.write(shard, row, items([key]))
    there = [key for key in KEYS if key not in absent]
    write(tmp_path / "other", there)
    files = {path.name: path.read_bytes() for path in (tmp_path / "set").iterdir()}
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "other").iterdir()}
