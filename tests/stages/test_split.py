"""From tensors to data/splits.csv: copies stay together, and what must go is left out."""

import json

import cv2
import numpy as np
import pandas as pd
import pytest

from stages import split
from stages.lib.core.errors import PipelineError
from stages.lib.core.params import load_params
from stages.lib.data.shard_writer import ShardSetWriter
from stages.lib.split import planted

SIDE_PX = 100


def textured(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 1, (SIDE_PX, SIDE_PX, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    return np.clip(128 + 40 * smooth / smooth.std(), 0, 255).astype(np.uint8)


def write_shards(folder, keys: list[str], items: np.ndarray) -> None:
    by_key = dict(zip(keys, items, strict=True))
    with ShardSetWriter(folder, keys, items.shape[1:], items.dtype) as writer:
        for shard, names in writer.shard_keys.items():
            writer.write(shard, 0, np.stack([by_key[name] for name in names]))


class Project:
    """Sixty images: number 40 copies number 3 (the same label), 50 copies 8 (another label)."""

    def __init__(self, root):
        self.root = root
        random = np.random.default_rng(0)
        self.keys = [bytes(random.integers(0, 256, 16, dtype=np.uint8)).hex() for _ in range(60)]
        images = np.stack([textured(seed) for seed in range(60)])
        images[40] = images[3][:, ::-1]
        images[50] = cv2.convertScaleAbs(images[8], alpha=0.9)
        self.manifest = pd.DataFrame({
            "md5hash": self.keys, "fitzpatrick_scale": [1, 4, 6] * 20, "label": ["a"] * 45 + ["b"] * 15,
            "width_px": 150, "height_px": 100,
        })  # fmt: skip
        self.rules = {"rare_classes": "fail"}
        write_shards(root / "data/tensors", self.keys, images)

    def run(self) -> tuple[pd.DataFrame, dict]:
        self.manifest.to_csv(self.root / "data/manifest.csv", index=False)
        (self.root / "data/classes.json").write_text('["a", "b"]')
        split.main()
        table = pd.read_csv(self.root / "data/splits.csv", dtype=str).set_index("md5hash")
        return table, json.loads((self.root / "data/split.json").read_text())


@pytest.fixture
def project(tmp_path, monkeypatch):
    made, params = Project(tmp_path), load_params()

    def changed():
        return params.model_copy(update={"split": params.split.model_copy(update=made.rules)})

    monkeypatch.setattr(split, "load_params", changed)
    monkeypatch.setattr(planted, "SOURCES", 1)  # quick
    monkeypatch.chdir(tmp_path)
    return made


def test_copies_share_a_group_named_by_the_smallest_key(project):
    table, summary = project.run()
    for pair in ((3, 40), (8, 50)):
        keys = [project.keys[number] for number in pair]
        assert set(table.loc[keys, "group"]) == {min(keys)}
        assert table.loc[keys, "split"].nunique() == table.loc[keys, "fold"].nunique() == 1
    assert set(table.index) == set(project.keys)
    assert (summary["groups"], summary["largest_group"], summary["near_duplicate_pairs"]) == (58, 2, 2)
    assert (summary["groups_in_two_splits"], summary["near_duplicates_in_two_splits"]) == (0, 0)
    assert summary["near_duplicate_candidates"] >= 2
    assert summary["left_out"] == {"conflicting_labels": 0, "in_two_partitions": 0, "conflicting_labels_kept": 2}
    assert summary["images"] == {"train": 48, "val": 6, "test": 6}


def test_conflicting_labels_are_dropped_if_the_param_says_so(project):
    project.rules["conflicts"] = "drop"
    table, summary = project.run()
    assert set(project.keys) - set(table.index) == {project.keys[8], project.keys[50]}
    assert summary["left_out"]["conflicting_labels"] == 2


def test_a_patient_with_two_conditions_is_no_conflict(project):
    project.manifest["patient_id"] = [""] * 44 + ["p", "p"] + [""] * 14
    project.rules |= {"conflicts": "drop", "group_column": "patient_id"}
    table, _ = project.run()
    assert table["group"][project.keys[44]] == table["group"][project.keys[45]]


def test_the_group_column_joins_groups_of_copies(project):
    project.manifest["patient_id"] = [f"p{n}" for n in range(60)]
    project.manifest.loc[[3, 8], "patient_id"] = "same"
    project.rules["group_column"] = "patient_id"
    table, summary = project.run()
    assert table.loc[[project.keys[n] for n in (3, 40, 8, 50)], "group"].nunique() == 1
    assert summary["largest_group"] == 4


@pytest.mark.parametrize(("shared", "warns"), [(3, False), (4, True)])
def test_a_group_of_more_than_a_twentieth_of_the_images_is_named(project, capsys, shared, warns):
    project.manifest["patient_id"] = ["not asked"] * shared + ["NA"] * 20 + [f"p{n}" for n in range(40 - shared)]
    project.rules["group_column"] = "patient_id"
    _, summary = project.run()
    assert summary["largest_group"] <= shared + 2  # and copies of theirs
    said = capsys.readouterr().out
    assert ("split: warning: 4 of 60 images share patient_id 'not asked'" in said) == warns


def test_an_unknown_group_column_is_named(project):
    project.rules["group_column"] = "lesion_id"
    with pytest.raises(PipelineError, match=r"split\.group_column: the catalog has no column 'lesion_id'"):
        project.run()


def test_a_partition_is_obeyed_and_copies_of_test_images_are_left_out_of_training(project):
    project.manifest["partition"] = ["test"] * 10 + ["val"] * 10 + ["train"] * 40
    table, summary = project.run()
    left = set(project.keys) - set(table.index)
    assert left == {project.keys[40], project.keys[50]}
    assert summary["left_out"]["in_two_partitions"] == 2
    assert summary["images"] == {"train": 38, "val": 10, "test": 10}


def test_pairs_are_listed_with_their_labels(project):
    project.run()
    listed = pd.read_csv("data/duplicates.csv", dtype=str)
    pairs = {frozenset(project.keys[number] for number in pair) for pair in ((3, 40), (8, 50))}
    assert {frozenset(pair) for pair in zip(listed["md5hash_a"], listed["md5hash_b"], strict=True)} == pairs
    assert (listed["md5hash_a"] < listed["md5hash_b"]).all() and (listed["inliers"].astype(int) > 20).all()
    labels = project.manifest.set_index("md5hash")["label"]
    for side in "ab":
        assert (listed[f"label_{side}"] == listed[f"md5hash_{side}"].map(labels)).all()


def test_the_recall_is_measured_on_copies_made_of_the_runs_images(project):
    _, summary = project.run()
    told = summary["copies_recall"]
    assert told["planted"] == planted.SOURCES * len(planted.ALTERATIONS)
    assert told["found"] == sum(row["found"] for row in told["per_alteration"]) > 0.95 * told["planted"]


def test_without_groups_every_image_is_dealt_for_itself(project):
    project.rules["groups"] = "none"
    # so small a catalog need not tear a pair: here both are torn by hand
    project.manifest["partition"] = ["train"] * 60
    project.manifest.loc[[3, 8], "partition"] = "test"
    project.manifest.loc[[20, 21], "partition"] = "val"
    table, summary = project.run()
    assert table["group"].tolist() == table.index.tolist()
    assert (summary["largest_group"], summary["near_duplicate_pairs"], summary["near_duplicates_in_two_splits"]) == (
        1,
        2,
        2,
    )
    assert summary["left_out"]["in_two_partitions"] == 0


def test_a_split_that_is_left_without_images_is_named(project):
    project.manifest["partition"] = ["test"] * 10 + ["train"] * 50  # those of val were dropped before
    with pytest.raises(PipelineError, match=r"no image is left for val: .*column partition"):
        project.run()
    assert not (project.root / "data/splits.csv").exists()


def test_the_catalogs_order_changes_nothing(project):
    def outputs() -> list[bytes]:
        project.run()
        return [(project.root / "data" / name).read_bytes() for name in ("splits.csv", "split.json", "duplicates.csv")]

    first = outputs()
    project.manifest = project.manifest[::-1]
    assert outputs() == first
