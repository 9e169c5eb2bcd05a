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


def read_bytes(path: Path) -> bytes:
    """Reads a file that an earlier stage wrote.

    Raises:
        PipelineError: If it is missing.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise PipelineError(f"{path}: missing; run the stage that writes it with `dvc repro`") from None


def read_json(path: Path) -> Any:
    """Reads a JSON file that an earlier stage wrote.

    Raises:
        PipelineError: If the file is missing.
    """
    return json.loads(read_bytes(path))


def read_csv(path: Path, columns: Collection[str]) -> pd.DataFrame:
    """Reads a table that an earlier stage wrote; all cells are text, an empty one is `""`.

    Args:
        path: The file.
        columns: What it has to have; more is allowed.

    Raises:
        PipelineError: If the file is missing, is no CSV or lacks a column.
    """
    content, again = read_bytes(path), "make it again with `dvc repro`"
    try:
        table = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
    except ValueError as error:  # pandas' parser errors and those of UTF-8
        raise PipelineError(f"{path}: not a CSV file ({error}); {again}") from None
    absent = [column for column in columns if column not in table.columns]
    if absent:
        raise PipelineError(f"{path}: lacks the column {absent[0]}; {again}")
    return table
