"""Training stops early, goes back to the best epoch, logs every epoch, and repeats itself byte for byte."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from stages.lib.core.errors import PipelineError
from stages.lib.core.params import load_params
from stages.lib.core.sections import Row
from stages.lib.data.manifest import Examples
from stages.lib.data.shard_writer import ShardSetWriter
from stages.lib.data.shards import ShardedArray
from stages.lib.network import artifact
from stages.lib.network.batches import Batches
from stages.lib.scoring.published import f1_published
from stages.lib.train.training import compile_network, fit

PARAMS = load_params(Path(__file__).parents[3] / "params.yaml")
CLASSES = ["acne", "psoriasis", "rosacea"]
N = 90


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> ShardedArray:
    """Features that tell the classes apart, with noise."""
    directory = tmp_path_factory.mktemp("data") / "features"
    keys = [f"a{n:031x}" for n in range(N)]
    random = np.random.default_rng(0)
    values = np.eye(3)[np.arange(N) % 3].repeat(4, axis=1) + random.normal(scale=0.6, size=(N, 12))
    with ShardSetWriter(directory, keys, (12,), np.float16) as writer:
        writer.write("a", 0, values.astype(np.float16))
    return ShardedArray(directory)


def row(**changes) -> Row:
    small = {"dense_units": 16, "batch_size": 8, "patience": 2, "side_inputs": [], "learning_rate": 0.01}
    return Row(**(PARAMS.model.model_dump() | small | changes))


def part(of: Row, data: ShardedArray, numbers: np.ndarray, seed: int | None = None) -> Batches:
    return Batches(of, data, Examples([], numbers, numbers % 3, pd.DataFrame(index=numbers)), [], 3, seed)


def trained(of: Row, data: ShardedArray, directory: Path, epochs: int = 12, seed: int = 42):
    keras.backend.clear_session()  # layers are numbered anew, as in a process of its own
    network = artifact.Artifact(of, CLASSES, data.item_shape, [], None)
    model = network.build(seed, data)
    compile_network(model, of)
    numbers = np.arange(N)
    directory.mkdir()
    train, val = part(of, data, numbers[:60], seed), part(of, data, numbers[60:])
    history = fit(model, of.model_copy(update={"epochs": epochs}), train, val, directory / "live")
    artifact.save(directory, model, network)
    return model, history, val


@pytest.mark.parametrize("monitor", ["val_loss", "val_f1_weighted"])
def test_the_best_epochs_weights_are_kept_and_their_f1_is_that_of_the_whole_epoch(data, tmp_path, monitor):
    of = row(monitor=monitor, learning_rate=0.1, dropout=0.0)
    model, history, val = trained(of, data, tmp_path / "model")
    best = history[monitor].idxmin() if monitor == "val_loss" else history[monitor].idxmax()
    assert history["chosen"].tolist() == [int(epoch == best) for epoch in history.index]
    assert len(history) == min(best + 1 + of.patience, 12)
    probabilities = model.predict(val, verbose=0)
    labels = np.arange(60, N) % 3
    assert f1_score(labels, probabilities.argmax(axis=1), average="weighted") == pytest.approx(
        history.loc[best, "val_f1_weighted"], abs=1e-5
    )


def test_the_last_epochs_weights_are_kept_where_the_row_says_so(data, tmp_path):
    of = row(keep="last", learning_rate=0.1, dropout=0.0)
    model, history, val = trained(of, data, tmp_path / "model")
    assert history["chosen"].tolist() == [0] * (len(history) - 1) + [1] and len(history) > of.patience
    labels = np.arange(60, N) % 3
    f1 = f1_score(labels, model.predict(val, verbose=0).argmax(axis=1), average="weighted")
    assert f1 == pytest.approx(history["val_f1_weighted"].iloc[-1], abs=1e-5)


def test_the_soft_f1_that_is_monitored_is_the_published_one(data, tmp_path):
    of = row(monitor="val_f1_soft", batch_size=7)
    model = artifact.Artifact(of, CLASSES, data.item_shape, [], None).build(0, data)
    compile_network(model, of)
    val = part(of, data, np.arange(60, N))
    expected = f1_published(np.arange(60, N) % 3, model.predict(val, verbose=0), 7)
    assert model.evaluate(val, verbose=0, return_dict=True)["f1_soft"] == pytest.approx(expected, abs=1e-5)
    assert set(trained(of, data, tmp_path / "model", epochs=2)[1]) == {
        "epoch", "chosen", *(f"{part}{name}" for part in ("", "val_") for name in ("loss", "accuracy", "f1_weighted"))
    }  # fmt: skip


def test_it_learns_and_dvclive_logs_every_epoch(data, tmp_path):
    _, history, _ = trained(row(), data, tmp_path / "model")
    assert history["val_accuracy"].max() > 0.7
    logged = (tmp_path / "model/live/plots/metrics/eval/f1_weighted.tsv").read_text().splitlines()
    assert len(logged) == len(history) + 1
    assert not (tmp_path / "model/live/dvc.yaml").exists()


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(data, tmp_path):
    for name, seed in (("a", 42), ("b", 42), ("c", 43)):
        trained(row(), data, tmp_path / name, epochs=2, seed=seed)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert Path("model.weights.h5") in files
    assert [f for f in files if (tmp_path / "a" / f).read_bytes() != (tmp_path / "b" / f).read_bytes()] == []
    assert (tmp_path / "a/model.weights.h5").read_bytes() != (tmp_path / "c/model.weights.h5").read_bytes()


def test_a_loss_that_is_no_number_ends_with_one_line(data, tmp_path):
    of = row(optimizer="sgd")
    model = artifact.Artifact(of, CLASSES, data.item_shape, [], None).build(0, data)
    for weight in model.trainable_weights:
        weight.assign(keras.ops.full(weight.shape, float("nan")))
    compile_network(model, of)
    numbers = np.arange(N)
    with pytest.raises(PipelineError, match="the loss became nan in epoch 0; lower learning_rate"):
        fit(model, of, part(of, data, numbers, 0), part(of, data, numbers), tmp_path / "live")
