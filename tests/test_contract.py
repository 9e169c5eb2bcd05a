"""Holds dvc.yaml, params.yaml and the code of this checkout together."""

from pathlib import Path

import pytest

from stages.lib.params import load_params
from tests.contract import CHECKS, Checkout

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check):
    assert check(Checkout(ROOT)) == []


def test_every_row_has_scores_and_plots_in_the_commit():
    rows = {*load_params(ROOT / "params.yaml").tables, "model"}
    assert {path.stem for path in (ROOT / "metrics/scores").glob("*.json")} == rows
    assert {path.name for path in (ROOT / "metrics/plots").iterdir()} == rows
