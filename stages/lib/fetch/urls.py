"""URLs: which ones are asked. One parser both checks a URL and is what the client asks with."""

from yarl import URL


class BadUrlError(ValueError):
    """A URL that is not asked, with the reason."""


def parse(text: str | URL) -> URL:
    """Returns a URL in its normal form, without login and fragment.

    Raises:
        BadUrlError: If it is no http(s) URL.
    """
    try:
        url = URL(text)
    except ValueError:
        raise BadUrlError("not a valid URL") from None
    if url.scheme not in ("http", "https"):
        raise BadUrlError(f"scheme {url.scheme or '(none)'!r} is not http or https")
    if not url.host or any(character.isspace() for character in url.host):
        raise BadUrlError("not a valid URL")
    return url.with_user(None).with_fragment(None)


def host_of(text: str) -> str:
    """Returns the URL's host, whatever its scheme; empty if it has none."""
    try:
        return URL(text).host or ""
    except ValueError:
        return ""
