"""The paper's metric beside a true F1, on a case small enough for a sheet of paper."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from stages.lib.scoring.published import f1_published

LABELS = np.array([0, 1, 1, 0])
SHARES = np.array([[0.6, 0.4], [0.3, 0.7], [0.6, 0.4], [0.9, 0.1]])


def test_one_batch_by_hand():
    # class 0: soft hits 1.5 of 2 images and 2.4 predicted; class 1: 1.1 of 2 and 1.6
    expected = (2 * 1.5 / (2 + 2.4) + 2 * 1.1 / (2 + 1.6)) / 2
    assert f1_published(LABELS, SHARES, 4) == pytest.approx(expected, abs=1e-6)
    # the true one: predicted 0 1 0 0, so class 0 has 2 of 3 and 2 of 2, class 1 has 1 of 1 and 1 of 2
    assert f1_score(LABELS, SHARES.argmax(axis=1), average="weighted") == pytest.approx((0.8 + 2 / 3) / 2)


def test_the_batch_size_alone_changes_it():
    # in batches of one, precision is 1 where recall is the probability of the true class
    expected = np.mean([2 * p / (1 + p) for p in (0.6, 0.7, 0.4, 0.9)])
    assert f1_published(LABELS, SHARES, 1) == pytest.approx(expected, abs=1e-6)
    assert f1_published(LABELS, SHARES, 1) > f1_published(LABELS, SHARES, 4) + 0.1


def test_the_order_changes_it_and_a_small_last_batch_counts_in_full():
    order = [0, 3, 1, 2]
    assert f1_published(LABELS[order], SHARES[order], 2) != pytest.approx(f1_published(LABELS, SHARES, 2), abs=1e-3)
    parts = [f1_published(LABELS[:3], SHARES[:3], 3), f1_published(LABELS[3:], SHARES[3:], 3)]
    assert f1_published(LABELS, SHARES, 3) == pytest.approx(np.mean(parts))


def test_it_can_exceed_every_true_f1():
    # all images are taken for class 1, so none is right; in batches of one the metric is 0.62
    labels, shares = np.array([0, 0, 0]), np.full((3, 2), (0.45, 0.55))
    assert f1_score(labels, shares.argmax(axis=1), average="weighted") == 0
    assert f1_published(labels, shares, 1) > 0.6
