"""What a person sees who does something wrong: one line that names it and says what to do instead, no traceback."""

import shutil
import sys

import pytest

from tests.small_project import ROOT, change, run

TRAIN = (sys.executable, "-m", "stages.train", "--row", "model")
ROW_UNDER_STUDY = "architecture: resnet101v2          #"


@pytest.fixture(scope="module")
def checkout(small_original, tmp_path_factory):
    """The small project, which no wrong use may change."""
    folder = shutil.copytree(small_original, tmp_path_factory.mktemp("wrong") / "project", symlinks=True)
    yield folder
    assert run(folder, "git", "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (ROW_UNDER_STUDY, "architecture: resnet  #", "model.architecture: Input should be 'lenet', 'alexnet', 'vgg16'"),
        (ROW_UNDER_STUDY, "architecture: vgg16  #", "add `-S model.input=data/features/vgg16`, or give"),
        ("  dropout: 0.5", "  dropout: 1.5", "model.dropout: Input should be less than 1 (got 1.5)"),
        (
            "  dropout: 0.5",
            "  dropuot: 0.5",
            "model.dropuot: unknown key; remove it or correct its spelling",
        ),
        ("seed: 42", "sed: 42", "sed: unknown key; remove it or correct its spelling (and 1 more)"),
        ("dataset: sample", "dataset: mine", "dataset 'mine' is not among datasets: sample, fitzpatrick17k"),
        ("seed: 42", "seed: 42\nseed: 43", 'line 7: found duplicate key "seed"; keep one'),
        ("seed: 42", "seed: [42", "params.yaml: not YAML"),
    ],
)
def test_params_that_cannot_be(project, old, new, line):
    change(project, old, new)
    said = run(project, *TRAIN, fails=True)
    assert said.startswith("error: params.yaml: ") and line in said and said.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("dvc exp run -S model.dropuot=0.4", "Key 'dropuot' is not in struct"),
        ("dvc exp run -S model.dropout=0.3,0.4", "Sweep overrides can't be used without `--queue`"),
        ("dvc push", "no remote specified"),
        ("dvc repro trian", "Stage 'trian' not found inside 'dvc.yaml'"),
        ("dvc exp apply nothing", "unknown Git revision 'nothing'"),
        ("python -m stages.train --row tables.lenet-9", "error: params.yaml: no row 'tables.lenet-9'; the rows are"),
        ("python -m stages.split", "error: data/manifest.csv: missing; run the stage that writes it with `dvc repro`"),
        ("python -m tools.compare --by f1", "error: argument --by: invalid choice: 'f1' (choose from "),
        ("python -m tools.repeat seeds --count two", "error: argument --count: invalid int value: 'two'"),
        ("python -m tools.comment 7 params.yaml", "GITHUB_TOKEN: not set; GitHub Actions sets them"),
        ("python -m tools.repeat seeds --count 1", "error: --count 1: a spread needs at least 2 repetitions"),
    ],
)
def test_commands_that_cannot_be(checkout, command, line):
    nobody = dict.fromkeys(("GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN"), "")
    said = run(checkout, *command.split(), fails=True, **nobody)
    assert line in said and "Traceback" not in said
    assert not command.startswith("python") or said.count("\n") == 1


def test_a_stage_outside_the_checkout(tmp_path):
    assert "params.yaml: missing; run from the root of the checkout" in run(tmp_path, *TRAIN, fails=True)


def test_make_in_a_folder_that_is_no_checkout(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    assert "error: this folder is no Git checkout, and DVC needs one: run 'git init" in run(
        tmp_path, "make", "check-git", fails=True
    )
    assert "error: Python 3.11, 3.12 or 3.13 is needed, and 'python2' is not one" in run(
        tmp_path, "make", "check-python", "PYTHON=python2", fails=True
    )
