"""Where the catalog's bytes come from."""

import asyncio
import re
from pathlib import Path

from stages.lib.core.errors import PipelineError
from stages.lib.fetch.http import Client, Download

CATALOG_MAX_MB = 500.0
_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]+):", re.IGNORECASE)


def read_catalog(origin: str, param: str, client: Client) -> bytes:
    """Reads the catalog's bytes.

    Args:
        origin: A path or an http(s) URL.
        param: Where in params.yaml it is, for messages.
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

    async def download() -> Download:
        async with client:
            return await client.get(origin, CATALOG_MAX_MB)

    got = asyncio.run(download())
    if got.body is None:
        raise PipelineError(
            f"{origin}: the catalog cannot be downloaded ({got.failure}); check the network or set {param} to a local "
            f"copy"
        )
    return got.body
