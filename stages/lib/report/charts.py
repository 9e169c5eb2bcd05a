"""Charts as inline SVG: small, sharp at any size, in the page's own colours, the same bytes for the same data.

A chart has no size of its own: places along it are in per cent of what the page gives it, and text stands beside it as
text of the page, so that nothing shrinks on a telephone. `page.css` gives each kind of mark its colour; kinds differ
in shape or dashes too, for black and white and for eyes that see colours otherwise.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from markupsafe import Markup

from stages.lib.report.cells import MINUS

MAX_STEPS = 5
"""Between the ticks of an axis."""


class Scale(NamedTuple):
    """What the left and the right end of a chart stand for."""

    low: float
    high: float
    step: float
    """From tick to tick."""

    @classmethod
    def around(cls, values: Iterable[float | None]) -> "Scale":
        """Makes the scale, from tick to tick, that has room for 0 and some values; missing ones do not count."""
        known = [0.0, *(value for value in values if value is not None and math.isfinite(value))]
        step = _step(max(known) - min(known) or 1.0)
        first, last = math.floor(min(known) / step + 1e-9), math.ceil(max(known) / step - 1e-9)
        return cls(step * first, step * max(last, first + 1), step)

    def place(self, value: float) -> float:
        """Returns where a value is, in per cent of the width."""
        return round(100 * (value - self.low) / (self.high - self.low), 2)

    def ticks(self) -> list[float]:
        """Returns the values that are written along the axis."""
        first, last = round(self.low / self.step), round(self.high / self.step)
        return [round(self.step * number, 9) for number in range(first, last + 1)]


class Mark(NamedTuple):
    """One figure with its interval: `found` has `value`, `low` and `high`, each None where there is none."""

    kind: str
    found: Mapping[str, float | None]


def heading(text: str, scale: Scale) -> Markup:
    """Returns the heading of a column of `track` or `bar` charts: what it shows, and its axis below."""
    ticks = "".join(
        f'<text x="{scale.place(tick)}%" y="75%">{f"{tick:g}".replace("-", MINUS)}</text>' for tick in scale.ticks()
    )
    return Markup('{}<svg class="axis" aria-hidden="true">{}</svg>').format(text, Markup(ticks))


def track(scale: Scale, marks: Iterable[Mark], references: Iterable[float] = ()) -> Markup:
    """Draws the figures of one line of a table along its axis.

    Args:
        scale: Of the axis.
        marks: What is drawn, the last one on top.
        references: Values that all lines of the table are held against, as vertical lines.
    """
    parts = [_upright("tick", scale.place(tick)) for tick in scale.ticks()]
    parts += [_upright(f"reference{number}", scale.place(value)) for number, value in enumerate(references)]
    for kind, found in marks:
        value, low, high = (found[key] for key in ("value", "low", "high"))
        if pd.isna(value):
            continue
        if not pd.isna(low) and not pd.isna(high):
            ends = f'x1="{scale.place(low)}%" x2="{scale.place(high)}%" y1="50%" y2="50%"'
            parts.append(f'<line class="{kind} interval" {ends}/>')
        parts.append(f'<use class="{kind}" href="#{kind}" x="{scale.place(value)}%" y="50%"/>')
    return _svg("track", parts)


def bar(scale: Scale, parts: Mapping[str, float]) -> Markup:
    """Draws the parts of a count side by side, by their kind."""
    ends = np.cumsum([scale.low, *parts.values()])
    rects = [
        f'<rect class="{kind}" x="{scale.place(start)}%" width="{round(scale.place(stop) - scale.place(start), 2)}%"/>'
        for kind, start, stop in zip(parts, ends, ends[1:], strict=False)
    ]
    return _svg("track", [_upright("tick", scale.place(tick)) for tick in scale.ticks()] + rects)


def curves(history: pd.DataFrame, key: str, top: float) -> Markup:
    """Draws one measure by epoch for training and validation images, and the epoch whose weights were kept.

    Args:
        history: One line per epoch: `epoch`, `key`, `val_<key>` and `chosen`.
        key: The measure.
        top: What the upper edge stands for; the lower one is 0. What is above lies outside.
    """
    last = max(1, history["epoch"].max())
    across = 100 * history["epoch"] / last
    parts = [_upright("chosen", round(float(place), 2)) for place in across[history["chosen"] == 1]]
    for kind, name in (("training", key), ("val", f"val_{key}")):
        parts.append(_line(kind, across, 100 * (1 - history[name] / top)))
    return _svg("panel", parts)


def reliability(bins: pd.DataFrame) -> Markup:
    """Draws accuracy against confidence, before and after temperature scaling; both edges go from 0 to 1.

    Args:
        bins: One line per bin: `calibration` (`before`, `after`), `n`, `confidence` (mean) and `accuracy`; the last two
            are missing where `n` is 0.
    """
    parts = [_line("reference0", [0, 100], [100, 0])]
    for name, kind in (("before", "val"), ("after", "test")):
        filled = bins[(bins["calibration"] == name) & (bins["n"] > 0)]
        x, y = 100 * filled["confidence"], 100 * (1 - filled["accuracy"])
        parts.append(_line(kind, x, y))
        parts += [f'<use class="{kind}" href="#{kind}" x="{a:.2f}%" y="{b:.2f}%"/>' for a, b in zip(x, y, strict=True)]
    return _svg("square", parts)


def _step(span: float) -> float:
    """Returns the smallest of 1, 2 or 5 times a power of ten that fits into a span `MAX_STEPS` times or fewer."""
    power = 10.0 ** math.floor(math.log10(span / MAX_STEPS))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor * MAX_STEPS >= span * (1 - 1e-9))


def _upright(kind: str, place: float) -> str:
    return f'<line class="{kind}" x1="{place}%" x2="{place}%" y1="0" y2="100%"/>'


def _line(kind: str, across: Sequence[float], down: Sequence[float]) -> str:
    """Draws a line through points in per cent; a single point becomes a dot."""
    points = [f"{x:.2f},{y:.2f}" for x, y in zip(across, down, strict=True) if math.isfinite(y)]
    points += points if len(points) == 1 else []
    stretched = 'viewBox="0 0 100 100" preserveAspectRatio="none"'
    return f'<svg {stretched}><polyline class="{kind}" points="{" ".join(points)}"/></svg>'


def _svg(kind: str, parts: Iterable[str]) -> Markup:
    return Markup(f'<svg class="{kind}" aria-hidden="true">{"".join(parts)}</svg>')
