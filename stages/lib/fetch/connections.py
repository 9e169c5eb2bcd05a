"""Requests over HTTP(S), on connections that verify certificates and are used again.

A read timeout bounds each wait for data, not their sum: a server that drips a byte a second could hold a reader for
days. So every request has a time by which it ends, too.
"""

import math
import ssl
import threading
import time

import certifi
import pycurl

from stages.lib.core.sections import Fetch
from stages.lib.fetch.answers import Answer
from stages.lib.fetch.faults import Kind, TransferError, explain
from stages.lib.fetch.proxies import Proxies
from stages.lib.fetch.urls import parse

_LATE_S = 0.1
"""This close to a request's end, a timeout is that end and no other."""


class Connections(threading.local):
    """Threads may share it: each finds a handle of its own in it, and connections that no other thread uses.

    Args:
        settings: The timeouts.
        agent: Who asks.
        proxies: Whom to ask through.
        stop: Once set, requests under way end within about a second.
    """

    def __init__(self, settings: Fetch, agent: str, proxies: Proxies, stop: threading.Event) -> None:
        self._read_timeout_s = settings.read_timeout_s
        self._proxies = proxies
        self._stop = stop
        self._answer: Answer | None = None
        self._heard_s = math.inf
        self._curl = pycurl.Curl()
        trusted = ssl.get_default_verify_paths()  # the system's, or what SSL_CERT_FILE and SSL_CERT_DIR name
        file = trusted.cafile or (None if trusted.capath else certifi.where())
        options = {
            pycurl.NOSIGNAL: 1,  # signals are the main thread's
            pycurl.PROTOCOLS: pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
            pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
            pycurl.PATH_AS_IS: 1,  # it is in its normal form
            pycurl.NOPROXY: "",  # libcurl would read the environment in its own way
            pycurl.CAINFO: file,
            pycurl.CAPATH: trusted.capath,
            pycurl.PROXY_CAINFO: file,
            pycurl.PROXY_CAPATH: trusted.capath,
            pycurl.CONNECTTIMEOUT_MS: max(1, round(settings.connect_timeout_s * 1000)),
            pycurl.USERAGENT: agent,
            pycurl.ACCEPT_ENCODING: "",  # undoes what comes compressed, although we ask
            pycurl.HTTPHEADER: ["Accept-Encoding: identity"],
            pycurl.HEADERFUNCTION: self._on_header,
            pycurl.WRITEFUNCTION: self._on_body,
            pycurl.PREREQFUNCTION: self._on_connection,
            pycurl.XFERINFOFUNCTION: self._on_progress,
            pycurl.NOPROGRESS: 0,
        }
        for option, value in options.items():
            self._curl.setopt(option, value)

    def get(self, url: str, due_s: float, answer: Answer, decode: bool) -> None:
        """Sends one request; redirects are answers too.

        Args:
            url: An http(s) URL.
            due_s: When the answer must have come, on the monotonic clock.
            answer: Receives it.
            decode: Undo the body's Content-Encoding.

        Raises:
            TransferError: If no answer comes, or not the whole body of a 200.
            Exception: Whatever the sink raised.
        """
        origin, address = parse(url)
        proxy = self._proxies.to(origin)
        self._curl.setopt(pycurl.URL, address)
        self._curl.setopt(pycurl.PROXY, proxy)
        self._curl.setopt(pycurl.HTTP_CONTENT_DECODING, int(decode))
        self._curl.setopt(pycurl.TIMEOUT_MS, max(1, math.ceil((due_s - time.monotonic()) * 1000)))
        self._answer, self._heard_s = answer, math.inf
        try:
            self._curl.perform()
        except pycurl.error as error:
            if answer.error is not None:
                raise answer.error from None
            if not answer.settled:
                raise self._fault(error.args[0], due_s, bool(proxy)) from None
        finally:
            self._answer = None
        if answer.settled:
            answer.retry_after_s = self._curl.getinfo(pycurl.RETRY_AFTER)

    def _fault(self, code: int, due_s: float, proxied: bool) -> TransferError:
        if code == pycurl.E_ABORTED_BY_CALLBACK:
            if self._stop.is_set():
                return TransferError(Kind.FINAL, "interrupted")
            return TransferError(Kind.BREAK, "no data: timed out")
        if code == pycurl.E_OPERATION_TIMEDOUT and time.monotonic() > due_s - _LATE_S:
            return TransferError(Kind.LATE)
        return explain(self._curl, code, self._heard_s < math.inf, proxied)

    def _on_connection(self, *_: object) -> int:
        self._heard_s = time.monotonic()
        return pycurl.PREREQFUNC_OK

    def _on_header(self, line: bytes) -> None:
        if self._heard_s < math.inf:  # else it is the proxy's, which makes the connection
            self._heard_s = time.monotonic()
            self._answer.header(line)

    def _on_body(self, chunk: bytes) -> int | None:
        self._heard_s = time.monotonic()
        return self._answer.body(chunk)

    def _on_progress(self, *_: int) -> int:
        """Ends a request; called at least once a second."""
        return int(self._stop.is_set() or time.monotonic() - self._heard_s > self._read_timeout_s)
