"""The files of data/evaluations/<row>/: what `report` reads, and a commit holds all of but the predictions."""

from pathlib import Path

import pandas as pd

from stages.lib.core.files import write_csv, write_json
from stages.lib.evaluate.assessment import Assessment
from stages.lib.scoring.predictions import Predicted, write_predictions


def write_evaluation(
    directory: Path,
    parts: dict[str, Predicted],
    classes: list[str],
    assessment: Assessment,
    history: pd.DataFrame,
) -> None:
    """Writes what was found out about a row.

    Args:
        directory: Where to; it is made.
        parts: The row's predictions by split.
        classes: The catalog's.
        assessment: Of those predictions.
        history: The row's training, one line per epoch.
    """
    write_predictions(directory / "predictions.csv", parts, classes)
    for table, content in assessment.tables.items():
        write_csv(directory / f"{table}.csv", content, float_format="%.6f")
    write_json(directory / "assessment.json", assessment.summary)
    write_csv(directory / "curves.csv", history, float_format="%.6f")
    write_json(directory / "scores.json", assessment.scores)
