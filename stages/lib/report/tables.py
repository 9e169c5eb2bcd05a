"""The report's tables: lists of lines, each a dictionary of text by heading; the first cell names the line."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from stages.lib.core.sections import Row
from stages.lib.report.cells import DASH, estimate, number, percent, probability, signed
from stages.lib.report.results import PAPER_SCORES, fairness_of, published
from stages.lib.scoring.metrics import shown

Table = list[dict[str, str]]
_RATINGS = {"fitzpatrick_scale": "Fitzpatrick", "fitzpatrick_centaur": "Centaur (second rating)"}
_LEVELS = {"type": "types", "bucket": "buckets"}


def results(
    rows: Mapping[str, Row],
    descriptions: Mapping[str, str],
    assessments: Mapping[str, dict],
    paper: pd.DataFrame,
    baselines: Mapping[str, dict],
    verdicts: Mapping[str, str],
) -> Table:
    """Puts rows beside the paper's, and below them what they have to beat.

    Args:
        rows: Of this table, by name.
        descriptions: Of rows, in words.
        assessments: By row name.
        paper: The published scores, by row.
        baselines: Those that belong to this table, by name.
        verdicts: On accuracy against the model, by row or baseline.
    """
    lines = [
        {"row": name, "settings": descriptions[name], "batch": str(row.batch_size), "dropout": f"{row.dropout:g}"}
        | _scores(assessments[name], published(paper, name))
        for name, row in rows.items()
    ]
    lines += [
        {"row": name, "settings": baseline["description"], "batch": DASH, "dropout": DASH} | _scores(baseline, {})
        for name, baseline in baselines.items()
    ]
    return [line | {"accuracy against model": verdicts.get(line["row"], DASH)} for line in lines]


def _scores(assessment: dict, paper: Mapping[str, float]) -> dict[str, str]:
    cells = {}
    for name, metric in shown("results").items():
        form = estimate if name == "accuracy" else lambda found: number(found and found["value"])
        ours = form(assessment["metrics"].get(name))
        if name in PAPER_SCORES:
            cells |= {f"{metric.label}, paper": number(paper.get(name)), f"{metric.label}, ours": ours}
        else:
            cells[metric.label] = ours
    soft = number(paper.get("f1")), number(assessment.get("f1_published"))
    return cells | {"soft F1, paper": soft[0], "soft F1, ours": soft[1]}


def differences(compared: pd.DataFrame) -> Table:
    """Shows each row minus the model, and how likely such a difference is by chance.

    Args:
        compared: As `stages.lib.scoring.compare.compare` returns it.
    """
    lines: dict[str, dict[str, str]] = {}
    for found in compared.to_dict("records"):
        label = shown("compared")[found["metric"]].label
        lines.setdefault(found["row"], {"row": found["row"]}).update(
            {
                f"{label}, difference": estimate(found | {"value": found["difference"]}, signed),
                f"p, {label}": probability(found["p_adjusted"]),
                f"verdict, {label}": found["verdict"],
            }
        )
    return list(lines.values())


def guesses(assessments: Mapping[str, dict]) -> Table:
    """Shows every row's scores with more than the first guess, and on coarse classes where the catalog has them."""
    return [
        {"row": name}
        | _estimates("guesses", assessment["metrics"])
        | {
            f"{label}, {coarse['classes']} classes": cell
            for coarse in assessment["coarse_classes"].values()
            for label, cell in _estimates("coarse", coarse["metrics"]).items()
        }
        for name, assessment in assessments.items()
    ]


def calibration(assessments: Mapping[str, dict]) -> Table:
    """Shows log loss and calibration error of every row, before and after temperature scaling."""
    return [
        {"row": name}
        | _estimates("calibration", assessment["metrics"])
        | {"temperature": number(assessment["temperature"])}
        for name, assessment in assessments.items()
    ]


def _estimates(place: str, metrics: Mapping[str, dict]) -> dict[str, str]:
    """Returns the metrics that a table shows, with their intervals, by label."""
    return {metric.label: estimate(metrics.get(name)) for name, metric in shown(place).items()}


def card(metrics: Mapping[str, dict], majority: Mapping[str, dict]) -> Table:
    """Shows the model's main scores beside those of always naming the most common class."""
    ours, beaten = _estimates("card", metrics), _estimates("card", majority)
    return [{"metric": label, "model": ours[label], "most common class": beaten[label]} for label in ours]


def skin_types(table: pd.DataFrame) -> Table:
    """Shows the scores of the model by skin type and bucket, for every rating, with side inputs given and hidden.

    Args:
        table: A row's skin_types.csv.
    """
    lines = []
    for _, found in table.groupby(["rating", "level", "group"], sort=False):
        by_input = {line["input"]: line for line in found.to_dict("records")}
        line = by_input["given"]
        cells = {"skin type": line["group"], "rating": _RATINGS[line["rating"]], "images": f"{line['n']:,}"}
        for name, metric in shown("skin_types").items():
            cells[metric.label] = _of_columns(line, name)
        if "hidden" in by_input:
            cells["accuracy, side inputs hidden"] = _of_columns(by_input["hidden"], "accuracy")
        lines.append(cells)
    return lines


def _of_columns(line: Mapping[str, Any], name: str) -> str:
    return estimate({"value": line[name], "low": line[f"{name}_low"], "high": line[f"{name}_high"]})


def fairness(entries: Iterable[dict]) -> Table:
    """Shows how far apart the model's skin types are, for every rating, input and level."""
    return [
        {
            "rating": _RATINGS[entry["rating"]],
            "compared": f"{len(entry['groups_compared'])} {_LEVELS[entry['level']]}",
            "side inputs": entry["input"],
            "best": entry["best"] or DASH,
            "worst": entry["worst"] or DASH,
        }
        | _disparities(entry)
        | {"DPM covers": percent(entry["dpm_coverage"]), "EOM covers": percent(entry["eom_coverage"])}
        for entry in entries
    ]


def fairness_of_rows(assessments: Mapping[str, dict]) -> Table:
    """Shows the gap between skin types, and the price of not knowing the side inputs, for every row."""
    lines = []
    for name, assessment in assessments.items():
        hidden = assessment["hidden"]
        without, change = (hidden[key]["accuracy"] if hidden else None for key in ("metrics", "difference"))
        lines.append(
            {"row": name}
            | _disparities(fairness_of(assessment))
            | {"accuracy, side inputs hidden": estimate(without), "difference": estimate(change, signed)}
        )
    return lines


def _disparities(entry: Mapping[str, Any]) -> dict[str, str]:
    return {
        "gap in accuracy": estimate(entry["gap"]),
        "p by chance": probability(entry["gap_p"]),
        "PQD": number(entry["pqd"]),
        "DPM": number(entry["dpm"]),
        "EOM": number(entry["eom"]),
    }


def classes(table: pd.DataFrame) -> Table:
    """Shows the model's precision, recall and F1 of every class, from lines of classes.csv."""
    return [
        {"class": line.name, "test images": f"{line.support:,}", "predicted": f"{line.predicted:,}"}
        | {"precision": number(line.precision), "recall": number(line.recall), "F1": number(line.f1)}
        for line in table.itertuples(index=False)
    ]


def confused(pairs: pd.DataFrame) -> Table:
    """Shows which classes are taken for which (see `results.confused_pairs`)."""
    return [
        {"actual": line.actual, "predicted": line.predicted, "test images": f"{line.images:,}"}
        | {"share of the actual class": percent(line.share)}
        for line in pairs.itertuples()
    ]


def listed(first: str, second: str, items: Mapping[str, int | str]) -> Table:
    """Shows what belongs to each name: a count or a text."""
    return [{first: name, second: f"{value:,}" if isinstance(value, int) else value} for name, value in items.items()]
