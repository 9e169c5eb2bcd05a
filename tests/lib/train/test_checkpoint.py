"""A checkpoint belongs to one training, costs little, and a broken one is none."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest

from stages.lib.train import checkpoint
from stages.lib.train.checkpoint import Checkpoint, run_key


def network(seed: int = 0) -> keras.Model:
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    return model


def arrays(model: keras.Model) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(variable) for variable in [*model.variables, *model.optimizer.variables]]


@pytest.fixture
def kept(tmp_path) -> tuple[Path, keras.Model]:
    """A network after some steps, and the file with its state under the key `mine`."""
    model = network()
    model.fit(np.ones((8, 2)), np.ones((8, 1)), epochs=2, batch_size=4, verbose=0)
    Checkpoint(tmp_path / "folder/row.npz", "mine").save(model, model.get_weights(), {"best": 0.1 + 0.2})
    return tmp_path / "folder/row.npz", model


def test_weights_optimizer_random_seeds_and_floats_come_back_exactly(kept):
    path, model = kept
    fresh = network(1)
    best, state = Checkpoint(path, "mine").restore(fresh)
    assert state == {"best": 0.1 + 0.2}
    for found, expected in ((arrays(fresh), arrays(model)), (best, model.get_weights())):
        assert len(found) == len(expected)
        assert all((a == b).all() and a.dtype == b.dtype for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("fault", ["another key", "cut short", "no archive", "missing"])
def test_what_is_not_this_trainings_state_leaves_the_network_alone(kept, fault):
    path, _ = kept
    if fault == "cut short":
        path.write_bytes(path.read_bytes()[:-100])
    elif fault == "no archive":
        path.write_bytes(b"")
    elif fault == "missing":
        path.unlink()
    fresh = network(1)
    before = arrays(fresh)
    assert Checkpoint(path, "another" if fault == "another key" else "mine").restore(fresh) is None
    assert all((a == b).all() for a, b in zip(arrays(fresh), before, strict=True))


def test_writing_costs_at_most_a_twentieth_of_the_time(tmp_path, monkeypatch):
    now_s = iter([0.0, *(10.0, 11.0), 20.0, *(32.0, 33.0)])
    monkeypatch.setattr(checkpoint.time, "perf_counter", lambda: next(now_s))
    model = network()
    model.optimizer.build(model.trainable_variables)
    kept = Checkpoint(tmp_path / "row.npz", "mine")
    written = []
    for epoch in range(3):
        kept.save(model, [], {"epoch": epoch})
        written.append(kept.restore(model)[1]["epoch"])
    # the first took 1 s, so the next one waits until 20 s have gone by
    assert written == [0, 0, 2]


def test_the_key_changes_with_weights_settings_and_input(tmp_path):
    (tmp_path / "a.npy").write_bytes(b"1")
    key = run_key(network(), tmp_path, {"dropout": 0.5}, [1, 2])
    assert key == run_key(network(), tmp_path, {"dropout": 0.5}, [1, 2])
    assert key != run_key(network(1), tmp_path, {"dropout": 0.5}, [1, 2])
    assert key != run_key(network(), tmp_path, {"dropout": 0.4}, [1, 2])
    os.utime(tmp_path / "a.npy", (0, 0))
    assert key != run_key(network(), tmp_path, {"dropout": 0.5}, [1, 2])
