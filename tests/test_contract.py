"""Holds dvc.yaml, params.yaml and the code of this checkout together."""

import json
import shutil
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides

from stages.lib.core.params import load_params
from tests.contract import CHECKS, Checkout

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check):
    assert check(Checkout(ROOT)) == []


def test_every_row_has_scores_and_plots_in_the_commit():
    rows = {*load_params(ROOT / "params.yaml").tables, "model"}
    assert json.loads((ROOT / "metrics/scores.json").read_text()).keys() == rows
    assert {path.name for path in (ROOT / "metrics/plots").iterdir() if path.is_dir()} == rows


def test_params_have_the_layout_that_an_experiment_leaves(tmp_path):
    # else the diff of a change with `-S` is the whole file; to mend it, commit what `dvc exp run -S` makes of it
    shutil.copy(ROOT / "params.yaml", tmp_path)
    apply_overrides(tmp_path / "params.yaml", [f"model.dropout={load_params(ROOT / 'params.yaml').model.dropout}"])
    assert (tmp_path / "params.yaml").read_text() == (ROOT / "params.yaml").read_text()
