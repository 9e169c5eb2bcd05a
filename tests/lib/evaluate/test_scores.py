"""Scores against hand-worked cases."""

import numpy as np
import pytest

from stages.lib.evaluate.scores import score


def test_a_case_by_hand():
    labels = np.array([0, 0, 1, 2])
    probabilities = np.array([[0.8, 0.1, 0.1, 0.0], [0.2, 0.6, 0.1, 0.1], [0.1, 0.7, 0.1, 0.1], [0.3, 0.3, 0.4, 0.0]])
    scores = score(labels, probabilities.astype(np.float32))
    # class 0: precision 1, recall 1/2; class 1: precision 1/2, recall 1; class 2: both 1; class 3: absent
    f1 = [2 / 3, 2 / 3, 1.0, 0.0]
    assert scores["accuracy"] == 0.75
    assert scores["f1_weighted"] == pytest.approx((2 * f1[0] + f1[1] + f1[2]) / 4)
    assert scores["f1_macro"] == pytest.approx(sum(f1) / 4)
    assert scores["loss"] == pytest.approx(-np.log([0.8, 0.2, 0.7, 0.4]).mean(), rel=1e-5)


def test_certain_and_wrong_is_finite():
    assert np.isfinite(score(np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]]))["loss"])


def test_the_order_of_images_changes_nothing():
    random = np.random.default_rng(0)
    labels = random.integers(0, 5, 50)
    probabilities = random.dirichlet(np.ones(5), 50)
    order = random.permutation(50)
    assert score(labels, probabilities) == pytest.approx(score(labels[order], probabilities[order]))
