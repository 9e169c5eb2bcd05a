"""The table of metrics: every entry against scikit-learn, once and resampled, and how its interval is made."""

import numpy as np
import pytest
from sklearn import metrics as scikit

from stages.lib.scoring import metrics
from stages.lib.scoring.bootstrap import Once, draw
from stages.lib.scoring.evaluated import Counts, Evaluated, f1, share
from stages.lib.scoring.metrics import METRICS, PLACES


def images(n: int, n_classes: int, seed: int = 0, samples: int = 10) -> Evaluated:
    random = np.random.default_rng(seed)
    labels = random.integers(0, n_classes, n)
    raised = np.exp(random.normal(0, 2, (n, n_classes)) + 2 * np.eye(n_classes)[labels])
    shares = raised / raised.sum(axis=1, keepdims=True)
    resamples = draw(random.integers(0, n // 2, n).astype(str), samples, 0)
    return Evaluated(resamples, labels, shares.argmax(axis=1), n_classes, shares, shares**0.5 / 2, n_bins=10)


def by_scikit_learn(labels: np.ndarray, predicted: np.ndarray, shares: np.ndarray) -> dict[str, float]:
    options = {"labels": np.arange(shares.shape[1])}
    return {
        "accuracy": scikit.accuracy_score(labels, predicted),
        "balanced_accuracy": scikit.recall_score(labels, predicted, labels=np.unique(labels), average="macro"),
        "f1_weighted": scikit.f1_score(labels, predicted, average="weighted", zero_division=0, **options),
        "f1_macro": scikit.f1_score(labels, predicted, average="macro", zero_division=0, **options),
        "top_3": scikit.top_k_accuracy_score(labels, shares, k=3, **options),
        "top_5": scikit.top_k_accuracy_score(labels, shares, k=5, **options),
        "loss": scikit.log_loss(labels, shares, **options),
    }


@pytest.mark.parametrize("n_classes", [6, 114])
def test_metrics_are_those_of_scikit_learn(n_classes):
    made = images(200, n_classes)
    expected = by_scikit_learn(made.labels, made.predicted, made.probabilities)
    found = {name: value for name, (value, _) in metrics.measure(made, expected).items()}
    assert found == pytest.approx(expected)


def test_every_resample_scores_as_its_images_do():
    made = images(80, 6)
    found = metrics.measure(made)
    for sample in range(10):
        chosen = np.repeat(np.arange(80), made.resamples.weights[:, sample].astype(int))
        parts = (part[chosen] for part in (made.labels, made.predicted, made.probabilities, made.scaled))
        labels, predicted, *probabilities = parts
        own = Evaluated(Once(len(chosen)), labels, predicted, 6, *probabilities, n_bins=10)
        expected = {name: float(metric.of(own)) for name, metric in METRICS.items()}
        assert {name: float(moved[sample]) for name, (_, moved) in found.items()} == pytest.approx(expected, rel=1e-5)


def test_classes_are_those_of_scikit_learn():
    random = np.random.default_rng(1)
    labels, predicted = random.integers(0, 5, 40), random.integers(0, 6, 40)
    found = Evaluated(Once(40), labels, predicted, 7).counts
    expected = scikit.precision_recall_fscore_support(labels, predicted, labels=np.arange(7), zero_division=0)
    ours = share(found.right, found.predicted), share(found.right, found.support), f1(found), found.support
    assert np.array(ours) == pytest.approx(np.array(expected))


def test_the_order_of_images_changes_nothing():
    made = images(50, 5)
    order = np.random.default_rng(2).permutation(50)
    other = Evaluated(
        made.resamples.only(order), made.labels[order], made.predicted[order], 5, made.probabilities[order],
        made.scaled[order], 10,
    )  # fmt: skip
    first, second = metrics.estimates(made), metrics.estimates(other)
    assert all(first[name] == pytest.approx(second[name], abs=1e-5) for name in METRICS)


def test_without_probabilities_the_metrics_of_counts_are_left():
    made = images(50, 5)
    bare = metrics.estimates(Evaluated(made.resamples, made.labels, made.predicted, 5))
    assert set(bare) == {name for name, metric in METRICS.items() if metric.needs == "counts"}


def test_no_image_has_no_score():
    made = images(20, 3)
    found = metrics.estimates(made.only(np.zeros(20, dtype=bool)))
    assert all(value == {"value": None, "low": None, "high": None} for value in found.values())


def test_where_all_are_right_a_share_has_an_interval_and_what_cannot_move_has_none():
    made = images(20, 3)
    found = metrics.estimates(Evaluated(made.resamples, made.labels, made.labels, 3))
    assert found["accuracy"]["low"] < 1 == found["accuracy"]["high"]
    assert found["f1_weighted"] == {"value": 1, "low": None, "high": None}


def test_places_of_ties_go_as_argmax():
    tied = np.array([[0.4, 0.4, 0.2], [0.4, 0.4, 0.2]])
    assert metrics.places(np.array([0, 1]), tied).tolist() == [0, 1]


def test_the_table_is_sound():
    for name, metric in METRICS.items():
        places = set(metric.shown.split())
        assert places <= set(PLACES), name
        assert metric.needs == "counts" or not places & {"compared", "coarse", "skin_types"}, name
    assert len({metric.label for metric in METRICS.values()}) == len(METRICS)
    zero = Counts(*(np.zeros(3) for _ in range(3)))
    assert all(metric.function(zero) == 0 for metric in METRICS.values() if metric.needs == "counts")
