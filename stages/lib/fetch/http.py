"""Downloads over HTTP(S): patient with servers that have a fault, quick to give up on hosts that are gone."""

import asyncio
import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import aiohttp
from yarl import URL

from stages.lib.core.sections import Fetch
from stages.lib.fetch.faults import TransferError, explain
from stages.lib.fetch.hosts import BadUrlError, Host, parse
from stages.lib.fetch.session import Proxies, open_session

BACKOFF_S = 1.0
"""The wait before the first retry; it doubles with each further one."""
BACKOFF_MAX_S = 30.0
REST_BYTES = 1 << 16
"""As much of a refusal's body is read, so that the connection can be used again; after that it is closed."""
_BUSY = (408, 425, 429)
"""The statuses under 500 that say: not now."""
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass
class Download:
    """What came of one URL: a whole body, its Content-Encoding undone, or a failure."""

    failure: str = ""  # in a few words
    http_code: int | None = None  # of the last answer
    attempts: int = 0  # redirects not counted; 0 if the host had been given up before
    final_url: str = ""  # the last one asked, after redirects
    body: bytes | None = None

    @property
    def refused(self) -> bool:
        """Tells whether the server said that it will not give the body."""
        return self.http_code is not None and 400 <= self.http_code < 500 and self.http_code not in _BUSY


class Client:
    """Fetches URLs, and remembers for its lifetime which hosts are gone. Use as an asynchronous context.

    Resets, short bodies, 429 and 5xx are retried with jittered exponential backoff, and not before the time that
    `Retry-After` asks for, which holds for every request to that host; any other status is final.

    Args:
        settings: Timeouts, retries and connections.
        say: Told, in a line, of every host that is given up.

    Raises:
        PipelineError: If the environment's proxy cannot be used.
    """

    def __init__(self, settings: Fetch, say: Callable[[str], object] = print) -> None:
        self._settings = settings
        self._say = say
        self._hosts: dict[tuple, Host] = {}
        self._proxies = Proxies()

    async def __aenter__(self) -> Self:
        self._session = open_session(self._settings)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def get(self, url: str, max_mb: float, md5: str | None = None) -> Download:
        """Downloads one URL; what a server, a network or a URL does wrong is a result, not an exception.

        Args:
            url: Where from; anything but http(s) is a failure.
            max_mb: Largest body accepted, in 10^6 bytes.
            md5: The body's, if known. An answer that states no length ends with the connection, whole or not: if it
                has another MD5, it is asked for again, and taken if it stays so.
        """
        got = Download()
        try:
            start = parse(url)
        except BadUrlError as error:
            return Download(str(error))
        await self._host(start).turn()
        try:
            # The time of one image starts when its turn has come, and ends what drips, a header too.
            async with asyncio.timeout(self._settings.image_deadline_s) as deadline:
                await self._attempts(start, got, max_mb, md5, deadline.when())
        except TimeoutError:
            if not got.failure:
                got.failure = f"not complete after {self._settings.image_deadline_s:g} s"
                if got.http_code is None:
                    self._missed(self._host(URL(got.final_url)), got.failure)
        if got.body is not None:
            got.failure = ""
        return got

    def settled(self, url: str) -> bool:
        """Tells whether it is known if the URL's host answers; until then one request at a time is enough."""
        try:
            host = self._host(parse(url))
        except BadUrlError:
            return False
        return host.answered or bool(host.given_up)

    def _host(self, url: URL) -> Host:
        return self._hosts.setdefault((url.scheme, url.host, url.port), Host(url.host, self._settings.delay_s))

    def _missed(self, host: Host, detail: str, gone: bool = False) -> None:
        if host.missed(detail, gone):
            self._say(f"fetch: {host.given_up}; the rest of its images are not asked for in this run")

    async def _attempts(self, start: URL, got: Download, max_mb: float, md5: str | None, due_s: float) -> None:
        """Asks until a body is there, nothing better can be expected, or the retries are used up."""
        host = self._host(start)
        while True:
            try:
                await self._follow(start, got, max_mb, md5)
                return
            except TransferError as error:
                got.failure = error.detail
                backoff_s = min(BACKOFF_MAX_S, BACKOFF_S * 2 ** (got.attempts - 1)) * random.uniform(0.5, 1.0)
                again_s = max(time.monotonic() + backoff_s, host.free_at_s)
                if error.final or got.attempts > self._settings.retries or again_s > due_s:
                    if got.http_code is None and not (error.final or error.unreached):
                        # Once per URL, not per attempt: one URL may hang a server that is well otherwise.
                        self._missed(self._host(URL(got.final_url)), error.detail)
                    return
            await asyncio.sleep(again_s - time.monotonic())
            await host.turn()

    async def _follow(self, url: URL, got: Download, max_mb: float, md5: str | None) -> None:
        """Makes one attempt: follows redirects, each of them checked, to a body."""
        got.body = None
        for hop in range(self._settings.max_redirects + 1):
            host = self._host(url)
            if hop:
                await host.turn()
            if host.given_up:
                raise TransferError(host.given_up, final=True)
            got.attempts += hop == 0
            got.failure, got.http_code, got.final_url = "", None, str(url)
            location = await self._ask(host, url, got, max_mb, md5)
            if location is None:
                return
            try:
                url = parse(location, url)
            except BadUrlError as error:
                raise TransferError(f"redirect not followed: {error}", final=True) from None
        raise TransferError(f"more than {self._settings.max_redirects} redirects", final=True)

    async def _ask(self, host: Host, url: URL, got: Download, max_mb: float, md5: str | None) -> str | None:
        """Sends one request; returns where a redirect leads, or None if the body came."""
        proxy = self._proxies.to(url)
        try:
            async with self._session.get(url, proxy=proxy, allow_redirects=False) as answer:
                got.http_code = answer.status
                host.answered, host.misses = True, 0
                if answer.status == 200:
                    got.body = await _read(answer, max_mb)
                    came = hashlib.md5(got.body, usedforsecurity=False).hexdigest()
                    if md5 in (None, came) or _states_length(answer):
                        return None
                    raise TransferError("body of no stated length")
                await answer.content.readexactly(REST_BYTES)
        except asyncio.IncompleteReadError:
            pass  # the whole of a refusal's body
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if got.http_code in (None, 200):
                failure = explain(error, host.name, proxy is not None)
                if got.http_code is None and failure.unreached:
                    self._missed(host, failure.detail, gone=failure.gone and not host.answered)
                    failure.final |= bool(host.given_up)
                raise failure from None
        if got.http_code in _REDIRECTS and (location := answer.headers.get("Location")):
            return location
        busy = got.http_code in _BUSY or got.http_code >= 500
        if busy:
            host.hold(answer.headers.get("Retry-After", ""))
        raise TransferError(f"HTTP {got.http_code}", final=not busy)


async def _read(answer: aiohttp.ClientResponse, max_mb: float) -> bytes:
    """Reads a body; no more of it than `max_mb`, for a small answer may decode to a huge one."""
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > max_mb * 1e6:
            raise TransferError(f"larger than {max_mb:g} MB", final=True)
    return bytes(body)


def _states_length(answer: aiohttp.ClientResponse) -> bool:
    return "Content-Length" in answer.headers or "chunked" in answer.headers.get("Transfer-Encoding", "").lower()
