"""Downloads over HTTP(S): patient with servers that stumble, quick to give up on hosts that are gone."""

import random
import threading
import time
from collections.abc import Callable
from urllib.parse import urljoin

import urllib3
from urllib3 import exceptions as faults

from stages.lib.core.sections import Fetch
from stages.lib.fetch.connections import Connections, DeadlineError, describe
from stages.lib.fetch.downloads import BUSY, AttemptError, Download, Order, Sink
from stages.lib.fetch.hosts import BadUrlError, Host, Hosts

PROGRAM = "fitzpatrick17k-pipeline/0.1 (automated download of a research dataset; contact: {contact})"
BACKOFF_S = 1.0
"""The wait before the first retry; it doubles with each further one."""
BACKOFF_MAX_S = 30.0
RETRY_AFTER_MAX_S = 120
"""A server that asks for a longer pause gets this one."""
_CHUNK_BYTES = 1 << 16


class Client:
    """Fetches URLs, and remembers for its lifetime which hosts are gone. Threads may share one.

    Certificates are always verified. Resets, short bodies, 429 and 5xx are retried with jittered exponential
    backoff, and not before the time that the server asks for with `Retry-After`, which holds for every request
    to that host; any other status is final.

    Args:
        settings: Timeouts, retries and connections.
        say: Told, in a line, of every host that is given up.

    Attributes:
        stop: Once set, waiting and streaming calls return a failure at once.
    """

    def __init__(self, settings: Fetch, say: Callable[[str], object] = print) -> None:
        self.stop = threading.Event()
        self._settings = settings
        self._hosts = Hosts(settings.delay_s, self.stop, say)
        timeout = urllib3.Timeout(connect=settings.connect_timeout_s, read=settings.read_timeout_s)
        agent = PROGRAM.format(contact=settings.contact or "none given")
        self._connections = Connections(settings.connections_per_host, timeout, {"User-Agent": agent})

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

    def given_up(self, url: str) -> str:
        """Returns why the URL's host is not asked any more; empty if it is."""
        try:
            return self._hosts.of(url).given_up
        except BadUrlError:
            return ""

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

    def _request(self, host: Host, url: str, order: Order) -> tuple[str, int, str | None]:
        """Asks once, and streams the body unless there is a redirect; returns URL, status and redirect."""
        code = None
        try:
            with self._connections.get(url, order.due_s) as response:
                code = response.status
                self._hosts.answered(host)
                location = response.get_redirect_location()
                if location or code != 200:
                    _read_out(response)
                if location:
                    return url, code, location
                if code != 200:
                    busy = code in BUSY or code >= 500
                    if busy and (pause_s := _retry_after_s(response)):
                        self._hosts.hold(host, pause_s)
                    raise AttemptError(f"HTTP {code}", url, code, final=not busy)
                self._receive(response, url, order)
                return url, code, None
        except DeadlineError:
            silent = None if code else host
            detail = f"not complete after {self._settings.image_deadline_s:g} s"
            raise AttemptError(detail, url, code, silent=silent) from None
        except faults.LocationValueError:
            raise AttemptError("not a valid URL", url) from None
        except faults.HTTPError as error:
            raise self._failure(error, host, url, code) from None

    def _receive(self, response: urllib3.BaseHTTPResponse, url: str, order: Order) -> None:
        """Streams a body into the sink, which then holds it and nothing else."""
        order.sink.restart()
        received = 0
        for chunk in response.stream(_CHUNK_BYTES):
            received += len(chunk)
            if received > order.max_bytes:
                raise AttemptError(f"larger than {order.max_bytes / 1e6:g} MB", url, response.status)
            if self.stop.is_set():
                raise AttemptError("interrupted", url, response.status)
            order.sink.write(chunk)
        stated = "Content-Length" in response.headers or "chunked" in response.headers.get("Transfer-Encoding", "")
        if not stated and not order.wanted():
            raise AttemptError("body of no stated length", url, response.status, final=False, unsure=True)

    def _failure(self, error: faults.HTTPError, host: Host, url: str, code: int | None) -> AttemptError:
        """Judges a fault of the network: whose it is, and whether another attempt may do better."""
        if code is not None:  # the host is alive; its answer broke off
            return AttemptError(describe(error), url, code, final=False)
        if isinstance(error, faults.NameResolutionError):
            detail = f"host {host.name} does not resolve"
            self._hosts.missed(host, detail, gone=not host.answered)
            return AttemptError(detail, url, final=bool(host.given_up))
        if isinstance(error, faults.ConnectTimeoutError | faults.SSLError):
            self._hosts.missed(host, describe(error))
            # The same certificate will not do better in a second.
            final = isinstance(error, faults.SSLError) or bool(host.given_up)
            return AttemptError(describe(error), url, final=final)
        return AttemptError(describe(error), url, final=False, silent=host)


def _retry_after_s(response: urllib3.BaseHTTPResponse) -> float | None:
    try:
        return urllib3.Retry(retry_after_max=RETRY_AFTER_MAX_S).get_retry_after(response)
    except faults.InvalidHeader:
        return None


def _read_out(response: urllib3.BaseHTTPResponse) -> None:
    """Reads a short body to its end, so that the connection can be used again; a long one is hung up on."""
    try:
        response.read(_CHUNK_BYTES)
    except faults.HTTPError:
        response.close()
