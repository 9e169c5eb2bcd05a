"""The environment's proxies: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.

aiohttp's own reading of them knows no `ALL_PROXY` and no ports in `NO_PROXY`, and takes logins from
the user's `.netrc`.
"""

from urllib.request import getproxies, proxy_bypass

from yarl import URL

from stages.lib.core.errors import PipelineError
from stages.lib.fetch.urls import BadUrlError, parse


class Proxies:
    """The proxies as they were when this was made.

    Raises:
        PipelineError: If one is not an http(s) URL.
    """

    def __init__(self) -> None:
        found = getproxies()
        self._of_scheme = {
            scheme: _checked(proxy) for scheme in ("http", "https") if (proxy := found.get(scheme) or found.get("all"))
        }

    def to(self, url: URL) -> URL | None:
        """Returns the proxy to ask for this URL, with the login that it may need; None: ask the host itself."""
        proxy = self._of_scheme.get(url.scheme)
        return None if proxy is None or proxy_bypass(url.host_port_subcomponent) else proxy


def _checked(proxy: str) -> URL:
    address = proxy if "://" in proxy else f"http://{proxy}"
    try:
        parse(address)
    except BadUrlError:
        raise PipelineError(
            "the environment's proxy (HTTP_PROXY, HTTPS_PROXY or ALL_PROXY) is not an http(s) URL; correct or unset it"
        ) from None
    return URL(address).origin().with_user(URL(address).user).with_password(URL(address).password)
