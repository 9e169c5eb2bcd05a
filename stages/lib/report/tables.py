"""The report's tables: lists of lines, each a dictionary by heading, whose first cell names the line.

Cells are values that `cells.cell` writes: text, counts, figures, estimates (`value`, `low`, `high`); None is a dash.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from stages.lib.core.sections import Row
from stages.lib.report.cells import estimate, percent, probability, signed
from stages.lib.report.results import PAPER_SCORES, fairness_of, published
from stages.lib.scoring.metrics import shown

Table = list[dict[str, Any]]
_RATINGS = {"fitzpatrick_scale": "Fitzpatrick", "fitzpatrick_centaur": "Centaur (second rating)"}


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
        {"row": name, "settings": descriptions[name], "batch": row.batch_size, "dropout": f"{row.dropout:g}"}
        | _scores(assessments[name], published(paper, name))
        for name, row in rows.items()
    ]
    lines += [
        {"row": name, "settings": baseline["description"], "batch": None, "dropout": None} | _scores(baseline, {})
        for name, baseline in baselines.items()
    ]
    return [line | {"accuracy against model": verdicts.get(line["row"])} for line in lines]


def _scores(assessment: dict, paper: Mapping[str, float]) -> dict[str, Any]:
    line = {}
    for name, metric in shown("results").items():
        found = assessment["metrics"].get(name)
        ours = found if name == "accuracy" else found and found["value"]  # of all intervals, there is room for one
        if name in PAPER_SCORES:
            line |= {f"{metric.label}, paper": paper.get(name), f"{metric.label}, ours": ours}
        else:
            line[metric.label] = ours
    return line | {"soft F1, paper": paper.get("f1"), "soft F1, ours": assessment.get("f1_published")}


def differences(compared: pd.DataFrame) -> Table:
    """Shows each row minus the model, from what `stages.lib.report.compare.compare` returns."""
    lines: dict[str, dict[str, Any]] = {}
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
        | _shown("guesses", assessment)
        | {
            f"{label}, {coarse['classes']} classes": found
            for coarse in assessment["coarse_classes"].values()
            for label, found in _shown("coarse", coarse).items()
        }
        for name, assessment in assessments.items()
    ]


def calibration(assessments: Mapping[str, dict]) -> Table:
    """Shows log loss and calibration error of every row, before and after temperature scaling."""
    return [
        {"row": name} | _shown("calibration", assessment) | {"temperature": assessment["temperature"]}
        for name, assessment in assessments.items()
    ]


def card(model: dict, majority: dict) -> Table:
    """Shows the model's main scores beside those of always naming the most common class."""
    beaten = _shown("card", majority)
    return [
        {"metric": label, "model": found, "most common class": beaten[label]}
        for label, found in _shown("card", model).items()
    ]


def _shown(place: str, assessment: dict) -> dict[str, Any]:
    """Returns the metrics of a place, by label."""
    return {metric.label: assessment["metrics"].get(name) for name, metric in shown(place).items()}


def skin_types(table: pd.DataFrame) -> Table:
    """Shows the scores of the model by skin type and bucket, from its skin_types.csv, side inputs given and hidden."""
    lines = []
    for _, found in table.groupby(["rating", "level", "group"], sort=False):
        by_input = {line["input"]: line for line in found.to_dict("records")}
        line = by_input["given"]
        cells = {"skin type": line["group"], "rating": _RATINGS[line["rating"]], "images": line["n"]}
        cells |= {metric.label: _of_columns(line, name) for name, metric in shown("skin_types").items()}
        if "hidden" in by_input:
            cells["accuracy, side inputs hidden"] = _of_columns(by_input["hidden"], "accuracy")
        lines.append(cells)
    return lines


def _of_columns(line: Mapping[str, Any], name: str) -> dict[str, float]:
    return {"value": line[name], "low": line[f"{name}_low"], "high": line[f"{name}_high"]}


def fairness(entries: Iterable[dict]) -> Table:
    """Shows how far apart the model's skin types are, for every rating, input and level."""
    return [
        {
            "rating": _RATINGS[entry["rating"]],
            "compared": f"{len(entry['groups_compared'])} {entry['level']}s",
            "side inputs": entry["input"],
            "best": entry["best"],
            "worst": entry["worst"],
        }
        | _disparities(entry)
        | {"DPM covers": percent(entry["dpm_coverage"]), "EOM covers": percent(entry["eom_coverage"])}
        for entry in entries
    ]


def fairness_of_rows(assessments: Mapping[str, dict]) -> Table:
    """Shows the gap between skin types, and the price of not knowing the side inputs, for every row."""
    lines = []
    for name, assessment in assessments.items():
        line = {"row": name} | _disparities(fairness_of(assessment))
        line |= {"accuracy, side inputs hidden": None, "difference": None}
        if hidden := assessment["hidden"]:
            line["accuracy, side inputs hidden"] = hidden["metrics"]["accuracy"]
            line["difference"] = estimate(hidden["difference"]["accuracy"], signed)
        lines.append(line)
    return lines


def _disparities(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"gap in accuracy": entry["gap"], "p by chance": probability(entry["gap_p"])} | {
        name.upper(): entry[name] for name in ("pqd", "dpm", "eom")
    }


def classes(table: pd.DataFrame) -> Table:
    """Shows the model's precision, recall and F1 of every class, from its classes.csv."""
    names = {"name": "class", "support": "test images", "predicted": "predicted", "precision": "precision",
             "recall": "recall", "f1": "F1"}  # fmt: skip
    return table.loc[table["level"] == "label", list(names)].rename(columns=names).to_dict("records")


def confused(pairs: pd.DataFrame) -> Table:
    """Shows which classes are taken for which (see `results.confused_pairs`)."""
    names = {"images": "test images", "share": "share of the actual class"}
    return pairs.assign(share=pairs["share"].map(percent)).rename(columns=names).to_dict("records")


def listed(first: str, second: str, items: Mapping[str, int | str]) -> Table:
    """Shows what belongs to each name: a count or a text."""
    return [{first: name, second: value} for name, value in items.items()]
