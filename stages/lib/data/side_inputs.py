"""Side inputs: catalog columns, such as the skin type or the age, that a network takes beside the image.

This module alone knows how a column becomes numbers, how many, and how an unknown value is written. Values and scales
are those of the training split, and are kept with the trained model.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from stages.lib.core.errors import PipelineError
from stages.lib.core.sections import SIDE_KINDS
from stages.lib.core.words import MISSING_WORDS, SKIN_TYPES, UNKNOWN_TYPE

_SKIN_TYPES = [str(number) for number in SKIN_TYPES if number != UNKNOWN_TYPE]
FIXED_VALUES = {"fitzpatrick_scale": _SKIN_TYPES, "fitzpatrick_centaur": _SKIN_TYPES}
"""Columns whose values are a scale: each has its place whether or not it occurs in the training split."""
RAW_UNKNOWN = -1.0


class SideInput(BaseModel):
    """One column and how it is encoded.

    Attributes:
        column: Its name in the catalog.
        kind: `categorical`: one column per value, and a last one for unknown (also for a value that the training split
            lacks). `number`: the number, standardised (0 where it is unknown), and 1 where it is unknown. `raw`: the
            number as it is, -1 for unknown, as the published run fed the skin type; kept for comparison with it.
        values: Of a categorical column.
        mean: Of a number in the training split.
        scale: Its standard deviation there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    kind: Literal[SIDE_KINDS]
    values: list[str] = []
    mean: float = 0.0
    scale: float = 1.0

    @property
    def width(self) -> int:
        """How many numbers encode a value."""
        return {"categorical": len(self.values) + 1, "number": 2, "raw": 1}[self.kind]

    def encode(self, cells: Sequence[str]) -> np.ndarray:
        """Encodes cells of the column, `(n,)`, as float32, `(n, width)`.

        Raises:
            PipelineError: If a cell of a number is none.
        """
        if self.kind == "categorical":
            places = pd.Index(self.values).get_indexer(pd.Index([str(cell).strip() for cell in cells], dtype=object))
            return np.eye(self.width, dtype=np.float32)[places]  # -1, not found, is the last one: unknown
        numbers, unknown = _numbers(self.column, cells)
        if self.kind == "raw":
            return np.where(unknown, RAW_UNKNOWN, numbers)[:, None].astype(np.float32)
        standard = np.where(unknown, 0.0, (numbers - self.mean) / self.scale)
        return np.column_stack([standard, unknown]).astype(np.float32)


def fit(kinds: Mapping[str, str], names: Sequence[str], train: pd.DataFrame) -> list[SideInput]:
    """Learns from the training split how columns are encoded.

    Args:
        kinds: Of the dataset's side inputs, by column.
        names: The columns that the row takes, all of them in `kinds`.
        train: The training split's lines of the manifest.

    Raises:
        PipelineError: If the catalog lacks a column, or a cell of a number is none.
    """
    return [_fit(name, kinds[name], cells(name, train)) for name in names]


def encode(side_inputs: Sequence[SideInput], table: pd.DataFrame) -> np.ndarray:
    """Encodes all side inputs of some images.

    Args:
        side_inputs: As `fit` returns them.
        table: The images' lines of the manifest, `(n,)`; a column that it lacks is unknown.

    Returns:
        float32, `(n, width)`: one side input's columns after the other's.
    """
    absent = pd.Series([""] * len(table))
    parts = [side.encode(cells(side.column, table) if side.column in table else absent) for side in side_inputs]
    return np.concatenate([np.zeros((len(table), 0), np.float32), *parts], axis=1)


def hide(side_inputs: Sequence[SideInput], encoded: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Sets side inputs to unknown.

    Args:
        side_inputs: As `fit` returns them.
        encoded: float32, `(n, width)`.
        hidden: bool, `(n, len(side_inputs))`: which of them, for each image.

    Returns:
        float32, `(n, width)`.
    """
    if not side_inputs:
        return encoded
    unknown = np.concatenate([side.encode([""])[0] for side in side_inputs])
    return np.where(np.repeat(hidden, [side.width for side in side_inputs], axis=1), unknown, encoded)


def cells(column: str, table: pd.DataFrame) -> pd.Series:
    """Returns a column as text.

    Raises:
        PipelineError: If there is no such column.
    """
    if column not in table:
        raise PipelineError(
            f"side_inputs: the catalog has no column {column!r}; it has {', '.join(table.columns)}: name one of them"
        )
    return table[column].astype(str)


def _fit(column: str, kind: str, found: pd.Series) -> SideInput:
    if kind == "categorical":
        known = sorted({cell.strip() for cell in found if not _is_missing(cell)})
        return SideInput(column=column, kind=kind, values=FIXED_VALUES.get(column, known))
    numbers, unknown = _numbers(column, found)
    known = numbers[~unknown]
    if kind == "raw" or not len(known):
        return SideInput(column=column, kind=kind)
    return SideInput(column=column, kind=kind, mean=float(known.mean()), scale=float(known.std()) or 1.0)


def _numbers(column: str, found: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Reads numbers, float64 `(n,)`, and which of them are unknown, bool `(n,)`."""
    unknown = np.array([_is_missing(cell) for cell in found], dtype=bool)
    numbers = pd.to_numeric(pd.Series(np.where(unknown, "0", found)), errors="coerce").to_numpy(np.float64)
    wrong = ~np.isfinite(numbers)
    if wrong.any():
        raise PipelineError(
            f"side_inputs: column {column!r}: {list(found)[int(wrong.argmax())]!r} is no number; correct "
            f"the catalog, or make the column categorical under datasets.<name>.side_inputs"
        )
    return numbers, unknown


def _is_missing(cell: str) -> bool:
    return str(cell).strip().lower() in MISSING_WORDS
