"""Experiments as `dvc exp show` tells them: what each changed, and how one row scored in it."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stages.lib.core.params import row_name
from stages.lib.core.paths import SCORES as SCORES_FILE
from stages.lib.scoring import metrics
from tools.commands import output_of

_REPETITION = re.compile(r".+-(seed|split-fold)-\d+-[0-9a-f]{8}")
"""What `repetition_name` gives."""
SCORES = metrics.shown("val")
"""By name: what metrics/scores.json holds of validation images. Nothing is chosen by test images."""


@dataclass(frozen=True)
class Experiment:
    """One line of the comparison."""

    name: str
    """Of the experiment; `workspace` is what the files are now, and a branch or commit what they came from."""
    state: str
    """`Success`, or what else DVC says: Queued, Running, Failed."""
    changes: dict[str, Any]
    """Params that differ from the baseline commit's, by key."""
    scores: dict[str, float]
    """Of the row on validation images, by metric; empty while there are none."""


def repetition_name(row: str, changes: list[str], commit: str) -> str:
    """Names the experiment of `make seeds` or `make folds` that has these changes, the last of them the repetition's.

    Such experiments run one row and publish nothing, so the scores that Git has of them are the baseline's:
    `read_experiments` leaves them out, and `tools.repeat` knows where the right ones are.
    """
    digest = hashlib.sha256(json.dumps([commit, row, sorted(changes)]).encode()).hexdigest()
    return f"{row_name(row)}-{changes[-1].replace('=', '-').replace('.', '-')}-{digest[:8]}"


def read_experiments(row: str) -> list[Experiment]:
    """Reads the workspace, the current commit and the experiments that started from it but for repetitions.

    Args:
        row: `model` or `tables.<row>`: whose scores are read.

    Raises:
        PipelineError: If DVC cannot read them.
    """
    workspace, baseline = json.loads(output_of("dvc", "exp", "show", "--json"))[:2]
    before = _params(baseline["data"] or {})
    found = [("workspace", "Success", workspace["data"]), (baseline["name"], "Success", baseline["data"])]
    for experiment in baseline["experiments"] or []:
        if _REPETITION.fullmatch(experiment["name"] or ""):
            continue
        tip = experiment["revs"][0]
        state = (experiment["executor"] or {}).get("state", "failed" if tip["error"] else "success")
        found.append((experiment["name"] or tip["name"] or tip["rev"][:7], state.capitalize(), tip["data"]))
    return [
        Experiment(
            name=name,
            state=state,
            changes={key: value for key, value in _params(data or {}).items() if before.get(key) != value},
            scores=_scores(data or {}, row) if state == "Success" else {},
        )
        for name, state, data in found
    ]


def flatten(values: dict, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields nested values by their dotted keys."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _params(data: dict) -> dict[str, Any]:
    files = [file.get("data") or {} for file in (data.get("params") or {}).values()]
    return dict(pair for file in files for pair in flatten(file))


def _scores(data: dict, row: str) -> dict[str, float]:
    file = (data.get("metrics") or {}).get(SCORES_FILE.as_posix()) or {}
    return (file.get("data") or {}).get(row_name(row), {}).get("val", {})
