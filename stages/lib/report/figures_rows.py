"""Figures of rows: how they compare, and how they were trained."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.lib.report import drawing
from stages.lib.report.drawing import BLUE, GREY, LEGEND, LIGHT, ORANGE, WIDE_IN, WIDTH_IN

PANELS_ACROSS = 4


def comparison(groups: Mapping[str, Mapping[str, Mapping]], references: Mapping[str, float]) -> bytes:
    """Draws each row's accuracy with its 95 % interval, the paper's beside it.

    Args:
        groups: By title, then by row: `value`, `low`, `high` (None where there is no interval) and `paper` (None where
            the paper has no such row).
        references: Accuracies to beat, by name, drawn as vertical lines; two at most.
    """
    lines = [line for title, rows in groups.items() for line in ((title, None), *rows.items())]
    marks = {place: mark for place, (_, mark) in enumerate(lines) if mark}
    values, low, high, paper = (
        np.array([mark[key] for mark in marks.values()], dtype=float) for key in ("value", "low", "high", "paper")
    )
    with drawing.style():
        figure = Figure((WIDTH_IN, 0.22 * len(lines) + 1.2), layout="constrained")
        axes = figure.subplots()
        spread = np.nan_to_num([values - low, high - values])
        axes.errorbar(
            values, list(marks), xerr=spread, fmt="o", color=BLUE, ecolor=LIGHT, elinewidth=2.5, markersize=6,
            label=f"ours, with {drawing.LEVEL} interval",
        )  # fmt: skip
        if not np.isnan(paper).all():
            published = {"color": ORANGE, "markerfacecolor": "none", "markersize": 6}
            axes.plot(paper, list(marks), "D", label="paper, on Fitzpatrick17k", **published)
        for (name, value), dashes in zip(references.items(), ("--", ":"), strict=False):
            axes.axvline(value, color=GREY, linestyle=dashes, linewidth=1.4, label=name)
        drawing.label_rows(axes, [name for name, _ in lines], 10)
        for place, label in enumerate(axes.get_yticklabels()):
            label.set_fontweight("normal" if place in marks else "bold")
        axes.set_xlim(0, min(1.02, 1.08 * np.nanmax([*values, *high, *paper, *references.values(), 0.1])))
        axes.set_xlabel("accuracy on the test images")
        figure.legend(ncols=2, **LEGEND)
        return drawing.png(figure)


def curves(history: pd.DataFrame) -> bytes:
    """Draws loss, accuracy and weighted F1 over the epochs, for training and validation images.

    Args:
        history: One row per epoch: `epoch`, `loss`, `accuracy`, `f1_weighted`, the same with `val_`, and
            `chosen`, 1 for the epoch whose weights were kept.
    """
    with drawing.style():
        figure = Figure((WIDTH_IN, 5.8), layout="constrained")
        panels = figure.subplots(3, sharex=True)
        names = {"loss": "loss", "accuracy": "accuracy", "f1_weighted": "weighted F1"}
        for axes, (key, name) in zip(panels, names.items(), strict=True):
            _pair(axes, history, key, markersize=4)
            axes.set_ylabel(name)
        panels[-1].set_xlabel("epoch")
        figure.align_ylabels(panels)
        figure.legend(*panels[0].get_legend_handles_labels(), ncols=3, **LEGEND)
        return drawing.png(figure)


def all_curves(histories: Mapping[str, pd.DataFrame]) -> bytes:
    """Draws the loss of every row over its epochs, one small panel each, all on one scale of loss.

    Args:
        histories: By row name, as for `curves`.
    """
    down = -(-len(histories) // PANELS_ACROSS)
    losses = np.concatenate([table[["loss", "val_loss"]].to_numpy().ravel() for table in histories.values()])
    with drawing.style():
        # margins by hand: finding them for so many panels takes matplotlib longer than all the other figures
        height_in = 1.5 * down + 0.7
        margins = {"left": 0.55 / WIDE_IN, "right": 1 - 0.12 / WIDE_IN, "wspace": 0.08, "hspace": 0.42}
        margins |= {"bottom": 0.3 / height_in, "top": 1 - 0.6 / height_in}
        figure = Figure((WIDE_IN, height_in))
        panels = figure.subplots(down, PANELS_ACROSS, sharey=True, squeeze=False, gridspec_kw=margins)
        for axes in panels.flat[len(histories) :]:
            axes.set_visible(False)
        for axes, (name, history) in zip(panels.flat, histories.items(), strict=False):
            _pair(axes, history, "loss", markersize=2.5)
            axes.set_title(name, fontsize=9, pad=3)
            axes.tick_params(labelsize=8)
            # a row that went astray must not press the others flat: what is above is outside its panel
            axes.set_ylim(0, 1.6 * np.quantile(losses, 0.9))
        for axes in panels[:, 0]:
            axes.set_ylabel("loss", fontsize=9)
        figure.legend(*panels.flat[0].get_legend_handles_labels(), ncols=3, loc="upper center")
        return drawing.png(figure)


def _pair(axes: Axes, history: pd.DataFrame, key: str, markersize: float) -> None:
    """Draws one measure for training and validation images, and the epoch whose weights were kept."""
    epochs = history["epoch"]
    axes.plot(epochs, history[key], "o-", color=BLUE, markersize=markersize, label="training")
    axes.plot(epochs, history[f"val_{key}"], "s--", color=ORANGE, markersize=markersize, label="validation")
    for epoch in epochs[history["chosen"] == 1]:
        axes.axvline(epoch, color=GREY, linestyle=":", linewidth=1.8, label="weights kept")
    axes.set_ylim(bottom=0)
    axes.xaxis.get_major_locator().set_params(integer=True, nbins=6)
