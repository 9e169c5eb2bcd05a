"""What became of each image: a row of fetch.csv, and the journal that a run cut short leaves for the next one."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from stages.lib.core.files import write_csv

STATUSES = ("ok", "no_url", "fetch_failed", "md5_mismatch")


@dataclass(frozen=True)
class Fetched:
    """A row of fetch.csv. Cells without a value are empty strings.

    Attributes:
        md5hash: The catalog's key.
        status: One of `STATUSES`.
        source: Where the body came from: mirror, url or sample.
        http_code: The last answer's.
        bytes: The body's size.
        md5_seen: The body's MD5.
        attempts: Requests made, redirects not counted.
        final_url: The last URL asked, after redirects.
        detail: Why it is not ok, or why it is although its MD5 is another.
    """

    md5hash: str
    status: str
    source: str = ""
    http_code: int | str = ""
    bytes: int | str = ""
    md5_seen: str = ""
    attempts: int | str = 0
    final_url: str = ""
    detail: str = ""


COLUMNS = [field.name for field in fields(Fetched)]


def write_table(path: Path, rows: Iterable[Fetched]) -> None:
    """Writes fetch.csv in one step."""
    write_csv(path, pd.DataFrame([vars(row) for row in rows], columns=COLUMNS))


def read_arrived(path: Path) -> dict[str, Fetched]:
    """Reads fetch.csv's rows of images that are there, so that the next run writes the same of them.

    Returns:
        The rows by key; none if there is no such table.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (FileNotFoundError, UnicodeDecodeError, pd.errors.EmptyDataError, pd.errors.ParserError):
        return {}
    if list(table.columns) != COLUMNS:
        return {}
    table = table[table["status"] == "ok"]
    return {cells[0]: Fetched(*cells) for cells in table.itertuples(index=False, name=None)}


class Journal:
    """The rows of a run that has not ended, each on disk before its image takes its name.

    A kill at any moment leaves whole lines and at most one torn one. A line proves nothing of the image's bytes:
    after a power failure these may be missing, so who reads it hashes them.

    Args:
        path: Where; opened for appending.
        of: What the run is asked for; `read_journal` believes the journal of another request less.
    """

    def __init__(self, path: Path, of: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open("ab", buffering=0)
        self._file.write(b"\n" + json.dumps({"of": of}).encode() + b"\n")  # ends a torn line, too

    def add(self, row: Fetched) -> None:
        """Appends one row; safe from several threads, because a line is one write."""
        self._file.write(json.dumps(vars(row)).encode() + b"\n")

    def close(self, done: bool) -> None:
        """Ends the run; if `done`, its rows stand in fetch.csv and the journal goes."""
        self._file.close()
        if done:
            self._path.unlink()


def read_journal(path: Path, of: str) -> dict[str, Fetched]:
    """Reads the rows of a run that was cut short.

    Args:
        path: The journal's.
        of: What is asked for now; of another request only the images that arrived count.

    Returns:
        The rows by key; none if the last run ended.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return {}
    rows: dict[str, Fetched] = {}
    same = False
    for line in lines[:-1]:  # the last is empty, or torn
        try:
            content = json.loads(line)
            row = None if "of" in content else Fetched(**content)
        except (ValueError, TypeError):  # torn, or a power failure's gap
            continue
        if row is None:
            same = content["of"] == of
        elif same or row.status == "ok":
            rows[row.md5hash] = row
    return rows
