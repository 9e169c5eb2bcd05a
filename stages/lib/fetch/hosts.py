"""URLs and hosts: which URLs are asked, and what a run learns about the hosts: whose turn it is, who is gone."""

import asyncio
import email.utils
import time
from dataclasses import dataclass

from yarl import URL

MISSES_BEFORE_ANSWER = 3
"""Failures in a row to reach a host that never answered, after which it is given up for the run."""
MISSES_AFTER_ANSWER = 100
"""The same for a host that has answered: it may come back, but waiting for it must not take days."""
RETRY_AFTER_MAX_S = 120
"""A server that asks for a longer pause gets this one."""


class BadUrlError(ValueError):
    """A URL that is not asked, with the reason."""


def parse(text: str, base: URL | None = None) -> URL:
    """Returns a URL, relative to `base` if there is one, in its normal form, without login and fragment.

    Raises:
        BadUrlError: If it is no http(s) URL.
    """
    try:
        url = base.join(URL(text)) if base else URL(text)
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


@dataclass(eq=False)
class Host:
    """One scheme, host and port."""

    name: str
    delay_s: float  # least time between the starts of two requests
    answered: bool = False
    misses: int = 0  # failures in a row to get any answer
    given_up: str = ""  # why it is not asked any more in this run
    free_at_s: float = 0.0  # when the next request may start, on the monotonic clock

    async def turn(self) -> None:
        """Waits until the host may be asked; whoever comes later waits longer."""
        while not self.given_up and (wait_s := self.free_at_s - time.monotonic()) > 0:
            await asyncio.sleep(wait_s)
        self.free_at_s = time.monotonic() + self.delay_s

    def hold(self, retry_after: str) -> None:
        """Leaves the host alone as long as it asks in `Retry-After`; requests under way go on."""
        self.free_at_s = max(self.free_at_s, time.monotonic() + min(_pause_s(retry_after), RETRY_AFTER_MAX_S))

    def missed(self, detail: str, gone: bool = False) -> bool:
        """Notes that the host gave no answer; returns whether it is given up for that: at once if `gone`."""
        self.misses += 1
        enough = self.misses >= (MISSES_AFTER_ANSWER if self.answered else MISSES_BEFORE_ANSWER)
        if self.given_up or not (gone or enough):
            return False
        self.given_up = detail if gone else f"host {self.name} given up: {detail}"
        return True


def _pause_s(retry_after: str) -> float:
    """Reads `Retry-After`, seconds or a date (RFC 9110, 10.2.3); 0 if it is neither."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        return email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0.0
