"""What every request is sent with: who asks, which certificates are believed, the timeouts, the environment's proxy."""

import ssl
from urllib.request import getproxies, proxy_bypass

import aiohttp
import certifi
from yarl import URL

from stages.lib.core.errors import PipelineError
from stages.lib.core.sections import Fetch
from stages.lib.fetch.hosts import BadUrlError, parse

PROGRAM = "fitzpatrick17k-pipeline/0.1 (automated download of a research dataset; contact: {contact})"
MAX_HEADER_BYTES = 1 << 16


def open_session(settings: Fetch) -> aiohttp.ClientSession:
    """Returns a session that verifies every certificate, by the system's or those of SSL_CERT_FILE and SSL_CERT_DIR."""
    system = ssl.get_default_verify_paths()
    trusted = ssl.create_default_context(cafile=None if system.cafile or system.capath else certifi.where())
    agent = PROGRAM.format(contact=settings.contact or "none given")
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trusted, limit=0, limit_per_host=settings.connections_per_host),
        headers={"User-Agent": agent, "Accept-Encoding": "identity"},
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(sock_connect=settings.connect_timeout_s, sock_read=settings.read_timeout_s),
        max_field_size=MAX_HEADER_BYTES,
        middlewares=[_once],
    )


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keeps aiohttp from sending a request again after a reset, which it does without a word and without a pause."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


class Proxies:
    """`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` as they were when this was made.

    aiohttp's own reading of them knows no `ALL_PROXY` and no ports in `NO_PROXY`, and looks for logins in `~/.netrc`.

    Raises:
        PipelineError: If one is not an http(s) URL.
    """

    def __init__(self) -> None:
        found = getproxies()
        self._of_scheme = {scheme: _checked(found.get(scheme) or found.get("all")) for scheme in ("http", "https")}

    def to(self, url: URL) -> URL | None:
        """Returns the proxy to ask for this URL, with the login that it may need; None: ask the host itself."""
        return None if proxy_bypass(url.host_port_subcomponent) else self._of_scheme[url.scheme]


def _checked(proxy: str | None) -> URL | None:
    if not proxy:
        return None
    address = proxy if "://" in proxy else f"http://{proxy}"
    try:
        parse(address)
    except BadUrlError:
        raise PipelineError(
            "the environment's proxy (HTTP_PROXY, HTTPS_PROXY or ALL_PROXY) is not an http(s) URL; correct or unset it"
        ) from None
    return URL(address).with_path("/")
