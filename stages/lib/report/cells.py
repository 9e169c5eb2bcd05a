"""Figures as text: the cells of the report's tables, and figures within its sentences."""

import math
import re
from collections.abc import Callable, Mapping

DASH = "—"
MINUS = "\N{MINUS SIGN}"


def number(value: float | None) -> str:
    """Returns three decimals, as the paper prints; a dash for what does not exist."""
    return DASH if value is None or math.isnan(value) else f"{value:.3f}".replace("-", MINUS)


def signed(value: float | None) -> str:
    """Returns a difference with its sign, never `-0.000`."""
    if value is None or math.isnan(value):
        return DASH
    return f"{round(value, 3) + 0.0:+.3f}".replace("-", MINUS)


def interval(low: float | None, high: float | None, form: Callable[[float | None], str] = number) -> str:
    """Returns both ends of an interval; a dash if one is missing."""
    ends = [form(low), form(high)]
    return DASH if DASH in ends else f"{ends[0]} to {ends[1]}"


def estimate(found: Mapping[str, float | None] | None, form: Callable[[float | None], str] = number) -> str:
    """Returns a figure with its interval: `0.523 (.450 to .601)`.

    Args:
        found: `value`, `low` and `high`; None for what does not exist.
        form: How each of them is written.
    """
    if found is None:
        return DASH
    ends = interval(found["low"], found["high"], lambda value: re.sub(r"^(\D?)0\.", r"\1.", form(value)))
    return form(found["value"]) + (f" ({ends})" if ends != DASH else "")


def probability(value: float | None) -> str:
    """Returns a probability: `< 0.001` for what three decimals would call 0."""
    return "< 0.001" if value is not None and value < 0.001 else number(value)


def percent(value: float | None) -> str:
    """Returns a share in whole per cent."""
    return DASH if value is None or math.isnan(value) else f"{value:.0%}".replace("%", " %")
