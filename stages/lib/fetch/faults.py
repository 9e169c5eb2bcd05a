"""What goes wrong with a request, in words that are the same in every run."""

import errno
import os
import re
from enum import Enum, auto

import pycurl

_BODY = {
    pycurl.E_PARTIAL_FILE: "body cut short",
    pycurl.E_BAD_CONTENT_ENCODING: "body cannot be decoded",
    pycurl.E_WRITE_ERROR: "body cannot be decoded",  # more follows the end of what was compressed
}
_TLS = (
    pycurl.E_SSL_CONNECT_ERROR,
    pycurl.E_PEER_FAILED_VERIFICATION,
    pycurl.E_SSL_CACERT_BADFILE,
    pycurl.E_SSL_CERTPROBLEM,
    pycurl.E_SSL_CIPHER,
    pycurl.E_SSL_ISSUER_ERROR,
)
_VERDICT = re.compile(r"(?:SSL[^:]*: )?(.+?)(?: \(\d+\))?")


class Kind(Enum):
    """What a failure is, as far as that decides what is done about it."""

    FINAL = auto()
    LATE = auto()
    NAME = auto()
    CONNECTING = auto()
    TRUST = auto()
    BREAK = auto()


class TransferError(Exception):
    """A request that brought no answer, or a part of one.

    Attributes:
        kind: `FINAL`: another attempt would do no better; `LATE`: its time was over; `NAME`: the host does not resolve;
            `CONNECTING`: nobody is there; `TRUST`: the certificate; `BREAK`: any other fault of the network.
        detail: Why, in a few words; empty for `LATE` and `NAME`, which the kind says.
    """

    def __init__(self, kind: Kind, detail: str = "") -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail


def explain(curl: pycurl.Curl, code: int, connected: bool, proxied: bool) -> TransferError:
    """Says what libcurl's failure was.

    Args:
        curl: The handle that failed.
        code: One of `pycurl.E_*`.
        connected: There was a connection to send the request on.
        proxied: Through a proxy.
    """
    system = curl.getinfo(pycurl.OS_ERRNO)
    if code == pycurl.E_URL_MALFORMAT:
        return TransferError(Kind.FINAL, "not a valid URL")
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return TransferError(Kind.LATE) if connected else TransferError(Kind.CONNECTING, "cannot connect: timed out")
    if code == pycurl.E_COULDNT_RESOLVE_HOST:
        return TransferError(Kind.NAME)
    if code in _TLS and system not in (errno.ECONNRESET, errno.EPIPE):
        return TransferError(Kind.TRUST, f"TLS: {_verdict(curl, code)}")
    if proxied and not connected:
        return TransferError(Kind.BREAK, "cannot connect to the proxy")
    if code == pycurl.E_COULDNT_CONNECT:
        return TransferError(Kind.CONNECTING, f"cannot connect: {os.strerror(system) if system else 'unreachable'}")
    return TransferError(Kind.BREAK, _BODY.get(code, "connection broken off"))


def _verdict(curl: pycurl.Curl, code: int) -> str:
    if code == pycurl.E_SSL_CONNECT_ERROR:
        return "handshake failed"
    said = " ".join(curl.errstr_raw().decode(errors="replace").split())
    return _VERDICT.fullmatch(said)[1] if said else "not verified"
