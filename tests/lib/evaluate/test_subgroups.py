"""Results by skin type against fairlearn and by hand."""

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame, count
from sklearn.metrics import accuracy_score, f1_score, recall_score

from stages.lib.core.errors import PipelineError
from stages.lib.evaluate.subgroups import LEVELS, by_group, disparities, members, permuted_gaps, read_ratings, summarise
from stages.lib.scoring.bootstrap import draw
from stages.lib.scoring.evaluated import Evaluated

N_CLASSES = 4


def rated(labels, predicted, samples: int = 200) -> Evaluated:
    resamples = draw(np.arange(len(labels)).astype(str), samples, 0)
    return Evaluated(resamples, np.array(labels), np.array(predicted), N_CLASSES)


def summary(images: Evaluated, skin_types, level: str = "type", min_support: int = 5) -> dict:
    return summarise(images, members(np.array(skin_types), level), min_support, 0)


TYPES = np.random.default_rng(1).choice([1, 2, 3, 4, 5, -1], 600)
BUCKETS = np.array([{t: name for name, types in LEVELS["bucket"].items() for t in types}[t] for t in TYPES])


@pytest.fixture(scope="module")
def many() -> Evaluated:
    random = np.random.default_rng(0)
    labels = random.integers(0, N_CLASSES, 600)
    predicted = np.where(random.random(600) < 0.6, labels, random.integers(0, N_CLASSES, 600))
    return rated(labels, predicted)


def test_groups_are_those_of_fairlearn(many):
    frame = MetricFrame(
        metrics={
            "n": count,
            "accuracy": accuracy_score,
            "f1_weighted": lambda y, p: f1_score(y, p, average="weighted", zero_division=0),
        },
        y_true=many.labels,
        y_pred=many.predicted,
        sensitive_features=BUCKETS,
    )
    table = pd.DataFrame(by_group(many, members(TYPES, "bucket"))).set_index("group")
    for metric in ("n", "accuracy", "f1_weighted"):
        assert table[metric].to_dict() == pytest.approx(frame.by_group[metric].to_dict(), abs=1e-6)
    assert (table["accuracy_low"] < table["accuracy"]).all() and (table["accuracy"] < table["accuracy_high"]).all()


def test_every_type_has_a_line_and_an_absent_one_is_empty(many):
    table = pd.DataFrame(by_group(many, members(TYPES, "type"))).set_index("group")
    assert list(table.index) == ["1", "2", "3", "4", "5", "6", "unknown"]
    assert table.loc["6", "n"] == 0 and table.loc["6"].drop(["n", "groups"]).isna().all()


def test_the_measures_are_ratios_of_fairlearns_frames(many):
    known = TYPES > 0
    labels, predicted, groups = many.labels[known], many.predicted[known], BUCKETS[known]
    found = summary(many, TYPES, "bucket")

    def ratio(metric):
        return MetricFrame(metrics=metric, y_true=labels, y_pred=predicted, sensitive_features=groups).ratio(
            method="between_groups"
        )

    def selected(c):
        return lambda _, p: np.mean(np.asarray(p) == c)

    def recall(c):
        return lambda y, p: recall_score(y, p, labels=[c], average="macro", zero_division=0)

    assert found["pqd"] == pytest.approx(ratio(accuracy_score), abs=1e-6)
    assert found["dpm"] == pytest.approx(np.mean([ratio(selected(c)) for c in range(N_CLASSES)]), abs=1e-6)
    assert found["eom"] == pytest.approx(np.mean([ratio(recall(c)) for c in range(N_CLASSES)]), abs=1e-6)
    assert found["dpm_coverage"] == found["eom_coverage"] == 1
    frame = MetricFrame(metrics=accuracy_score, y_true=labels, y_pred=predicted, sensitive_features=groups)
    assert found["gap"]["value"] == pytest.approx(frame.difference(), abs=1e-6)
    assert (found["best"], found["worst"]) == (frame.by_group.idxmax(), frame.by_group.idxmin())


def test_support_and_coverage_by_hand():
    # type 1: class 0 right 2 of 2, class 1 right 1 of 2; type 2: class 0 right 1 of 2, class 1 has one image only
    data = rated([0, 0, 1, 1, 0, 0, 1, 2], [0, 0, 1, 0, 0, 2, 2, 2])
    first = np.arange(8) < 4
    found = disparities(data, {"1": first, "2": ~first}, 2)
    assert found["pqd"] == pytest.approx((2 / 4) / (3 / 4), abs=1e-6)
    # class 1 was predicted once, class 3 never; class 0: 1/4 to 3/4, class 2: 0 to 3/4
    assert found["dpm"] == pytest.approx((1 / 3 + 0) / 2, abs=1e-6)
    assert (found["dpm_classes"], found["dpm_coverage"]) == (2, 0.5)
    assert found["eom"] == pytest.approx(1 / 2) and (found["eom_classes"], found["eom_coverage"]) == (1, 0.25)


def test_nothing_is_compared_without_two_groups_of_enough_images():
    found = summary(rated([0, 1, 2, 3], [0, 1, 2, 3]), [1, 1, 2, -1], min_support=2)
    assert found["groups_compared"] == ["1"]
    assert [found[name] for name in ("best", "worst", "gap_p", "pqd", "dpm", "eom")] == [None] * 6
    assert found["gap"] == {"value": None, "low": None, "high": None}


def test_a_true_gap_is_told_from_chance():
    random = np.random.default_rng(3)
    types = np.repeat([1, 2, 3], 200)
    labels = random.integers(0, N_CLASSES, 600)
    wrong = (labels + 1) % N_CLASSES
    for rates, told in (([0.6, 0.6, 0.6], False), ([0.7, 0.6, 0.4], True)):
        predicted = np.where(random.random(600) < np.repeat(rates, 200), labels, wrong)
        found = summary(rated(labels, predicted), types)
        assert (found["gap_p"] < 0.05) == told
    assert found["gap"]["low"] > 0 and (found["best"], found["worst"]) == ("1", "3")


def test_few_images_that_are_all_right_are_no_proof():
    # 5 of 5 and 4 of 10, beside 140 of 280: what a bootstrap of the five calls certain
    right = [True] * 5 + [True] * 4 + [False] * 6 + [True] * 140 + [False] * 140
    found = summary(rated([0] * 295, [0 if r else 1 for r in right], 2000), [4] * 5 + [3] * 10 + [1] * 280)
    assert found["gap"]["value"] == pytest.approx(0.6)
    assert 0.01 < found["gap_p"] < 0.2


def test_where_types_are_alike_one_gap_in_twenty_is_called_real():
    random = np.random.default_rng(5)
    types = np.repeat([1, 2, 3, 4], [120, 40, 12, 6])
    labels = np.zeros(len(types), dtype=int)
    p = []
    for _ in range(300):
        predicted = (random.random(len(types)) < 0.4).astype(int)
        p.append(summary(rated(labels, predicted), types)["gap_p"])
    assert 0.01 <= np.mean(np.array(p) < 0.05) <= 0.085


def test_images_of_a_group_are_dealt_together():
    random = np.random.default_rng(6)
    groups = np.repeat(np.arange(60), 10)
    right = np.repeat(random.random(60) < 0.5, 10)  # a group is right or wrong as a whole
    types = np.repeat(random.choice([1, 2], 60), 10)
    labels = np.zeros(600, dtype=int)
    by_image = rated(labels, 1 - right, 500)
    in_groups = Evaluated(draw(groups.astype(str), 500, 0), labels, 1 - right, N_CLASSES)
    of_type = {"1": types == 1, "2": types == 2}
    assert permuted_gaps(in_groups, of_type, 0).mean() > 2 * permuted_gaps(by_image, of_type, 0).mean()


def test_ratings_are_read_and_checked():
    manifest = pd.DataFrame({"md5hash": ["k1", "k2"], "fitzpatrick_scale": [1, -1], "fitzpatrick_centaur": ["6", ""]})
    found = read_ratings(manifest)
    assert {name: values.tolist() for name, values in found.items()} == {
        "fitzpatrick_scale": [1, -1],
        "fitzpatrick_centaur": [6, -1],
    }
    with pytest.raises(PipelineError, match="k2, column fitzpatrick_centaur: '7' is not 1 to 6 or -1"):
        read_ratings(manifest.assign(fitzpatrick_centaur=["6", "7"]))
    assert list(read_ratings(manifest[["md5hash", "fitzpatrick_scale"]])) == ["fitzpatrick_scale"]
