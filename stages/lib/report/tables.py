"""The report's tables of words and figures: lists of lines, each a dictionary by heading. Its first cell names it.

Cells are values that `cells.cell` writes: text, counts, figures, estimates (`value`, `low`, `high`); None is a dash.
Tables with a chart in each line are those of `stages.lib.report.charted`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from stages.lib.report.cells import estimate, number, percent, probability, signed
from stages.lib.report.results import PAPER_SCORES, fairness_of, published
from stages.lib.scoring.metrics import METRICS, shown

Table = list[dict[str, Any]]
RATINGS = {"fitzpatrick_scale": "Fitzpatrick", "fitzpatrick_centaur": "Centaur (second rating)"}
AGAINST = "against the model"
"""The heading of verdicts."""


def results(
    descriptions: Mapping[str, str],
    assessments: Mapping[str, dict],
    baselines: Mapping[str, dict],
    verdicts: Mapping[str, str],
) -> Table:
    """Shows what rows scored, and below them what they have to beat.

    Args:
        descriptions: Of this table's rows, in words, by name.
        assessments: By row.
        baselines: Those that belong to this table, by name.
        verdicts: On accuracy against the model, by row or baseline.
    """
    words = dict(descriptions) | {name: baseline["description"] for name, baseline in baselines.items()}
    scored = {**assessments, **baselines}
    return [{"row": name, "settings": text} | _scored(name, scored[name], verdicts) for name, text in words.items()]


def _scored(name: str, assessment: dict, verdicts: Mapping[str, str]) -> dict[str, Any]:
    validation = assessment.get("validation", {}).get("accuracy")
    line = {AGAINST: verdicts.get(name), f"{METRICS['accuracy'].label}, validation": validation}
    return line | _shown("results", assessment)


def summary(lines: Table, paper: pd.DataFrame | None) -> Table:
    """Shortens lines of `results` for Markdown: no settings, intervals of accuracy alone, the paper's accuracy.

    Args:
        lines: All rows.
        paper: The published scores, by row; None where they cannot be compared.
    """
    accuracy = METRICS["accuracy"].label
    short = [
        {
            heading: found["value"] if isinstance(found, Mapping) and not heading.startswith(accuracy) else found
            for heading, found in line.items()
            if heading != "settings"
        }
        for line in lines
    ]
    if paper is None:
        return short
    return [line | {f"{accuracy}, paper": published(paper, line["row"]).get("accuracy")} for line in short]


def beside_paper(assessments: Mapping[str, dict], paper: pd.DataFrame) -> Table:
    """Shows the published scores beside ours, of the rows that the paper has."""
    lines = []
    for name, found in assessments.items():
        if printed := published(paper, name):
            line = {"row": name}
            for score in PAPER_SCORES:
                known = score in METRICS
                label = METRICS[score].label if known else "soft F1"
                ours = found["metrics"][score]["value"] if known else found["f1_published"]
                line |= {f"{label}, paper": printed[score], f"{label}, ours": ours}
            lines.append(line)
    return lines


def differences(compared: pd.DataFrame) -> Table:
    """Shows each row minus the model, from what `stages.lib.scoring.compare.compare` returns, but in accuracy."""
    lines: dict[str, dict[str, Any]] = {}
    for found in compared[compared["metric"] != "accuracy"].to_dict("records"):
        label = shown("compared")[found["metric"]].label
        lines.setdefault(found["row"], {"row": found["row"]}).update(
            {f"{label}, difference": difference(found), f"{label}, {AGAINST}": verdict(found)}
        )
    return list(lines.values())


def difference(found: Mapping[str, Any]) -> str:
    """Writes a difference from the model with its interval."""
    return estimate({"value": found["difference"]} | {end: found[end] for end in ("low", "high")}, signed)


def verdict(found: Mapping[str, Any]) -> str:
    """Writes a verdict with the p value that it is from."""
    p = probability(found["p_adjusted"])
    return f"{found['verdict']} (p {p})" if p.startswith("<") else f"{found['verdict']} (p = {p})"


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
        cells = {"skin type": line["group"], "rating": RATINGS[line["rating"]], "images": line["n"]}
        cells |= {metric.label: of_columns(line, name) for name, metric in shown("skin_types").items()}
        if "hidden" in by_input:
            cells["accuracy, side inputs hidden"] = of_columns(by_input["hidden"], "accuracy")
        lines.append(cells)
    return lines


def of_columns(line: Mapping[str, Any], name: str) -> dict[str, float]:
    """Returns a score of a line of skin_types.csv as an estimate."""
    return {"value": line[name], "low": line[f"{name}_low"], "high": line[f"{name}_high"]}


def fairness(entries: Iterable[dict]) -> Table:
    """Shows how far apart the model's skin types are, for every rating, input and level."""
    lines = []
    for entry in entries:
        hidden = ", side inputs hidden" if entry["input"] == "hidden" else ""
        compared = f"{RATINGS[entry['rating']]}, {len(entry['groups_compared'])} {entry['level']}s{hidden}"
        line = {"compared": compared, "best": entry["best"], "worst": entry["worst"]} | _disparities(entry)
        for name in ("dpm", "eom"):
            line[name.upper()] = f"{number(entry[name])} ({percent(entry[f'{name}_coverage'])})"
        lines.append(line)
    return lines


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


def listed(first: str, second: str, items: Mapping[str, int | str]) -> Table:
    """Shows what belongs to each name: a count or a text."""
    return [{first: name, second: value} for name, value in items.items()]
