"""URLs: which ones are asked, and in what form, so that no two parsers read one differently.

A URL is taken apart here alone; what is asked is put together from the parts.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

# Most URLs need no more than a look: nothing to be encoded, no `..`, no login, and a host that was seen before.
_PLAIN = re.compile(
    r"(https?://[a-z0-9.:-]+)(?!.*/\.)(/[\w.~!$&'()*+,;=:@/-]*(?:\?[\w.~!$&'()*+,;=:@/?-]*)?)", re.A | re.I
)


class BadUrlError(ValueError):
    """A URL that is not asked, with the reason."""


class Origin(NamedTuple):
    """Whom a URL is asked from."""

    scheme: str
    host: str
    port: int | None

    @property
    def place(self) -> str:
        """Host and port as a URL has them."""
        return self.host if self.port is None else f"{self.host}:{self.port}"


def parse(url: str) -> tuple[Origin, str]:
    """Returns whom to ask, and the URL in its normal form, which has no login and no fragment.

    Raises:
        BadUrlError: If it is no http(s) URL.
    """
    if plain := _PLAIN.fullmatch(url):
        origin, target = _origin(plain[1]), plain[2]
    else:
        parts = _parts(url)
        origin, target = _checked(parts), parts.request_uri
    return origin, f"{origin.scheme}://{origin.place}{target}"


def host_of(url: str) -> str:
    """Returns the URL's host, whatever its scheme, or an empty string if it has none."""
    try:
        plain = _PLAIN.fullmatch(url)
        return (_origin(plain[1]).host if plain else _parts(url).host) or ""
    except BadUrlError:
        return ""


@lru_cache(maxsize=1024)
def _origin(start: str) -> Origin:
    return _checked(_parts(start))


def _checked(parts: Url) -> Origin:
    if parts.scheme not in ("http", "https"):
        raise BadUrlError(f"scheme {parts.scheme or '(none)'!r} is not http or https")
    if not parts.host:
        raise BadUrlError("not a valid URL")
    return Origin(parts.scheme, parts.host, parts.port)


def _parts(url: str) -> Url:
    try:
        return parse_url(url)
    except LocationParseError:
        raise BadUrlError("not a valid URL") from None
