"""Downloads over HTTP(S): patient with servers that have a fault, quick to give up on hosts that are gone."""

import asyncio
import email.utils
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import aiohttp
from yarl import URL

from stages.lib.core.sections import Fetch
from stages.lib.fetch.faults import Kind, TransferError, explain
from stages.lib.fetch.hosts import Host
from stages.lib.fetch.receiving import Order, Sink, SinkError, receive
from stages.lib.fetch.session import Proxies, open_session
from stages.lib.fetch.urls import BadUrlError, parse

BACKOFF_S = 1.0
"""The wait before the first retry; it doubles with each further one."""
BACKOFF_MAX_S = 30.0
RETRY_AFTER_MAX_S = 120
"""A server that asks for a longer pause gets this one."""
REST_BYTES = 1 << 16
"""As much of a refusal's body is read, so that the connection can be used again; after that it is closed."""
_BUSY = (408, 425, 429)
"""The statuses under 500 that say: not now."""
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass
class Download:
    """What came of one URL.

    Attributes:
        failure: Why there is no body, in a few words; empty if the sink holds the whole body.
        http_code: The last answer's status; None if there was none.
        attempts: Requests made, redirects not counted; 0 if the host had been given up before.
        final_url: The last URL asked, after redirects; empty if none was.
    """

    failure: str = ""
    http_code: int | None = None
    attempts: int = 0
    final_url: str = ""

    @property
    def refused(self) -> bool:
        """Tells whether the server said that it will not give the body."""
        return self.http_code is not None and 400 <= self.http_code < 500 and self.http_code not in _BUSY


class Client:
    """Fetches URLs, and remembers for its lifetime which hosts are gone. Use as an asynchronous context.

    Certificates are always verified. Resets, short bodies, 429 and 5xx are retried with jittered exponential
    backoff, and not before the time that the server asks for with `Retry-After`, which holds for every request
    to that host; any other status is final.

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

    async def get(self, url: str, sink: Sink, max_mb: float, wanted: Callable[[], bool] = lambda: True) -> Download:
        """Downloads one URL; what a server, a network or a URL does wrong is a result, not an exception.

        Args:
            url: Where from; anything but http(s) is a failure.
            sink: Where to. Holds part of a body after a failure.
            max_mb: Largest body accepted, in 10^6 bytes after its Content-Encoding is undone.
            wanted: Tells whether the sink holds what was expected. Asked of an answer that states no length, which
                ends with the connection, whole or not: what is not expected is asked for again.

        Raises:
            OSError: Whatever the sink raised.
        """
        got = Download()
        try:
            start = parse(url)
        except BadUrlError as error:
            return Download(str(error))
        await self._host(start).turn()
        try:
            # The time of one image starts when its turn has come, and ends what drips, a header too.
            async with asyncio.timeout(self._settings.image_deadline_s):
                await self._attempts(start, Order(sink, int(max_mb * 1e6), wanted), got)
        except TimeoutError:
            if not got.failure:
                got.failure = f"not complete after {self._settings.image_deadline_s:g} s"
                if got.http_code is None:
                    self._missed(self._host(URL(got.final_url)), got.failure)
        except SinkError as error:
            raise error.__cause__ from None
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

    async def _attempts(self, start: URL, order: Order, got: Download) -> None:
        """Asks until a body is there, nothing better can be expected, or the retries are used up."""
        due_s = time.monotonic() + self._settings.image_deadline_s
        host = self._host(start)
        while True:
            try:
                await self._follow(start, order, got)
                return
            except TransferError as error:
                asked = self._host(URL(got.final_url)) if got.final_url else host
                final = self._judge(error, asked, answered=got.http_code is not None)
                got.failure = error.detail
                backoff_s = min(BACKOFF_MAX_S, BACKOFF_S * 2 ** (got.attempts - 1)) * random.uniform(0.5, 1.0)
                again_s = max(time.monotonic() + backoff_s, host.free_at_s)
                if final or got.attempts > self._settings.retries or again_s > due_s:
                    if error.unsure:
                        got.failure = ""
                    elif error.kind is Kind.BREAK and got.http_code is None:
                        # Once per URL, not per attempt: one URL may hang a server that is well otherwise.
                        self._missed(asked, error.detail)
                    return
            await asyncio.sleep(again_s - time.monotonic())
            await host.turn()

    def _judge(self, error: TransferError, host: Host, answered: bool) -> bool:
        """Notes what a failure says of the host; returns whether another attempt would do no better."""
        if answered:
            return error.kind is Kind.FINAL
        if error.kind is Kind.NAME:
            self._missed(host, error.detail, gone=not host.answered)
        elif error.kind in (Kind.CONNECTING, Kind.TRUST):
            self._missed(host, error.detail)
        return error.kind in (Kind.FINAL, Kind.TRUST) or bool(host.given_up)

    async def _follow(self, url: URL, order: Order, got: Download) -> None:
        """Makes one attempt: follows redirects, each of them checked, to a body."""
        order.sink.restart()
        for hop in range(self._settings.max_redirects + 1):
            host = self._host(url)
            if host.given_up:
                raise TransferError(Kind.FINAL, host.given_up)
            if hop == 0:
                got.attempts += 1
            got.failure, got.http_code, got.final_url = "", None, str(url)
            location = await self._ask(host, url, order, got)
            if location is None:
                return
            try:
                url = parse(url.join(URL(location)))
            except ValueError as error:  # a BadUrlError too
                why = error if isinstance(error, BadUrlError) else "not a valid URL"
                raise TransferError(Kind.FINAL, f"redirect not followed: {why}") from None
            await self._host(url).turn()
        raise TransferError(Kind.FINAL, f"more than {self._settings.max_redirects} redirects")

    async def _ask(self, host: Host, url: URL, order: Order, got: Download) -> str | None:
        """Sends one request; returns where a redirect leads, or None: the sink holds the body."""
        proxy = self._proxies.to(url)
        try:
            async with self._session.get(url, proxy=proxy, allow_redirects=False) as answer:
                got.http_code = answer.status
                host.heard()
                if answer.status == 200:
                    await receive(answer, order)
                    return None
                await answer.content.readexactly(REST_BYTES)
        except asyncio.IncompleteReadError:
            pass  # the whole of a refusal's body
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if got.http_code in (None, 200):
                raise explain(error, host.name, proxy is not None) from None
        if got.http_code in _REDIRECTS and (location := answer.headers.get("Location")):
            return location
        busy = got.http_code in _BUSY or got.http_code >= 500
        if busy:
            host.hold(min(_pause_s(answer.headers.get("Retry-After", "")), RETRY_AFTER_MAX_S))
        raise TransferError(Kind.BREAK if busy else Kind.FINAL, f"HTTP {got.http_code}")


def _pause_s(retry_after: str) -> float:
    """Reads `Retry-After`, seconds or a date (RFC 9110, 10.2.3); 0 if it is neither."""
    try:
        return float(int(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return 0.0
