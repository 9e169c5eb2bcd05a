"""Writing files so that a kill at any moment leaves the old file or the new one, never half of one; reading them."""

import io
import json
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from stages.lib.core.errors import PipelineError

REMEDY = "run the stage that writes it with `dvc repro`"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path` that takes its place when the block ends well.

    Args:
        path: Where the finished file or directory shall be. Parents are made.

    Yields:
        The path to write to; nothing exists there yet. It is removed if the block raises.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield temporary
        if path.is_dir():
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Writes `content` to `path` in one step."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Writes UTF-8 text to `path` in one step."""
    write_bytes(path, content.encode())


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as indented JSON that ends in a newline."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_csv(path: Path, table: pd.DataFrame, float_format: str | None = None) -> None:
    """Writes a table as CSV without its index, with line feeds as line ends on every platform."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, float_format=float_format, lineterminator="\n")


def read_bytes(path: Path, remedy: str = REMEDY) -> bytes:
    """Reads a file that an earlier stage wrote.

    Raises:
        PipelineError: If it is missing.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise PipelineError(f"{path}: missing; {remedy}") from None


def read_json(path: Path) -> Any:
    """Reads a JSON file that an earlier stage wrote.

    Raises:
        PipelineError: If the file is missing or is no JSON.
    """
    try:
        return json.loads(read_bytes(path))
    except ValueError as error:  # of the parser, and of UTF-8
        raise PipelineError(f"{path}: not JSON ({error}); delete it and {REMEDY}") from None


def read_csv(
    path: Path, columns: Collection[str], numbers: Collection[str] = (), rest: bool = True, remedy: str = REMEDY
) -> pd.DataFrame:
    """Reads a table that an earlier stage wrote; cells are text, an empty one is `""`.

    Args:
        path: The file.
        columns: Columns of text that it has to have.
        numbers: Columns of numbers that it has to have; an empty cell is NaN.
        rest: Whether to read its other columns too, as text.
        remedy: What to do where the file is wrong, for messages.

    Raises:
        PipelineError: If the file is missing, is no CSV, lacks a column or has a cell that is no number.
    """
    content, wanted = read_bytes(path, remedy), [*columns, *numbers]
    try:
        table = pd.read_csv(
            io.BytesIO(content), dtype=str, keep_default_na=False, usecols=None if rest else lambda name: name in wanted
        )
    except ValueError as error:  # pandas' parser errors and those of UTF-8
        raise PipelineError(f"{path}: not a CSV file ({error}); {remedy}") from None
    absent = [column for column in wanted if column not in table.columns]
    if absent:
        raise PipelineError(f"{path}: lacks the column {absent[0]}; {remedy}")
    for column in numbers:
        try:
            table[column] = pd.to_numeric(table[column])
        except ValueError as error:
            raise PipelineError(f"{path}: column {column}: {error}; {remedy}") from None
    return table
