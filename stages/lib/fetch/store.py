"""Where the images are kept: written whole or not at all, and believed for their MD5."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stages.lib.core.files import write_bytes
from stages.lib.fetch.body import Body

SETTLED_S = 60
"""After which a file's bytes are on the disk, whatever the system; half of it is the usual write-back time."""
_READ_BYTES = 1 << 20


class ImageStore:
    """A directory of image bytes as received, `<aa>/<md5hash>`; a name appears once its file is whole.

    Args:
        root: The directory; made when the first image comes.
        quarantine: Where bodies go whose MD5 is not their key, for a person to look at.
        proofs: Where `prove` writes down which files were found to have their MD5.
    """

    def __init__(self, root: Path, quarantine: Path, proofs: Path) -> None:
        self._root = root
        self._quarantine = quarantine
        self._proofs = proofs
        self._proven = _read_proofs(proofs)

    def path(self, key: str) -> Path:
        """Returns where the image with this key is or would be."""
        return self._root.joinpath(key[:2], key)

    def digest(self, key: str) -> tuple[str, int]:
        """Returns the MD5 and the size of the file under this key; an empty MD5 if there is none.

        The file is read, for a name proves nothing: a power failure can leave it with other bytes. A file that had its
        MD5 when `prove` saw it is not read again while its size, time and inode are the same, which is also what DVC
        goes by; only bytes that rot on the disk beneath the file system pass that.
        """
        path = self.path(key)
        if (known := self._proven.get(key)) and known == _stat(path):
            return key, known[0]
        return digest(path)

    def prove(self, keys: Iterable[str]) -> None:
        """Writes down size, time and inode of these files, whose MD5 was their key in this run.

        Files of the last minute are left out: a power failure could still take their bytes.
        """
        settled_ns = time.time_ns() - SETTLED_S * 10**9
        proven = {key: _stat(self.path(key)) for key in keys}
        write_bytes(self._proofs, json.dumps({k: v for k, v in proven.items() if v and v[1] < settled_ns}).encode())

    def adopt(self, key: str, expected: str) -> None:
        """Takes in a body that arrived whole just before its run was killed, known by its MD5."""
        partial = self._partial(key)
        if partial.is_file() and digest(partial)[0] == expected:
            partial.replace(self.path(key))

    @contextmanager
    def receiving(self, key: str) -> Iterator[Body]:
        """Yields a body that goes to the store's disk; what is not kept is gone after the block."""
        body = Body(self._partial(key))
        try:
            yield body
        finally:
            body.discard()

    def keep(self, key: str, body: Body) -> None:
        """Gives a whole body its name."""
        body.save().replace(self.path(key))
        body.moved = True

    def quarantine(self, key: str, body: Body) -> None:
        """Puts a body that is not the image aside."""
        self._quarantine.mkdir(parents=True, exist_ok=True)
        shutil.move(body.save(), self._quarantine / key)
        body.moved = True

    def quarantined(self, key: str) -> str:
        """Returns the MD5 of the body put aside for this key; empty if there is none."""
        return digest(self._quarantine / key)[0]

    def prune(self, keys: Container[str], suspects: Container[str]) -> None:
        """Removes every file but the images of `keys`, and every quarantined body but those of `suspects`."""
        for name_of_folder, _, names in os.walk(self._root, topdown=False):
            folder = Path(name_of_folder)
            for name in names:
                if name not in keys or folder.name != name[:2] or folder.parent != self._root:
                    (folder / name).unlink()
            if folder != self._root and not any(folder.iterdir()):
                folder.rmdir()
        for path in self._quarantine.glob("*"):
            if path.name not in suspects:
                path.unlink()

    def _partial(self, key: str) -> Path:
        return self._root.joinpath(key[:2], f".{key}.partial")


def _stat(path: Path) -> list[int] | None:
    """Returns size, time of the last change in nanoseconds and inode; None if there is no such file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return [found.st_size, found.st_mtime_ns, found.st_ino]


def _read_proofs(path: Path) -> dict[str, list[int]]:
    try:
        proven = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return proven if isinstance(proven, dict) else {}


def digest(path: Path) -> tuple[str, int]:
    """Returns a file's MD5 and its size in bytes; an empty MD5 if there is no file."""
    # Bare system calls: of 16,577 files most of the time goes into opening them, and a file object doubles that.
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return "", 0
    try:
        md5, size = hashlib.md5(usedforsecurity=False), 0
        while chunk := os.read(file, _READ_BYTES):
            md5.update(chunk)
            size += len(chunk)
        return md5.hexdigest(), size
    except IsADirectoryError:
        return "", 0
    finally:
        os.close(file)
