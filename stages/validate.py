"""Stage validate: decides for each catalog row whether it has a sound image, and says why if not."""

import io
import os
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm.contrib.concurrent import thread_map

from stages.lib.core.errors import PipelineError, run_stage
from stages.lib.core.files import write_csv, write_json
from stages.lib.core.params import load_params
from stages.lib.core.sections import Validate
from stages.lib.core.words import SKIN_TYPES, UNKNOWN_TYPE
from stages.lib.data import images
from stages.lib.data.catalog import WRONGLY_LABELLED, class_names, parse_catalog
from stages.lib.data.manifest import CLASSES, MANIFEST

RAW = Path("data/raw")
DROPPED = Path("data/dropped.csv")
SUMMARY = Path("data/validation.json")

FETCH_FAULTS = ("no_url", "fetch_failed", "md5_mismatch")
REASONS = (
    *FETCH_FAULTS,
    "wrongly_labelled",
    images.NOT_AN_IMAGE,
    images.TRUNCATED,
    images.TOO_SMALL,
    images.TOO_MANY_PIXELS,
    "exact_duplicate",
    "conflicting_labels",
)
"""In the order in which they are looked for: a row is dropped for the first that applies."""


def main() -> None:
    """Writes data/manifest.csv, data/dropped.csv, data/classes.json and data/validation.json."""
    params = load_params()
    raw = RAW / params.dataset
    catalog = parse_catalog(_read(raw / "catalog.csv"), str(raw / "catalog.csv"))
    verdicts = fetch_verdicts(catalog, raw / "fetch.csv")
    if params.validate_.drop_wrongly_labelled:
        drop_wrongly_labelled(catalog, verdicts)
    inspect_images(catalog, verdicts, raw, params.validate_)
    drop_exact_duplicates(catalog, verdicts, params.validate_.duplicates)

    kept = verdicts["reason"] == ""
    summary = summarise(catalog, verdicts)
    counts = ", ".join(f"{count} {reason}" for reason, count in summary["dropped"].items() if count)
    if not kept.any() or kept.mean() < params.validate_.min_kept_fraction:
        usable = f"{kept.sum()} of {len(catalog)} rows are" if kept.any() else f"no image of {len(catalog)} rows is"
        raise PipelineError(
            f"{raw}: {usable} usable ({counts}), fewer than validate.min_kept_fraction; see {raw / 'fetch.csv'} for "
            f"what did not arrive, or go on with less: `-S validate.min_kept_fraction=<fraction>`"
        )
    sizes = verdicts.loc[kept, ["width_px", "height_px"]].astype("int64")
    write_csv(MANIFEST, catalog[kept].assign(**sizes))
    write_csv(DROPPED, catalog.loc[~kept, ["md5hash", "label"]].join(verdicts[["reason", "detail"]]))
    write_json(CLASSES, class_names(catalog))
    write_json(SUMMARY, summary)

    classes = summary["classes"]
    of_classes = f"{classes['kept']} of {classes['catalog']} classes"
    print(f"validate: kept {summary['kept']} of {len(catalog)} rows, {of_classes}")
    if classes["gone"]:
        print(f"validate: no image is left of {', '.join(classes['gone'])}")
    if counts:
        print(f"validate: dropped {counts}; each with its reason in {DROPPED}")


def fetch_verdicts(catalog: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Reads what became of each row's download.

    Args:
        catalog: All rows.
        path: The stage fetch's table.

    Returns:
        One row per catalog row, with its index: `reason` (empty: none to drop it so far) and `detail`, to
        which the later checks add.

    Raises:
        PipelineError: If the table is missing, or is not about this catalog.
    """
    again = "write it anew with `dvc repro -f fetch`"
    try:
        fetched = pd.read_csv(io.BytesIO(_read(path)), dtype=str, keep_default_na=False)
    except ValueError as error:  # pandas' parser errors and those of UTF-8
        raise PipelineError(f"{path}: not a CSV file ({error}); {again}") from None
    absent = [column for column in ("md5hash", "status", "detail") if column not in fetched.columns]
    if absent:
        raise PipelineError(f"{path}: lacks the column {absent[0]}; {again}")
    both = catalog[["md5hash"]].merge(fetched, on="md5hash", how="left")
    if len(both) != len(catalog) or both["status"].isna().any():
        raise PipelineError(f"{path}: has not one row for each of the catalog's; {again}")
    unknown = both[~both["status"].isin(["ok", *FETCH_FAULTS])]
    if not unknown.empty:
        row = unknown.iloc[0]
        raise PipelineError(f"{path}: {row['md5hash']} has the unknown status {row['status']!r}; {again}")
    reasons = both["status"].replace("ok", "")
    return pd.DataFrame({"reason": reasons, "detail": both["detail"]}, index=catalog.index)


def drop_wrongly_labelled(catalog: pd.DataFrame, verdicts: pd.DataFrame) -> None:
    """Drops the rows that the dataset's dermatologists marked so; a catalog without `qc` has none."""
    if "qc" in catalog.columns:
        marked = (catalog["qc"] == WRONGLY_LABELLED) & (verdicts["reason"] == "")
        verdicts.loc[marked, ["reason", "detail"]] = "wrongly_labelled", f"qc is {WRONGLY_LABELLED!r}"


def inspect_images(catalog: pd.DataFrame, verdicts: pd.DataFrame, raw: Path, rules: Validate) -> None:
    """Decodes every image still kept: adds `width_px`, `height_px` and `pixels_digest`, or the fault."""
    keys = catalog.loc[verdicts["reason"] == "", "md5hash"]
    found = thread_map(
        partial(_inspect, raw=raw, rules=rules),
        keys,
        max_workers=os.cpu_count(),
        desc="validate",
        unit="image",
        mininterval=1,
    )
    columns = ["reason", "detail", "width_px", "height_px", "pixels_digest"]
    table = pd.DataFrame(found, index=keys.index, columns=columns).astype(object)
    for column in columns:
        verdicts.loc[keys.index, column] = table[column]


def drop_exact_duplicates(catalog: pd.DataFrame, verdicts: pd.DataFrame, policy: str) -> None:
    """Drops the images whose pixels a kept row further up has already.

    Args:
        catalog: All rows.
        verdicts: Theirs; those of dropped rows are set.
        policy: For pixels that stand under different labels: `keep_first`, as where the labels agree, or `drop`:
            none of them is kept, for nobody can tell which label is right.
    """
    kept = verdicts.loc[verdicts["reason"] == "", ["pixels_digest"]].join(catalog[["md5hash", "label"]])
    for _, same in kept[kept["pixels_digest"].duplicated(keep=False)].groupby("pixels_digest", sort=False):
        first = same.iloc[0]
        if policy == "drop" and same["label"].nunique() > 1:
            for row in same.index:
                others = "; ".join(f"{other.md5hash} ({other.label})" for other in same.drop(index=row).itertuples())
                verdicts.loc[row, ["reason", "detail"]] = "conflicting_labels", f"same pixels as {others}"
        else:
            detail = f"same pixels as {first['md5hash']} ({first['label']})"
            verdicts.loc[same.index[1:], ["reason", "detail"]] = "exact_duplicate", detail


def summarise(catalog: pd.DataFrame, verdicts: pd.DataFrame) -> dict:
    """Counts what was kept and dropped, per reason, class and skin type.

    Returns:
        The counts. What goes over classes is a list, so that `dvc metrics` does not show hundreds of numbers; its rows
        hold the reasons that occur.
    """
    kept = catalog[verdicts["reason"] == ""]
    names, left = class_names(catalog), set(kept["label"])
    types = {t: "unknown" if t == UNKNOWN_TYPE else str(t) for t in SKIN_TYPES}
    outcome = verdicts["reason"].replace("", "kept")
    type_names = catalog["fitzpatrick_scale"].map(types)
    return {
        "catalog_rows": len(catalog),
        "kept": len(kept),
        "dropped": {reason: int((verdicts["reason"] == reason).sum()) for reason in REASONS},
        "classes": {"catalog": len(names), "kept": len(left), "gone": [n for n in names if n not in left]},
        "kept_by_skin_type": {name: int((kept["fitzpatrick_scale"] == t).sum()) for t, name in types.items()},
        "per_class": _tally(catalog["label"], outcome, names, "class"),
        "per_skin_type": _tally(type_names, outcome, list(types.values()), "skin_type"),
    }


def _tally(column: pd.Series, outcome: pd.Series, values: list[str], name: str) -> list[dict]:
    """Counts outcomes by the values of a column: `{name: value, "kept": 3, "truncated": 1}`."""
    counts = pd.crosstab(column, outcome).reindex(index=values, columns=["kept", *REASONS], fill_value=0)
    return [
        {name: value} | {key: int(count) for key, count in row.items() if count or key == "kept"}
        for value, row in counts.iterrows()
    ]


def _inspect(md5hash: str, raw: Path, rules: Validate) -> tuple[str, str, int | None, int | None, str | None]:
    """Returns reason, detail, width and height in px, and the digest of the pixels."""
    try:
        info = images.inspect(images.read_raw(raw, md5hash), rules.min_side_px, rules.max_pixels)
    except images.BadImage as fault:
        return fault.reason, fault.detail, None, None, None
    return "", "", info.width_px, info.height_px, info.pixels_digest


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise PipelineError(f"{path}: missing; run the stage that writes it with `dvc repro fetch`") from None


if __name__ == "__main__":
    run_stage(main)
