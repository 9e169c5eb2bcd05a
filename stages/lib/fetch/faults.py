"""What goes wrong with a request, in words that are the same in every run."""

import os
from dataclasses import dataclass
from enum import Enum, auto

import aiohttp


class Kind(Enum):
    """What a failure is, as far as that decides what is done about it."""

    FINAL = auto()  # another attempt would do no better
    NAME = auto()  # the host does not resolve
    CONNECTING = auto()  # nobody is there
    TRUST = auto()  # TLS: the same certificate will do no better in a second
    BREAK = auto()  # any other fault of the network, which may not happen the next time


@dataclass
class TransferError(Exception):
    """An attempt that brought no body, and why, in a few words.

    `unsure`: a body came whose end nothing confirms; if no other attempt does better, it is the body.
    """

    kind: Kind
    detail: str
    unsure: bool = False


def explain(error: Exception, host: str, proxied: bool) -> TransferError:
    """Puts an exception of aiohttp, of the system or of a URL into words.

    Args:
        error: What was raised.
        host: Who was asked.
        proxied: Through a proxy.
    """
    gone = (aiohttp.ClientHttpProxyError, aiohttp.ClientProxyConnectionError)
    unreached = (aiohttp.ClientConnectorDNSError, aiohttp.ConnectionTimeoutError)
    if isinstance(error, gone) or (proxied and isinstance(error, unreached)):
        return TransferError(Kind.BREAK, "cannot connect to the proxy")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return TransferError(Kind.NAME, f"host {host} does not resolve")
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return TransferError(Kind.CONNECTING, "cannot connect: timed out")
    if isinstance(error, TimeoutError):
        return TransferError(Kind.BREAK, "no data: timed out")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        verdict = getattr(error.certificate_error, "verify_message", "") or "the certificate is not verified"
        return TransferError(Kind.TRUST, f"TLS: {verdict}")
    if isinstance(error, aiohttp.ClientSSLError):
        return TransferError(Kind.TRUST, "TLS: handshake failed")
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error.os_error, ConnectionResetError):
        code = error.os_error.errno
        return TransferError(Kind.CONNECTING, f"cannot connect: {os.strerror(code) if code else 'unreachable'}")
    if isinstance(error, aiohttp.ClientPayloadError):
        undecoded = "ContentEncodingError" in f"{error!r} {error.__cause__!r}"
        return TransferError(Kind.BREAK, "body cannot be decoded" if undecoded else "body cut short")
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return TransferError(Kind.FINAL, "not a valid URL")
    return TransferError(Kind.BREAK, "connection broken off")
