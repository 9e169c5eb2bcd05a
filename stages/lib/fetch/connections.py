"""HTTP connections that verify certificates, go through the environment's proxies and end when their time is up.

Read timeouts bound each wait for data, not their sum: a server that drips a byte a second can hold a reader for
days. So a ticking thread hangs up on connections past their deadline, whichever part of an answer they wait for.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3 import exceptions as faults
from urllib3.connection import HTTPConnection, HTTPSConnection

from stages.lib.core.errors import PipelineError

TICK_S = 0.1
"""How late a connection may be hung up on."""
MAX_POOLS = 64
"""Hosts whose idle connections are kept."""


class DeadlineError(Exception):
    """A request's time was over before its answer was complete."""


@dataclass(eq=False)
class _Watch:
    """One request under way: when its time is over, and what to shut then."""

    due_s: float
    connection: socket.socket | None = None
    expired: bool = False

    def attach(self, connection: socket.socket) -> None:
        self.connection = connection
        if self.expired:
            self.hang_up()

    def hang_up(self) -> None:
        """Wakes the thread that reads; `shutdown` of a TLS socket itself would not, but take its state away."""
        self.expired = True
        if self.connection is not None:
            with contextlib.suppress(OSError):  # it has ended by itself
                socket.socket.shutdown(self.connection, socket.SHUT_RDWR)


_thread = threading.local()


class _WatchedHTTP(HTTPConnection):
    def getresponse(self) -> urllib3.HTTPResponse:
        _thread.watch.attach(self.sock)
        return super().getresponse()


class _WatchedHTTPS(HTTPSConnection):
    def getresponse(self) -> urllib3.HTTPResponse:
        _thread.watch.attach(self.sock)
        return super().getresponse()


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _WatchedHTTP


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPS


class Connections:
    """Pools of connections. Threads may share them.

    Proxies are those of the environment (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`).

    Args:
        per_host: Idle connections kept for each host.
        timeout: Of connecting and of each wait for data.
        headers: Sent with every request.

    Raises:
        PipelineError: If a proxy's URL is not usable.
    """

    def __init__(self, per_host: int, timeout: urllib3.Timeout, headers: dict[str, str]) -> None:
        settings = {
            "num_pools": MAX_POOLS,
            "maxsize": per_host,
            "timeout": timeout,
            "headers": headers,
            "cert_reqs": "CERT_REQUIRED",
        }
        self._direct = _watched(urllib3.PoolManager(**settings))
        proxies = getproxies()
        self._through = {
            scheme: _watched(_proxy_manager(proxy, settings))
            for scheme in ("http", "https")
            if (proxy := proxies.get(scheme) or proxies.get("all"))
        }
        self._watches: set[_Watch] = set()
        self._ticker: threading.Thread | None = None
        self._lock = threading.Lock()

    @contextmanager
    def get(self, url: str, due_s: float) -> Iterator[urllib3.BaseHTTPResponse]:
        """Sends one request and yields the answer with its body unread; redirects are answers too.

        Args:
            url: An http(s) URL.
            due_s: When the answer must have been read, on the monotonic clock.

        Raises:
            DeadlineError: If it has not, here or in the block.
            urllib3.exceptions.HTTPError: For every other failure.
        """
        watch = _Watch(due_s)
        _thread.watch = watch
        with self._lock:
            self._watches.add(watch)
            if self._ticker is None:
                self._ticker = threading.Thread(target=self._tick, daemon=True)
                self._ticker.start()
        try:
            response = self._manager(url).request("GET", url, retries=False, redirect=False, preload_content=False)
            try:
                yield response
            finally:
                response.close()
        except (faults.HTTPError, OSError, ValueError):  # the last two: of a socket shut under its reader
            if watch.expired:
                raise DeadlineError from None
            raise
        finally:
            with self._lock:
                self._watches.discard(watch)

    def _manager(self, url: str) -> urllib3.PoolManager:
        if self._through:
            parts = urllib3.util.parse_url(url)
            if parts.scheme in self._through and not proxy_bypass(parts.netloc):
                return self._through[parts.scheme]
        return self._direct

    def _tick(self) -> None:
        while True:
            time.sleep(TICK_S)
            with self._lock:
                if not self._watches:
                    self._ticker = None
                    return
                for watch in self._watches:
                    if time.monotonic() > watch.due_s and not watch.expired:
                        watch.hang_up()


def _proxy_manager(proxy: str, settings: dict) -> urllib3.ProxyManager:
    try:
        parts = urllib3.util.parse_url(proxy if "://" in proxy else f"http://{proxy}")
        login = urllib3.make_headers(proxy_basic_auth=unquote(parts.auth)) if parts.auth else None
        return urllib3.ProxyManager(parts._replace(auth=None).url, proxy_headers=login, **settings)
    except (faults.LocationValueError, faults.ProxySchemeUnknown):
        raise PipelineError(
            "the environment's proxy (HTTP_PROXY, HTTPS_PROXY or ALL_PROXY) is not an http(s) URL; correct or unset it"
        ) from None


def _watched(manager: urllib3.PoolManager) -> urllib3.PoolManager:
    manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
    return manager


def describe(error: faults.HTTPError) -> str:
    """Puts a failure into words that are the same in every run; urllib3's own hold memory addresses."""
    if isinstance(error, faults.SSLError):
        return f"TLS: {getattr(error.args[0], 'verify_message', '') or 'handshake failed'}"
    if isinstance(error, faults.ProxyError):
        return "cannot connect to the proxy"
    if isinstance(error, faults.NewConnectionError):
        return f"cannot connect: {getattr(error.__cause__, 'strerror', None) or 'unreachable'}"
    if isinstance(error, faults.ConnectTimeoutError):
        return "cannot connect: timed out"
    if isinstance(error, faults.ReadTimeoutError):
        return "no data: timed out"
    if isinstance(error, faults.DecodeError):
        return "body cannot be decoded"
    if any(isinstance(arg, faults.IncompleteRead) for arg in error.args):
        return "body cut short"
    return "connection broken off"
