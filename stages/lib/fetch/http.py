"""Downloads over HTTP(S): patient with servers that stumble, quick to give up on hosts that are gone."""

import random
import threading
import time
from collections.abc import Callable
from functools import partial
from urllib.parse import urljoin

from stages.lib.core.sections import Fetch
from stages.lib.fetch.answers import Answer
from stages.lib.fetch.connections import Connections
from stages.lib.fetch.downloads import BUSY, AttemptError, Download, Order, Sink
from stages.lib.fetch.faults import Kind, TransferError
from stages.lib.fetch.hosts import Host, Hosts
from stages.lib.fetch.proxies import Proxies
from stages.lib.fetch.urls import BadUrlError

PROGRAM = "fitzpatrick17k-pipeline/0.1 (automated download of a research dataset; contact: {contact})"
BACKOFF_S = 1.0
"""The wait before the first retry; it doubles with each further one."""
BACKOFF_MAX_S = 30.0
RETRY_AFTER_MAX_S = 120
"""A server that asks for a longer pause gets this one."""


class Client:
    """Fetches URLs, and remembers for its lifetime which hosts are gone. Threads may share one.

    Certificates are always verified. Resets, short bodies, 429 and 5xx are retried with jittered exponential
    backoff, and not before the time that the server asks for with `Retry-After`, which holds for every request
    to that host; any other status is final.

    Args:
        settings: Timeouts, retries and connections.
        say: Told, in a line, of every host that is given up.

    Attributes:
        stop: Once set, waits end at once and transfers within about a second, with a failure.
    """

    def __init__(self, settings: Fetch, say: Callable[[str], object] = print) -> None:
        self.stop = threading.Event()
        self._settings = settings
        self._hosts = Hosts(settings.delay_s, self.stop, say)
        agent = PROGRAM.format(contact=settings.contact or "none given")
        self._connections = Connections(settings, agent, Proxies(), self.stop)

    def get(self, url: str, sink: Sink, max_mb: float, wanted: Callable[[], bool] = lambda: True) -> Download:
        """Downloads one URL; what a server, a network or a URL does wrong is an answer, not an exception.

        Args:
            url: Where from; anything but http(s) is a failure.
            sink: Where to. Holds part of a body after a failure.
            max_mb: Largest body accepted, in 10^6 bytes after its Content-Encoding is undone.
            wanted: Tells whether the sink holds what was expected. Asked of an answer that states no length, which
                ends with the connection, whole or not: what is not expected is asked for again.
        """
        try:
            host = self._hosts.of(url)
        except BadUrlError as error:
            return Download(str(error), None, 0, "")
        self._hosts.wait_turn(host)
        # the clock starts when its turn has come
        order = Order(sink, int(max_mb * 1e6), time.monotonic() + self._settings.image_deadline_s, wanted)
        attempts = 0
        while True:
            try:
                code, final_url = self._attempt(host, url, order)
                return Download("", code, attempts + 1, final_url)
            except AttemptError as error:
                attempts += bool(error.url)
                backoff_s = min(BACKOFF_MAX_S, BACKOFF_S * 2 ** (attempts - 1)) * random.uniform(0.5, 1.0)
                start_s = max(time.monotonic() + backoff_s, host.free_at_s)
                last = error.final or attempts > self._settings.retries or start_s > order.due_s
                if last or self.stop.wait(start_s - time.monotonic()):
                    if error.unsure and not self.stop.is_set():
                        return Download("", error.code, attempts, error.url)
                    if error.silent:
                        # Once per URL, not per attempt: one URL may hang a server that is well otherwise.
                        self._hosts.missed(error.silent, error.detail)
                    return Download(error.detail, error.code, attempts, error.url)
                self._hosts.wait_turn(host)

    def settled(self, url: str) -> bool:
        """Tells whether it is known if the URL's host answers; until then one request at a time is enough."""
        try:
            host = self._hosts.of(url)
        except BadUrlError:
            return False
        return host.answered or bool(host.given_up)

    def _attempt(self, host: Host, url: str, order: Order) -> tuple[int, str]:
        """Follows redirects to a body and streams it; returns the status and the last URL."""
        asked, code = "", None
        for _ in range(self._settings.max_redirects + 1):
            if host.given_up:
                raise AttemptError(host.given_up, asked, code)
            asked, code, location = self._request(host, url, order)
            if not location:
                return code, url
            try:
                url = urljoin(url, location)
                host = self._hosts.of(url)
            except ValueError as error:  # a BadUrlError too
                why = error if isinstance(error, BadUrlError) else "not a valid URL"
                raise AttemptError(f"redirect not followed: {why}", asked, code) from None
            self._hosts.wait_turn(host)
        raise AttemptError(f"more than {self._settings.max_redirects} redirects", asked, code)

    def _request(self, host: Host, url: str, order: Order) -> tuple[str, int, str]:
        """Asks once; returns the URL, the status, and where a redirect leads. Else the sink holds the body."""
        answer = Answer(order, partial(self._hosts.answered, host))
        try:
            self._connections.get(url, order.due_s, answer, order.decode)
        except TransferError as error:
            order.decode = not answer.oddly_coded
            raise self._failure(error, host, url, answer.status) from None
        code = answer.status
        if code != 200 and not answer.location:
            busy = code in BUSY or code >= 500
            if busy and answer.retry_after_s:
                self._hosts.hold(host, min(answer.retry_after_s, RETRY_AFTER_MAX_S))
            raise AttemptError(f"HTTP {code}", url, code, final=not busy)
        if code == 200 and not answer.sized and not order.wanted():
            raise AttemptError("body of no stated length", url, code, final=False, unsure=True)
        return url, code, answer.location

    def _failure(self, error: TransferError, host: Host, url: str, code: int | None) -> AttemptError:
        """Judges a failed request: who is to blame, and whether another attempt may do better."""
        if error.kind is Kind.FINAL:
            return AttemptError(error.detail, url, code)
        if error.kind is Kind.LATE:
            detail = f"not complete after {self._settings.image_deadline_s:g} s"
            return AttemptError(detail, url, code, silent=None if code else host)
        if code is not None:  # the host is alive; its answer broke off
            return AttemptError(error.detail, url, code, final=False)
        if error.kind is Kind.NAME:
            detail = f"host {host.name} does not resolve"
            self._hosts.missed(host, detail, gone=not host.answered)
            return AttemptError(detail, url, final=bool(host.given_up))
        if error.kind in (Kind.CONNECTING, Kind.TRUST):
            self._hosts.missed(host, error.detail)
            # The same certificate will not do better in a second.
            return AttemptError(error.detail, url, final=error.kind is Kind.TRUST or bool(host.given_up))
        return AttemptError(error.detail, url, final=False, silent=host)
