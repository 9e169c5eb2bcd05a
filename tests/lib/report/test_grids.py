import pandas as pd
import pytest

from stages.lib.report import grids, grids_model, grids_rows
from stages.lib.report.measured import Assessment, Baseline, Estimate
from stages.lib.report.tables import PaperScores, Result, Scores, Table

NAMES = ("accuracy", "top_3", "top_5", "balanced_accuracy", "f1_weighted", "f1_macro", "loss", "loss_scaled", "ece",
         "ece_scaled")  # fmt: skip
HALF = Estimate(value=0.5, low=0.4, high=0.6)
FAIR = {"rating": "fitzpatrick_scale", "input": "given", "level": "type", "gap": HALF, "best": "2", "worst": "6",
        "gap_p": 0.0004, "pqd": 0.8, "dpm": 0.5, "eom": None, "min_support": 5, "groups_compared": ["2", "6"],
        "dpm_coverage": 0.35, "eom_coverage": 0.0}  # fmt: skip


def assessment(**changes):
    values = {
        "images": {"test": 30}, "groups": {"test": 30}, "classes": 3, "metrics": dict.fromkeys(NAMES, HALF),
        "features_precision": None,
        "temperature": 1.5, "f1_published": 0.47, "batch_size": 32, "partitions": {}, "skin_types": [FAIR],
        "type_hidden": None,
    }  # fmt: skip
    return Assessment.model_validate(values | changes)


BASELINE = Baseline(
    kind="majority", features=None, predicts="a", loss=1.1, metrics=dict.fromkeys(NAMES, HALF)
)  # fmt: skip
SCORES = Scores(loss=1.0, accuracy=0.5, f1_weighted=0.4, f1_macro=0.3)


@pytest.mark.parametrize(
    ("value", "text"), [(0.12345, "0.123"), (None, "—"), (float("nan"), "—"), (-0.5, "\N{MINUS SIGN}0.500")]
)
def test_number(value, text):
    assert grids.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0123, "+0.012"), (-0.0123, "\N{MINUS SIGN}0.012"), (-0.0001, "+0.000"), (None, "—")]
)
def test_signed_differences_never_are_minus_nothing(value, text):
    assert grids.signed(value) == text


def test_an_interval_with_one_end_is_none():
    assert grids.interval(0.1, None) == "—"
    assert grids.interval(0.1, 0.2) == "0.100 to 0.200"


def test_a_small_probability_is_not_called_nothing():
    assert [grids.share(value) for value in (0.0004, 0.001, None)] == ["< 0.001", "0.001", "—"]


def test_results_show_rows_beside_the_paper_and_then_what_they_have_to_beat():
    rows = [
        Result("a", "LeNet", 20, 0.5, PaperScores(3.9, 0.133, 0.089), SCORES),
        Result("b", "own", 32, 0.0, None, SCORES),
    ]
    shown = grids_rows.results(
        Table("Table 1: x", rows), {"a": assessment(), "b": assessment()}, {"a": "better", "majority": "worse"},
        {"majority": BASELINE}, ["majority"],
    )  # fmt: skip
    cells = [dict(zip(shown.columns, row, strict=True)) for row in shown.rows]
    assert [row["row*"] for row in cells] == ["a", "b", "majority"]
    assert list(shown.kinds) == ["", "", "baseline"]
    assert (cells[0]["accuracy, paper"], cells[0]["accuracy, ours"], cells[0]["dropout"]) == ("0.133", "0.500", "0.5")
    assert (cells[0]["soft F1, paper"], cells[0]["soft F1, ours"]) == ("0.089", "0.470")
    assert (cells[1]["accuracy, paper"], cells[1]["accuracy against model*"]) == ("—", "—")
    assert cells[2]["settings*"] == "always a"
    assert cells[2]["accuracy against model*"] == "worse"
    assert all(len(row) == len(shown.columns) for row in shown.rows)


def test_differences_put_both_metrics_of_a_row_in_one_line():
    lines = [
        {"row": row, "metric": metric, "difference": 0.1, "low": -0.1, "high": 0.3, "p_adjusted": 0.2,
         "verdict": "no difference shown"}
        for row in ("a", "majority") for metric in ("accuracy", "f1_weighted", "f1_macro")
    ]  # fmt: skip
    shown = grids_rows.differences(pd.DataFrame(lines), ["majority"])
    assert [cells[0] for cells in shown.rows] == ["a", "majority"]
    assert list(shown.kinds) == ["", "baseline"]
    assert shown.rows[0][1:5] == ["+0.100", "\N{MINUS SIGN}0.100 to +0.300", "0.200", "no difference shown"]


def test_fairness_of_rows_marks_the_row_under_study_and_dashes_what_there_is_not():
    hidden = {"metrics": {"accuracy": HALF}, "difference": {"accuracy": {"value": -0.1, "low": -0.2, "high": 0.0}}}
    shown = grids_rows.fairness_of_rows({"model": assessment(type_hidden=hidden), "a": assessment(skin_types=[])})
    assert list(shown.kinds) == ["model", ""]
    assert shown.rows[0][-2:] == ["\N{MINUS SIGN}0.100", "\N{MINUS SIGN}0.200 to +0.000"]
    assert shown.rows[1][1:] == ["—"] * 9


def test_partitions_stand_there_only_where_the_catalog_has_them():
    three = {"three_partition_label": {"classes": 3, "metrics": {"accuracy": HALF, "f1_macro": HALF}}}
    with_three = grids_rows.partitions({"model": assessment(partitions=three)})
    assert "accuracy, 3 classes" in with_three.columns
    without = grids_rows.partitions({"model": assessment()})
    assert len(with_three.columns) - len(without.columns) == 3
    assert len(with_three.rows[0]) == len(with_three.columns)


def test_skin_types_show_the_hidden_type_beside_the_given_one():
    line = {"rating": "fitzpatrick_scale", "level": "type", "group": "1", "n": 7, "accuracy": 0.5,
            "accuracy_low": 0.4, "accuracy_high": 0.6, "f1_weighted": 0.3, "f1_weighted_low": 0.2,
            "f1_weighted_high": 0.4}  # fmt: skip
    given = pd.DataFrame([line | {"input": "given"}])
    both = pd.DataFrame([line | {"input": "given"}, line | {"input": "hidden", "accuracy": 0.25}])
    assert len(grids_model.skin_types(given).columns) == 7
    shown = grids_model.skin_types(both)
    assert len(shown.rows) == 1
    assert shown.rows[0][-2:] == ["0.250", "0.400 to 0.600"]


def test_a_heading_says_whether_its_column_holds_numbers():
    assert grids.grid(["row*", "loss"], []).headings == [("row", False), ("loss", True)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "always a"),
        ({"kind": "nearest class mean", "features": "data/features/vgg16"}, "nearest class mean on vgg16 features"),
    ],
)
def test_baselines_are_put_into_words(changes, words):
    assert grids_rows.describe_baseline(BASELINE.model_copy(update=changes)) == words
