"""Where bodies are kept: in DVC's cache, by their MD5, outside of every output.

DVC deletes outputs: before it runs a stage, and all that dvc.lock does not list when an experiment starts. Its cache
stays, is shared with the temporary checkouts of queued experiments, and files what it holds under the MD5 too. So what
arrives goes there at once, and is there when DVC takes the output over.
"""

import fcntl
import hashlib
import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dvc.exceptions import NotDvcRepoError
from dvc.repo import Repo
from dvc_data.hashfile.db.local import LocalHashFileDB
from dvc_objects.fs.local import LocalFileSystem

from stages.lib.fetch.body import START_BYTES, Body

OUTSIDE_DVC = Path("data/cache")
"""The cache's place in a folder that is no DVC repository."""


class BodyStore:
    """The bodies of DVC's cache, which all datasets share, and a folder beside them for one dataset's log.

    Bodies are left writable: DVC hashes such a file before it believes it, and protects it then.

    Args:
        dataset: The dataset's name.

    Attributes:
        cache: DVC's cache directory.
        folder: The dataset's own in it.
    """

    def __init__(self, dataset: str) -> None:
        try:
            with Repo() as repo:
                self.cache, self._objects = Path(repo.cache.local_cache_dir), repo.cache.local
        except NotDvcRepoError:
            self.cache = OUTSIDE_DVC.absolute()
            self._objects = LocalHashFileDB(LocalFileSystem(), str(self.cache / "files" / "md5"))
        self.folder = self.cache / "fetch" / dataset
        self._partial = self.folder / "partial"
        self._numbers = itertools.count()

    @contextmanager
    def alone(self, say: Callable[[str], object]) -> Iterator[None]:
        """Keeps other runs that fetch the same dataset waiting, and removes what a killed one left half-written.

        Args:
            say: Told, in a line, if this run has to wait.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"fetch: another run is fetching {self.folder.name}; waiting for its end")
                fcntl.flock(lock, fcntl.LOCK_EX)
            shutil.rmtree(self._partial, ignore_errors=True)
            self._partial.mkdir()
            yield

    def path(self, md5: str) -> Path:
        """Returns where the body with this MD5 is or would be."""
        return Path(self._objects.oid_to_path(md5))

    def size(self, md5: str) -> int | None:
        """Returns the size in bytes of the body with this MD5; None if there is none.

        It is read, for a name proves nothing: a power failure can leave other bytes. Such a file is removed.
        """
        try:
            with self.path(md5).open("rb") as file:
                seen, size = hashlib.file_digest(file, "md5").hexdigest(), file.tell()
        except FileNotFoundError:
            return None
        if seen != md5:
            self.path(md5).unlink(missing_ok=True)
        return size if seen == md5 else None

    def start(self, md5: str) -> bytes:
        """Returns the first bytes of a body that is there."""
        with self.path(md5).open("rb") as file:
            return file.read(START_BYTES)

    @contextmanager
    def receiving(self) -> Iterator[Body]:
        """Yields a body that goes to the store's disk; what is not kept is gone after the block."""
        body = Body(self._partial / str(next(self._numbers)))
        try:
            yield body
        finally:
            body.close()
            body.path.unlink(missing_ok=True)

    def keep(self, body: Body) -> None:
        """Files a whole body under its MD5, in one step."""
        saved, kept = body.save(), self.path(body.md5)
        self._objects.makedirs(str(kept.parent))
        self._objects.move(str(saved), str(kept))
