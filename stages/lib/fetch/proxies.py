"""The environment's proxies: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`."""

from urllib.request import getproxies, proxy_bypass

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from stages.lib.core.errors import PipelineError
from stages.lib.fetch.urls import Origin

_PORTS = {"http": 80, "https": 443}


class Proxies:
    """The proxies as they were when this was made. Threads may share it.

    Raises:
        PipelineError: If one is not an http(s) URL.
    """

    def __init__(self) -> None:
        found = getproxies()
        self._through = {
            scheme: _checked(proxy) for scheme in _PORTS if (proxy := found.get(scheme) or found.get("all"))
        }
        self._chosen: dict[Origin, str] = {}

    def to(self, origin: Origin) -> str:
        """Returns the URL of the proxy to ask, with the login that it may need; empty to ask directly."""
        if not self._through:
            return ""
        if origin not in self._chosen:
            proxy = self._through.get(origin.scheme, "")
            self._chosen[origin] = "" if proxy and proxy_bypass(origin.place) else proxy
        return self._chosen[origin]


def _checked(proxy: str) -> str:
    try:
        parts = parse_url(proxy if "://" in proxy else f"http://{proxy}")
    except LocationParseError:
        parts = None
    if parts is None or parts.scheme not in _PORTS or not parts.host:
        raise PipelineError(
            "the environment's proxy (HTTP_PROXY, HTTPS_PROXY or ALL_PROXY) is not an http(s) URL; correct or unset it"
        )
    login = f"{parts.auth}@" if parts.auth else ""
    return f"{parts.scheme}://{login}{parts.host}:{parts.port or _PORTS[parts.scheme]}"
