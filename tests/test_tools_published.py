"""The faults of the published run: each is a change that params take, and what it is worth is a difference."""

import shutil

import pytest
from dvc.utils.hydra import apply_overrides

from stages.lib.core.params import load_params
from tests.small_project import ROOT
from tools import published

PARAMS = load_params(ROOT / "params.yaml")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("tables.lenet-4", {"last epoch"}),
        ("tables.vgg16", {"pixels / 255", "last epoch"}),
        (
            "tables.resnet101v2-type-d40",
            {"pixels / 255", "BGR pixels", "raw skin type", "soft F1 as monitor", "last epoch"},
        ),
        ("model", {"pixels / 255", "BGR pixels", "raw skin type", "soft F1 as monitor", "last epoch"}),
    ],
)
def test_the_faults_of_a_row_are_changes_that_params_take(tmp_path, key, expected):
    found = published.faults(key, PARAMS.row(key), PARAMS.dataset)
    assert set(found) == expected | {published.NONE, published.ALL} and found[published.NONE] == []
    for changes in found.values():
        shutil.copy(ROOT / "params.yaml", tmp_path)
        apply_overrides(tmp_path / "params.yaml", changes)
        assert load_params(tmp_path / "params.yaml").row(key).keep == (
            "last" if any("keep" in c for c in changes) else "best"
        )


def test_what_a_fault_is_worth_is_the_difference_to_the_corrected_row():
    def scores(value: float) -> dict:
        return {split: {"accuracy": value, "f1_macro": value / 2} for split in ("val", "test")}

    lines = published.table({published.NONE: scores(0.4), "last epoch": scores(0.3)}).splitlines()
    assert lines[2] == "| as corrected | 0.400 | 0.200 | 0.400 | 0.200 |"
    assert lines[3] == "| last epoch | 0.300 (-0.100) | 0.150 (-0.050) | 0.300 (-0.100) | 0.150 (-0.050) |"
