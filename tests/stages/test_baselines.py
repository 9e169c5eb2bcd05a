"""The stage baselines on a small split: what it predicts, and that it looks at no test label to do so."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages import baselines
from stages.lib.core.params import load_params
from stages.lib.core.registry import BACKBONES
from stages.lib.core.sections import features_dir
from stages.lib.data.shard_writer import ShardSetWriter

ROOT = Path(__file__).parents[2]
CLASSES = ["a", "b", "c"]


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Three classes apart in feature space, the second of them the commonest in training."""
    random = np.random.default_rng(0)
    labels = np.array([0] * 12 + [1] * 20 + [2] * 8)
    table = pd.DataFrame(
        {
            "md5hash": sorted(bytes(random.integers(0, 256, 16, dtype=np.uint8)).hex() for _ in labels),
            "label": np.array(CLASSES)[labels],
            "fitzpatrick_scale": 1,
        }
    )
    table["split"] = np.where(np.arange(len(labels)) % 4 == 0, "test", "train")
    features = labels[:, None] * [8.0, -8.0, 0.0] + random.normal(0, 1, (len(labels), 3))
    for name in BACKBONES:
        with ShardSetWriter(tmp_path / features_dir(name), table["md5hash"].tolist(), (3,), np.float16) as writer:
            for shard, keys in writer.shard_keys.items():
                writer.write(shard, 0, features[table["md5hash"].isin(keys)].astype(np.float16))
    (tmp_path / "data/classes.json").write_text(json.dumps(CLASSES))
    monkeypatch.setattr(baselines, "load_params", lambda: load_params(ROOT / "params.yaml"))
    monkeypatch.chdir(tmp_path)
    write(table)
    return table


def write(table: pd.DataFrame) -> None:
    table[["md5hash", "label", "fitzpatrick_scale"]].to_csv("data/manifest.csv", index=False)
    splits = table[["md5hash", "split"]].assign(group=table["md5hash"], fold=0)
    splits.to_csv("data/splits.csv", index=False)


def run() -> tuple[dict, dict[str, pd.DataFrame]]:
    baselines.main()
    summary = json.loads(Path("data/baselines/baselines.json").read_text())
    return summary, {name: pd.read_csv(f"data/baselines/{name}.csv") for name in summary}


def test_the_majority_and_the_nearest_mean_of_every_backbone(table):
    summary, predictions = run()
    assert set(summary) == {"majority", *(f"mean-{name}" for name in BACKBONES)}
    test = table[table["split"] == "test"]
    for name, predicted in predictions.items():
        assert predicted["md5hash"].tolist() == test["md5hash"].tolist()
        accuracy = (predicted["predicted"] == predicted["label"]).mean()
        assert summary[name]["metrics"]["accuracy"]["value"] == pytest.approx(accuracy, abs=1e-6)
    assert set(predictions["majority"]["predicted"]) == {"b"}
    assert summary["majority"]["description"] == "always b"
    assert all(summary[f"mean-{name}"]["metrics"]["accuracy"]["value"] == 1 for name in BACKBONES)


def test_the_majoritys_loss_is_that_of_the_training_shares(table):
    train, test = (table.loc[table["split"] == split, "label"] for split in ("train", "test"))
    expected = -np.log(test.map(train.value_counts(normalize=True))).mean()
    assert run()[0]["majority"]["metrics"]["loss"]["value"] == pytest.approx(expected, abs=1e-6)


def test_test_labels_change_no_prediction(table):
    before = run()[1]
    table.loc[table["split"] == "test", "label"] = "c"
    write(table)
    for name, predicted in run()[1].items():
        assert predicted["predicted"].tolist() == before[name]["predicted"].tolist()
