"""What became of each image: a row of fetch.csv, and the log from which a later run goes on."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from stages.lib.core.files import write_bytes, write_csv

STATUSES = ("ok", "no_url", "fetch_failed", "md5_mismatch")


@dataclass(frozen=True)
class Fetched:
    """A row of fetch.csv. Cells without a value are empty strings.

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


class Log:
    """The rows of all bodies that arrived, and the refusals of a run that has not ended; each is a line of JSON.

    A kill at any moment leaves whole lines and at most one that is cut off, which is passed over. A line proves
    nothing of a body: after a power failure it may be missing, so who reads the line looks at the body too.

    Args:
        path: Where; made when there is something to write.
        of: What the run is asked for. Refusals met by a run for something else do not count.

    Attributes:
        arrived: The last row of each key for which a body came, whatever its MD5.
        refused: The rows, by key, of what a run for the same that was cut short need not ask for again.
    """

    def __init__(self, path: Path, of: str) -> None:
        self.arrived: dict[str, Fetched] = {}
        self.refused: dict[str, Fetched] = {}
        self._path = path
        self._read(of)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._write({"of": of}, start=b"\n")  # ends a line that was cut off, too

    def add(self, row: Fetched) -> None:
        """Appends a row; safe from several threads, because a line is one write."""
        self._write(vars(row))

    def end(self, rows: Iterable[Fetched]) -> None:
        """Ends the run: keeps the last row of every body, and no refusal: the next run asks for these again."""
        self._file.close()
        kept = self.arrived | {row.md5hash: row for row in rows if row.md5_seen}
        write_bytes(self._path, b"".join(json.dumps(vars(row)).encode() + b"\n" for row in kept.values()))

    def _write(self, content: dict, start: bytes = b"") -> None:
        self._file.write(start + json.dumps(content).encode() + b"\n")

    def _read(self, of: str) -> None:
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        same = False
        for line in lines:
            try:
                content = json.loads(line)
                row = None if "of" in content else Fetched(**content)
            except (ValueError, TypeError):  # cut off, or a power failure's gap
                continue
            if row is None:
                same = content["of"] == of
                continue
            if row.md5_seen:
                self.arrived[row.md5hash] = row
            if same and row.status != "ok":
                self.refused[row.md5hash] = row
            else:
                self.refused.pop(row.md5hash, None)
