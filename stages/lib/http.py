"""Downloads over HTTP(S): patient with servers that stumble, quick to give up on hosts that are gone.

`Client` fetches one URL; `in_lanes` runs many jobs, a few at a time per host.
"""

import queue
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, TypeVar
from urllib.parse import urljoin

import urllib3
from urllib3 import exceptions as faults

from stages.lib.params import Fetch

USER_AGENT = "fitzpatrick17k-pipeline/0.1 (research; +https://github.com/mattgroh/fitzpatrick17k dataset client)"
MAX_REDIRECTS = 5
BACKOFF_S = 1.0
"""The wait before the first retry; it doubles with each further one."""
BACKOFF_MAX_S = 30.0
RETRY_AFTER_MAX_S = 120
"""A server that asks for a longer pause gets this one."""
MISSES_BEFORE_ANSWER = 3
"""Failures in a row to reach a host that never answered, after which it is given up for the run."""
MISSES_AFTER_ANSWER = 100
"""The same for a host that has answered: it, or the line, may come back, but not at the price of days."""
MAX_THREADS = 64
_CHUNK_BYTES = 1 << 16

Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Download:
    """What came of one URL.

    Attributes:
        failure: Why there is no body, in a few words; empty if the sink holds the whole body.
        http_status: The last answer's status; None if there was none.
        attempts: Requests made, redirects not counted; 0 if the host had been given up before.
        final_url: The last URL asked, after redirects; empty if none was.
    """

    failure: str
    http_status: int | None
    attempts: int
    final_url: str


@dataclass
class _Host:
    """What a run has learnt about one scheme, host and port."""

    name: str
    answered: bool = False
    misses: int = 0
    given_up: str = ""


@dataclass(eq=False)
class _AttemptError(Exception):
    """One attempt's failure: where, whether another may do better, and who kept silent after connecting."""

    detail: str
    url: str = ""
    status: int | None = None
    final: bool = True
    pause_s: float | None = None
    silent: _Host | None = None


class Client:
    """Fetches URLs, and remembers for its lifetime which hosts are gone. Threads may share one.

    Certificates are always verified. Resets, short bodies, 429 and 5xx are retried with jittered exponential
    backoff, or after the pause that the server asks for; any other status is final.

    Args:
        settings: Timeouts, retries and connections.

    Attributes:
        stop: Once set, waiting and streaming calls return a failure at once.
    """

    def __init__(self, settings: Fetch) -> None:
        self.stop = threading.Event()
        self._retries = settings.retries
        self._hosts: dict[tuple, _Host] = {}
        self._lock = threading.Lock()
        self._pool = urllib3.PoolManager(
            num_pools=MAX_THREADS,
            maxsize=settings.connections_per_host,
            timeout=urllib3.Timeout(connect=settings.connect_timeout_s, read=settings.read_timeout_s),
            headers={"User-Agent": USER_AGENT},
            cert_reqs="CERT_REQUIRED",
        )

    def get(self, url: str, sink: BinaryIO, max_mb: float) -> Download:
        """Downloads one URL; what a server, a network or a URL does wrong is an answer, not an exception.

        Args:
            url: Where from; anything but http(s) is a failure.
            sink: Where to: seekable, overwritten. Holds part of a body after a failure.
            max_mb: Largest body accepted, in 10^6 bytes after its Content-Encoding is undone.
        """
        attempts = 0
        while True:
            try:
                status, final_url = self._attempt(url, sink, int(max_mb * 1e6))
                return Download("", status, attempts + 1, final_url)
            except _AttemptError as error:
                attempts += bool(error.url)
                last = error.final or attempts > self._retries
                if last or self.stop.wait(_pause_s(attempts, error.pause_s)):
                    if error.silent:
                        # Once per URL, not per attempt: one URL may hang a server that is well otherwise.
                        self._missed(error.silent, error.detail)
                    return Download(error.detail, error.status, attempts, error.url)

    def settled(self, url: str) -> bool:
        """Tells whether it is known if the URL's host answers; until then one request at a time is enough."""
        try:
            host = self._host(url)
        except _AttemptError:
            return False
        return host.answered or bool(host.given_up)

    def _host(self, url: str) -> _Host:
        """Looks up what is known of the URL's host; raises `_AttemptError` if the URL is none to ask."""
        try:
            parts = urllib3.util.parse_url(url)
        except faults.LocationParseError:
            raise _AttemptError("not a valid URL") from None
        if parts.scheme not in ("http", "https"):
            raise _AttemptError(f"scheme {parts.scheme or '(none)'!r} is not http or https")
        if not parts.host:
            raise _AttemptError("not a valid URL")
        with self._lock:
            return self._hosts.setdefault((parts.scheme, parts.host, parts.port), _Host(parts.host))

    def _missed(self, host: _Host, detail: str) -> None:
        with self._lock:
            host.misses += 1
            if host.misses >= (MISSES_AFTER_ANSWER if host.answered else MISSES_BEFORE_ANSWER):
                host.given_up = host.given_up or f"host {host.name} given up: {detail}"

    def _attempt(self, url: str, sink: BinaryIO, max_bytes: int) -> tuple[int, str]:
        """Follows redirects to a body and streams it; returns the status and the last URL."""
        asked, status = "", None
        for _ in range(MAX_REDIRECTS + 1):
            try:
                host = self._host(url)
            except _AttemptError as error:
                detail = f"redirect not followed: {error.detail}" if asked else error.detail
                raise _AttemptError(detail, asked, status) from None
            if host.given_up:
                raise _AttemptError(host.given_up, asked, status)
            response = self._request(host, url)
            asked, status = url, response.status
            location = response.get_redirect_location()
            if not location:
                self._receive(response, url, sink, max_bytes)
                return status, url
            _discard(response)
            try:
                url = urljoin(url, location)
            except ValueError:
                raise _AttemptError("redirect not followed: not a valid URL", asked, status) from None
        raise _AttemptError(f"more than {MAX_REDIRECTS} redirects", asked, status)

    def _request(self, host: _Host, url: str) -> urllib3.BaseHTTPResponse:
        """Sends one request and returns the answer with its body unread."""
        try:
            response = self._pool.request("GET", url, retries=False, redirect=False, preload_content=False)
        except faults.NameResolutionError:
            detail = f"host {host.name} does not resolve"
            if not host.answered:
                host.given_up = detail
            self._missed(host, detail)
            raise _AttemptError(detail, url, final=bool(host.given_up)) from None
        except (faults.ConnectTimeoutError, faults.SSLError) as error:
            detail = _describe(error)
            self._missed(host, detail)
            # The same certificate will not do better in a second.
            final = isinstance(error, faults.SSLError) or bool(host.given_up)
            raise _AttemptError(detail, url, final=final) from None
        except faults.LocationValueError:
            raise _AttemptError("not a valid URL", url) from None
        except faults.HTTPError as error:
            raise _AttemptError(_describe(error), url, final=False, silent=host) from None
        host.answered, host.misses = True, 0
        return response

    def _receive(self, response: urllib3.BaseHTTPResponse, url: str, sink: BinaryIO, max_bytes: int) -> None:
        """Streams a body into `sink`, which then holds it and nothing else."""
        status = response.status
        if status != 200:
            _discard(response)
            busy = status == 429 or status >= 500
            raise _AttemptError(f"HTTP {status}", url, status, final=not busy, pause_s=_retry_after_s(response))
        sink.seek(0)
        sink.truncate()
        received = 0
        try:
            for chunk in response.stream(_CHUNK_BYTES):
                received += len(chunk)
                if received > max_bytes:
                    raise _AttemptError(f"larger than {max_bytes / 1e6:g} MB", url, status)
                if self.stop.is_set():
                    raise _AttemptError("interrupted", url, status)
                sink.write(chunk)
        except faults.HTTPError as error:
            raise _AttemptError(_describe(error), url, status, final=False) from None
        finally:
            response.close()


def host_of(url: str) -> str:
    """Returns the URL's host, or an empty string if it has none."""
    try:
        return urllib3.util.parse_url(url).host or ""
    except faults.LocationParseError:
        return ""


def in_lanes(
    jobs: Mapping[str, Iterable[Job]],
    work: Callable[[Job], Result],
    settled: Callable[[Job], bool],
    width: int,
    stop: threading.Event,
) -> Iterator[Result]:
    """Works on several hosts' jobs at once.

    A host's jobs run one by one until one of them is `settled`, then `width` at a time. So what a dead host
    costs, and which of its jobs pay for it, is the same in every run.

    Args:
        jobs: Each host's jobs, taken in order.
        work: Does one job. Its exception ends the whole.
        settled: Tells of a finished job whether its host's other lanes may open.
        width: Largest number of jobs of one host at a time.
        stop: Set when the iterator ends for any reason; no new job starts then.

    Yields:
        The results as they come.
    """
    todo = {host: deque(of_host) for host, of_host in jobs.items()}
    lanes: queue.SimpleQueue = queue.SimpleQueue()
    results: queue.SimpleQueue = queue.SimpleQueue()

    def run() -> None:
        while (lane := lanes.get()) is not None:
            host, alone = lane
            while not stop.is_set():
                try:
                    job = todo[host].popleft()
                except IndexError:
                    break
                try:
                    results.put((work(job), None))
                except BaseException as error:
                    results.put((None, error))
                if alone and settled(job):
                    alone = False
                    for _ in range(width - 1):
                        lanes.put((host, False))

    total = sum(map(len, todo.values()))
    for host in todo:
        lanes.put((host, True))
    # Daemons: Ctrl-C must not wait for a server that is slow to answer.
    n_threads = min(MAX_THREADS, width * len(todo), total)
    threads = [threading.Thread(target=run, daemon=True) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(total):
            result, error = results.get()
            if error is not None:
                raise error
            yield result
    finally:
        stop.set()
        for _ in threads:
            lanes.put(None)


def _pause_s(attempts: int, asked_s: float | None) -> float:
    """Returns the wait after a failed attempt: what the server asked for, else backoff with jitter."""
    if asked_s is not None:
        return asked_s
    return min(BACKOFF_MAX_S, BACKOFF_S * 2 ** (attempts - 1)) * random.uniform(0.5, 1.0)


def _retry_after_s(response: urllib3.BaseHTTPResponse) -> float | None:
    try:
        return urllib3.Retry(retry_after_max=RETRY_AFTER_MAX_S).get_retry_after(response)
    except faults.InvalidHeader:
        return None


def _discard(response: urllib3.BaseHTTPResponse) -> None:
    """Reads a short body to its end, so that the connection can be used again; hangs up on a long one."""
    try:
        response.read(_CHUNK_BYTES)
    except faults.HTTPError:
        pass
    finally:
        response.close()


def _describe(error: faults.HTTPError) -> str:
    """Puts a failure into words that are the same in every run; urllib3's own hold memory addresses."""
    if isinstance(error, faults.SSLError):
        return f"TLS: {getattr(error.args[0], 'verify_message', '') or 'handshake failed'}"
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
