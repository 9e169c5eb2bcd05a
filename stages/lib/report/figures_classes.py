"""Figures of classes: which is taken for which."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.lib.report import drawing
from stages.lib.report.drawing import BLUE, WIDTH_IN

MAX_CLASSES = 30
"""Above it a matrix has no room for names; `confused_pairs` says then what matters."""
MAX_COUNTED_CLASSES = 16
"""Up to so many classes a cell is wide enough for its count."""


def confusion(actual: pd.Series, predicted: pd.Series) -> bytes:
    """Draws which class was taken for which, as shares of the actual class.

    Args:
        actual: The true class of each test image, by name; at most `MAX_CLASSES` of them.
        predicted: The class that was named.
    """
    names = sorted(set(actual) | set(predicted))
    counts = pd.crosstab(actual.to_numpy(), predicted.to_numpy())
    counts = counts.reindex(index=names, columns=names, fill_value=0).to_numpy()
    # A class that was predicted but does not occur has an empty row, not a division by zero.
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    few = len(names) <= MAX_COUNTED_CLASSES
    with drawing.style():
        figure = Figure((WIDTH_IN, 3.4 if len(names) <= 4 else 5.8), layout="constrained")
        axes = figure.subplots()
        image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
        axes.grid(visible=False)
        if few:
            for (row, column), count in np.ndenumerate(counts):
                if count:
                    colour = "white" if shares[row, column] > 0.5 else "black"
                    size = 10 if len(names) <= 4 else 9 if count < 1000 else 7
                    axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=size)
        labels = [drawing.short(name) for name in names]
        size = 9 if few else 7
        axes.set_yticks(range(len(names)), labels, fontsize=size, parse_math=False)
        slanted = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if few else {"rotation": 90}
        slanted = slanted if len(names) > 3 else {}
        axes.set_xticks(range(len(names)), labels, fontsize=size, parse_math=False, **slanted)
        axes.tick_params(length=0)
        axes.set_xlabel("predicted")
        axes.set_ylabel("actual")
        figure.colorbar(image, ax=axes, label="share of the actual class", location="top", aspect=30, shrink=0.8)
        return drawing.png(figure)


def confused_pairs(pairs: pd.DataFrame) -> bytes:
    """Draws the pairs of classes that are mistaken for one another most, names above their bars.

    Args:
        pairs: `actual`, `predicted` (names), `images` (how often) and `share` (of the actual class), in the order in
            which they are drawn; at least one.
    """
    with drawing.style():
        figure = Figure((WIDTH_IN, 0.36 * len(pairs) + 0.7), layout="constrained")
        axes = figure.subplots()
        places = np.arange(len(pairs))
        axes.barh(places + 0.2, pairs["images"], height=0.36, color=BLUE)
        for place, pair in zip(places, pairs.itertuples(), strict=True):
            text = f"{drawing.short(pair.actual, 30)}  →  {drawing.short(pair.predicted, 30)}"
            axes.text(0, place - 0.06, text, fontsize=8.5, va="bottom", parse_math=False)
            count = f" {pair.images} ({pair.share:.0%})"
            axes.text(pair.images, place + 0.2, count, fontsize=8, va="center")
        axes.set_ylim(len(pairs) - 0.4, -0.6)
        axes.set_xlim(0, 1.2 * pairs["images"].max())
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.grid(visible=False)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel("test images (share of the actual class)")
        return drawing.png(figure)
