"""The report's three figures as PNG bytes: the same data gives the same bytes.

Colours are Okabe and Ito's (https://jfly.uni-koeln.de/color/), which colour-blind people can tell apart, and
every series also differs in its marker or line. Text is never parsed as mathematics: class names come from a
catalog.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.lib.tables import Scores, Table, wilson_interval

WIDTH_IN = 5.6
"""With 10 point type, so that it can still be read when a telephone shows it 3.7 inches (358 px) wide."""
DPI = 160
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#666666"
MAX_LABELLED_CLASSES = 30
MAX_COUNTED_CLASSES = 16
"""Up to so many classes a cell is wide enough for its count."""
MAX_LABEL_CHARS = 26


@contextmanager
def _style() -> Iterator[None]:
    """Plots as matplotlib ships, whatever a user's matplotlibrc says, with the font that comes with it."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "font.family": "DejaVu Sans",
                "font.size": 10,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.grid": True,
                "axes.axisbelow": True,
                "grid.color": "#E3E3E3",
                "legend.frameon": False,
            }
        )
        yield


def _png(figure: Figure) -> bytes:
    """Draws a figure without matplotlib's version in it, which would make every upgrade a change."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def comparison(tables: Sequence[Table], model: Scores, test_images: int, majority: float) -> bytes:
    """Draws each row's accuracy with its 95 % interval, the paper's beside it.

    Args:
        tables: The results tables.
        model: The scores of the row under study.
        test_images: How many images the accuracies were measured on.
        majority: The share of the test images' most common class, 0 to 1.

    Returns:
        PNG bytes.
    """
    lines = [("Row under study", None, None), ("model", model.accuracy, None)]
    for table in tables:
        lines.append((table.title.split(":")[0], None, None))
        for result in table.results:
            lines.append((result.name, result.ours.accuracy, result.paper and result.paper.accuracy))
    places = [place for place, (_, ours, _) in enumerate(lines) if ours is not None]
    accuracies = np.array([lines[place][1] for place in places])
    bounds = np.array([wilson_interval(share, test_images) for share in accuracies])
    published = [(lines[place][2], place) for place in places if lines[place][2] is not None]
    with _style():
        figure = Figure((WIDTH_IN, 0.22 * len(lines) + 1.2), layout="constrained")
        axes = figure.subplots()
        axes.errorbar(
            accuracies,
            places,
            xerr=np.abs(bounds.T - accuracies),
            fmt="o",
            color=BLUE,
            ecolor="#8FBEDB",
            elinewidth=2.5,
            markersize=6,
            label="ours, with 95 % interval",
        )
        if published:
            axes.plot(
                *zip(*published, strict=True),
                "D",
                color=ORANGE,
                markerfacecolor="none",
                markersize=6,
                label="paper, on Fitzpatrick17k",
            )
        axes.axvline(majority, color=GREY, linestyle="--", linewidth=1.2, label="most common class")
        axes.set_yticks(range(len(lines)), [line[0] for line in lines], parse_math=False)
        for label, (_, ours, _) in zip(axes.get_yticklabels(), lines, strict=True):
            label.set_fontweight("bold" if ours is None else "normal")
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.set_ylim(len(lines) - 0.4, -0.6)
        axes.set_xlim(0, min(1.0, 1.08 * max(bounds.max(), majority, *(p for p, _ in published), 0.1)))
        axes.set_xlabel("accuracy on the test images")
        figure.legend(loc="outside upper center", ncols=2, columnspacing=1.5)
        return _png(figure)


def curves(history: pd.DataFrame) -> bytes:
    """Draws loss, accuracy and weighted F1 over the epochs, for training and validation images.

    Args:
        history: One row per epoch: `epoch`, `loss`, `accuracy`, `f1_weighted`, the same with `val_`, and
            `chosen`, 1 for the epoch whose weights were kept.

    Returns:
        PNG bytes.
    """
    epochs = history["epoch"]
    with _style():
        figure = Figure((WIDTH_IN, 5.8), layout="constrained")
        panels = figure.subplots(3, sharex=True)
        names = {"loss": "loss", "accuracy": "accuracy", "f1_weighted": "weighted F1"}
        for axes, (key, name) in zip(panels, names.items(), strict=True):
            axes.plot(epochs, history[key], "o-", color=BLUE, markersize=4, label="training")
            axes.plot(epochs, history[f"val_{key}"], "s--", color=ORANGE, markersize=4, label="validation")
            for epoch in epochs[history["chosen"] == 1]:
                axes.axvline(epoch, color=GREY, linestyle=":", linewidth=1.8, label="weights kept")
            axes.set_ylabel(name)
            axes.set_ylim(bottom=0)
        panels[-1].set_xlabel("epoch")
        panels[-1].xaxis.get_major_locator().set_params(integer=True)
        figure.align_ylabels(panels)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
        return _png(figure)


def confusion(pairs: pd.DataFrame) -> bytes:
    """Draws which class was taken for which, as shares of the actual class.

    Args:
        pairs: One row per test image: `actual` and `predicted`, class names.

    Returns:
        PNG bytes. Many classes are numbered in alphabetical order instead of named.
    """
    names = sorted(set(pairs["actual"]) | set(pairs["predicted"]))
    counts = pd.crosstab(pairs["actual"], pairs["predicted"])
    counts = counts.reindex(index=names, columns=names, fill_value=0).to_numpy()
    # A class that was predicted but does not occur has an empty row, not a division by zero.
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with _style():
        figure = Figure((WIDTH_IN, 5.8), layout="constrained")
        axes = figure.subplots()
        image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
        axes.grid(visible=False)
        if len(names) <= MAX_COUNTED_CLASSES:
            for (row, column), count in np.ndenumerate(counts):
                if count:
                    colour = "white" if shares[row, column] > 0.5 else "black"
                    axes.text(column, row, str(count), ha="center", va="center", color=colour)
        if len(names) <= MAX_LABELLED_CLASSES:
            labels = [name if len(name) <= MAX_LABEL_CHARS else f"{name[: MAX_LABEL_CHARS - 1]}…" for name in names]
            size = 9.5 if len(names) <= MAX_COUNTED_CLASSES else 7
            axes.set_yticks(range(len(names)), labels, fontsize=size, parse_math=False)
            axes.set_xticks(
                range(len(names)),
                labels,
                fontsize=size,
                parse_math=False,
                rotation=45,
                ha="right",
                rotation_mode="anchor",
            )
            numbered = ""
        else:
            numbered = ", numbered in alphabetical order"
            ticks = [place for place in range(len(names)) if (place + 1) % 10 == 0 or place == 0]
            axes.set_xticks(ticks, [place + 1 for place in ticks], fontsize=8)
            axes.set_yticks(ticks, [place + 1 for place in ticks], fontsize=8)
        axes.set_xlabel(f"predicted class{numbered}")
        axes.set_ylabel(f"actual class{numbered}")
        figure.colorbar(image, ax=axes, label="share of the actual class", location="top", aspect=30, shrink=0.8)
        return _png(figure)
