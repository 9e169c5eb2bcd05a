"""Figures as text: the cells of the report's tables, and figures within its sentences."""

import re
from collections.abc import Callable, Mapping
from numbers import Integral
from typing import Any

import pandas as pd

DASH = "—"
MINUS = "\N{MINUS SIGN}"


def cell(value: Any) -> str:
    """Writes any value: text as it is, counts with commas, figures with three decimals, estimates with intervals."""
    if isinstance(value, str):
        return value
    if isinstance(value, Integral):
        return f"{value:,}"
    return estimate(value) if isinstance(value, Mapping) else number(value)


def number(value: float | None) -> str:
    """Returns three decimals, as the paper prints; a dash for what does not exist."""
    return DASH if pd.isna(value) else f"{value:.3f}".replace("-", MINUS)


def signed(value: float | None) -> str:
    """Returns a difference with its sign, never `-0.000`."""
    return DASH if pd.isna(value) else f"{round(value, 3) + 0.0:+.3f}".replace("-", MINUS)


def estimate(found: Mapping[str, float | None], form: Callable[[float | None], str] = number) -> str:
    """Returns a figure with its interval, if it has one: `0.523 (.450 to .601)`.

    Args:
        found: `value`, `low` and `high`.
        form: How each of them is written.
    """
    low, high = (re.sub(r"^(\D?)0\.", r"\1.", form(found[end])) for end in ("low", "high"))
    return form(found["value"]) + ("" if DASH in (low, high) else f" ({low} to {high})")


def probability(value: float | None) -> str:
    """Returns a probability: `< 0.001` for what three decimals would call 0."""
    return "< 0.001" if value is not None and value < 0.001 else number(value)


def percent(value: float | None) -> str:
    """Returns a share in whole per cent."""
    return DASH if pd.isna(value) else f"{value:.0%}".replace("%", " %")
