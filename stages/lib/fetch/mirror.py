"""Images at hand, tried before the URLs: a mirror of the original sites, or the sample's drawings.

A mirror is a directory, an archive, or any place that fsspec can open. Its files are named `<md5hash>`, with or without
extensions, at any depth, several may have one name, and links are followed. Everything is listed once, when the mirror
is opened; whether a file is what its name says is for the caller to check.
"""

import io
import os
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import fsspec
from fsspec.implementations.local import LocalFileSystem

from stages.lib.core.errors import PipelineError

_KEYED_NAME = re.compile(r"(?:^|/)([0-9a-f]{32})(?:\.\w+)*(?<!\.part)(?<!\.partial)(?<!\.tmp)(?<!\.crdownload)$")
"""Of an image, not of a download that was broken off."""
_TAR_ENDS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
REMOTE_READERS = 16
"""Files read at once from a store whose latency, not its throughput, is what one waits for."""


class MirrorError(Exception):
    """The mirror, or one file of it, cannot be had; says why in a few words."""


@dataclass(frozen=True)
class Source:
    """Images at hand."""

    name: str  # as fetch.csv has it
    readers: int  # how many threads may read at once
    files: Mapping[str, list[str]]  # each key's, by their names; the keys in the order in which they are best read
    open: Callable[[str], BinaryIO]

    def read(self, name: str, max_mb: float) -> bytes:
        """Reads one of `files`.

        Raises:
            MirrorError: If it cannot be read whole, or is larger than `max_mb`.
        """
        content, limit = bytearray(), int(max_mb * 1e6) + 1
        try:
            with self.open(name) as file:
                while chunk := file.read(limit - len(content)):  # a store may give less than it is asked for
                    content += chunk
        except Exception as error:  # every store has its own
            raise MirrorError("broken link" if Path(name).is_symlink() else _in_words(error, name)) from None
        if len(content) == limit:
            raise MirrorError(f"larger than {max_mb:g} MB")
        return bytes(content)


def drawings(bodies: Mapping[str, bytes]) -> Source:
    """Returns the embedded sample's images, by their keys."""
    return Source("sample", 1, {key: [key] for key in bodies}, lambda key: io.BytesIO(bodies[key]))


def open_mirror(address: str, param: str) -> Source:
    """Lists a mirror.

    Args:
        address: A directory, the path of a `.zip` or `.tar` (`.gz`, `.bz2`, `.xz`), or an fsspec URL of either
            (`s3://bucket/images`, `gs://`, `ssh://host/path/images.zip`).
        param: Where in params.yaml the address is, for messages.

    Raises:
        PipelineError: If it cannot be opened, or has no file named after an MD5.
    """
    remedy = f"correct {param} or set it to null"
    try:
        readers, opener, names = _listed(address)
    except MirrorError as error:
        raise PipelineError(f"{address}: {error}; {remedy}") from None
    except ImportError as error:
        raise PipelineError(f"{address}: the mirror needs another package: {error}") from None
    except Exception as error:  # every store has its own: credentials, network, a damaged archive
        raise PipelineError(f"{address}: the mirror cannot be opened ({_in_words(error)}); {remedy}") from None
    files: dict[str, list[str]] = {}
    for name in names:
        if named := _KEYED_NAME.search(name.lower().replace("\\", "/")):  # some zips have those
            files.setdefault(named[1], []).append(name)
    if not files:
        raise PipelineError(f"{address}: the mirror has no file named <md5hash> or <md5hash>.<extension>; {remedy}")
    return Source("mirror", readers, files, opener)


def _listed(address: str) -> tuple[int, Callable[[str], BinaryIO], list[str]]:
    """Opens a mirror: how many may read at once, how a name is opened, and the names."""
    filesystem, path = fsspec.core.url_to_fs(address)
    if filesystem.isdir(path):
        if isinstance(filesystem, LocalFileSystem):
            return 1, filesystem.open, sorted(_files(Path(path)))
        return REMOTE_READERS if filesystem.async_impl else 1, filesystem.open, sorted(filesystem.find(path))
    if not filesystem.exists(path):
        raise MirrorError("no such mirror")
    if path.lower().endswith(".zip"):
        archive = zipfile.ZipFile(filesystem.open(path))
        return 1, archive.open, archive.namelist()
    if path.lower().endswith(_TAR_ENDS):
        # Members are listed in the order of the bytes: a compressed archive can only be read forwards.
        members = tarfile.open(fileobj=filesystem.open(path))  # noqa: SIM115 - open as long as the mirror
        return 1, members.extractfile, [member.name for member in members if member.isfile()]
    raise MirrorError("the mirror is neither a directory nor a .zip or .tar archive")


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
