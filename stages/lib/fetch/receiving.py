"""Receiving a body: as much of it as is wanted, into whatever it is written to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import aiohttp

from stages.lib.fetch.faults import Kind, TransferError


class Sink(Protocol):
    """What a body is written to."""

    def write(self, chunk: bytes) -> object:
        """Appends a chunk."""

    def restart(self) -> None:
        """Forgets everything written: another attempt begins."""


class SinkError(Exception):
    """Carries a sink's OSError past the code that handles the network's."""


@dataclass
class Order:
    """What is asked for: where the body goes, its largest size, and whether what came is what was expected."""

    sink: Sink
    max_bytes: int
    wanted: Callable[[], bool]


async def receive(answer: aiohttp.ClientResponse, order: Order) -> None:
    """Brings the body of an answer to the sink.

    Raises:
        TransferError: If it is too large, or states no length and is not what was expected.
        SinkError: If the sink cannot take it.
    """
    size = 0
    async for chunk in answer.content.iter_any():
        size += len(chunk)
        if size > order.max_bytes:
            raise TransferError(Kind.FINAL, f"larger than {order.max_bytes / 1e6:g} MB")
        try:
            order.sink.write(chunk)
        except OSError as error:
            raise SinkError from error
    sized = "Content-Length" in answer.headers or "chunked" in answer.headers.get("Transfer-Encoding", "").lower()
    if not sized and not order.wanted():
        raise TransferError(Kind.BREAK, "body of no stated length", unsure=True)
