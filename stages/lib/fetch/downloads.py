"""One download: what is asked for, what may go wrong with an attempt, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from stages.lib.fetch.hosts import Host

BUSY = (408, 425, 429)
"""The statuses under 500 that say: not now."""


class Sink(Protocol):
    """What a body is written to."""

    def write(self, chunk: bytes) -> None:
        """Appends a chunk."""

    def restart(self) -> None:
        """Forgets everything written: another attempt begins."""


@dataclass(frozen=True)
class Download:
    """What came of one URL.

    Attributes:
        failure: Why there is no body, in a few words; empty if the sink holds the whole body.
        http_code: The last answer's status; None if there was none.
        attempts: Requests made, redirects not counted; 0 if the host had been given up before.
        final_url: The last URL asked, after redirects; empty if none was.
    """

    failure: str
    http_code: int | None
    attempts: int
    final_url: str

    @property
    def refused(self) -> bool:
        """Tells whether the server said in so many words that it will not give the body."""
        return self.http_code is not None and 400 <= self.http_code < 500 and self.http_code not in BUSY


@dataclass(eq=False)
class AttemptError(Exception):
    """One attempt's failure: where, whether another may do better, and who kept silent after connecting.

    `unsure`: a body came whose end nothing confirms; if no other attempt does better, it is the body.
    """

    detail: str
    url: str = ""
    code: int | None = None
    final: bool = True
    silent: Host | None = None
    unsure: bool = False


@dataclass
class Order:
    """What is to be received, until when; `decode`: with its Content-Encoding undone."""

    sink: Sink
    max_bytes: int
    due_s: float
    wanted: Callable[[], bool]
    decode: bool = True
