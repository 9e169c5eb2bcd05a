"""What a split looks like in numbers: `data/split.json`."""

import pandas as pd

from stages.lib.core.words import SPLITS
from stages.lib.split.splits import TENTHS

SHARES = {"train": (TENTHS - 2) / TENTHS, "val": 1 / TENTHS, "test": 1 / TENTHS}


def summarise(table: pd.DataFrame, classes: list[str], duplicates: pd.DataFrame) -> dict:
    """Describes a split.

    Args:
        table: Columns md5hash, label, bucket, group, split and fold; one line per image.
        classes: The catalog's classes.
        duplicates: Columns md5hash_a and md5hash_b; one line per pair of near-duplicates, of which some images may not
            be in `table`.

    Returns:
        Images per split, per class and per skin type bucket; groups and the largest of them; classes that a split
        lacks; the worst imbalance; how many groups are in two splits or folds, which is 0 unless the code is wrong; how
        many pairs of near-duplicates are in two splits, which is 0 unless `split.groups` is none. What goes over
        classes is a list, so that `dvc metrics` does not show hundreds of numbers.
    """
    sizes = table["group"].value_counts()
    by_class = _counts(table, "label").reindex(classes, fill_value=0)
    by_bucket = _counts(table, "bucket")
    split_of = table.set_index("md5hash")["split"]
    sides = pd.DataFrame({side: duplicates[f"md5hash_{side}"].map(split_of) for side in "ab"}).dropna()
    straddling = {name: int((table.groupby("group")[name].nunique() > 1).sum()) for name in ("split", "fold")}
    return {
        "images": {split: int((table["split"] == split).sum()) for split in SPLITS},
        "groups": len(sizes),
        "largest_group": int(sizes.max()),
        "images_in_groups": int(sizes[sizes > 1].sum()),
        "classes_missing": {split: by_class.index[by_class[split] == 0].tolist() for split in SPLITS},
        "groups_in_two_splits": straddling["split"],
        "groups_in_two_folds": straddling["fold"],
        "near_duplicate_pairs": len(duplicates),
        "near_duplicates_in_two_splits": int((sides["a"] != sides["b"]).sum()),
        "worst_imbalance": {"class": _worst(by_class), "skin_type": _worst(by_bucket)},
        "per_class": _rows(by_class, "class"),
        "per_skin_type": _rows(by_bucket, "skin_type"),
        "per_fold": [int(count) for count in table["fold"].value_counts().sort_index()],
    }


def _counts(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Counts images by the values of `column` and split."""
    return pd.crosstab(table[column], table["split"]).reindex(columns=list(SPLITS), fill_value=0)


def _worst(counts: pd.DataFrame) -> dict:
    """Finds where a count is furthest from its share, in images."""
    off = counts - pd.DataFrame({split: counts.sum(axis=1) * share for split, share in SHARES.items()})
    name, split = off.abs().stack().idxmax()
    images = int(counts.loc[name, split])
    return {"of": name, "split": split, "images": images, "ideal": round(images - float(off.loc[name, split]), 1)}


def _rows(counts: pd.DataFrame, name: str) -> list[dict]:
    return [{name: key} | {split: int(row[split]) for split in SPLITS} for key, row in counts.iterrows()]
