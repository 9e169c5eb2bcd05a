"""How a figure is taken and shown: both ways in turns, so that a busy machine slows both, and the median
ratio of the rounds taken."""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    against: str
    goal: str
    value: str
    met: bool | None
    """None: no goal, or not decided here."""
    note: str = ""


def one_of(*choices: str) -> Callable[[str], str]:
    """Returns argparse's `type` of a positional that may stand any number of times: `choices` refuses none at all."""

    def check(name: str) -> str:
        if name not in choices:
            raise argparse.ArgumentTypeError(f"{name!r} is not among {', '.join(choices)}")
        return name

    return check


def ratio(what: str, against: str, goal: float | None, value: float, note: str = "") -> Figure:
    """Returns a figure that is met from `goal` on."""
    shown = f"{value:.2f}x" if value < 20 else f"{value:.0f}x"
    return Figure(what, against, f">= {goal:g}x" if goal else "-", shown, value >= goal if goal else None, note)


def below(what: str, goal: float, value: float, unit: str, note: str = "") -> Figure:
    """Returns a figure that is met up to `goal`."""
    return Figure(what, "-", f"< {goal:g} {unit}", f"{value:.3g} {unit}", value < goal, note)


def seconds(work: Callable[[], object]) -> float:
    """Runs `work` once and returns how long it took."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternating(*ways: Callable[[], object], rounds: int = 5, warm_up: bool = True) -> np.ndarray:
    """Times several ways in turns, A, B, A, B, ...; returns seconds, `(ways, rounds)`."""
    if warm_up:
        for way in ways:
            way()
    return np.array([[seconds(way) for way in ways] for _ in range(rounds)]).T


def times(slow: np.ndarray, fast: np.ndarray) -> float:
    """Returns the median over rounds of `slow / fast`: a busy moment of the machine spoils a round, not the figure."""
    return float(np.median(slow / fast))


def show(figures: list[Figure]) -> None:
    """Prints figures as a Markdown table."""
    print("\n| what | against | goal | measured | met | note |\n|---|---|---|---|---|---|")
    for f in figures:
        met = "-" if f.met is None else "yes" if f.met else "NO"
        print(f"| {f.what} | {f.against} | {f.goal} | {f.value} | {met} | {f.note} |", flush=True)


ROOT = Path(__file__).parents[1]
