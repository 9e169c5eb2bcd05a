"""Where the catalog's bytes come from, and the sample's drawings as a source of images."""

import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from stages.lib.core.errors import PipelineError
from stages.lib.fetch.downloads import Sink
from stages.lib.fetch.http import Client

CATALOG_MAX_MB = 500.0
_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]+):", re.IGNORECASE)


class Memory(io.BytesIO):
    """A sink that keeps a body in memory."""

    def restart(self) -> None:
        """Forgets what came of an attempt that broke off."""
        self.seek(0)
        self.truncate()


def read_catalog(origin: str, param: str, client: Client) -> bytes:
    """Reads the catalog's bytes.

    Args:
        origin: A path or an http(s) URL.
        param: Where in params.yaml it stands, for messages.
        client: Downloads it.

    Raises:
        PipelineError: If there is nothing to be read, or the scheme is another.
    """
    scheme = _SCHEME.match(origin)
    if scheme is None:
        try:
            return Path(origin).read_bytes()
        except OSError as error:
            raise PipelineError(f"{origin}: the catalog cannot be read ({error.strerror}); correct {param}") from None
    if scheme[1].lower() not in ("http", "https"):
        raise PipelineError(
            f"{origin}: the catalog has to be a path or an http(s) URL, not {scheme[1]}:; correct {param}"
        )
    content = Memory()
    download = client.get(origin, content, CATALOG_MAX_MB)
    if download.failure:
        raise PipelineError(
            f"{origin}: the catalog cannot be downloaded ({download.failure}); check the network or set "
            f"{param} to a local copy"
        )
    return content.getvalue()


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

    def copy(self, key: str, sink: Sink, max_mb: float) -> None:
        """Writes one drawing; none comes near any limit, so `max_mb` is not looked at."""
        sink.write(self._bodies[key])
