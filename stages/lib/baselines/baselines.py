"""What a network has to beat: the commonest class, and the nearest class mean on a frozen network's features."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from scipy import sparse
from tqdm import tqdm

from stages.lib.core.sections import Row, features_dir
from stages.lib.data.shards import ShardedArray

MAJORITY = "majority"
FOR_PIXELS = features_dir("mobilenetv2")
"""What stands beside rows that see pixels: the features of the cheapest network."""
_MEAN = "mean-"
_CHUNK_IMAGES = 512


def mean_name(backbone: str) -> str:
    """Returns the name of the nearest-class-mean baseline on a backbone's features."""
    return f"{_MEAN}{backbone}"


def for_table(rows: Iterable[Row]) -> list[str]:
    """Names the baselines that belong beside some rows.

    Args:
        rows: Of one results table.

    Returns:
        `majority`, then the nearest class means on the features that the rows see, in the rows' order;
        for rows that see pixels, on `FOR_PIXELS`.
    """
    seen = dict.fromkeys(row.input if row.on_features else FOR_PIXELS for row in rows)
    return [MAJORITY, *(mean_name(Path(features).name) for features in seen)]


def describe(name: str, commonest: str) -> str:
    """Puts a baseline into words; `commonest` is the class that the majority always names."""
    return f"always {commonest}" if name == MAJORITY else f"nearest class mean on {name.removeprefix(_MEAN)} features"


def class_shares(labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Returns the share of every class among the training images, `(n_classes,)`; the largest is the majority's.

    A class without a training image counts as one: a share of 0 would have an endless loss.
    """
    counts = np.maximum(np.bincount(labels, minlength=n_classes), 1)
    return counts / counts.sum()


def nearest_class_mean(
    data: ShardedArray, train: np.ndarray, labels: np.ndarray, test: np.ndarray, n_classes: int, name: str
) -> np.ndarray:
    """Predicts the class whose mean training features are nearest, features standardised over the training images.

    The same as scikit-learn's `StandardScaler` and `NearestCentroid`, in chunks: features of 25,088 numbers, as
    VGG16's, do not fit into memory for all images.

    Args:
        data: The features.
        train: int64, `(n,)`: positions of the training images.
        labels: int, `(n,)`: their classes.
        test: int64, `(m,)`: positions of the images to predict.
        n_classes: Classes of the catalog; one without a training image is never predicted.
        name: For the progress bar.

    Returns:
        int64, `(m,)`: predicted classes.
    """
    width = data.item_shape[0]
    sums, squares = np.zeros((n_classes, width)), np.zeros(width)
    with tqdm(total=len(train) + len(test), desc=f"class means {name}", unit="image", mininterval=1) as progress:
        for start in range(0, len(train), _CHUNK_IMAGES):
            chunk = slice(start, start + _CHUNK_IMAGES)
            features = data.gather(train[chunk]).astype(np.float64)
            places = (labels[chunk], np.arange(len(features)))
            one_hot = sparse.csr_array((np.ones(len(features)), places), shape=(n_classes, len(features)))
            sums += one_hot @ features
            squares += (features**2).sum(axis=0)
            progress.update(len(features))
        counts = np.bincount(labels, minlength=n_classes)
        centre = sums.sum(axis=0) / len(train)
        spread = np.sqrt(np.maximum(squares / len(train) - centre**2, 0))
        spread[spread == 0] = 1  # a feature that never moves has nothing to scale
        present = np.flatnonzero(counts)
        means = (sums[present] / counts[present, None] - centre) / spread
        lengths = (means**2).sum(axis=1)
        predicted = []
        for start in range(0, len(test), _CHUNK_IMAGES):
            features = (data.gather(test[start : start + _CHUNK_IMAGES]).astype(np.float64) - centre) / spread
            # squared distance, without the image's own length, which is the same for every class
            predicted.append(present[(lengths - 2 * features @ means.T).argmin(axis=1)])
            progress.update(len(features))
    return np.concatenate(predicted)
