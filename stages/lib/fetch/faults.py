"""What goes wrong with a request, in words that are the same in every run."""

import os
from dataclasses import dataclass

import aiohttp


@dataclass(eq=False)
class TransferError(Exception):
    """An attempt that failed, and why, in a few words."""

    detail: str
    final: bool = False  # another attempt would do no better
    unreached: bool = False  # the host is not there, or does not prove who it is
    gone: bool = False  # its name does not resolve


def explain(error: Exception, host: str, proxied: bool) -> TransferError:
    """Puts an exception of aiohttp or of a URL into words; `proxied`: the host was asked through a proxy."""
    match error:
        case aiohttp.ClientHttpProxyError() | aiohttp.ClientProxyConnectionError():
            return TransferError("cannot connect to the proxy")
        case aiohttp.ClientConnectorDNSError() | aiohttp.ConnectionTimeoutError() if proxied:
            return TransferError("cannot connect to the proxy")
        case aiohttp.ClientConnectorDNSError():
            return TransferError(f"host {host} does not resolve", unreached=True, gone=True)
        case aiohttp.ConnectionTimeoutError():
            return TransferError("cannot connect: timed out", unreached=True)
        case TimeoutError():
            return TransferError("no data: timed out")
        case aiohttp.ClientConnectorCertificateError():
            verdict = getattr(error.certificate_error, "verify_message", "") or "the certificate is not verified"
            return TransferError(f"TLS: {verdict}", final=True, unreached=True)
        case aiohttp.ClientSSLError():
            return TransferError("TLS: handshake failed", final=True, unreached=True)
        case aiohttp.ClientConnectorError() if not isinstance(error.os_error, ConnectionResetError):
            code = error.os_error.errno
            return TransferError(f"cannot connect: {os.strerror(code) if code else 'unreachable'}", unreached=True)
        case aiohttp.ClientPayloadError():
            undecoded = "ContentEncodingError" in f"{error!r} {error.__cause__!r}"
            return TransferError("body cannot be decoded" if undecoded else "body cut short")
        case ValueError():
            return TransferError("not a valid URL", final=True)
    return TransferError("connection broken off")
