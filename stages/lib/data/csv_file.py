"""A CSV file that somebody else wrote: its rows with their line numbers, or one line that says what is wrong."""

import csv
import io

from stages.lib.core.errors import PipelineError
from stages.lib.core.words import plain

_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_rows(content: bytes, origin: str) -> tuple[list[str], list[list[str]], list[int]]:
    """Reads a CSV file (RFC 4180) with a header, in UTF-8, with or without a byte order mark.

    Rows without any text are skipped, as are empty cells beyond the header; cells that a row lacks at its end are
    empty: spreadsheets write all three.

    Args:
        content: The file's bytes.
        origin: Its path or URL, for messages.

    Returns:
        The header; the rows, each as long as it; and the line in which each begins, as an editor counts.

    Raises:
        PipelineError: If it is no such file, has a faulty header or no row, or a row has more cells than the header.
    """
    text = _text(content, origin)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows, lines, begins = [], [], 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append(row)
                lines.append(begins)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise PipelineError(f"{origin}: not a CSV file: line {begins}: {error}") from None
    if not rows:
        raise PipelineError(f"{origin}: not a CSV file: it is empty")
    header = _header(rows[0], origin)
    for row, line in zip(rows[1:], lines[1:], strict=True):
        if any(cell.strip() for cell in row[len(header) :]):
            raise PipelineError(f"{origin}: line {line} has {len(row)} cells where the header has {len(header)}")
        row[len(header) :] = []
        row += [""] * (len(header) - len(row))
    if len(rows) == 1:
        raise PipelineError(f"{origin}: has a header but no row")
    return header, rows[1:], lines[1:]


def _text(content: bytes, origin: str) -> str:
    """Decodes the file."""
    if encoding := _MARKS.get(content[:2]):
        raise PipelineError(f"{origin}: not a CSV file in UTF-8 but in {encoding}; save it as `CSV UTF-8`")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PipelineError(
            f"{origin}: not a CSV file in UTF-8: line {line} has the byte {content[error.start]:#04x}; save it as "
            f"`CSV UTF-8`"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise PipelineError(f"{origin}: not a CSV file in UTF-8: line {line} has a NUL byte; save it as `CSV UTF-8`")
    return text


def _header(cells: list[str], origin: str) -> list[str]:
    """Checks the names of the columns; those without one are called as pandas does."""
    while len(cells) > 1 and not cells[-1].strip():
        cells = cells[:-1]
    first = ",".join(cells)
    if first.lower().startswith("sep="):
        raise PipelineError(f"{origin}: its first line, `sep=`, is one that only Excel reads; delete that line")
    if len(cells) < 2:
        for separator, name in _SEPARATORS.items():
            if separator in first:
                raise PipelineError(f"{origin}: its cells are separated by {name}; save it with commas")
        raise PipelineError(f"{origin}: not a CSV file: its first line is {first[:60]!r}")
    for cell in cells:
        if cell != plain(cell):
            raise PipelineError(f"{origin}: the column {cell!a} has white space or invisible characters in its name")
        if cell and cells.count(cell) > 1:
            raise PipelineError(f"{origin}: has {cells.count(cell)} columns {cell!r}; leave one")
    return [cell or f"Unnamed: {number}" for number, cell in enumerate(cells)]
