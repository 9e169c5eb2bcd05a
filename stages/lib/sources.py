"""Where the catalog's and the images' bytes come from, and where the images are kept."""

import hashlib
import io
import re
import shutil
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path

from stages.lib.errors import PipelineError
from stages.lib.http import Client

CATALOG_MAX_MB = 500.0
_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]+):", re.IGNORECASE)
_KEYED_NAME = re.compile(r"^([0-9a-f]{32})(\.\w+)?$")


def read_catalog(origin: str, client: Client) -> bytes:
    """Reads the catalog's bytes from a path or an http(s) URL.

    Raises:
        PipelineError: If there is nothing to be read, or the scheme is another.
    """
    scheme = _SCHEME.match(origin)
    if scheme is None:
        try:
            return Path(origin).read_bytes()
        except OSError as error:
            raise PipelineError(
                f"{origin}: the catalog cannot be read ({error.strerror}); correct datasets.<dataset>.catalog"
            ) from None
    if scheme[1].lower() not in ("http", "https"):
        raise PipelineError(f"{origin}: the catalog has to be a path or an http(s) URL, not {scheme[1]}:")
    body = io.BytesIO()
    download = client.get(origin, body, CATALOG_MAX_MB)
    if download.failure:
        raise PipelineError(
            f"{origin}: the catalog cannot be downloaded ({download.failure}); check the network or set "
            "datasets.<dataset>.catalog to a local copy"
        )
    return body.getvalue()


def index_mirror(directory: str) -> dict[str, Path]:
    """Finds the images in a mirror.

    Args:
        directory: Holds files named `<md5hash>`, with or without an extension, at any depth.

    Returns:
        The path of each key; the first in sorted order where a key stands twice.

    Raises:
        PipelineError: If there is no such directory.
    """
    root = Path(directory).expanduser()
    if not root.is_dir():
        raise PipelineError(f"{directory}: no such directory; correct datasets.<dataset>.mirror or set it to null")
    found: dict[str, Path] = {}
    for path in sorted(root.rglob("*")):
        named = _KEYED_NAME.match(path.name.lower())
        if named and path.is_file():
            found.setdefault(named[1], path)
    return found


class ImageStore:
    """A directory of image bytes as received, `<aa>/<md5hash>`, in which a name is always its content's MD5.

    Args:
        root: The directory; made when the first image comes.
        quarantine: Where bodies go whose MD5 is not their key, for a person to look at.
    """

    def __init__(self, root: Path, quarantine: Path) -> None:
        self._root = root
        self._quarantine = quarantine

    def path(self, key: str) -> Path:
        """Returns where the image with this key is or would be."""
        return self._root / key[:2] / key

    def holds(self, key: str) -> bool:
        """Tells whether the image is there, by hashing it: a name alone proves nothing after a disk fault."""
        path = self.path(key)
        return path.is_file() and _md5(path) == key

    @contextmanager
    def receiving(self, key: str) -> Iterator[Path]:
        """Yields a path to write a body to, on the store's disk; it is gone after the block."""
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{key}.partial")
        try:
            yield partial
        finally:
            partial.unlink(missing_ok=True)

    def accept(self, key: str, partial: Path) -> tuple[str, int]:
        """Takes a whole body in if its MD5 is the key, and puts it into quarantine if not.

        Returns:
            The body's MD5 and its size in bytes.
        """
        seen, size = _md5(partial), partial.stat().st_size
        if seen == key:
            partial.replace(self.path(key))
        else:
            self._quarantine.mkdir(parents=True, exist_ok=True)
            shutil.move(partial, self._quarantine / key)
        return seen, size

    def prune(self, keys: Container[str], suspects: Container[str]) -> None:
        """Removes every file but the images of `keys`, and every quarantined body but those of `suspects`."""
        for path in sorted(self._root.rglob("*"), reverse=True):
            if path.is_dir() and not path.is_symlink():
                if not any(path.iterdir()):
                    path.rmdir()
            elif path.name not in keys or path != self.path(path.name):
                path.unlink()
        for path in self._quarantine.glob("*"):
            if path.name not in suspects:
                path.unlink()


def _md5(path: Path) -> str:
    with path.open("rb") as body:
        return hashlib.file_digest(body, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
