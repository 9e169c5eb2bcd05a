"""What a run learns about the hosts it asks: whose turn it is, who has answered, who is gone."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from yarl import URL

MISSES_BEFORE_ANSWER = 3
"""Failures in a row to reach a host that never answered, after which it is given up for the run."""
MISSES_AFTER_ANSWER = 100
"""The same for a host that has answered: it may come back, but waiting for it must not take days."""


@dataclass(eq=False)
class Host:
    """One scheme, host and port.

    Attributes:
        name: The host's name.
        answered: It has answered in this run.
        misses: Failures in a row to get any answer.
        given_up: Why it is not asked any more in this run; empty while it is.
        free_at_s: When the next request to it may start, on the monotonic clock.
    """

    name: str
    answered: bool = False
    misses: int = 0
    given_up: str = ""
    free_at_s: float = 0.0


class Hosts:
    """The hosts of one run.

    Args:
        delay_s: Least time between the starts of two requests to one host.
        say: Told, in a line, of every host that is given up.
    """

    def __init__(self, delay_s: float, say: Callable[[str], object]) -> None:
        self._delay_s = delay_s
        self._say = say
        self._hosts: dict[tuple, Host] = {}

    def of(self, url: URL) -> Host:
        """Returns what is known of the URL's host."""
        return self._hosts.setdefault((url.scheme, url.host, url.port), Host(url.host))

    async def turn(self, host: Host) -> None:
        """Waits until the host may be asked; whoever comes later waits longer."""
        while not host.given_up and (wait_s := host.free_at_s - time.monotonic()) > 0:
            await asyncio.sleep(wait_s)
        host.free_at_s = time.monotonic() + self._delay_s

    def hold(self, host: Host, pause_s: float) -> None:
        """Leaves the host alone for a while, because it asked for that; requests under way go on."""
        host.free_at_s = max(host.free_at_s, time.monotonic() + pause_s)

    def answered(self, host: Host) -> None:
        """Notes that the host is alive."""
        host.answered, host.misses = True, 0

    def missed(self, host: Host, detail: str, gone: bool = False) -> None:
        """Notes that the host gave no answer, and gives it up after too many of these, or at once if `gone`."""
        host.misses += 1
        enough = host.misses >= (MISSES_AFTER_ANSWER if host.answered else MISSES_BEFORE_ANSWER)
        if (gone or enough) and not host.given_up:
            host.given_up = detail if gone else f"host {host.name} given up: {detail}"
            self._say(f"fetch: {host.given_up}; the rest of its images are not asked for in this run")
