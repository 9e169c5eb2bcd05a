"""How a figure is taken and shown: both ways in turns, so that a busy machine slows both, and the medians compared."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median


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


def ratio(what: str, against: str, goal: float | None, value: float, note: str = "") -> Figure:
    """Returns a figure that is met from `goal` on."""
    shown = f"{value:.2f}x" if value < 20 else f"{value:.0f}x"
    return Figure(what, against, f">= {goal:g}x" if goal else "-", shown, value >= goal if goal else None, note)


def below(what: str, goal: float, value: float, unit: str, note: str = "") -> Figure:
    """Returns a figure that is met up to `goal`."""
    return Figure(what, "-", f"< {goal:g} {unit}", f"{value:.1f} {unit}", value < goal, note)


def seconds(work: Callable[[], object]) -> float:
    """Runs `work` once and returns how long it took."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternating(*ways: Callable[[], object], rounds: int = 3, warm_up: bool = True) -> list[float]:
    """Times several ways in turns; returns the median seconds of each."""
    if warm_up:
        for way in ways:
            way()
    times = [[seconds(way) for way in ways] for _ in range(rounds)]
    return [median(column) for column in zip(*times, strict=True)]


def show(figures: list[Figure]) -> None:
    """Prints figures as a Markdown table."""
    print("\n| what | against | goal | measured | met | note |\n|---|---|---|---|---|---|")
    for f in figures:
        met = "-" if f.met is None else "yes" if f.met else "NO"
        print(f"| {f.what} | {f.against} | {f.goal} | {f.value} | {met} | {f.note} |", flush=True)


ROOT = Path(__file__).parents[1]
