"""Calibration: hand-worked errors, the temperature that was put in, and what scaling must not change."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from stages.lib.scoring import calibration, metrics
from stages.lib.scoring.bootstrap import Once
from stages.lib.scoring.evaluated import Evaluated


def overconfident(n: int, factor: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from a softmax, and that softmax with its logits multiplied by `factor`."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1.5, (n, 8))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (random.random((n, 1)) > shares.cumsum(axis=1)).sum(axis=1).clip(max=7)
    raised = np.exp(factor * logits)
    return labels, raised / raised.sum(axis=1, keepdims=True)


def error(labels: np.ndarray, shares: np.ndarray, n_bins: int) -> float:
    images = Evaluated(Once(len(labels)), labels, shares.argmax(axis=1), shares.shape[1], shares, n_bins=n_bins)
    return metrics.METRICS["ece"].of(images)


def test_the_error_by_hand():
    # two bins: (0, 0.5] holds 0.5 right, 0.4 wrong; (0.5, 1] holds 0.9 right, 0.8 right, 0.7 wrong
    confidences, right = np.array([0.5, 0.4, 0.9, 0.8, 0.7]), np.array([True, False, True, True, False])
    expected = 2 / 5 * abs(0.45 - 0.5) + 3 / 5 * abs(0.8 - 2 / 3)
    shares = np.array([[p, 1 - p - 0.01, 0.01] if p >= 0.5 else [p, 0.3, 0.3] for p in confidences])
    assert error(np.where(right, 0, 2), shares, 2) == pytest.approx(expected)
    table = calibration.reliability(right, confidences, 2)
    assert table["n"].tolist() == [2, 3]
    assert table["confidence"].tolist() == pytest.approx([0.45, 0.8])
    assert table["accuracy"].tolist() == pytest.approx([0.5, 2 / 3])


def test_bins_hold_their_upper_edge_and_an_empty_one_has_no_accuracy():
    assert calibration.bins_of(np.array([0.0, 1 / 15, 0.0667, 1.0]), 15).tolist() == [0, 0, 1, 14]
    table = calibration.reliability(np.array([True]), np.array([0.95]), 15)
    assert table["n"].sum() == 1 and table["accuracy"].isna().sum() == 14


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_temperature_that_was_put_in_is_found(factor):
    labels, shares = overconfident(20000, factor)
    assert calibration.fit_temperature(labels, shares) == pytest.approx(factor, rel=0.05)


def test_scaling_calibrates_the_overconfident():
    labels, shares = overconfident(4000, 3.0)
    test_labels, test_shares = overconfident(4000, 3.0, seed=1)
    scaled = calibration.scale(test_shares, calibration.fit_temperature(labels, shares))
    assert error(test_labels, test_shares, 15) > 0.15 and error(test_labels, scaled, 15) < 0.04
    assert log_loss(test_labels, scaled) < log_loss(test_labels, test_shares)


@pytest.mark.parametrize("temperature", [0.02, 0.3, 1.0, 7.0, 50.0])
def test_scaling_moves_no_prediction(temperature):
    random = np.random.default_rng(3)
    shares = random.dirichlet(np.full(114, 0.05), 500).astype(np.float32)
    assert (shares == 0).any()
    scaled = calibration.scale(shares, temperature)
    assert (scaled.argmax(axis=1) == shares.argmax(axis=1)).all()
    assert scaled.sum(axis=1) == pytest.approx(1)


def test_temperature_one_changes_nothing():
    _, shares = overconfident(50, 1.0)
    assert calibration.scale(shares, 1.0) == pytest.approx(shares)


@pytest.mark.parametrize("truth", [0, 1])
def test_a_split_that_is_all_right_or_all_wrong_ends_within_the_range(truth):
    shares = np.tile([0.9, 0.1], (20, 1))
    found = calibration.fit_temperature(np.full(20, truth), shares)
    assert calibration.TEMPERATURES[0] <= found <= calibration.TEMPERATURES[1]


def test_losses_are_those_of_scikit_learn():
    labels, shares = overconfident(200, 3.0)
    shares[0] = np.eye(8)[(labels[0] + 1) % 8]  # certain and wrong
    assert calibration.image_losses(labels, shares).mean() == pytest.approx(log_loss(labels, shares))
