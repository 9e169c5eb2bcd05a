"""What became of each image: a row of fetch.csv, and the log from which a later run goes on."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from stages.lib.core.files import write_bytes, write_csv

STATUSES = ("ok", "no_url", "fetch_failed", "md5_mismatch")


@dataclass(frozen=True)
class Fetched:
    """A row of fetch.csv.

    Attributes:
        md5hash: The catalog's key.
        status: One of `STATUSES`.
        source: Where the body came from: mirror, url, sample, or cache (it was there, and nothing says from where).
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
    http_code: int | None = None
    bytes: int | None = None
    md5_seen: str = ""
    attempts: int = 0
    final_url: str = ""
    detail: str = ""


def write_table(path: Path, rows: Iterable[Fetched]) -> None:
    """Writes fetch.csv in one step."""
    write_csv(path, pd.DataFrame(map(vars, rows)).convert_dtypes())


class Log:
    """The rows of all bodies that arrived, and the refusals of a run that has not ended; each is a line of JSON.

    A kill at any moment leaves whole lines and at most one that is cut off, which is passed over. A line proves
    nothing of a body: after a power failure it may be missing, so who reads the line looks at the body too.

    Args:
        path: Where.
        of: What the run is asked for. Refusals met by a run for something else do not count.

    Attributes:
        arrived: The last row of each key for which a body came, whatever its MD5.
        refused: The rows, by key, of what a run for the same that was cut short need not ask for again.
    """

    def __init__(self, path: Path, of: str) -> None:
        self.arrived: dict[str, Fetched] = {}
        self.refused: dict[str, Fetched] = {}
        self._path, self._of = path, of
        self._file = path.open("ab", buffering=0)
        for line in path.read_bytes().split(b"\n"):
            try:
                content = json.loads(line)
                row = Fetched(**content["row"])
            except (ValueError, TypeError, KeyError):  # cut off, or a power failure's gap
                continue
            self.refused.pop(row.md5hash, None)
            if row.md5_seen:
                self.arrived[row.md5hash] = row
            if row.status != "ok" and content["of"] == of:
                self.refused[row.md5hash] = row

    def add(self, row: Fetched) -> None:
        """Appends a row; safe from several threads, because a line is one write."""
        self._file.write(_line(row, self._of))

    def end(self, rows: Iterable[Fetched]) -> None:
        """Ends the run: keeps the last row of every body, and no refusal: the next run asks for these again."""
        self._file.close()
        kept = self.arrived | {row.md5hash: row for row in rows if row.md5_seen}
        write_bytes(self._path, b"".join(_line(row, "") for row in kept.values()))


def _line(row: Fetched, of: str) -> bytes:
    """Starts with a line feed too: if the line before was cut off, it ends there."""
    return b"\n" + json.dumps({"row": vars(row), "of": of}).encode() + b"\n"
