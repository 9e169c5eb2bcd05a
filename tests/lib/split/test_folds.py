"""Over all folds every image is tested on once, and groups and rare classes stay where they belong."""

import pandas as pd
import pytest

from stages.lib.core.errors import PipelineError
from stages.lib.split.folds import hold_out
from stages.lib.split.splits import deal

FOLDS = 5


@pytest.fixture
def table() -> pd.DataFrame:
    """300 images of three classes in groups of one to three, and a rare class, grouped with a common image."""
    labels = pd.Series([f"c{n % 3}" for n in range(300)] + ["rare"] * 3)
    groups = pd.Series([f"g{n // 9}-{n % 3}" if n % 9 < 6 else f"g{n}" for n in range(300)] + ["g299"] * 3)
    table = pd.DataFrame(
        {"md5hash": [f"{n:032x}" for n in range(303)], "label": labels, "group": groups, "bucket": "I-II"}
    )
    return table.join(deal(table, 42, "train", FOLDS))


def test_every_image_of_a_common_class_is_tested_on_once_and_validated_on_once(table):
    kept = table["group"] == "g299"
    splits = pd.DataFrame({fold: hold_out(table, fold) for fold in range(FOLDS)})
    assert (splits[kept] == "train").all(axis=None)
    for name, times in (("test", 1), ("val", 1), ("train", FOLDS - 2)):
        assert ((splits[~kept] == name).sum(axis=1) == times).all()


@pytest.mark.parametrize("fold", range(FOLDS))
def test_no_group_is_in_two_splits(table, fold):
    assert hold_out(table, fold).groupby(table["group"]).nunique().max() == 1


def test_a_fold_that_does_not_exist_is_told(table):
    with pytest.raises(PipelineError, match=r"split\.fold: no fold 7; the folds are 0 to 4"):
        hold_out(table, 7)
