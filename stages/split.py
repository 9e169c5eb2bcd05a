"""Stage split: deals the kept images to train, validation and test so that nothing in test was seen in training."""

from pathlib import Path

from stages.lib.duplicates import group_names, near_duplicate_pairs
from stages.lib.errors import PipelineError, run_stage
from stages.lib.files import write_csv, write_json
from stages.lib.folds import hold_out
from stages.lib.manifest import SPLITS_TABLE, read_classes, read_manifest
from stages.lib.params import load_params
from stages.lib.shards import ShardedArray
from stages.lib.splits import deal, summarise

SUMMARY = Path("metrics/split.json")


def main() -> None:
    """Finds groups, deals them, writes data/splits.csv and metrics/split.json."""
    params = load_params()
    manifest = read_manifest()
    features = ShardedArray(Path(params.split.features))
    pairs = near_duplicate_pairs(
        features.gather(features.positions(manifest["md5hash"].tolist())), params.split.near_duplicate_cosine
    )
    column = params.split.group_column
    if column is not None and column not in manifest.columns:
        raise PipelineError(
            f"params.yaml: split.group_column: the catalog has no column {column!r}; "
            f"it has {', '.join(manifest.columns)}. Name one of them, or null"
        )
    groups = group_names(manifest["md5hash"].tolist(), pairs, None if column is None else manifest[column])
    table = manifest[["md5hash", "label"]].assign(group=groups)
    table[["split", "fold"]] = deal(table["label"], table["group"], params.seed, params.split.rare_classes)
    if params.split.fold is not None:
        table["split"] = hold_out(table, params.split.fold)
    summary = summarise(table, read_classes()) | {"near_duplicate_pairs": len(pairs)}
    if summary["groups_in_two_splits"]:
        raise AssertionError("a group straddles two splits")
    write_csv(SPLITS_TABLE, table[["md5hash", "group", "split", "fold"]])
    write_json(SUMMARY, summary)
    counts = ", ".join(f"{name} {count}" for name, count in summary["images"].items())
    print(f"split: {counts}; {summary['groups']} groups, the largest of {summary['largest_group']} images")


if __name__ == "__main__":
    run_stage(main)
