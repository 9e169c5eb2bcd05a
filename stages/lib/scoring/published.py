"""The metric that the published tables call F1, kept only to stand beside their column."""

import numpy as np

NOT_AN_F1 = (
    "The paper's F1 adds up probabilities instead of predictions, batch by batch, and averages over the batches: the "
    "same predictions score otherwise with another batch size or order, so it is no F1 and is compared with nothing "
    "but the paper's own figure."
)
_EPSILON = 1e-7
"""Keras' fuzz factor, which the published code adds to every count."""


def f1_published(labels: np.ndarray, probabilities: np.ndarray, batch_size: int) -> float:
    """Computes the paper's metric: a support-weighted F1 of soft counts in every batch, then the plain mean.

    A class's true positives are the summed probabilities of its own images, its predicted positives those of all
    images. A small last batch counts as much as the others, as Keras averages a metric that is one number per batch.

    Args:
        labels: int, `(n,)`: true class numbers, in the order in which the images are batched.
        probabilities: float, `(n, n_classes)`.
        batch_size: Images per batch.

    Returns:
        The metric, 0 to 1.
    """
    one_hot = np.eye(probabilities.shape[1])[labels]
    exact = np.asarray(probabilities, dtype=np.float64)
    starts = range(0, len(labels), batch_size)
    return float(np.mean([_batch(one_hot[s : s + batch_size], exact[s : s + batch_size]) for s in starts]))


def _batch(targets: np.ndarray, probabilities: np.ndarray) -> float:
    support = targets.sum(axis=0) + _EPSILON
    right = (targets * probabilities).sum(axis=0) + _EPSILON
    precision = right / (probabilities.sum(axis=0) + _EPSILON)
    recall = right / support
    f1 = 2 * precision * recall / (precision + recall + _EPSILON)
    return float((f1 * support).sum() / support.sum())
