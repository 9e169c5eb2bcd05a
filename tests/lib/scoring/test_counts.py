"""Metrics of counts against scikit-learn, and resamples against the repeated images."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, precision_recall_fscore_support

from stages.lib.scoring import counts
from stages.lib.scoring.bootstrap import draw


def scikit(labels: np.ndarray, predicted: np.ndarray, n_classes: int) -> dict[str, float]:
    options = {"labels": np.arange(n_classes), "zero_division": 0}
    return {
        "accuracy": accuracy_score(labels, predicted),
        "balanced_accuracy": np.mean([(predicted[labels == c] == c).mean() for c in np.unique(labels)]),
        "f1_weighted": f1_score(labels, predicted, average="weighted", **options),
        "f1_macro": f1_score(labels, predicted, average="macro", **options),
    }


@pytest.mark.parametrize("n_classes", [2, 7, 114])
def test_averages_are_those_of_scikit_learn(n_classes):
    random = np.random.default_rng(n_classes)
    labels = random.integers(0, n_classes, 200)
    predicted = np.where(random.random(200) < 0.4, labels, random.integers(0, n_classes, 200))
    found = counts.averages(counts.count(labels, predicted, n_classes))
    assert {k: float(v) for k, v in found.items()} == pytest.approx(scikit(labels, predicted, n_classes))
    if set(predicted) <= set(labels):
        assert float(found["balanced_accuracy"]) == pytest.approx(balanced_accuracy_score(labels, predicted))


def test_classes_are_those_of_scikit_learn():
    random = np.random.default_rng(1)
    labels, predicted = random.integers(0, 5, 40), random.integers(0, 6, 40)
    found = counts.count(labels, predicted, 7)
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(7), zero_division=0
    )
    assert counts.share(found.right, found.predicted) == pytest.approx(precision)
    assert counts.share(found.right, found.support) == pytest.approx(recall)
    assert counts.f1(found) == pytest.approx(f1)
    assert (found.support == support).all()


def test_every_resample_scores_as_its_images_do():
    random = np.random.default_rng(2)
    labels, predicted = random.integers(0, 6, 80), random.integers(0, 6, 80)
    resamples = draw(random.integers(0, 50, 80).astype(str), 10, 0)
    found = counts.averages(counts.count_resamples(resamples, labels, predicted, 6))
    for sample in range(10):
        images = np.repeat(np.arange(80), resamples.weights[:, sample].astype(int))
        own = {name: float(values[sample]) for name, values in found.items()}
        assert own == pytest.approx(scikit(labels[images], predicted[images], 6), rel=1e-5)


def test_no_image_has_no_score():
    nothing = np.zeros(0, dtype=np.int64)
    assert all(np.isnan(value) for value in counts.averages(counts.count(nothing, nothing, 3)).values())
