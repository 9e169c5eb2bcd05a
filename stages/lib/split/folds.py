"""Cross-validation: one of the split's folds is tested on in place of the test split."""

import pandas as pd

from stages.lib.core.errors import PipelineError


def hold_out(table: pd.DataFrame, held_out: int) -> pd.Series:
    """Deals images anew, so that over all folds each image is tested on once.

    Args:
        table: One line per image: label, group, split (train, val or test, as dealt without folds) and fold (int;
            a group of images is whole in one fold).
        held_out: The fold to test on. The next one, the first after the last, is for validation.

    Returns:
        train, val or test of every image, `(n,)`. Classes too small for that, which are in train alone already, stay
        there with all of their groups.

    Raises:
        PipelineError: If there is no such fold.
    """
    folds = sorted(table["fold"].unique())
    if held_out not in folds:
        raise PipelineError(f"params.yaml: split.fold: no fold {held_out}; the folds are {folds[0]} to {folds[-1]}")
    next_one = folds[(folds.index(held_out) + 1) % len(folds)]
    dealt = table["fold"].map({held_out: "test", next_one: "val"}).fillna("train")
    rare = ~table["label"].isin(table.loc[table["split"] != "train", "label"])
    return dealt.mask(table["group"].isin(table.loc[rare, "group"]), "train")
