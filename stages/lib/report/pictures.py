"""The report's pictures, from what was measured: which rows, classes, skin types and images each of them shows."""

from pathlib import Path

import pandas as pd

from stages.lib.core.sections import TENSORS
from stages.lib.data.shards import ShardedArray
from stages.lib.report import figures_calibration, figures_classes, figures_rows, results, tables, thumbnails
from stages.lib.report.measured import Assessment, Baseline
from stages.lib.scoring import partitions

THUMBNAIL_PX = 144


def comparison(
    by_table: list[tables.Table],
    assessments: dict[str, Assessment],
    baselines: dict[str, Baseline],
    references: list[str],
) -> bytes:
    """Draws the comparison of all rows, with what the row under study has to beat as lines."""

    def mark(name: str, paper: tables.PaperScores | None) -> figures_rows.Mark:
        accuracy = assessments[name].metrics["accuracy"]
        return figures_rows.Mark(name, accuracy.value, accuracy.low, accuracy.high, paper and paper.accuracy)

    groups = [("Row under study", [mark(results.MODEL, None)])]
    groups += [(table.title.split(":")[0], [mark(row.name, row.paper) for row in table.results]) for table in by_table]
    lines = {
        "most common class" if baselines[name].features is None else "nearest class mean": baselines[name]
        for name in references
    }
    return figures_rows.comparison(groups, {name: line.metrics["accuracy"].value for name, line in lines.items()})


def by_type(table: pd.DataFrame, model: Assessment) -> bytes:
    """Draws accuracy by skin type, with the type given and, where the row takes one, hidden."""
    part = table[(table["rating"] == "fitzpatrick_scale") & (table["level"] == "type")]
    given, hidden = part[part["input"] == "given"], part[part["input"] == "hidden"]
    overall = model.metrics["accuracy"].value
    return figures_calibration.accuracy_by_type(given, overall, None if hidden.empty else hidden)


def by_class(confusion: pd.DataFrame, pairs: pd.DataFrame) -> dict[str, bytes]:
    """Draws the confusion matrices that have room for names, and the pairs that are mistaken most."""
    drawn = {}
    for partition in partitions.COLUMNS.values():
        if f"actual_{partition}" in confusion:
            actual, predicted = confusion[f"actual_{partition}"], confusion[f"predicted_{partition}"]
            drawn[f"confusion_{partition}"] = figures_classes.confusion(actual, predicted)
    if pd.concat([confusion["actual"], confusion["predicted"]]).nunique() <= figures_classes.MAX_CLASSES:
        drawn["confusion"] = figures_classes.confusion(confusion["actual"], confusion["predicted"])
    if not pairs.empty:
        drawn["pairs"] = figures_classes.confused_pairs(pairs)
    return drawn


def photographs(mistakes: pd.DataFrame, explained: list[results.Explained]) -> dict[str, list]:
    """Makes thumbnails of the most confident mistakes and of what Grad-CAM found.

    Returns:
        `mistakes`: dictionaries of the mistake and its `jpeg`. `gradcam`: one dictionary per image, with its `jpeg`
        and, in the order of `explained`, the `networks`' maps and what each named.
    """
    tensors = ShardedArray(Path(TENSORS))
    sheet = [
        mistake | {"jpeg": thumbnails.photograph(image, THUMBNAIL_PX)}
        for mistake, image in zip(
            mistakes.to_dict("records"), tensors.gather(tensors.positions(mistakes["md5hash"].tolist())), strict=True
        )
    ]
    rows: dict[str, dict] = {}
    for entry in explained:
        images = tensors.gather(tensors.positions(entry.table["md5hash"].tolist()))
        for line, image, found in zip(entry.table.to_dict("records"), images, entry.maps, strict=True):
            row = rows.setdefault(
                line["md5hash"],
                {"label": line["label"], "jpeg": thumbnails.photograph(image, THUMBNAIL_PX), "networks": []},
            )
            row["networks"].append(
                line
                | {
                    "row": entry.row,
                    "seen": bool(found.any()),
                    "jpeg": thumbnails.spotlight(image, found, THUMBNAIL_PX),
                }
            )
    return {"mistakes": sheet, "gradcam": list(rows.values())}
