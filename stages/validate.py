"""Stage validate: decides for each catalog row whether its image is used, and says why if not."""

from pathlib import Path

import pandas as pd

from stages.lib.core.errors import PipelineError, run_stage
from stages.lib.core.files import read_bytes, write_csv, write_json
from stages.lib.core.params import load_params
from stages.lib.core.paths import DROPPED, RAW, VALIDATION
from stages.lib.core.words import DAMAGED, DECODE_FAULTS, SKIN_TYPES, UNKNOWN_TYPE
from stages.lib.data.catalog import WRONGLY_LABELLED, class_names, parse_catalog
from stages.lib.data.manifest import CLASSES, MANIFEST
from stages.lib.data.outcomes import DECODED, FETCH_FAULTS, read_decoded, read_fetched

TOO_SMALL = "too_small"
REASONS = (
    *FETCH_FAULTS,
    "wrongly_labelled",
    *DECODE_FAULTS,
    TOO_SMALL,
    "exact_duplicate",
    "conflicting_labels",
)
"""In the order in which they are looked for: a row is dropped for the first that applies."""
FLAGS = {
    "damaged": "though pixels may be wrong (validate.damaged: keep)",
    "complaint": "of which a decoder complains, but not of the pixels",
}
"""What a kept image may have, as validation.json and stdout say it."""
NAMED = 5
"""How many of a long list a message names."""


def main() -> None:
    """Writes data/manifest.csv, data/dropped.csv, data/classes.json and data/validation.json."""
    params = load_params()
    rules = params.validate_
    catalog = parse_catalog(read_bytes(RAW / "catalog.csv"), str(RAW / "catalog.csv"))
    verdicts = fetch_verdicts(catalog, RAW)
    if rules.drop_wrongly_labelled:
        drop_wrongly_labelled(catalog, verdicts)
    judge_images(catalog, verdicts, rules.min_side_px, rules.damaged)
    drop_exact_duplicates(catalog, verdicts, rules.duplicates)

    kept = verdicts["reason"] == ""
    summary = summarise(catalog, verdicts)
    counts = ", ".join(f"{count} {reason}" for reason, count in summary["dropped"].items() if count)
    if not kept.any() or kept.mean() < rules.min_kept_fraction:
        usable = f"{kept.sum()} of {len(catalog)} rows are" if kept.any() else f"no image of {len(catalog)} rows is"
        raise PipelineError(
            f"{RAW}: {usable} usable ({counts}), fewer than validate.min_kept_fraction; see {RAW / 'fetch.csv'} for "
            f"what did not arrive, or go on with less: `-S validate.min_kept_fraction=<fraction>`"
        )
    classes = summary["classes"]
    if classes["kept"] < 2:
        raise PipelineError(
            f"{RAW}: images are left of one class only, {catalog.loc[kept, 'label'].iloc[0]!r} ({counts}); a "
            f"classifier needs two: see {RAW / 'fetch.csv'} for what did not arrive, or ask for less in `validate`"
        )
    sizes = verdicts.loc[kept, ["width_px", "height_px"]].astype("int64")
    write_csv(MANIFEST, catalog[kept].assign(**sizes))
    write_csv(DROPPED, catalog.loc[~kept, ["md5hash", "label"]].join(verdicts[["reason", "detail"]]))
    write_json(CLASSES, class_names(catalog))
    write_json(VALIDATION, summary)

    of_classes = f"{classes['kept']} of {classes['catalog']} classes"
    print(f"validate: kept {summary['kept']} of {len(catalog)} rows, {of_classes}")
    if classes["gone"]:
        print(f"validate: no image is left of {', '.join(classes['gone'])}")
    if counts:
        print(f"validate: dropped {counts}; each with its reason in {DROPPED}")
    if repeated := summary["repeated_keys"]:
        print(f"validate: {repeated} keys are in several rows ({first_keys(catalog)}); one row at most is kept of each")
    for flag, meaning in FLAGS.items():
        if number := summary["flagged"][flag]:
            print(f"validate: kept {number} images {meaning}; the decoders' words are in {DECODED}")


def first_keys(catalog: pd.DataFrame) -> str:
    """Names the first keys that are in several rows."""
    keys = catalog.loc[catalog["md5hash"].duplicated(), "md5hash"].unique()
    return ", ".join(keys[:NAMED]) + (", ..." if len(keys) > NAMED else "")


def fetch_verdicts(catalog: pd.DataFrame, raw: Path) -> pd.DataFrame:
    """Reads what became of each row's download.

    Args:
        catalog: All rows.
        raw: `data/raw`.

    Returns:
        One row per catalog row, with its index: `reason` (empty: none to drop it so far) and `detail`, to
        which the later checks add.

    Raises:
        PipelineError: If the stage fetch's table is missing, or is not about this catalog.
    """
    both = catalog[["md5hash"]].merge(read_fetched(raw), on="md5hash", how="left")
    if len(both) != len(catalog) or both["status"].isna().any():
        raise PipelineError(
            f"{RAW / 'fetch.csv'}: has not one row for each of the catalog's; make it anew with `dvc repro`"
        )
    reasons = both["status"].replace("ok", "")
    return pd.DataFrame({"reason": reasons, "detail": both["detail"]}).set_index(catalog.index)


def drop_wrongly_labelled(catalog: pd.DataFrame, verdicts: pd.DataFrame) -> None:
    """Drops the rows that the dataset's dermatologists marked so; a catalog without `qc` has none."""
    if "qc" in catalog.columns:
        marked = (catalog["qc"] == WRONGLY_LABELLED) & (verdicts["reason"] == "")
        verdicts.loc[marked, ["reason", "detail"]] = "wrongly_labelled", f"qc is {WRONGLY_LABELLED!r}"


def judge_images(catalog: pd.DataFrame, verdicts: pd.DataFrame, min_side_px: int, damaged: str) -> None:
    """Drops what could not be decoded, is damaged or too small.

    Args:
        catalog: All rows.
        verdicts: Theirs; gets `width_px`, `height_px`, `pixels_digest` and, of what a decoder complained of, `flag`.
        min_side_px: The least width and height.
        damaged: What to do with images whose pixels may be wrong: `drop` or `keep`.
    """
    kept = verdicts["reason"] == ""
    decoded = read_decoded(catalog.loc[kept, "md5hash"])
    if damaged == "drop":
        decoded.loc[decoded["damaged"], "reason"] = DAMAGED
        decoded.loc[decoded["damaged"], "detail"] = decoded["complaint"]
    whole = decoded[decoded["reason"] == ""]
    small = whole[(whole["width_px"] < min_side_px) | (whole["height_px"] < min_side_px)]
    decoded.loc[small.index, "reason"] = TOO_SMALL
    decoded.loc[small.index, "detail"] = small["width_px"].astype(str) + "x" + small["height_px"].astype(str) + " px"
    verdicts.loc[kept, ["reason", "detail"]] = decoded[["reason", "detail"]]
    verdicts["flag"] = decoded["damaged"].map({True: "damaged", False: "complaint"}).where(decoded["complaint"] != "")
    for column in ("width_px", "height_px", "pixels_digest"):
        verdicts[column] = decoded[column]


def drop_exact_duplicates(catalog: pd.DataFrame, verdicts: pd.DataFrame, policy: str) -> None:
    """Drops the images whose pixels a kept row further up has already, rows of the same key among them.

    Args:
        catalog: All rows.
        verdicts: Theirs; those of dropped rows are set.
        policy: For pixels that are under different labels: `keep_first`, as where the labels agree, or `drop`:
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
        "repeated_keys": int(catalog.loc[catalog["md5hash"].duplicated(), "md5hash"].nunique()),
        "flagged": {flag: int((verdicts.loc[kept.index, "flag"] == flag).sum()) for flag in FLAGS},
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


if __name__ == "__main__":
    run_stage(main)
