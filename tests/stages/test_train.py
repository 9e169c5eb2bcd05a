"""Stage train: what a kill interrupts goes on to the same bytes, and no test image has a say in a model."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import yaml

from stages import train
from stages.lib.backbone import origin
from stages.lib.core.files import write_csv, write_json
from stages.lib.core.paths import CHECKPOINTS
from stages.lib.core.sections import BackboneSpec
from stages.lib.data.shard_writer import ShardSetWriter
from stages.lib.train import checkpoint

ROOT = Path(__file__).parents[2]
N, FEATURES = 400, 12
EPOCHS = 25


def write_input(folder: Path, poisoned: bool = False) -> None:
    """Features that tell three classes apart, dealt to splits; `poisoned` spoils the test images'."""
    keys = [f"a{n:031x}" for n in range(N)]
    labels = np.arange(N) % 3
    values = np.eye(3)[labels].repeat(FEATURES // 3, axis=1)
    values = (values + np.random.default_rng(0).normal(scale=1.5, size=values.shape)).astype(np.float16)
    split = np.where(np.arange(N) % 10 == 0, "test", np.where(np.arange(N) % 10 == 1, "val", "train"))
    if poisoned:
        values[split == "test"] = np.nan
        labels = np.where(split == "test", (labels + 1) % 3, labels)
    with ShardSetWriter(folder / "data/features/resnet101v2", keys, (FEATURES,), np.float16) as writer:
        writer.write("a", 0, values)
    spec = BackboneSpec(name="resnet101v2", weights="random", rescale="native", sha256="0")
    origin.write(folder / "data/features/resnet101v2", spec, None, 0)
    manifest = pd.DataFrame({"md5hash": keys, "label": [f"c{n}" for n in labels], "fitzpatrick_scale": 1})
    write_csv(folder / "data/manifest.csv", manifest)
    write_csv(folder / "data/splits.csv", pd.DataFrame({"md5hash": keys, "group": keys, "split": split, "fold": 0}))
    write_json(folder / "data/classes.json", ["c0", "c1", "c2"])


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder in which `train --row model` finds what it reads, and is run."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["model"] |= {"batch_size": 16, "epochs": EPOCHS, "patience": EPOCHS, "dropout": 0.5, "dense_units": 64}
    params["datasets"]["sample"]["max_epochs"] = None
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    write_input(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train", "--row", "model"])
    return tmp_path


def trained() -> dict[str, bytes]:
    """Runs the stage in this process; returns the outputs' bytes by name and takes them away."""
    keras.backend.clear_session()  # layers are numbered anew, as in a process of its own
    train.main()
    return taken_away()


def taken_away() -> dict[str, bytes]:
    outputs = Path("models/model")
    found = {str(path.relative_to(outputs)): path.read_bytes() for path in outputs.rglob("*") if path.is_file()}
    shutil.rmtree(outputs)
    assert not list(CHECKPOINTS.iterdir())
    return found


def killed(after_epochs: int) -> int:
    """Kills the stage once so many epochs are logged, and removes its outs, as DVC does before it runs a stage."""
    process = subprocess.Popen(
        [sys.executable, "-m", "stages.train", "--row", "model"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    live = Path("models/model/live/plots/metrics/train/loss.tsv")
    while process.poll() is None and not (live.exists() and live.read_bytes().count(b"\n") > after_epochs):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    epochs = live.read_bytes().count(b"\n") - 1
    shutil.rmtree("models")
    return epochs


def test_a_killed_training_goes_on_and_ends_with_the_bytes_of_an_undisturbed_one(checkout, capsys):
    undisturbed = trained()
    assert {"model.weights.h5", "history.csv", "live/metrics.json"} <= set(undisturbed)
    assert after_kill_epochs(undisturbed) == EPOCHS
    assert killed(after_epochs=3) < EPOCHS, "it was meant to be killed under way"
    capsys.readouterr()
    assert trained() == undisturbed
    assert "goes on after epoch" in capsys.readouterr().out


def after_kill_epochs(outputs: dict[str, bytes]) -> int:
    return outputs["history.csv"].count(b"\n") - 1


@pytest.mark.parametrize("after", [1, 12])
def test_it_goes_on_from_any_epoch_the_last_included(checkout, monkeypatch, after):
    change("model", {"patience": 3, "learning_rate": 0.02})
    undisturbed = trained()
    epochs = after_kill_epochs(undisturbed)
    assert 3 < epochs < EPOCHS, "early stopping is to have a part in it"
    after = min(after, epochs - 1)
    saved = checkpoint.Checkpoint.save

    def save_and_die(self, model, best_weights, state):
        saved(self, model, best_weights, state)
        if len(state["history"]) == after + 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "MAX_SHARE", float("inf"))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(checkpoint.Checkpoint, "save", save_and_die)
        trained()
    shutil.rmtree("models")
    assert trained() == undisturbed


def change(section: str, values: dict) -> None:
    params = yaml.safe_load(Path("params.yaml").read_text())
    params[section] |= values
    Path("params.yaml").write_text(yaml.safe_dump(params))


def test_test_images_have_no_say_in_a_model(checkout):
    change("model", {"epochs": 3})
    clean = trained()
    write_input(checkout, poisoned=True)
    assert trained() == clean
