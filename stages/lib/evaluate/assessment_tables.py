"""The tables beside assessment.json: classes, confusion and mistakes of one row."""

import numpy as np
import pandas as pd

from stages.lib.scoring import counts
from stages.lib.scoring.partitions import COLUMNS, Partition
from stages.lib.scoring.predictions import Predicted


def classes_table(partition: str, names: list[str], labels: np.ndarray, predicted: np.ndarray) -> pd.DataFrame:
    """Tabulates precision, recall and F1 of every class of a partition.

    Args:
        partition: Its column in the catalog, or `label`.
        names: Of its classes.
        labels: int, `(n,)`: the true class of every test image.
        predicted: int, `(n,)`.

    Returns:
        One line per class: partition, name, support, predicted, precision, recall, f1; NaN where nothing was counted.
    """
    counted = counts.count(labels, predicted, len(names))
    return pd.DataFrame(
        {
            "partition": partition,
            "name": names,
            "support": counted.support.astype(int),
            "predicted": counted.predicted.astype(int),
            "precision": counts.share(counted.right, counted.predicted),
            "recall": counts.share(counted.right, counted.support),
            "f1": counts.f1(counted),
        }
    )


def confusion_table(
    test: Predicted, classes: list[str], partitions: dict[str, Partition], coarse: dict
) -> pd.DataFrame:
    """Tabulates what every test image is and was taken for, by class and by partition.

    Args:
        test: The row's predictions, `(n,)` images.
        classes: The catalog's.
        partitions: By column of the catalog.
        coarse: By the same columns: true and predicted partition of every image, int, `(n,)` each.

    Returns:
        One line per image: `actual` and `predicted`, and both again for each partition.
    """
    names = np.array(classes)
    table = pd.DataFrame({"actual": names[test.labels], "predicted": names[test.predicted]})
    for column, partition in partitions.items():
        for what, numbers in zip(("actual", "predicted"), coarse[column], strict=True):
            table[f"{what}_{COLUMNS[column]}"] = np.array(partition.names)[numbers]
    return table


def mistakes_table(test: Predicted, images: pd.DataFrame, classes: list[str], most: int) -> pd.DataFrame:
    """Lists the wrong test images of which the network was surest.

    Args:
        test: The row's predictions, `(n,)` images.
        images: The manifest's lines of these images, in the same order.
        classes: The catalog's.
        most: How many lines there are at most.

    Returns:
        md5hash, label, predicted, confidence, label_probability and fitzpatrick_scale; the surest first.
    """
    names, rows = np.array(classes), np.arange(len(test.keys))
    table = pd.DataFrame(
        {
            "md5hash": test.keys,
            "label": names[test.labels],
            "predicted": names[test.predicted],
            "confidence": test.probabilities.max(axis=1),
            "label_probability": test.probabilities[rows, test.labels],
            "fitzpatrick_scale": images["fitzpatrick_scale"].to_numpy(),
        }
    )
    wrong = table[test.labels != test.predicted]
    return wrong.sort_values(["confidence", "md5hash"], ascending=[False, True]).head(most)


def first(columns: str | list[str], table: pd.DataFrame) -> pd.DataFrame:
    """Moves one column, or several, to the front of a table."""
    front = [columns] if isinstance(columns, str) else columns
    return table[front + [column for column in table if column not in front]]
