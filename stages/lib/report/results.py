"""What was measured on each row, as `evaluate`, `baselines` and `explain` wrote it: read, checked and typed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from stages.lib.core.errors import PipelineError
from stages.lib.report.measured import Assessment, Baseline
from stages.lib.report.tables import read_checked, read_columns

MODEL = "model"
"""The name of the row under study."""
CURVES_COLUMNS = (
    *("epoch", "loss", "accuracy", "f1_weighted"),
    *("val_loss", "val_accuracy", "val_f1_weighted", "chosen"),
)


@dataclass(frozen=True)
class RowPlots:
    """What is drawn of one row; the columns of each table are those of its file in data/evaluations/<row>."""

    curves: pd.DataFrame
    confusion: pd.DataFrame
    classes: pd.DataFrame
    reliability: pd.DataFrame
    mistakes: pd.DataFrame
    skin_types: pd.DataFrame


@dataclass(frozen=True)
class Explained:
    """Grad-CAM of one architecture: `table` has md5hash, label, predicted, probability; `maps` is `(n, H, W)`."""

    architecture: str
    row: str
    table: pd.DataFrame
    maps: np.ndarray


def read_assessment(directory: Path) -> Assessment:
    """Reads `assessment.json` of a row.

    Raises:
        PipelineError: If it is missing or not what `evaluate` writes.
    """
    return read_checked(directory / "assessment.json", Assessment)


def read_baselines(path: Path) -> dict[str, Baseline]:
    """Reads baselines.json.

    Raises:
        PipelineError: If it is missing or not what `baselines` writes.
    """
    return read_checked(path, dict[str, Baseline])


def read_curves(directory: Path) -> pd.DataFrame:
    """Reads `curves.csv` of a row: its training, epoch by epoch.

    Raises:
        PipelineError: If it is missing or malformed.
    """
    return read_columns(directory / "curves.csv", CURVES_COLUMNS)


def read_plots(directory: Path) -> RowPlots:
    """Reads all that is drawn of a row.

    Raises:
        PipelineError: If a file is missing or malformed.
    """
    skin_types = read_columns(
        directory / "skin_types.csv",
        ("rating", "input", "level", "group", "n", "accuracy", "accuracy_low", "accuracy_high", "f1_weighted"),
    )
    reliability = read_columns(
        directory / "reliability.csv", ("calibration", "low", "high", "n", "confidence", "accuracy")
    )
    numbers = [name for name in skin_types if name.startswith(("accuracy", "f1_"))]
    skin_types[numbers] = skin_types[numbers].apply(pd.to_numeric)
    reliability[["confidence", "accuracy"]] = reliability[["confidence", "accuracy"]].apply(pd.to_numeric)
    return RowPlots(
        curves=read_curves(directory),
        confusion=read_columns(directory / "confusion.csv", ("actual", "predicted")).astype(str),
        classes=read_columns(
            directory / "classes.csv", ("partition", "name", "support", "predicted", "precision", "recall", "f1")
        ),
        reliability=reliability,
        mistakes=read_columns(
            directory / "mistakes.csv",
            ("md5hash", "label", "predicted", "confidence", "label_probability", "fitzpatrick_scale"),
            rows=False,
        ),
        skin_types=skin_types,
    )


def read_explained(directory: Path, architecture: str, row: str) -> Explained:
    """Reads what `explain` wrote for an architecture.

    Raises:
        PipelineError: If a file is missing.
    """
    folder = directory / architecture
    table = read_columns(folder / "explained.csv", ("md5hash", "label", "predicted", "probability"))
    try:
        return Explained(architecture, row, table, np.load(folder / "maps.npy"))
    except (OSError, ValueError) as error:
        raise PipelineError(f"{folder / 'maps.npy'}: cannot be read ({error}); run `dvc repro`") from None


def confused_pairs(confusion: pd.DataFrame, count: int) -> pd.DataFrame:
    """Finds which classes are taken for which most often.

    Args:
        confusion: `actual` and `predicted`, one line per test image.
        count: How many pairs, at most.

    Returns:
        `actual`, `predicted`, `images` (how often) and `share` (of the actual class), most frequent first; pairs that
        are equally frequent by share, then by name. Empty if nothing was mistaken.
    """
    support = confusion["actual"].value_counts()
    wrong = confusion[confusion["actual"] != confusion["predicted"]]
    pairs = wrong.groupby(["actual", "predicted"]).size().rename("images").reset_index()
    pairs["share"] = pairs["images"] / pairs["actual"].map(support)
    order = ["images", "share", "actual", "predicted"]
    return pairs.sort_values(order, ascending=[False, False, True, True]).head(count).reset_index(drop=True)
