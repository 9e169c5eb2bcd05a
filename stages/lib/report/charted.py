"""The report's tables with a chart in each line: what a reader compares by eye, with the figure beside it."""

from collections.abc import Mapping

import pandas as pd

from stages.lib.core.words import UNKNOWN_TYPE
from stages.lib.report import charts
from stages.lib.report.cells import percent
from stages.lib.report.charts import Mark, Scale
from stages.lib.report.results import published
from stages.lib.report.tables import AGAINST, Table, difference, of_columns, verdict

CURVES = {"loss": "loss", "accuracy": "accuracy", "f1_weighted": "weighted F1"}
"""What is drawn of a training, with its name on the page."""


def comparison(
    assessments: Mapping[str, dict],
    paper: pd.DataFrame | None,
    references: Mapping[str, Mapping[str, float]],
    verdicts: Mapping[str, str],
) -> Table:
    """Shows every row's accuracy on validation and test images.

    Args:
        assessments: By row.
        paper: The published scores, by row; None where they cannot be compared.
        references: Accuracies to beat, by name: `value`.
        verdicts: On accuracy against the model, by row.
    """
    marks = {}
    for name, found in assessments.items():
        printed = {} if paper is None else published(paper, name)
        marks[name] = [
            Mark("val", found["validation"]["accuracy"]),
            Mark("paper", {"value": printed.get("accuracy"), "low": None, "high": None}),
            Mark("test", found["metrics"]["accuracy"]),
        ]
    values = [value for of_row in marks.values() for mark in of_row for value in mark.found.values()]
    lines = [found["value"] for found in references.values()]
    scale = Scale.around([*values, *lines])
    return [
        {
            "row": name,
            charts.heading("accuracy", scale): charts.track(scale, of_row, lines),
            "test images": assessments[name]["metrics"]["accuracy"],
            AGAINST: verdicts.get(name),
        }
        for name, of_row in marks.items()
    ]


def differences(compared: pd.DataFrame) -> Table:
    """Shows each row's accuracy minus the model's, from what `stages.lib.scoring.compare.compare` returns."""
    found = compared[compared["metric"] == "accuracy"].to_dict("records")
    scale = Scale.around(value for line in found for value in (line["difference"], line["low"], line["high"]))
    return [
        {
            "row": line["row"],
            charts.heading("accuracy, row minus model", scale): charts.track(
                scale, [Mark("test", line | {"value": line["difference"]})], [0]
            ),
            "difference": difference(line),
            AGAINST: verdict(line),
        }
        for line in found
    ]


def skin_types(table: pd.DataFrame, accuracy: float) -> Table:
    """Shows the model's accuracy by skin type, from its skin_types.csv, with side inputs given and hidden.

    Args:
        table: Its lines of one rating and level.
        accuracy: Over all test images.
    """
    columns = table[["accuracy", "accuracy_low", "accuracy_high"]].to_numpy(dtype=float)
    scale = Scale.around([*columns.ravel(), accuracy])
    lines = []
    for group, found in table.groupby("group", sort=False):
        by_input = {line["input"]: of_columns(line, "accuracy") for line in found.to_dict("records")}
        marks = [Mark({"hidden": "val", "given": "test"}[name], by_input[name]) for name in sorted(by_input)[::-1]]
        chart = charts.track(scale, marks, [accuracy])
        counts = {"skin type": group, "test images": int(found["n"].iloc[0])}
        lines.append(counts | {charts.heading("accuracy", scale): chart, "accuracy": by_input["given"]})
    return lines


def training(curves: Mapping[str, pd.DataFrame]) -> tuple[list[dict], float]:
    """Draws how every row was trained.

    Returns:
        One dictionary per row: `row`, `epochs` and `charts`, by what they show. And what the upper edge of the charts
        of loss stands for: a row that went astray must not press the others flat, so it leaves its chart.
    """
    losses = pd.concat([table[["loss", "val_loss"]].stack() for table in curves.values()])
    top = Scale.around([1.5 * losses[losses < float("inf")].quantile(0.9)]).high
    drawn = [
        {
            "row": name,
            "epochs": len(table),
            "charts": {
                label: charts.curves(table, key, top if key == "loss" else 1.0) for key, label in CURVES.items()
            },
        }
        for name, table in curves.items()
    ]
    return drawn, top


def dropped(validation: Mapping) -> Table:
    """Shows for which reasons images were dropped, the most frequent first."""
    counts = sorted(validation["dropped"].items(), key=lambda item: -item[1])
    lines = [(reason.replace("_", " "), {"dropped": count}, count) for reason, count in counts if count]
    return _bars("reason", "images dropped", "images", lines)


def kept(tallies: list[dict], name: str) -> Table:
    """Shows what was kept and dropped of each class or skin type, from validation.json.

    Args:
        tallies: One dictionary per class or type: its `name`, images `kept` and images dropped by reason.
        name: Their key.
    """
    lines = []
    for tally in tallies:
        lost = sum(count for key, count in tally.items() if key not in (name, "kept"))
        parts = {"kept": tally["kept"], "dropped": lost}
        lines.append((tally[name], parts, f"{tally['kept']:,}" + f" ({lost:,} dropped)" * bool(lost)))
    return _bars(name.replace("_", " "), "images", "images kept", lines)


def copies(recall: Mapping) -> Table:
    """Shows how many of the copies that were made to test the search it found, by how they were altered."""
    lines = []
    for line in recall["per_alteration"]:
        parts = {"kept": line["found"], "dropped": line["planted"] - line["found"]}
        lines.append((line["alteration"], parts, f"{line['found']:,} of {line['planted']:,}"))
    return _bars("alteration", "copies", "found", lines)


def confused(pairs: pd.DataFrame) -> Table:
    """Shows which classes are taken for which most often (see `results.confused_pairs`)."""
    lines = [
        (f"{pair.actual} → {pair.predicted}", {"kept": pair.images}, f"{pair.images:,} ({percent(pair.share)})")
        for pair in pairs.itertuples()
    ]
    return _bars("actual → predicted", "test images", "images (of the class)", lines)


def _bars(first: str, drawn: str, last: str, lines: list[tuple[str, dict[str, int], int | str]]) -> Table:
    """Makes a table of names, the parts that a bar is made of, and what is written at its end."""
    scale = Scale.around(sum(parts.values()) for _, parts, _ in lines)
    heading = charts.heading(drawn, scale)
    return [{first: name, heading: charts.bar(scale, parts), last: text} for name, parts, text in lines]


def mean_types(manifest: pd.DataFrame) -> Table:
    """Shows the mean skin type of each condition, over its images whose type is known, the lightest first."""
    rated = manifest[manifest["fitzpatrick_scale"] != UNKNOWN_TYPE]
    found = rated.groupby("label")["fitzpatrick_scale"].agg(["size", "mean", "std"]).sort_values("mean", kind="stable")
    spread = found["std"].fillna(0)
    found = found.assign(value=found["mean"], low=found["mean"] - spread, high=found["mean"] + spread)
    scale = Scale(0, 7, 1)
    return [
        {
            "condition": name,
            "rated images": int(line["size"]),
            charts.heading("skin type", scale): charts.track(scale, [Mark("test", line)]),
            "mean ± sd": f"{line['mean']:.1f}\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{line['std']:.1f}"
            if line["size"] > 1
            else f"{line['mean']:.1f}",
        }
        for name, line in zip(found.index, found.to_dict("records"), strict=True)
    ]
