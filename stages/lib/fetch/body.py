"""A body as it arrives: hashed on the way into a file."""

import hashlib
from pathlib import Path
from typing import BinaryIO

START_BYTES = 64


class Body:
    """What has come of a body.

    Args:
        path: Its file; made with the first bytes, so that most failures leave the disk alone.

    Attributes:
        size: Bytes so far.
        start: The first bytes, by which files are told apart.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None
        self.restart()

    def restart(self) -> None:
        """Forgets everything written: another attempt begins."""
        self.close()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.size = 0
        self.start = b""

    def write(self, chunk: bytes) -> None:
        """Appends a chunk."""
        if self._file is None:
            self._file = self.path.open("wb")
        self.start += chunk[: START_BYTES - len(self.start)]
        self.size += len(chunk)
        self._md5.update(chunk)
        self._file.write(chunk)

    @property
    def md5(self) -> str:
        """The MD5 of what has come so far."""
        return self._md5.hexdigest()

    def save(self) -> Path:
        """Brings everything to the file and returns its path; a full disk is noticed here at the latest."""
        if self._file is None and not self.size:
            self.path.write_bytes(b"")
        self.close()
        return self.path

    def close(self) -> None:
        """Closes the file; what was written stays."""
        if self._file is not None:
            file, self._file = self._file, None
            file.close()
