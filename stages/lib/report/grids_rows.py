"""The report's tables that go over all rows, as text."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from stages.lib.report import grids
from stages.lib.report.measured import Assessment, Baseline
from stages.lib.report.tables import Table


def results(
    table: Table,
    assessments: Mapping[str, Assessment],
    verdicts: Mapping[str, str],
    baselines: Mapping[str, Baseline],
    names: Sequence[str],
) -> grids.Grid:
    """Puts every row of a table beside the paper's, and what it has to beat below.

    Args:
        table: The table.
        assessments: By row name.
        verdicts: On accuracy against the row under study, by row or baseline.
        baselines: By name.
        names: The baselines that belong to this table.
    """
    columns = [
        "row*", "settings*", "batch", "dropout", "loss, paper", "loss, ours", "accuracy, paper", "accuracy, ours",
        grids.INTERVAL, "top 5", "balanced accuracy", "soft F1, paper", "soft F1, ours", "weighted F1", "macro F1",
        "accuracy against model*",
    ]  # fmt: skip
    rows = []
    for result in table.results:
        metrics = assessments[result.name].metrics
        paper = result.paper
        rows.append(
            [
                result.name,
                result.settings,
                str(result.batch_size),
                f"{result.dropout:g}",
                grids.number(paper and paper.loss),
                grids.number(result.ours.loss),
                grids.number(paper and paper.accuracy),
                *grids.estimate(metrics["accuracy"]),
                grids.number(metrics["top_5"].value),
                grids.number(metrics["balanced_accuracy"].value),
                grids.number(paper and paper.f1),
                grids.number(assessments[result.name].f1_published),
                grids.number(result.ours.f1_weighted),
                grids.number(result.ours.f1_macro),
                verdicts.get(result.name, grids.DASH),
            ]
        )
    for name in names:
        metrics = baselines[name].metrics
        rows.append(
            [
                *(
                    name,
                    describe_baseline(baselines[name]),
                    grids.DASH,
                    grids.DASH,
                    grids.DASH,
                    grids.number(baselines[name].loss),
                    grids.DASH,
                ),
                *grids.estimate(metrics["accuracy"]),
                *(grids.DASH, grids.number(metrics["balanced_accuracy"].value), grids.DASH, grids.DASH),
                grids.number(metrics["f1_weighted"].value),
                grids.number(metrics["f1_macro"].value),
                verdicts.get(name, grids.DASH),
            ]
        )
    return grids.Grid(columns, rows, [""] * len(table.results) + ["baseline"] * len(names))


def describe_baseline(baseline: Baseline) -> str:
    """Puts a baseline into words."""
    if baseline.features is None:
        return f"always {baseline.predicts}" if baseline.predicts else baseline.kind
    return f"{baseline.kind} on {baseline.features.split('/')[-1]} features"


def differences(compared: pd.DataFrame, baselines: Iterable[str]) -> grids.Grid:
    """Shows each row's accuracy and weighted F1 minus those of the row under study.

    Args:
        compared: As `stages.lib.report.compare.compare` returns it.
        baselines: The names that are baselines.
    """
    columns = ["row*", "accuracy, difference", grids.INTERVAL, "p, adjusted", "verdict*",
               "weighted F1, difference", grids.INTERVAL, "p, adjusted", "verdict*"]  # fmt: skip
    by_metric = {metric: part.set_index("row") for metric, part in compared.groupby("metric")}
    rows = []
    for name in by_metric["accuracy"].index:
        cells = [name]
        for metric in ("accuracy", "f1_weighted"):
            line = by_metric[metric].loc[name]
            cells += [grids.signed(line["difference"]), grids.interval(line["low"], line["high"], grids.signed)]
            cells += [grids.share(line["p_adjusted"]), line["verdict"]]
        rows.append(cells)
    beaten = set(baselines)
    return grids.Grid(columns, rows, ["baseline" if cells[0] in beaten else "" for cells in rows])


def fairness_of_rows(assessments: Mapping[str, Assessment]) -> grids.Grid:
    """Shows the gap between skin types, and the price of not knowing the type, for every row."""
    columns = ["row*", "gap in accuracy", grids.INTERVAL, "p by chance", "PQD", "DPM", "EOM",
               "accuracy with type set to unknown", "difference", grids.INTERVAL]  # fmt: skip
    rows = []
    for name, assessment in assessments.items():
        entry, hidden = assessment.fairness(), assessment.type_hidden
        cells = [name, *grids.estimate(entry and entry.gap)]
        cells += (
            [grids.share(entry.gap_p), grids.number(entry.pqd), grids.number(entry.dpm), grids.number(entry.eom)]
            if entry
            else [grids.DASH] * 4
        )
        if hidden:
            change = hidden.difference["accuracy"]
            cells += [grids.number(hidden.metrics["accuracy"].value), grids.signed(change.value)]
            cells += [grids.interval(change.low, change.high, grids.signed)]
        else:
            cells += [grids.DASH] * 3
        rows.append(cells)
    return _with_model(columns, rows)


def calibration(assessments: Mapping[str, Assessment]) -> grids.Grid:
    """Shows log loss and calibration error of every row, before and after temperature scaling."""
    columns = ["row*", "log loss", grids.INTERVAL, "log loss, scaled", "ECE", grids.INTERVAL,
               "ECE, scaled", grids.INTERVAL, "temperature"]  # fmt: skip
    rows = [
        [
            name,
            *grids.estimate(assessment.metrics["loss"]),
            grids.number(assessment.metrics["loss_scaled"].value),
            *grids.estimate(assessment.metrics["ece"]),
            *grids.estimate(assessment.metrics["ece_scaled"]),
            grids.number(assessment.temperature, 2),
        ]
        for name, assessment in assessments.items()
    ]
    return _with_model(columns, rows)


def partitions(assessments: Mapping[str, Assessment]) -> grids.Grid:
    """Shows every row's scores on all classes and on the catalog's coarser ones, where it has them."""
    kept = {key for assessment in assessments.values() for key in assessment.partitions}
    kept = [key for key in ("nine_partition_label", "three_partition_label") if key in kept]
    sizes = {key: next(iter(assessments.values())).partitions[key].classes for key in kept}
    columns = ["row*", "top 1", "top 3", grids.INTERVAL, "top 5", grids.INTERVAL, "balanced accuracy", grids.INTERVAL]
    for key in kept:
        columns += [f"accuracy, {sizes[key]} classes", grids.INTERVAL, f"macro F1, {sizes[key]} classes"]
    rows = []
    for name, assessment in assessments.items():
        metrics = assessment.metrics
        cells = [
            name,
            grids.number(metrics["accuracy"].value),
            *grids.estimate(metrics["top_3"]),
            *grids.estimate(metrics["top_5"]),
        ]
        cells += grids.estimate(metrics["balanced_accuracy"])
        for key in kept:
            of_partition = assessment.partitions[key].metrics
            cells += [*grids.estimate(of_partition["accuracy"]), grids.number(of_partition["f1_macro"].value)]
        rows.append(cells)
    return _with_model(columns, rows)


def _with_model(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> grids.Grid:
    return grids.Grid(columns, rows, ["model" if cells[0] == "model" else "" for cells in rows])
