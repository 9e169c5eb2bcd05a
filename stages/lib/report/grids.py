"""The report's tables as text, once for all of its forms: HTML, Markdown and the model card."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from stages.lib.report.measured import Estimate

DASH = "—"
MINUS = "\N{MINUS SIGN}"
INTERVAL = "95 % interval"


@dataclass(frozen=True)
class Grid:
    """A table of text.

    Attributes:
        columns: Headings. Those that end in `*` hold words and are set to the left, the others numbers.
        rows: Cells; the first one names the row.
        kinds: One per row: `""`, `model` for the row under study, `baseline` for what rows have to beat.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    kinds: Sequence[str]

    @property
    def headings(self) -> list[tuple[str, bool]]:
        """Each heading, and whether its column holds numbers."""
        return [(heading.removesuffix("*"), not heading.endswith("*")) for heading in self.columns]


def grid(columns: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> Grid:
    """Makes a grid whose rows are all of one kind."""
    rows = list(rows)
    return Grid(columns, rows, [kind] * len(rows))


def number(value: float | None, digits: int = 3) -> str:
    """Returns three decimals, as the paper prints; a dash for what does not exist."""
    return DASH if value is None or math.isnan(value) else f"{value:.{digits}f}".replace("-", MINUS)


def signed(value: float | None) -> str:
    """Returns a difference with its sign, never `-0.000`."""
    if value is None or math.isnan(value):
        return DASH
    return f"{round(value, 3) + 0.0:+.3f}".replace("-", MINUS)


def interval(low: float | None, high: float | None, form: Callable[[float | None], str] = number) -> str:
    """Returns both ends of an interval; a dash if one is missing."""
    ends = [form(low), form(high)]
    return DASH if DASH in ends else f"{ends[0]} to {ends[1]}"


def estimate(value: Estimate | None) -> list[str]:
    """Returns a figure and its interval as two cells."""
    return [DASH, DASH] if value is None else [number(value.value), interval(value.low, value.high)]


def share(value: float | None) -> str:
    """Returns a probability: `< 0.001` for what three decimals would call 0."""
    return "< 0.001" if value is not None and value < 0.001 else number(value)


def percent(value: float | None) -> str:
    """Returns a share in whole per cent."""
    return DASH if value is None or math.isnan(value) else f"{value:.0%}".replace("%", " %")
