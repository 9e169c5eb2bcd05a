"""The splits: train, validation and test, and folds, stratified by label and skin type bucket, whole groups only."""

import pandas as pd

from stages.lib.core.errors import PipelineError
from stages.lib.split.dealing import deal_parts

TENTHS = 10
"""One tenth is the test split, one the validation split, eight are for training: the published 80/10/10."""
PARTITION = "partition"
"""The catalog's column that says where an image goes; an empty cell leaves it to us."""
BUCKETS = {1: "I-II", 2: "I-II", 3: "III-IV", 4: "III-IV", 5: "V-VI", 6: "V-VI", -1: "unknown"}
"""By skin type; the types alone are too few per class."""

_PARTS = ("test", "val", "train")
"""In the order of dealing, and of precedence where a group's images stand in several partitions."""


def deal(table: pd.DataFrame, seed: int, rare_classes: str, folds: int) -> pd.DataFrame:
    """Deals every image to a split and a fold.

    Args:
        table: Columns label, group and bucket, `(n,)`; with `partition`, what that says is obeyed: `train`, `val`
            or `test`, the same for all of a group but for those that have none.
        seed: Of the order of dealing.
        rare_classes: What to do with classes of fewer than ten groups, which cannot be dealt to every tenth:
            `fail`, or `train` to keep all of their images in the training split.
        folds: How many.

    Returns:
        Columns `split` (train, val or test) and `fold` (0 to folds - 1), `(n,)`, with the index of `table`.

    Raises:
        PipelineError: If a class has too few groups and `rare_classes` is `fail`, or if nothing can be dealt.
    """
    labels, groups = table["label"], table["group"]
    placed = pd.Series(-1, index=table.index)
    if PARTITION in table:
        placed = table[PARTITION].map({name: number for number, name in enumerate(_PARTS)}).fillna(-1).astype(int)
        placed = placed.groupby(groups).transform("max")
    free = placed < 0
    rare = _rare_classes(labels, groups, free, rare_classes)
    # a group with a rare class anywhere in it stays whole, in train
    placed[free & groups.isin(groups[free & labels.isin(rare)])] = _PARTS.index("train")
    free = placed < 0
    if PARTITION not in table and groups[free].nunique() < TENTHS:
        raise PipelineError("no class has enough groups of images to split 80/10/10; add images to the catalog")
    strata = table[["label", "bucket"]]
    part = deal_parts(strata, groups, [1 / TENTHS, 1 / TENTHS], f"split {seed}", placed)
    fold = deal_parts(strata, groups, [1 / folds] * (folds - 1), f"fold {seed}")
    return pd.DataFrame({"split": part.map(dict(enumerate(_PARTS))), "fold": fold}, index=table.index)


def _rare_classes(labels: pd.Series, groups: pd.Series, free: pd.Series, rare_classes: str) -> list[str]:
    """Returns the classes of fewer than ten groups, placed or not, of which some are free; or fails over them."""
    counts = groups.groupby(labels).nunique()
    rare = counts[(counts < TENTHS) & counts.index.isin(labels[free])]
    if len(rare) and rare_classes == "fail":
        name, count = rare.index[0], int(rare.iloc[0])
        others = f" ({len(rare) - 1} more classes have fewer than {TENTHS} groups)" if len(rare) > 1 else ""
        raise PipelineError(
            f"class {name!r} has {int((labels == name).sum())} images in {count} groups, too few to split 80/10/10, "
            f"which needs {TENTHS}{others}: add images, take the class out of the catalog, or keep such classes in the "
            f"training split with `-S split.rare_classes=train`"
        )
    return rare.index.tolist()


def conflicting(labels: pd.Series, copies: pd.Series) -> pd.Series:
    """Marks images whose near-duplicates have other labels.

    Args:
        labels: `(n,)`.
        copies: The group of near-duplicates of every image, `(n,)`; not a patient's or a lesion's.

    Returns:
        bool, `(n,)`.
    """
    return labels.groupby(copies).transform("nunique") > 1


def straddling(partition: pd.Series, groups: pd.Series) -> pd.Series:
    """Marks images to leave out so that a given partition is obeyed and no group is in two splits.

    Of a group whose images stand in several, those in test stay, else those in val: a test set is never changed.

    Args:
        partition: `train`, `val`, `test` or empty, `(n,)`.
        groups: `(n,)`.

    Returns:
        bool, `(n,)`.
    """
    rank = partition.map({name: number for number, name in enumerate(_PARTS)})
    return rank.notna() & (rank > rank.groupby(groups).transform("min"))
