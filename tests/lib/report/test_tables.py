import pandas as pd

from stages.lib.report import tables
from stages.lib.scoring.metrics import METRICS, shown

HALF = {"value": 0.5, "low": 0.4, "high": 0.6}
FAIR = {"rating": "fitzpatrick_scale", "input": "given", "level": "type", "gap": HALF, "best": "2", "worst": "6",
        "gap_p": 0.0004, "pqd": 0.8, "dpm": 0.5, "eom": None, "min_support": 5, "groups_compared": ["2", "6"],
        "dpm_coverage": 0.35, "eom_coverage": 0.0}  # fmt: skip
NONE = {"value": None, "low": None, "high": None}


def assessment(**changes):
    return {
        "metrics": dict.fromkeys(METRICS, HALF), "temperature": 1.5, "f1_published": 0.47, "coarse_classes": {},
        "skin_types": [FAIR], "hidden": None, "validation": {"accuracy": HALF},
    } | changes  # fmt: skip


PAPER = pd.DataFrame({"table": ["1"], "loss": [3.9], "accuracy": [0.133], "f1": [0.089]}, index=["lenet-1"])


def lines_of_results():
    baseline = {"description": "always a", "metrics": {"accuracy": HALF}}
    return tables.results(
        {"lenet-1": "LeNet", "vgg16": "VGG16"},
        dict.fromkeys(("lenet-1", "vgg16"), assessment()), {"majority": baseline},
        {"lenet-1": "better", "majority": "worse"},
    )  # fmt: skip


def test_results_show_rows_and_then_what_they_have_to_beat():
    first, second, beaten = lines_of_results()
    assert (first["row"], first["settings"]) == ("lenet-1", "LeNet")
    assert (first["accuracy"], first["accuracy, validation"], first["against the model"]) == (HALF, HALF, "better")
    assert second["against the model"] is None
    assert (beaten["settings"], beaten["accuracy"], beaten["macro F1"]) == ("always a", HALF, None)
    assert (beaten["accuracy, validation"], beaten["against the model"]) == (None, "worse")
    assert list(first) == list(second) == list(beaten)


def test_the_summary_fits_a_pull_request_and_shows_the_paper_only_where_it_can_be_compared():
    first, second, _ = tables.summary(lines_of_results(), PAPER)
    assert len(first) <= 8 and "settings" not in first
    assert (first["accuracy"], first["macro F1"]) == (HALF, 0.5)
    assert (first["accuracy, paper"], second["accuracy, paper"]) == (0.133, None)
    assert "accuracy, paper" not in tables.summary(lines_of_results(), None)[0]


def test_rows_that_the_paper_has_stand_beside_it():
    (line,) = tables.beside_paper({"lenet-1": assessment(), "mine": assessment()}, PAPER)
    assert line == {
        "row": "lenet-1", "log loss, paper": 3.9, "log loss, ours": 0.5, "accuracy, paper": 0.133,
        "accuracy, ours": 0.5, "soft F1, paper": 0.089, "soft F1, ours": 0.47,
    }  # fmt: skip


def test_differences_put_the_other_metrics_of_a_row_in_one_line():
    lines = [
        {"row": row, "metric": metric, "difference": 0.1, "low": -0.1, "high": 0.3, "p_adjusted": p,
         "verdict": "better"}
        for row, p in (("a", 0.02), ("majority", 0.0004)) for metric in ("accuracy", "f1_weighted", "f1_macro")
    ]  # fmt: skip
    first, second = tables.differences(pd.DataFrame(lines))
    assert (first["row"], second["row"]) == ("a", "majority")
    assert list(first.values())[1:3] == ["+0.100 (\N{MINUS SIGN}.100 to +.300)", "better (p = 0.020)"]
    assert second["macro F1, against the model"] == "better (p < 0.001)" and len(first) == 5


def test_fairness_says_of_which_share_of_the_classes_its_measures_speak():
    (line,) = tables.fairness([FAIR | {"input": "hidden"}])
    assert line["compared"] == "Fitzpatrick, 2 types, side inputs hidden"
    assert (line["DPM"], line["EOM"]) == ("0.500 (35 %)", "— (0 %)")
    assert len(line) <= 8


def test_fairness_of_rows_dashes_what_there_is_not():
    hidden = {"metrics": {"accuracy": HALF}, "difference": {"accuracy": {"value": -0.1, "low": -0.2, "high": 0.0}}}
    few = FAIR | {"gap": NONE, "gap_p": None, "pqd": None, "dpm": None}
    model, other = tables.fairness_of_rows({"model": assessment(hidden=hidden), "a": assessment(skin_types=[few])})
    assert model["accuracy, side inputs hidden"] == HALF
    assert model["difference"] == "\N{MINUS SIGN}0.100 (\N{MINUS SIGN}.200 to +.000)"
    assert (model["gap in accuracy"], model["p by chance"]) == (HALF, "< 0.001")
    assert list(other.values())[1:] == [NONE, "—", None, None, None, None, None]


def test_coarse_classes_are_shown_only_where_the_catalog_has_them():
    three = {"three_partition_label": {"classes": 3, "metrics": dict.fromkeys(METRICS, HALF)}}
    (with_three,) = tables.guesses({"model": assessment(coarse_classes=three)})
    assert with_three["accuracy, 3 classes"] == with_three["macro F1, 3 classes"] == HALF
    (without,) = tables.guesses({"model": assessment()})
    assert set(with_three) - set(without) == {f"{metric.label}, 3 classes" for metric in shown("coarse").values()}


def test_skin_types_show_hidden_side_inputs_beside_given_ones():
    line = {"rating": "fitzpatrick_scale", "level": "type", "group": "1", "n": 7}
    for name in shown("skin_types"):
        line |= {name: 0.5, f"{name}_low": 0.4, f"{name}_high": 0.6}
    given = pd.DataFrame([line | {"input": "given"}])
    (alone,) = tables.skin_types(given)
    assert list(alone.values()) == ["1", "Fitzpatrick", 7, *[HALF] * len(shown("skin_types"))]
    (both,) = tables.skin_types(pd.DataFrame([line | {"input": "given"}, line | {"input": "hidden", "accuracy": 0.25}]))
    assert both["accuracy, side inputs hidden"] == HALF | {"value": 0.25}
