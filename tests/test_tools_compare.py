"""The table of experiments: best first, what changed, within 120 columns; read from a real DVC repository."""

import json
import os
import subprocess
import sys

import pytest

from tests.small_project import ENVIRONMENT, run
from tools import compare, experiments
from tools.experiments import Experiment

COMPARE = (sys.executable, "-m", "tools.compare")


def experiment(name: str, state: str = "Success", changes: dict | None = None, **scores: float) -> Experiment:
    return Experiment(name, state, changes or {}, scores)


def scored(value: float) -> dict[str, float]:
    return dict.fromkeys(experiments.SCORES, value)


def names(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines()[2:] if not line.startswith(" ")]


def test_best_first_and_what_has_no_scores_last():
    experiments = [
        experiment("queued", "Queued"), experiment("low", **scored(0.2)), experiment("high", **scored(0.7)),
        experiment("failed", "Failed"), experiment("middle", **scored(0.5)),
    ]  # fmt: skip
    assert names(compare.table(experiments, "accuracy", "model")) == ["high", "middle", "low", "queued", "failed"]
    assert names(compare.table(experiments, "loss", "model")) == ["low", "middle", "high", "queued", "failed"]


def test_of_equals_the_one_with_the_lower_loss_is_first():
    experiments = [experiment(name, **scored(0.5) | {"loss": loss}) for name, loss in (("worse", 3.0), ("better", 2.0))]
    assert names(compare.table(experiments, "accuracy", "model")) == ["better", "worse"]


def test_long_names_and_many_changes_stay_within_the_width():
    changes = {f"model.setting_{n}": "value" * 3 for n in range(12)} | {"fetch.contact": "x" * 300}
    text = compare.table([experiment("name" * 20, changes=changes, **scored(123.456))], "accuracy", "model")
    assert max(map(len, text.splitlines())) <= compare.WIDTH
    assert "".join(text.split()).count("value" * 3) == 12 and "…" in text


def test_settings_of_the_row_go_without_its_name_and_others_with_theirs():
    changes = {"model.dropout": 0.4, "model.filters": [32, 64], "seed": 3, "tables.vgg16.dropout": 0.1}
    text = compare.table([experiment("one", changes=changes, **scored(0.5))], "accuracy", "model")
    assert "dropout=0.4 filters=32,64 seed=3" in text and " tables.vgg16.dropout=0.1" in text and "model." not in text


def test_repetitions_are_not_compared_for_their_scores_lie_elsewhere(monkeypatch):
    repetitions = [("model", "seed=3"), ("tables.vgg16", "split.fold=0")]
    names_made = [experiments.repetition_name(row, ["model.dropout=0.2", last], "0" * 40) for row, last in repetitions]
    assert names_made[1].startswith("vgg16-split-fold-0-")
    names_made += ["my-seed-3", "limber-dogs"]
    revision = {"rev": "0" * 40, "name": None, "data": {}, "error": None}
    made = [{"name": name, "revs": [revision], "executor": None} for name in names_made]
    shown = [{"data": {}}, {"name": "main", "data": {}, "experiments": made}]
    monkeypatch.setattr(experiments, "output_of", lambda *command: json.dumps(shown))
    assert [found.name for found in experiments.read_experiments("model")][2:] == ["my-seed-3", "limber-dogs"]


def test_experiments_of_a_commit_are_read_from_dvc(project):
    run(project, "dvc", "exp", "run", "-q", "--temp", "--name", "good", "-S", "model.dropout=0.4")
    run(project, "dvc", "exp", "run", "-q", "--queue", "--name", "waits", "-S", "model.dropout=0.3")
    text = run(project, *COMPARE)
    first, text = text.split("\n", 1)
    assert first == "model on validation images, best accuracy first"
    assert names(text) == ["good", "main", "waits"]
    good, main, waits = text.splitlines()[2:]
    assert good.split()[:4] == ["good", "dropout=0.4", "0.542", "0.271"]
    assert main.split()[:4] == ["main", "-", "0.442", "0.221"]
    assert waits.split() == ["waits", "dropout=0.3", "Queued"]


def test_a_reader_that_has_seen_enough_ends_it_quietly(project):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(COMPARE, cwd=project, env=ENVIRONMENT, stdout=writer, stderr=subprocess.PIPE, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("--row", "tables.lenet-9"),
            "error: params.yaml: no row 'tables.lenet-9'; the rows are model, tables.",
        ),
        (("--row", "tables.lenet-1"), "error: tables.lenet-1: no scores yet; run `dvc repro`"),
    ],
)
def test_a_row_without_scores_is_named(project, arguments, says):
    assert run(project, *COMPARE, *arguments, fails=True).startswith(says)
