"""Whether a network's confidence is what its accuracy bears out, and temperature scaling, which corrects it.

Source: Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, ICML 2017.
"""

import math

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

TEMPERATURES = (0.02, 50.0)
"""The range searched. A validation split that is all right, or all wrong, has its best temperature at an end."""
_SMALLEST = 1e-30
"""Probabilities below are taken for this one: a softmax in float32 gives exact zeros, which have no logarithm."""


def image_losses(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Returns the cross-entropy of every image in nats, `(n,)`, clipped as scikit-learn's `log_loss` clips it."""
    exact = np.asarray(probabilities, dtype=np.float64)
    smallest = np.finfo(np.float64).eps
    true = exact[np.arange(len(labels)), labels] / exact.sum(axis=1)
    return -np.log(np.clip(true, smallest, 1 - smallest))


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Finds the temperature with the smallest cross-entropy.

    Args:
        labels: int, `(n,)`, of the validation split.
        probabilities: float, `(n, n_classes)`.

    Returns:
        The temperature within `TEMPERATURES`; above 1 where the network is too sure of itself.
    """
    logits = _logits(probabilities)

    def loss(log_temperature: float) -> float:
        scaled = logits * math.exp(-log_temperature)
        norms = np.log(np.exp(scaled).sum(axis=1))
        return float((norms - scaled[np.arange(len(labels)), labels]).mean())

    bounds = tuple(math.log(end) for end in TEMPERATURES)
    return math.exp(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-4}).x)


def scale(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Applies a temperature; the order of an image's classes, and so every prediction, stays.

    Args:
        probabilities: float, `(n, n_classes)`.
        temperature: Above 0.

    Returns:
        float64, `(n, n_classes)`; rows add up to 1.
    """
    raised = np.exp(_logits(probabilities) / temperature)
    return raised / raised.sum(axis=1, keepdims=True)


def bins_of(confidences: np.ndarray, n_bins: int) -> np.ndarray:
    """Returns the bin of every confidence, int `(n,)`: bins are of equal width, each with its upper edge."""
    return np.clip(np.ceil(np.asarray(confidences, dtype=np.float64) * n_bins).astype(int) - 1, 0, n_bins - 1)


def reliability(right: np.ndarray, confidences: np.ndarray, n_bins: int) -> pd.DataFrame:
    """Returns one line per bin: bin, low, high, n, confidence and accuracy (means, NaN in an empty bin)."""
    numbers = bins_of(confidences, n_bins)
    n = np.bincount(numbers, minlength=n_bins)
    sums = [np.bincount(numbers, weights=values, minlength=n_bins) for values in (confidences, right)]
    with np.errstate(invalid="ignore"):
        confidence, accuracy = (total / n for total in sums)
    edges = np.arange(n_bins + 1) / n_bins
    return pd.DataFrame(
        {
            "bin": range(n_bins),
            "low": edges[:-1],
            "high": edges[1:],
            "n": n,
            "confidence": confidence,
            "accuracy": accuracy,
        }
    )


def _logits(probabilities: np.ndarray) -> np.ndarray:
    """Returns what a softmax turns into `probabilities`, float64, each row's largest at 0."""
    exact = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), _SMALLEST))
    return exact - exact.max(axis=1, keepdims=True)
