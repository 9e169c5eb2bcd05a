"""The figures of the results tables, from probabilities: scikit-learn's definitions over all classes of the catalog."""

import numpy as np
from sklearn.metrics import accuracy_score, f1_score, log_loss


def score(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Scores predictions.

    Args:
        labels: int, `(n,)`: true class numbers.
        probabilities: float, `(n, n_classes)`; rows add up to 1.

    Returns:
        `loss` (mean cross-entropy in nats), `accuracy`, `f1_weighted` (by support) and `f1_macro` (over all classes of
        the catalog; one that is neither true nor predicted counts as 0).
    """
    classes = np.arange(probabilities.shape[1])
    predicted = probabilities.argmax(axis=1)
    # float32 softmax sums to 1 within 1e-6 only; log_loss wants it exact
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    f1 = {
        average: f1_score(labels, predicted, labels=classes, average=average, zero_division=0)
        for average in ("weighted", "macro")
    }
    return {
        "loss": float(log_loss(labels, exact, labels=classes)),
        "accuracy": float(accuracy_score(labels, predicted)),
        "f1_weighted": float(f1["weighted"]),
        "f1_macro": float(f1["macro"]),
    }
