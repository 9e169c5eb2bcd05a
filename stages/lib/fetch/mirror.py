"""Images at hand, tried before the URLs: a mirror of the original sites, or the sample's drawings.

A mirror is a directory, an archive, or any place that fsspec can open. Its files are named `<md5hash>`, with or without
extensions, at any depth, several may have one name, and links are followed. Everything is listed once, when the mirror
is opened; what a name promises is for the caller to check against the bytes.
"""

import os
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import fsspec

from stages.lib.core.errors import PipelineError
from stages.lib.fetch.http import Sink

_KEYED_NAME = re.compile(r"(?:^|/)([0-9a-f]{32})(?:\.\w+)*(?<!\.part)(?<!\.partial)(?<!\.tmp)(?<!\.crdownload)$")
"""Of an image, not of a download that was broken off."""
_ZIP_ENDS = (".zip",)
_TAR_ENDS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_CHUNK_BYTES = 1 << 18
REMOTE_READERS = 16
"""Files read at once from a store whose latency, not its throughput, is what one waits for."""


class MirrorError(Exception):
    """The mirror, or one file of it, cannot be had; says why in a few words."""


class Mirror:
    """The images of a mirror. Up to `readers` threads may share it.

    Args:
        address: A directory, the path of a `.zip` or `.tar` (`.gz`, `.bz2`, `.xz`), or an fsspec URL of either
            (`s3://bucket/images`, `gs://`, `ssh://host/path/images.zip`).
        param: Where in params.yaml the address is, for messages.

    Attributes:
        readers: How many threads may read at once.

    Raises:
        PipelineError: If it cannot be opened, or has no file named after an MD5.
    """

    name = "mirror"

    def __init__(self, address: str, param: str) -> None:
        remedy = f"correct {param} or set it to null"
        try:
            self.readers, self._open, names = _listed(address)
        except MirrorError as error:
            raise PipelineError(f"{address}: {error}; {remedy}") from None
        except ImportError as error:
            raise PipelineError(f"{address}: the mirror needs another package: {error}") from None
        except Exception as error:  # every store has its own: credentials, network, a damaged archive
            raise PipelineError(f"{address}: the mirror cannot be opened ({_in_words(error)}); {remedy}") from None
        self._names: dict[str, list[str]] = {}
        for name in names:
            if named := _KEYED_NAME.search(name.lower().replace("\\", "/")):  # some zips have those
                self._names.setdefault(named[1], []).append(name)
        if not self._names:
            raise PipelineError(f"{address}: the mirror has no file named <md5hash> or <md5hash>.<extension>; {remedy}")

    def in_order(self, keys: Iterable[str]) -> list[str]:
        """Returns those of the keys that the mirror has, as they are best read: front to back."""
        wanted = set(keys)
        return [key for key in self._names if key in wanted]

    def names(self, key: str) -> list[str]:
        """Returns the names of all files that may be this image."""
        return self._names[key]

    def copy(self, name: str, sink: Sink, max_mb: float) -> None:
        """Copies one file's bytes.

        Args:
            name: One of `names`.
            sink: Where to. Holds part of the file after a failure.
            max_mb: Largest file accepted, in 10^6 bytes.

        Raises:
            MirrorError: If it cannot be read whole, or is larger.
        """
        for chunk in self._chunks(name, max_mb):
            sink.write(chunk)

    def _chunks(self, name: str, max_mb: float) -> Iterator[bytes]:
        received = 0
        try:
            with self._open(name) as source:
                while chunk := source.read(_CHUNK_BYTES):
                    received += len(chunk)
                    if received > max_mb * 1e6:
                        raise MirrorError(f"larger than {max_mb:g} MB")
                    yield chunk
        except MirrorError:
            raise
        except Exception as error:  # every store has its own
            raise MirrorError("broken link" if Path(name).is_symlink() else _in_words(error, name)) from None


class Drawings:
    """The embedded sample's images, as a source like a mirror.

    Args:
        bodies: The bytes of each key.
    """

    name = "sample"
    readers = 1

    def __init__(self, bodies: Mapping[str, bytes]) -> None:
        self._bodies = bodies

    def in_order(self, keys: Iterable[str]) -> list[str]:
        """Returns those of the keys that were drawn."""
        return [key for key in keys if key in self._bodies]

    def names(self, key: str) -> list[str]:
        """Returns the key: a drawing has no other name."""
        return [key]

    def copy(self, name: str, sink: Sink, max_mb: float) -> None:
        """Writes one drawing; none comes near any limit, so `max_mb` is not looked at."""
        sink.write(self._bodies[name])


def _listed(address: str) -> tuple[int, Callable[[str], BinaryIO], list[str]]:
    """Opens a mirror: how many may read at once, how a name is opened, and the names."""
    filesystem, path = fsspec.core.url_to_fs(address)
    if not filesystem.exists(path):
        raise MirrorError("no such mirror")
    if path.lower().endswith(_ZIP_ENDS) and filesystem.isfile(path):
        archive = zipfile.ZipFile(filesystem.open(path))
        return 1, archive.open, archive.namelist()
    if path.lower().endswith(_TAR_ENDS) and filesystem.isfile(path):
        # Members are listed in the order of the bytes: a compressed archive can only be read forwards.
        members = tarfile.open(fileobj=filesystem.open(path))  # noqa: SIM115 - open as long as the mirror
        return 1, members.extractfile, [member.name for member in members if member.isfile()]
    if not filesystem.isdir(path):
        raise MirrorError("the mirror is neither a directory nor a .zip or .tar archive")
    if isinstance(filesystem, fsspec.implementations.local.LocalFileSystem):
        return 1, filesystem.open, sorted(_files(Path(path)))
    return REMOTE_READERS if filesystem.async_impl else 1, filesystem.open, sorted(filesystem.find(path))


def _files(root: Path) -> Iterator[str]:
    """Yields all files below a folder, by way of links to folders too, and each folder once."""
    seen = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        found = Path(folder).stat()
        if (found.st_dev, found.st_ino) in seen:
            folders.clear()
            continue
        seen.add((found.st_dev, found.st_ino))
        folders.sort()
        yield from (f"{folder}/{name}" for name in names)


def _in_words(error: Exception, name: str = "") -> str:
    """Says what a store reports, without the name of the one file: equal faults have equal reasons."""
    if isinstance(error, RuntimeError) and "password" in str(error):
        return "the archive is protected by a password"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    said = " ".join(f"{type(error).__name__}: {error}".split())
    for known in filter(None, (repr(name), name, Path(name).name)):
        said = said.replace(known, "<file>")
    return said[:200]
