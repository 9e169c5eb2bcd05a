"""Dealing images to train, validation and test: stratified by label, whole groups only."""

import warnings

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from stages.lib.errors import PipelineError

SPLITS = ("train", "val", "test")
TENTHS = 10
"""One tenth is the test split, one the validation split, eight are for training: the published 80/10/10."""
FOLDS = 5
"""Of the `fold` column, for cross-validation."""


def deal(labels: pd.Series, groups: pd.Series, seed: int, rare_classes: str) -> pd.DataFrame:
    """Deals every image to a split and a fold.

    Args:
        labels: The class of every image, `(n,)`.
        groups: The group of every image, `(n,)`; images of one group stay together.
        seed: Of the dealing.
        rare_classes: What to do with classes of fewer than ten groups, which cannot be dealt to every tenth:
            `fail`, or `train` to keep all of their images in the training split.

    Returns:
        Columns `split` (train, val or test) and `fold` (0 to 4), `(n,)`, with the index of `labels`.

    Raises:
        PipelineError: If a class has too few groups and `rare_classes` is `fail`, or if nothing can be dealt.
    """
    groups_per_class = groups.groupby(labels).nunique()
    rare = groups_per_class[groups_per_class < TENTHS]
    if len(rare) and rare_classes == "fail":
        name, count = rare.index[0], int(rare.iloc[0])
        others = f" ({len(rare) - 1} more classes have fewer than {TENTHS} groups)" if len(rare) > 1 else ""
        raise PipelineError(
            f"class {name!r} has {int((labels == name).sum())} images in {count} groups, too few to split 80/10/10, "
            f"which needs {TENTHS}{others}: add images, take the class out of the catalog, or keep such classes in the "
            f"training split with `-S split.rare_classes=train`"
        )
    # a group with a rare class anywhere in it stays whole, in train
    kept_in_train = groups.isin(groups[labels.isin(rare.index)])
    dealt = ~kept_in_train
    if groups[dealt].nunique() < TENTHS:
        raise PipelineError("no class has enough groups of images to split 80/10/10; add images to the catalog")
    tenth = _folds(labels[dealt], groups[dealt], TENTHS, seed)
    result = pd.DataFrame({"split": "train", "fold": _folds(labels, groups, FOLDS, seed)}, index=labels.index)
    result.loc[tenth.index[tenth == 0], "split"] = "test"
    result.loc[tenth.index[tenth == 1], "split"] = "val"
    return result


def summarise(table: pd.DataFrame, classes: list[str]) -> dict:
    """Describes a split for `metrics/split.json`.

    Args:
        table: Columns label, group, split; one line per image.
        classes: The catalog's classes.

    Returns:
        Images per split, groups, the largest of them, classes that a split lacks, and how many groups stand in two
        splits, which is 0 unless the code is wrong.
    """
    sizes = table["group"].value_counts()
    present = {split: set(table.loc[table["split"] == split, "label"]) for split in SPLITS}
    return {
        "images": {split: int((table["split"] == split).sum()) for split in SPLITS},
        "groups": len(sizes),
        "largest_group": int(sizes.max()),
        "images_in_groups": int(sizes[sizes > 1].sum()),
        "classes_missing": {split: [name for name in classes if name not in present[split]] for split in SPLITS},
        "groups_in_two_splits": int((table.groupby("group")["split"].nunique() > 1).sum()),
    }


def _folds(labels: pd.Series, groups: pd.Series, n_folds: int, seed: int) -> pd.Series:
    """Numbers the folds of a stratified, grouped n-fold split."""
    fold = pd.Series(0, index=labels.index, dtype=np.int64)
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # rare classes that stay in train are told to the user by the summary, not by scikit-learn
        warnings.filterwarnings("ignore", message="The least populated class")
        for number, (_, members) in enumerate(splitter.split(labels, labels, groups)):
            fold.iloc[members] = number
    return fold
