import pandas as pd

from stages.lib.core.params import load_params
from stages.lib.report import tables
from stages.lib.scoring.metrics import METRICS, shown

ROWS = load_params().tables
HALF = {"value": 0.5, "low": 0.4, "high": 0.6}
FAIR = {"rating": "fitzpatrick_scale", "input": "given", "level": "type", "gap": HALF, "best": "2", "worst": "6",
        "gap_p": 0.0004, "pqd": 0.8, "dpm": 0.5, "eom": None, "min_support": 5, "groups_compared": ["2", "6"],
        "dpm_coverage": 0.35, "eom_coverage": 0.0}  # fmt: skip
NONE = {"value": None, "low": None, "high": None}


def assessment(**changes):
    return {
        "metrics": dict.fromkeys(METRICS, HALF), "temperature": 1.5, "f1_published": 0.47, "coarse_classes": {},
        "skin_types": [FAIR], "hidden": None,
    } | changes  # fmt: skip


def test_results_show_rows_beside_the_paper_and_then_what_they_have_to_beat():
    paper = pd.DataFrame({"table": ["1"], "loss": [3.9], "accuracy": [0.133], "f1": [0.089]}, index=["lenet-1"])
    baseline = {"description": "always a", "metrics": {"accuracy": HALF}}
    first, second, beaten = tables.results(
        {name: ROWS[name] for name in ("lenet-1", "vgg16")}, {"lenet-1": "LeNet", "vgg16": "VGG16"},
        dict.fromkeys(("lenet-1", "vgg16"), assessment()), paper, {"majority": baseline},
        {"lenet-1": "better", "majority": "worse"},
    )  # fmt: skip
    assert (first["row"], first["accuracy, paper"], first["accuracy, ours"]) == ("lenet-1", 0.133, HALF)
    assert (first["soft F1, paper"], first["soft F1, ours"], first["macro F1"]) == (0.089, 0.47, 0.5)
    assert (second["accuracy, paper"], second["batch"], second["accuracy against model"]) == (None, 256, None)
    assert (beaten["settings"], beaten["accuracy, ours"], beaten["macro F1"]) == ("always a", HALF, None)
    assert beaten["accuracy against model"] == "worse"
    assert list(first) == list(second) == list(beaten)


def test_differences_put_all_metrics_of_a_row_in_one_line():
    lines = [
        {"row": row, "metric": metric, "difference": 0.1, "low": -0.1, "high": 0.3, "p_adjusted": 0.2,
         "verdict": "no difference shown"}
        for row in ("a", "majority") for metric in ("accuracy", "f1_weighted", "f1_macro")
    ]  # fmt: skip
    first, second = tables.differences(pd.DataFrame(lines))
    assert (first["row"], second["row"]) == ("a", "majority")
    assert list(first.values())[1:4] == ["+0.100 (\N{MINUS SIGN}.100 to +.300)", "0.200", "no difference shown"]
    assert len(first) == 10


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
