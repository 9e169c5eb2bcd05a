"""The report's tables about one row, and about the data, as text."""

from collections.abc import Iterable, Mapping

import pandas as pd

from stages.lib.report import grids
from stages.lib.report.measured import Estimate, Fairness

_RATINGS = {"fitzpatrick_scale": "Fitzpatrick", "fitzpatrick_centaur": "Centaur (second rating)"}


def card(metrics: Mapping[str, Estimate], majority: Mapping[str, Estimate]) -> grids.Grid:
    """Shows a row's main scores beside those of always naming the most common class."""
    names = {
        "accuracy": "accuracy", "top_5": "right within five", "balanced_accuracy": "balanced accuracy",
        "f1_weighted": "weighted F1", "f1_macro": "macro F1", "loss": "log loss, nats",
        "ece": "calibration error (ECE)", "ece_scaled": "ECE, temperature scaled",
    }  # fmt: skip
    rows = []
    for key, name in names.items():
        beaten = majority.get(key)
        rows.append([name, *grids.estimate(metrics[key]), grids.number(beaten and beaten.value)])
    return grids.grid(["measure*", "value", grids.INTERVAL, "most common class"], rows)


def skin_types(table: pd.DataFrame) -> grids.Grid:
    """Shows the scores of one row by skin type and bucket, for every rating, with the type given and hidden.

    Args:
        table: A row's skin_types.csv.
    """
    hidden = (table["input"] == "hidden").any()
    columns = ["skin type*", "rating*", "images", "accuracy", grids.INTERVAL, "weighted F1", grids.INTERVAL]
    columns += ["accuracy, type set to unknown", grids.INTERVAL] if hidden else []
    key = ["rating", "level", "group"]
    without = table[table["input"] == "hidden"].set_index(key)
    rows = []
    for line in table[table["input"] == "given"].itertuples():
        cells = [line.group, _RATINGS.get(line.rating, line.rating), f"{line.n:,}"]
        cells += [grids.number(line.accuracy), grids.interval(line.accuracy_low, line.accuracy_high)]
        cells += [grids.number(line.f1_weighted), grids.interval(line.f1_weighted_low, line.f1_weighted_high)]
        if hidden:
            other = without.loc[(line.rating, line.level, line.group)]
            cells += [grids.number(other["accuracy"]), grids.interval(other["accuracy_low"], other["accuracy_high"])]
        rows.append(cells)
    return grids.grid(columns, rows)


def fairness(entries: Iterable[Fairness]) -> grids.Grid:
    """Shows how far apart one row's skin types are, for every rating, input and level."""
    columns = ["rating*", "compared*", "input*", "best*", "worst*", "gap in accuracy", grids.INTERVAL, "p by chance",
               "PQD", "DPM", "DPM covers", "EOM", "EOM covers"]  # fmt: skip
    levels = {"type": "types", "bucket": "buckets"}
    inputs = {"given": "type given", "hidden": "type set to unknown"}
    return grids.grid(
        columns,
        (
            [
                _RATINGS.get(entry.rating, entry.rating),
                f"{len(entry.groups_compared)} {levels[entry.level]}",
                inputs[entry.input],
                *(entry.best or grids.DASH, entry.worst or grids.DASH),
                *grids.estimate(entry.gap),
                *(grids.share(entry.gap_p), grids.number(entry.pqd), grids.number(entry.dpm)),
                grids.percent(entry.dpm_coverage),
                grids.number(entry.eom),
                grids.percent(entry.eom_coverage),
            ]
            for entry in entries
        ),
    )


def classes(table: pd.DataFrame) -> grids.Grid:
    """Shows one row's precision, recall and F1 of every class.

    Args:
        table: The lines of a row's classes.csv that are wanted.
    """
    columns = ["class*", "test images", "predicted", "precision", "recall", "F1"]
    lines = table[["name", "support", "predicted", "precision", "recall", "f1"]].itertuples(index=False)
    return grids.grid(columns, ([str(n), f"{s:,}", f"{p:,}", *map(grids.number, scores)] for n, s, p, *scores in lines))


def confused(pairs: pd.DataFrame) -> grids.Grid:
    """Shows which classes are taken for which (see `results.confused_pairs`)."""
    rows = ([line.actual, line.predicted, f"{line.images:,}", grids.percent(line.share)] for line in pairs.itertuples())
    return grids.grid(["actual*", "predicted*", "test images", "share of the actual class"], rows)


def counts(first: str, second: str, items: Mapping[str, int]) -> grids.Grid:
    """Shows how many there are of each."""
    return grids.grid([f"{first}*", second], ([name, f"{count:,}"] for name, count in items.items()))


def texts(first: str, second: str, items: Mapping[str, str]) -> grids.Grid:
    """Shows what each is."""
    return grids.grid([f"{first}*", f"{second}*"], ([name, text] for name, text in items.items()))
