"""The split's guarantees: shares, strata, whole groups, the same every time."""

import numpy as np
import pandas as pd
import pytest

from stages.lib.errors import PipelineError
from stages.lib.splits import deal, summarise


@pytest.fixture
def images() -> pd.DataFrame:
    random = np.random.default_rng(0)
    label = random.choice(["a", "b", "c", "d"], 600, p=[0.5, 0.3, 0.15, 0.05])
    table = pd.DataFrame({"label": label, "group": [f"g{n}" for n in range(600)]})
    # pairs of the same class, as near-duplicates are
    for name, members in table.groupby("label").groups.items():
        table.loc[members[1:11:2], "group"] = table.loc[members[0:10:2], "group"].to_numpy()
        assert name
    return table


def dealt(images: pd.DataFrame, **changes) -> pd.DataFrame:
    arguments = {"seed": 42, "rare_classes": "fail"} | changes
    return images.join(deal(images["label"], images["group"], **arguments))


def test_shares_are_80_10_10_in_all_and_in_every_class(images):
    table = dealt(images)
    shares = table["split"].value_counts(normalize=True)
    assert shares["train"] == pytest.approx(0.8, abs=0.01)
    assert shares["test"] == pytest.approx(0.1, abs=0.01)
    for _, members in table.groupby("label"):
        counts = members["split"].value_counts()
        assert counts["test"] == pytest.approx(len(members) / 10, abs=2)
        assert counts["val"] == pytest.approx(len(members) / 10, abs=2)


def test_no_group_is_in_two_splits_or_folds(images):
    table = dealt(images)
    assert table.groupby("group")[["split", "fold"]].nunique().max().tolist() == [1, 1]
    assert sorted(table["fold"].unique()) == [0, 1, 2, 3, 4]
    assert summarise(table, ["a", "b", "c", "d"])["groups_in_two_splits"] == 0


def test_the_seed_alone_decides(images):
    assert dealt(images).equals(dealt(images))
    assert not dealt(images).equals(dealt(images, seed=43))


def test_a_class_with_too_few_groups_is_named(images):
    images.loc[:8, "label"] = "rare"
    with pytest.raises(PipelineError, match=r"class 'rare' has 9 images in \d groups.*rare_classes=train"):
        dealt(images)


def test_rare_classes_can_stay_in_train_with_their_groups(images):
    images.loc[:4, "label"] = "rare"
    images.loc[5, "group"] = images.loc[4, "group"]
    table = dealt(images, rare_classes="train")
    assert set(table.loc[:5, "split"]) == {"train"}
    assert table["split"].value_counts()["test"] > 40


def test_nothing_to_deal_is_said():
    few = pd.DataFrame({"label": ["a"] * 5, "group": list("vwxyz")})
    with pytest.raises(PipelineError, match="no class has enough"):
        dealt(few, rare_classes="train")


def test_the_summary_counts():
    table = pd.DataFrame({"label": ["a", "a", "b"], "group": ["g", "g", "h"], "split": ["train", "test", "val"]})
    summary = summarise(table, ["a", "b", "gone"])
    assert summary["images"] == {"train": 1, "val": 1, "test": 1}
    assert (summary["groups"], summary["largest_group"], summary["images_in_groups"]) == (2, 2, 2)
    assert summary["classes_missing"]["train"] == ["b", "gone"]
    assert summary["groups_in_two_splits"] == 1
