"""What all figures of the report share: one look, and PNG bytes, the same for the same data, which they all return.

Colours are Okabe and Ito's (https://jfly.uni-koeln.de/color/), which colour-blind people can tell apart; whatever has
a colour also differs in marker, line or hatching, for black and white. Text is never parsed as mathematics: class names
come from a catalog.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.lib.scoring import bootstrap

WIDTH_IN = 5.6
"""With 10 point type, so that it can still be read when a telephone shows it 3.7 inches (358 px) wide."""
WIDE_IN = 9.0
"""For what has many parts; the page lets a telephone scroll it."""
DPI = 160
BLUE, ORANGE, GREY, LIGHT = "#0072B2", "#D55E00", "#666666", "#9CC7E3"
LEVEL = f"{bootstrap.LEVEL:.0%}".replace("%", " %")
"""Of every interval, as the page writes it."""
LEGEND = {"loc": "outside upper center", "columnspacing": 1.5}
MAX_LABEL_CHARS = 26

_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E3E3E3",
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
}


@contextmanager
def style() -> Iterator[None]:
    """Draws as matplotlib ships, whatever a user's matplotlibrc says, with the font that comes with it."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def png(figure: Figure) -> bytes:
    """Draws a figure without matplotlib's version in it, which would make every upgrade a change."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def short(name: str, limit: int = MAX_LABEL_CHARS) -> str:
    """Cuts a long class name so that it leaves room for the data."""
    return name if len(name) <= limit else f"{name[: limit - 1].rstrip()}…"


def label_rows(axes: Axes, labels: list[str], size_pt: float) -> None:
    """Names the rows of a horizontal chart, the first one on top, without ticks or lines across."""
    axes.set_yticks(range(len(labels)), labels, fontsize=size_pt, parse_math=False)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
