"""The whole sample: every stage in a new clone of the last commit, with an empty cache of DVC. Takes minutes."""

import sys
import tempfile
from pathlib import Path

from bench.nothing import run
from bench.table import ROOT, Figure, below, seconds, show


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        run(Path(name), "git", "clone", "-q", str(ROOT), "checkout")
        repro = (sys.executable, "-m", "tools.warm", "dvc", "repro")
        minutes = seconds(lambda: run(Path(name) / "checkout", *repro)) / 60
    return [below("whole sample, make repro", 6, minutes, "min")]


if __name__ == "__main__":
    show(measure())
