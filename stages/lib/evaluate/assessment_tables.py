"""The tables beside assessment.json: classes, confusion and mistakes of one row."""

import numpy as np
import pandas as pd

from stages.lib.scoring.coarse import COLUMNS, CoarseClasses
from stages.lib.scoring.evaluated import Evaluated, f1, share
from stages.lib.scoring.predictions import Predicted


def classes_table(level: str, names: list[str], images: Evaluated) -> pd.DataFrame:
    """Tabulates precision, recall and F1 of every class.

    Args:
        level: The classes' column in the catalog: `label`, or that of coarse classes.
        names: Of the classes.
        images: The test images, by these classes.

    Returns:
        One line per class: level, name, support, predicted, precision, recall, f1; 0 where nothing was counted.
    """
    counts = images.once.counts
    return pd.DataFrame(
        {
            "level": level,
            "name": names,
            "support": counts.support.astype(int),
            "predicted": counts.predicted.astype(int),
            "precision": share(counts.right, counts.predicted),
            "recall": share(counts.right, counts.support),
            "f1": f1(counts),
        }
    )


def confusion_table(
    test: Predicted, classes: list[str], grouped: dict[str, CoarseClasses], coarse: dict[str, Evaluated]
) -> pd.DataFrame:
    """Tabulates what every test image is and was taken for, by class and by coarse class.

    Args:
        test: The row's predictions, `(n,)` images.
        classes: The catalog's.
        grouped: The coarse classes, by column of the catalog.
        coarse: By the same columns: the images by coarse class.

    Returns:
        One line per image: `actual` and `predicted`, and both again for each column of coarse classes.
    """
    names = np.array(classes)
    table = pd.DataFrame({"actual": names[test.labels], "predicted": names[test.predicted]})
    for column, images in coarse.items():
        names = np.array(grouped[column].names)
        table[f"actual_{COLUMNS[column]}"] = names[images.labels]
        table[f"predicted_{COLUMNS[column]}"] = names[images.predicted]
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
