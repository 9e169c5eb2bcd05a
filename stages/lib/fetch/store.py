"""Where bodies are kept: in DVC's cache, by their MD5, outside of every output.

DVC deletes outputs: before it runs a stage, and all that dvc.lock does not list when an experiment starts. Its cache
stays, is shared with the temporary checkouts of queued experiments, and files what it holds under the MD5 too. So what
arrives goes there at once, and is there when DVC takes the output over.
"""

import fcntl
import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dvc.exceptions import NotDvcRepoError
from dvc.repo import Repo
from dvc_data.hashfile.db.local import LocalHashFileDB
from dvc_objects.fs.local import LocalFileSystem

OUTSIDE_DVC = Path("data/cache")
"""The cache's place in a folder that is no DVC repository."""


class BodyStore:
    """The bodies in DVC's `cache`, which all datasets share, and a `folder` there for the log of one dataset and user.

    Bodies are left writable: DVC hashes such a file before it believes it, and protects it then.
    """

    def __init__(self, dataset: str) -> None:
        try:
            with Repo() as repo:
                self.cache, self._objects = Path(repo.cache.local_cache_dir), repo.cache.local
        except NotDvcRepoError:
            self.cache = OUTSIDE_DVC.absolute()
            self._objects = LocalHashFileDB(LocalFileSystem(), str(self.cache / "files" / "md5"))
        self.folder = self.cache / "fetch" / dataset / str(os.getuid())  # others may share the cache, not its files
        self._dataset = dataset
        self._partial = self.folder / "partial"

    @contextmanager
    def alone(self, say: Callable[[str], object]) -> Iterator[None]:
        """Keeps other runs for this dataset waiting, which `say` is told, and leaves nothing half-written."""
        self._objects.makedirs(str(self.folder))
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"fetch: another run is fetching {self._dataset}; waiting for its end")
                fcntl.flock(lock, fcntl.LOCK_EX)
            shutil.rmtree(self._partial, ignore_errors=True)  # of a run that was killed
            self._partial.mkdir()
            try:
                yield
            finally:
                shutil.rmtree(self._partial, ignore_errors=True)

    def path(self, md5: str) -> Path:
        """Returns where the body with this MD5 is or would be."""
        return Path(self._objects.oid_to_path(md5))

    def read(self, md5: str) -> bytes | None:
        """Returns the body with this MD5; None if there is none.

        A name proves nothing: a power failure can leave other bytes. Such a file is removed.
        """
        path = self.path(md5)
        try:
            body = path.read_bytes()
        except FileNotFoundError:
            return None
        if hashlib.md5(body, usedforsecurity=False).hexdigest() == md5:
            return body
        path.unlink(missing_ok=True)
        return None

    def keep(self, md5: str, body: bytes) -> None:
        """Files a body under its MD5, in one step, from any thread."""
        partial, kept = self._partial / str(threading.get_ident()), self.path(md5)
        partial.write_bytes(body)
        if not kept.parent.is_dir():
            self._objects.makedirs(str(kept.parent))
        self._objects.move(str(partial), str(kept))
