"""A body as it arrives: in memory while it is small, then in a file."""

import hashlib
import os
from pathlib import Path

START_BYTES = 64
SPILL_BYTES = 1 << 20
"""So much of each body under way is held in memory. Most images are smaller, and take one call to write."""


class Body:
    """What has come of a body.

    Args:
        path: Its file; made only when there is something to write, so that most failures leave the disk alone.

    Attributes:
        size: Bytes so far.
        start: The first bytes, by which files are told apart.
        moved: The file has got its name, or has been put aside.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._made = False
        self.moved = False
        self._forget()

    def _forget(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._chunks: list[bytes] = []
        self._held = 0
        self.size = 0
        self.start = b""

    def write(self, chunk: bytes) -> None:
        """Appends a chunk."""
        if len(self.start) < START_BYTES:
            self.start += chunk[: START_BYTES - len(self.start)]
        self._md5.update(chunk)
        self._chunks.append(chunk)
        self._held += len(chunk)
        self.size += len(chunk)
        if self._held > SPILL_BYTES:
            self._spill()

    def restart(self) -> None:
        """Forgets what came of an attempt that broke off."""
        if self.size:
            self.discard()
            self._forget()

    @property
    def md5(self) -> str:
        """The MD5 of what has come so far."""
        return self._md5.hexdigest()

    def save(self) -> Path:
        """Brings everything to the file and returns its path; a disk that is full says so here at the latest."""
        if self._held or not self._made:
            self._spill()
        self._close()
        return self._path

    def discard(self) -> None:
        """Removes the file, unless it was moved."""
        self._close()
        if self._made and not self.moved:
            self._path.unlink()
            self._made = False

    def _spill(self) -> None:
        if self._file is None:
            self._file = _made(self._path)
            self._made = True
        rest = memoryview(b"".join(self._chunks))
        self._chunks.clear()
        self._held = 0
        while rest:  # one write may be a part of it
            rest = rest[os.write(self._file, rest) :]

    def _close(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            os.close(file)


def _made(path: Path) -> int:
    # Bare system calls: a file object doubles what a small file costs.
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
