"""Figures of the data: what the catalog lists and what validation kept."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.lib.report import drawing
from stages.lib.report.drawing import BLUE, LEGEND, ORANGE, WIDE_IN, WIDTH_IN

ONE_COLUMN = 40
"""Up to so many classes stand in one column; more in two, on a wide figure."""


def classes(counts: pd.DataFrame) -> bytes:
    """Draws how many images each class has before and after validation, the most common class first.

    Args:
        counts: Index: class names. Columns: `catalog` and `kept`, images.
    """
    ordered = counts.sort_values("catalog", ascending=False, kind="stable")
    columns = 1 if len(ordered) <= ONE_COLUMN else 2
    parts = np.array_split(np.arange(len(ordered)), columns)
    with drawing.style():
        # a label of 7 points is 0.1 inches high; a line has 0.14
        line_in, size_pt = (0.24, 9.5) if columns == 1 else (0.15, 7.5)
        figure = Figure((WIDTH_IN if columns == 1 else WIDE_IN, line_in * len(parts[0]) + 1.1), layout="constrained")
        panels = figure.subplots(1, columns, sharex=True, squeeze=False)[0]
        for axes, part in zip(panels, parts, strict=True):
            table = ordered.iloc[part]
            places = np.arange(len(part))
            gone = table["catalog"] - table["kept"]
            axes.barh(places, table["kept"], height=0.7, color=BLUE, label="kept")
            axes.barh(places, gone, left=table["kept"], height=0.7, label="dropped", **_dropped())
            drawing.label_rows(axes, [drawing.short(str(name), 34) for name in table.index], size_pt)
            axes.set_ylim(len(parts[0]) - 0.4, -0.6)
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.set_xlabel("images")
        figure.legend(*panels[0].get_legend_handles_labels(), ncols=2, **LEGEND)
        return drawing.png(figure)


def skin_types(counts: pd.DataFrame) -> bytes:
    """Draws how many images each skin type has before and after validation.

    Args:
        counts: Index: skin types, `unknown` included. Columns: `catalog` and `kept`, images.
    """
    with drawing.style():
        figure = Figure((WIDTH_IN, 3.2), layout="constrained")
        axes = figure.subplots()
        places = np.arange(len(counts))
        gone = counts["catalog"] - counts["kept"]
        axes.bar(places, counts["kept"], width=0.7, color=BLUE, label="kept")
        axes.bar(places, gone, bottom=counts["kept"], width=0.7, label="dropped", **_dropped())
        for place, (catalog, kept) in enumerate(zip(counts["catalog"], counts["kept"], strict=True)):
            axes.annotate(f"{kept:,}\nof {catalog:,}", (place, catalog), (0, 3), ha="center", va="bottom", fontsize=8,
                          textcoords="offset points")  # fmt: skip
        axes.set_ylim(0, 1.22 * max(1, counts["catalog"].max()))
        axes.set_xticks(places, counts.index)
        axes.tick_params(axis="x", length=0)
        axes.grid(visible=False, axis="x")
        axes.set_xlabel("skin type (Fitzpatrick)")
        axes.set_ylabel("images")
        figure.legend(ncols=2, **LEGEND)
        return drawing.png(figure)


def _dropped() -> dict[str, object]:
    return {"facecolor": "white", "edgecolor": ORANGE, "hatch": "/////", "linewidth": 0.8}
