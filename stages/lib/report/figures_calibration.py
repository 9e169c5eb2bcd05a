"""Figures of trust: how often the model is right when it says that it is sure, and for whom."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.lib.report import drawing
from stages.lib.report.drawing import BLUE, GREY, LEGEND, LIGHT, ORANGE, WIDTH_IN


def reliability(bins: pd.DataFrame) -> bytes:
    """Draws accuracy against confidence, before and after temperature scaling, and how many images each bin has.

    Args:
        bins: One line per bin: `calibration` (`before`, `after`), `low`, `high` (edges of the confidence), `n`,
            `confidence` (mean) and `accuracy`; the last two are missing where `n` is 0.
    """
    looks = {
        "before": ("s--", ORANGE, "as trained", {"facecolor": "none", "hatch": "////"}),
        "after": ("o-", BLUE, "after temperature scaling", {"facecolor": BLUE, "alpha": 0.55}),
    }
    with drawing.style():
        figure = Figure((WIDTH_IN, 6.2), layout="constrained")
        diagram, counts = figure.subplots(2, height_ratios=(3, 1), sharex=True)
        diagram.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1.5, label="perfectly calibrated")
        for offset, (name, (line, colour, label, bar)) in enumerate(looks.items()):
            part = bins[bins["calibration"] == name]
            filled = part[part["n"] > 0]
            diagram.plot(filled["confidence"], filled["accuracy"], line, color=colour, markersize=5, label=label)
            width = (part["high"] - part["low"]) * 0.42
            middle = part["low"] + width * (offset + 0.6)
            counts.bar(middle, part["n"], width=width, edgecolor=colour, **bar)
        diagram.set_ylim(0, 1)
        diagram.set_xlim(0, 1)
        diagram.set_ylabel("accuracy")
        counts.set_ylabel("images")
        counts.set_xlabel("confidence: the probability of the class that the model names")
        counts.yaxis.get_major_locator().set_params(integer=True, nbins=4)
        figure.align_ylabels()
        figure.legend(ncols=2, **LEGEND)
        return drawing.png(figure)


def accuracy_by_type(table: pd.DataFrame, accuracy: Mapping[str, float]) -> bytes:
    """Draws accuracy by skin type with its interval; under its name stands how many images each type has.

    Args:
        table: A row's skin_types.csv; the scores are missing where there is no image, the bounds where there is no
            interval. Lines with `input` `hidden` are there for rows that take side inputs.
        accuracy: Over all images: `value`.
    """
    chosen = table[(table["rating"] == "fitzpatrick_scale") & (table["level"] == "type")]
    table, hidden = (chosen[chosen["input"] == name] for name in ("given", "hidden"))
    hidden, overall = None if hidden.empty else hidden, accuracy["value"]
    places = np.arange(len(table))
    shift = 0.0 if hidden is None else 0.14
    with drawing.style():
        figure = Figure((WIDTH_IN, 3.8), layout="constrained")
        axes = figure.subplots()
        axes.axhline(overall, color=GREY, linestyle="--", linewidth=1.4, label="all test images")
        series = [
            (
                table,
                -shift,
                "o",
                BLUE,
                LIGHT,
                "side inputs given" if hidden is not None else f"accuracy, {drawing.LEVEL} interval",
            )
        ]
        if hidden is not None:
            series.append((hidden, shift, "s", ORANGE, "#EBB08C", "side inputs hidden"))
        for values, offset, marker, colour, pale, label in series:
            bounds = values[["accuracy_low", "accuracy_high"]].to_numpy(float).T
            spread = np.abs(bounds - values["accuracy"].to_numpy(float))
            axes.errorbar(
                places + offset, values["accuracy"], yerr=np.nan_to_num(spread), fmt=marker, color=colour, ecolor=pale,
                elinewidth=3, markersize=7, label=label,
                markerfacecolor="white" if marker == "s" else colour, markeredgewidth=1.5,
            )  # fmt: skip
        labels = [f"{group}\nn = {n:,}" for group, n in zip(table["group"], table["n"], strict=True)]
        axes.set_xticks(places, labels, fontsize=9 if len(labels) <= 5 else 8)
        axes.set_xlim(-0.5, len(table) - 0.5)
        axes.set_ylim(0, min(1.02, 1.1 * np.nanmax([0.1, overall, *table["accuracy_high"].to_numpy(float)])))
        axes.tick_params(axis="x", length=0)
        axes.grid(visible=False, axis="x")
        axes.set_ylabel("accuracy")
        axes.set_xlabel("skin type (Fitzpatrick)")
        figure.legend(ncols=3, **LEGEND)
        return drawing.png(figure)
