"""What a run learns about the hosts it asks: whose turn it is, who has answered, who is gone."""

import asyncio
import time
from dataclasses import dataclass

MISSES_BEFORE_ANSWER = 3
"""Failures in a row to reach a host that never answered, after which it is given up for the run."""
MISSES_AFTER_ANSWER = 100
"""The same for a host that has answered: it may come back, but waiting for it must not take days."""


@dataclass(eq=False)
class Host:
    """One scheme, host and port.

    Attributes:
        name: The host's name.
        delay_s: Least time between the starts of two requests to it.
        answered: It has answered in this run.
        misses: Failures in a row to get any answer.
        given_up: Why it is not asked any more in this run; empty while it is.
        free_at_s: When the next request to it may start, on the monotonic clock.
    """

    name: str
    delay_s: float
    answered: bool = False
    misses: int = 0
    given_up: str = ""
    free_at_s: float = 0.0

    async def turn(self) -> None:
        """Waits until the host may be asked; whoever comes later waits longer."""
        while not self.given_up and (wait_s := self.free_at_s - time.monotonic()) > 0:
            await asyncio.sleep(wait_s)
        self.free_at_s = time.monotonic() + self.delay_s

    def hold(self, pause_s: float) -> None:
        """Leaves the host alone for a while, because it asked for that; requests under way go on."""
        self.free_at_s = max(self.free_at_s, time.monotonic() + pause_s)

    def heard(self) -> None:
        """Notes that the host is alive."""
        self.answered, self.misses = True, 0

    def missed(self, detail: str, gone: bool = False) -> bool:
        """Notes that the host gave no answer; returns whether it is given up for that: at once if `gone`."""
        self.misses += 1
        enough = self.misses >= (MISSES_AFTER_ANSWER if self.answered else MISSES_BEFORE_ANSWER)
        if self.given_up or not (gone or enough):
            return False
        self.given_up = detail if gone else f"host {self.name} given up: {detail}"
        return True
