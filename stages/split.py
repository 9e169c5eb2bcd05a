"""Stage split: deals the kept images to train, validation and test so that nothing in test was seen in training."""

import numpy as np
import pandas as pd

from stages.lib.core.errors import PipelineError, run_stage
from stages.lib.core.files import write_csv, write_json
from stages.lib.core.params import load_params
from stages.lib.core.paths import DUPLICATES, SPLIT_SUMMARY, TENSORS
from stages.lib.core.sections import Split
from stages.lib.data.manifest import SPLITS_TABLE, read_classes, read_manifest
from stages.lib.data.shards import ShardedArray
from stages.lib.split import near_duplicates, planted
from stages.lib.split.duplicates import group_names, largest_share
from stages.lib.split.folds import hold_out
from stages.lib.split.near_duplicates import NearDuplicates
from stages.lib.split.nominate import Keypoints
from stages.lib.split.split_summary import summarise
from stages.lib.split.splits import BUCKETS, PARTITION, conflicting, deal, straddling

LARGE_GROUP = 0.05
"""Of the images; no patient or lesion has so many."""


def main() -> None:
    """Finds groups, deals them, writes data/splits.csv, data/duplicates.csv and data/split.json."""
    params = load_params()
    # in the order of md5hash, so that a pair is compared the same way round whatever the catalog's order
    manifest = read_manifest().sort_values("md5hash", ignore_index=True)
    column = params.split.group_column
    if column is not None and column not in manifest.columns:
        raise PipelineError(
            f"params.yaml: split.group_column: the catalog has no column {column!r}; "
            f"it has {', '.join(manifest.columns)}. Name one of them, or null"
        )
    if column is not None:
        warn_of_large_groups(manifest[column])
    found, recall = search(manifest, params.seed)
    duplicates = listed(manifest, found)
    table, left_out = grouped(manifest, found, params.split)
    table[["split", "fold"]] = deal(table, params.seed, params.split.rare_classes, params.split.folds)
    if params.split.fold is not None:
        table["split"] = hold_out(table, params.split.fold)

    summary = summarise(table, read_classes(), duplicates)
    summary |= {"near_duplicate_candidates": found.candidates, "copies_recall": recall, "left_out": left_out}
    if params.split.groups == "all" and (summary["groups_in_two_splits"] or summary["near_duplicates_in_two_splits"]):
        raise AssertionError("near-duplicates are in two splits")
    if empty := [name for name, count in summary["images"].items() if count == 0]:
        raise PipelineError(
            f"no image is left for {' or '.join(empty)}: of what the catalog's column partition places there, none "
            f"is usable (data/dropped.csv); place others there, or empty some of its cells"
        )
    write_csv(SPLITS_TABLE, table[["md5hash", "group", "split", "fold"]])
    write_csv(DUPLICATES, duplicates)
    write_json(SPLIT_SUMMARY, summary)
    counts = ", ".join(f"{name} {count}" for name, count in summary["images"].items())
    print(f"split: {counts}; {summary['groups']} groups, the largest of {summary['largest_group']} images")
    print(
        f"split: {len(found.pairs)} pairs of near-duplicates, {summary['near_duplicates_in_two_splits']} in two splits"
    )
    print(f"split: {recall['found']} of {recall['planted']} altered copies, made to test the search, were found")
    for reason in ("conflicting_labels", "in_two_partitions"):
        if left_out[reason]:
            print(f"split: {left_out[reason]} images left out: {reason.replace('_', ' ')}")
    if left_out["conflicting_labels_kept"]:
        print(f"split: {left_out['conflicting_labels_kept']} images kept that have near-duplicates with other labels")


def warn_of_large_groups(ids: pd.Series) -> None:
    """Names the group of the catalog that holds more than `LARGE_GROUP` of the images: is its id one at all?"""
    value, images = largest_share(ids)
    if images > max(1, LARGE_GROUP * len(ids)):
        print(
            f"split: warning: {images} of {len(ids)} images share {ids.name} {value!r} and stay in one split; if that "
            f"means that it is not known, empty those cells of the catalog"
        )


def search(manifest: pd.DataFrame, seed: int) -> tuple[NearDuplicates, dict]:
    """Looks for near-duplicates among the kept images, and for copies of some of them that were made to be found.

    Args:
        manifest: Columns md5hash, width_px and height_px, `(n,)`.
        seed: Of the choice of images that copies are made of.

    Returns:
        What was found; and which share of the copies, see `planted.recall`.
    """
    keys = manifest["md5hash"].tolist()
    aspects = manifest["width_px"].astype(float).to_numpy() / manifest["height_px"].astype(float).to_numpy()
    tensors = ShardedArray(TENSORS)
    with near_duplicates.workers() as pool:
        images = near_duplicates.read_features(tensors, keys, aspects, pool)
        known = Keypoints(images, pool)
        found = near_duplicates.find(images, known, pool)
        groups = np.array(group_names(keys, found.pairs, None))
        return found, planted.recall(tensors, keys, aspects, images, known, groups, seed, pool)


def listed(manifest: pd.DataFrame, found: NearDuplicates) -> pd.DataFrame:
    """Names the pairs: columns md5hash_a, md5hash_b, inliers, label_a and label_b, `(pairs,)`."""
    a, b = (manifest.iloc[side].reset_index(drop=True) for side in found.pairs.T)
    return pd.DataFrame({
        "md5hash_a": a["md5hash"], "md5hash_b": b["md5hash"], "inliers": found.inliers,
        "label_a": a["label"], "label_b": b["label"],
    })  # fmt: skip


def grouped(manifest: pd.DataFrame, found: NearDuplicates, rules: Split) -> tuple[pd.DataFrame, dict[str, int]]:
    """Joins near-duplicates and the catalog's groups; leaves out what must not be dealt.

    Args:
        manifest: The kept images, `(n,)`.
        found: Their near-duplicates.
        rules: Of the split.

    Returns:
        Columns md5hash, label, group, bucket and, where the catalog has one, partition; and how many images were left
        out, by reason. `conflicting_labels` counts images under `conflicts: keep`, too, as `_kept`. Under
        `groups: none` every image is a group of its own.
    """
    keys = manifest["md5hash"].tolist()
    copies = pd.Series(group_names(keys, found.pairs, None))
    column = None if rules.group_column is None else manifest[rules.group_column]
    together = keys if rules.groups == "none" else group_names(keys, found.pairs, column)
    table = manifest[["md5hash", "label"]].assign(group=together, bucket=manifest["fitzpatrick_scale"].map(BUCKETS))
    conflicts = conflicting(manifest["label"], copies)
    left_out = {"conflicting_labels": 0, "in_two_partitions": 0}
    out = pd.Series(False, index=table.index)
    if rules.conflicts == "drop":
        out, left_out["conflicting_labels"] = conflicts, int(conflicts.sum())
    if PARTITION in manifest:
        table[PARTITION] = manifest[PARTITION]
        torn = straddling(table.loc[~out, PARTITION], table.loc[~out, "group"]).reindex(table.index, fill_value=False)
        out, left_out["in_two_partitions"] = out | torn, int(torn.sum())
    return table[~out].reset_index(drop=True), left_out | {"conflicting_labels_kept": int((conflicts & ~out).sum())}


if __name__ == "__main__":
    run_stage(main)
