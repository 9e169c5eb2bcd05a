"""The results tables as data: each row's settings, the paper's scores and ours, side by side."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from stages.lib.core.errors import PipelineError
from stages.lib.core.files import read_json
from stages.lib.core.sections import TENSORS, Row

TITLES = {
    1: "Table 1: networks trained from scratch, by architecture, optimizer and batch size",
    2: "Table 2: dropout",
    3: "Table 3: transfer learning, from frozen networks",
    4: "Table 4: transfer learning with the skin type as second input",
    0: "Further rows",
}
"""By `Row.table`, in the order of the report."""

PAPER_COLUMNS = ("row", "table", "loss", "accuracy", "f1")

_SPELLING = {
    "lenet": "LeNet",
    "alexnet": "AlexNet",
    "vgg16": "VGG16",
    "inceptionv3": "InceptionV3",
    "resnet101v2": "ResNet101V2",
    "mobilenetv2": "MobileNetV2",
    "adam": "Adam",
    "rmsprop": "RMSprop",
    "sgd": "SGD",
}


class Scores(BaseModel):
    """What `evaluate` measured on the test images: the mean cross-entropy in nats, the others 0 to 1."""

    model_config = ConfigDict(frozen=True)

    loss: float
    accuracy: float
    f1_weighted: float
    f1_macro: float


@dataclass(frozen=True)
class PaperScores:
    """What the paper printed. Its `f1` is another metric: from soft probabilities, averaged over batches."""

    loss: float
    accuracy: float
    f1: float


@dataclass(frozen=True)
class Result:
    """One row of a results table.

    Attributes:
        name: The row's name in params.yaml.
        settings: What it is, in words.
        batch_size: In images.
        dropout: The share of units dropped.
        paper: None where the paper has no such row.
        ours: This run's scores.
    """

    name: str
    settings: str
    batch_size: int
    dropout: float
    paper: PaperScores | None
    ours: Scores


@dataclass(frozen=True)
class Table:
    """A results table, its rows in the order of params.yaml."""

    title: str
    results: list[Result]


def read_columns(
    path: Path, columns: tuple[str, ...], remedy: str = "run `dvc repro`", rows: bool = True
) -> pd.DataFrame:
    """Reads a CSV that has to hold `columns`; an empty cell of text is `""`.

    Args:
        path: The file.
        columns: The columns that it needs; more are allowed.
        remedy: What to do where it is wrong, for messages.
        rows: Whether it has to have at least one row.

    Raises:
        PipelineError: If the file is missing, is no CSV, lacks a column or has no row.
    """
    try:
        table = pd.read_csv(path, keep_default_na=False)
    except FileNotFoundError:
        raise PipelineError(f"{path}: missing; {remedy}") from None
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise PipelineError(f"{path}: not a CSV file ({error}); {remedy}") from None
    absent = [column for column in columns if column not in table]
    if absent or (rows and table.empty):
        what = f"lacks the column {', '.join(absent)}" if absent else "has a header but no row"
        raise PipelineError(f"{path}: {what}; {remedy}")
    return table


def read_paper(path: Path) -> dict[str, PaperScores]:
    """Reads the published scores, by row name.

    Raises:
        PipelineError: If the file is missing, malformed or has a row twice.
    """
    table = read_columns(path, PAPER_COLUMNS, f"restore it with `git restore {path}`")
    twice = table["row"][table["row"].duplicated()]
    if not twice.empty:
        raise PipelineError(f"{path}: row {twice.iloc[0]} stands twice; keep one")
    scores = table[["loss", "accuracy", "f1"]].apply(pd.to_numeric, errors="coerce")
    bad = table["row"][scores.isna().any(axis=1)]
    if not bad.empty:
        raise PipelineError(f"{path}: row {bad.iloc[0]} has a score that is no number; correct it")
    return {
        name: PaperScores(*map(float, values)) for name, values in zip(table["row"], scores.to_numpy(), strict=True)
    }


def read_checked(path: Path, form: Any) -> Any:
    """Reads JSON that has to be of a form.

    Args:
        path: The file.
        form: A type that pydantic knows, such as a model.

    Raises:
        PipelineError: If the file is missing or not JSON, or names the first key that does not fit.
    """
    try:
        return TypeAdapter(form).validate_python(read_json(path))
    except json.JSONDecodeError as error:
        raise PipelineError(f"{path}: not JSON ({error}); delete it and run `dvc repro`") from None
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(map(str, fault["loc"]))
        raise PipelineError(f"{path}: {key}: {fault['msg']}; delete it and run `dvc repro`") from None


def read_scores(directory: Path) -> Scores:
    """Reads `scores.json` of a row.

    Raises:
        PipelineError: If the row has no scores, or its file is not what `evaluate` writes.
    """
    path = directory / "scores.json"
    if not path.is_file():
        raise PipelineError(f"{path}: row {directory.name} has no scores yet; run `dvc repro`")
    return read_checked(path, Scores)


def describe(row: Row) -> str:
    """Puts a row's network and training into words, without the batch size and dropout."""
    network = _SPELLING[row.architecture]
    if row.filters:
        network += " " + "/".join(map(str, row.filters))
    if row.input != TENSORS:
        network = f"frozen {network}"
    if row.skin_type_input:
        network += " + skin type" + (" as a number" if row.skin_type_encoding == "scalar" else "")
    parts = [network, f"dense {row.dense_units}", f"{_SPELLING[row.optimizer]} {row.learning_rate:g}"]
    return ", ".join(parts + ["augmented"] * row.augment)


def results_tables(
    rows: Mapping[str, Row], scores: Mapping[str, Scores], paper: Mapping[str, PaperScores]
) -> list[Table]:
    """Puts every row beside the paper's.

    Args:
        rows: By name, as in `params.tables`.
        scores: Ours, for each of `rows`.
        paper: The paper's; a row that it lacks gets None.

    Returns:
        The tables that have rows, in the order of `TITLES`.
    """
    tables = []
    for number, title in TITLES.items():
        names = [name for name, row in rows.items() if row.table == number]
        results = [
            Result(
                name=name,
                settings=describe(rows[name]),
                batch_size=rows[name].batch_size,
                dropout=rows[name].dropout,
                paper=paper.get(name),
                ours=scores[name],
            )
            for name in names
        ]
        if results:
            tables.append(Table(title, results))
    return tables
