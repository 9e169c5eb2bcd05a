import pandas as pd
import pytest

from stages.lib.report import charted

HALF = {"value": 0.5, "low": 0.4, "high": 0.6}
SCORED = {"validation": {"accuracy": HALF}, "metrics": {"accuracy": HALF}}


def the_chart(line):
    (chart,) = (cell for cell in line.values() if str(cell).startswith("<svg"))
    return chart


@pytest.mark.parametrize("comparable", [True, False])
def test_comparison_shows_the_paper_only_where_it_can_be_compared(comparable):
    paper = pd.DataFrame({"accuracy": [0.3]}, index=["a"])
    first, second = charted.comparison(
        {"a": SCORED, "b": SCORED}, paper if comparable else None, {"majority": HALF}, {"b": "worse"}
    )
    assert ("#paper" in the_chart(first)) == comparable and "#paper" not in the_chart(second)
    assert "#test" in the_chart(first) and "#val" in the_chart(first) and "reference0" in the_chart(first)
    assert (first["against the model"], second["against the model"]) == (None, "worse")


def test_differences_are_those_of_accuracy_with_verdict_and_p():
    line = {
        "row": "a",
        "difference": 0.1,
        "low": -0.1,
        "high": 0.3,
        "p_adjusted": 0.2,
        "verdict": "no difference shown",
    }
    (found,) = charted.differences(pd.DataFrame([line | {"metric": name} for name in ("accuracy", "f1_macro")]))
    assert found["difference"] == "+0.100 (\N{MINUS SIGN}.100 to +.300)"
    assert found["against the model"] == "no difference shown (p = 0.200)"


def test_skin_types_without_images_and_with_hidden_side_inputs_are_drawn():
    table = pd.DataFrame({"group": ["1", "6"], "n": [7, 0], "accuracy": [0.5, None], "input": "given"})
    table = table.assign(accuracy_low=table["accuracy"], accuracy_high=table["accuracy"])
    both = pd.concat([table, table.assign(input="hidden")])
    first, empty = charted.skin_types(both, 0.4)
    assert (first["skin type"], first["test images"], empty["test images"]) == ("1", 7, 0)
    assert "#test" in the_chart(first) and "#val" in the_chart(first) and "<use" not in the_chart(empty)


def test_all_rows_share_one_scale_of_loss_which_one_that_went_astray_does_not_press_flat():
    names = ["loss", "accuracy", "f1_weighted", "val_loss", "val_accuracy", "val_f1_weighted"]
    table = pd.DataFrame(0.5, index=range(5), columns=names).assign(epoch=range(5), chosen=0)
    rows, top = charted.training({f"row {n}": table for n in range(9)} | {"astray": table.assign(loss=[9e9] * 5)})
    assert top == 0.8 and rows[-1]["row"] == "astray" and rows[0]["epochs"] == 5
    assert list(rows[0]["charts"]) == ["loss", "accuracy", "weighted F1"]
    assert "37.50" in rows[0]["charts"]["loss"] and "50.00" in rows[0]["charts"]["accuracy"]


def test_reasons_that_occur_are_listed_the_most_frequent_first():
    found = charted.dropped({"dropped": {"no_url": 2, "truncated": 0, "too_small": 5}})
    assert [(line["reason"], line["images"]) for line in found] == [("too small", 5), ("no url", 2)]
    assert charted.dropped({"dropped": {"no_url": 0}}) == []


def test_what_is_kept_of_a_class_stands_beside_all_that_was_dropped_of_it():
    some, whole = charted.kept(
        [{"class": "a", "kept": 3, "no_url": 1, "truncated": 2}, {"class": "b", "kept": 4}], "class"
    )
    assert (some["class"], some["images kept"], whole["images kept"]) == ("a", "3 (3 dropped)", "4")
    assert 'class="dropped" x="50.0%" width="50.0%"' in the_chart(some)


def test_mean_skin_types_leave_out_the_unknown_and_go_from_light_to_dark():
    manifest = pd.DataFrame({"label": list("aabbbc"), "fitzpatrick_scale": [4, 6, 1, 3, -1, -1]})
    first, second = charted.mean_types(manifest)
    assert (first["condition"], first["rated images"], second["condition"]) == ("b", 2, "a")
    assert first["mean ± sd"].split() == ["2.0", "±", "1.4"]


def test_copies_are_counted_by_alteration():
    (line,) = charted.copies({"per_alteration": [{"alteration": "framed", "planted": 10, "found": 9}]})
    assert (line["alteration"], line["found"]) == ("framed", "9 of 10")


def test_confused_pairs_name_both_classes():
    pairs = pd.DataFrame({"actual": ["a"], "predicted": ["b"], "images": 12, "share": 0.5})
    assert list(charted.confused(pairs)[0].values())[::2] == ["a → b", "12 (50 %)"]
    assert charted.confused(pairs.head(0)) == []
