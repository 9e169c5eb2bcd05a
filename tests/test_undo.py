"""`make undo` takes an experiment out of the working tree, also one that failed or was killed halfway."""

import os
import shutil
import time
from pathlib import Path

import pytest

from tests.small_project import ROOT, change, commit, run


@pytest.fixture
def made(project) -> Path:
    """The small project with this Makefile, and with an environment for it, as PATH has one already."""
    shutil.copy(ROOT / "Makefile", project)
    for name in ("requirements.lock", "MODEL_CARD.md", "notes.txt"):
        (project / name).write_text("committed")
    commit(project, "files")
    (project / ".venv").mkdir()
    (project / ".venv/.complete").touch()
    return project


def test_an_experiment_is_dropped_and_other_work_stays(made):
    before = (made / "models/model/weights").read_bytes()
    run(made, "dvc", "exp", "run", "-q", "-S", "model.dropout=0.4")
    (made / "notes.txt").write_text("mine")
    assert (made / "models/model/weights").read_bytes() != before
    run(made, "make", "undo")
    assert run(made, "git", "status", "--porcelain") == " M notes.txt\n"
    assert (made / "models/model/weights").read_bytes() == before
    assert "up to date" in run(made, "dvc", "status")


def test_a_failed_experiment_is_dropped(made):
    run(made, "dvc", "exp", "run", "-S", "model.dropout=0.9", fails=True)
    run(made, "make", "undo")
    assert "\n  dropout: 0.5\n" in (made / "params.yaml").read_text()


def test_a_change_that_is_staged_or_that_git_does_not_see_is_dropped(made):
    change(made, "  dropout: 0.5", "  dropout: 0.9")
    run(made, "git", "add", "params.yaml")
    run(made, "make", "undo")
    assert run(made, "git", "status", "--porcelain") == ""

    # what DVC does: as many characters in the second in which the index has the file, and an index of a later second
    time.sleep(1.05 - time.time() % 1)
    os.utime(made / "params.yaml")
    run(made, "git", "update-index", "--refresh")
    change(made, "  dropout: 0.5", "  dropout: 0.9")
    later = time.time() + 5
    os.utime(made / ".git/index", (later, later))
    assert run(made, "git", "--no-optional-locks", "status", "--porcelain") == ""
    time.sleep(1)
    run(made, "make", "undo")
    assert "\n  dropout: 0.5\n" in (made / "params.yaml").read_text()
