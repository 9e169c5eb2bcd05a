"""A web server on loopback that does, on request, whatever a web server can do wrong.

Tests give `routes` to a `FaultyServer`; the benchmarks map whole families of paths onto `FAULTS`.
"""

import contextlib
import datetime
import gzip
import ipaddress
import select
import socket
import ssl
import struct
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SETTINGS = {
    "connections_per_host": 2,
    "delay_s": 0.0,
    "contact": None,
    "connect_timeout_s": 1.0,
    "read_timeout_s": 1.0,
    "image_deadline_s": 20.0,
    "retries": 2,
    "max_redirects": 5,
    "max_image_mb": 1.0,
    "on_md5_mismatch": "drop",
}
"""Quick ones for the section `fetch`."""
DRIP_S = 0.05
"""The pause of a dripping server between two bytes."""


class Handler(BaseHTTPRequestHandler):
    """Counts requests and hands each to its path's route, or to the server's default."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16

    def do_GET(self):
        server = self.server
        path = self.path.partition("?")[0]
        with server.lock:
            server.asked.append(self.path)
            server.starts_s.append(time.monotonic())
            server.peers.add(self.client_address)
            server.agents.add(self.headers["User-Agent"])
            server.counts[self.path] += 1
            seen = server.counts[self.path]
        with contextlib.suppress(ConnectionError):  # clients hang up on much of this
            server.routes.get(path, server.default)(self, seen)

    def do_CONNECT(self):
        """Passes bytes on, as a proxy does for HTTPS."""
        with self.server.lock:
            self.server.asked.append(f"CONNECT {self.path}")
        host, _, port = self.path.rpartition(":")
        self.close_connection = True
        with socket.create_connection((host, int(port))) as far:
            self.send_response(200, "Connection established")
            self.end_headers()
            self.wfile.flush()
            ends = {self.connection: far, far: self.connection}
            while not self.server.stopping.is_set():
                for end in select.select(list(ends), [], [], 0.05)[0]:
                    if not (data := end.recv(1 << 16)):
                        return
                    ends[end].sendall(data)

    def answer(self, status=200, body=b"", length=None, **headers):
        """Sends an answer; `length` announces another size than the body's."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        if length is not None:
            self.close_connection = True

    def reset(self):
        """Breaks the connection off with a TCP reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        socket.socket(fileno=self.connection.detach()).close()

    def drip(self, start, body):
        """Sends the start at once and the rest a byte at a time."""
        self.close_connection = True
        self.connection.sendall(start)
        for byte in body:
            if self.server.stopping.wait(DRIP_S):
                return
            self.connection.sendall(bytes([byte]))

    def finish(self):
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, *_):
        pass


class FaultyServer(ThreadingHTTPServer):
    """A server with a page for each of `routes`: functions of the handler and of how often the path was asked."""

    request_queue_size = 256

    def __init__(self, tls: bool = False):
        super().__init__(("127.0.0.1", 0), Handler)
        if tls:
            self.socket = self_signed_context().wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )
        self.routes: dict[str, Callable] = {}
        self.default: Callable = lambda handler, seen: handler.answer(404, b"gone")
        self.lock, self.stopping = threading.Lock(), threading.Event()
        self.asked, self.starts_s, self.counts = [], [], Counter()
        self.peers, self.agents = set(), set()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """Says nothing: clients that hang up, and TLS that they refuse, are what this server is for."""


@contextmanager
def serving(tls: bool = False) -> Iterator[FaultyServer]:
    """Runs a server for the length of the block."""
    server = FaultyServer(tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()


def page(body: bytes, status: int = 200) -> Callable:
    """Returns the route of a page without faults."""
    return lambda handler, seen: handler.answer(status, body)


def self_signed_context() -> ssl.SSLContext:
    """Returns the server side of TLS with a certificate that nobody vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "certificate.pem"
        path.write_bytes(self_signed())
        context.load_cert_chain(path)
    return context


@cache
def self_signed() -> bytes:
    """Returns that certificate and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = builder.add_extension(names, critical=False)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + builder.sign(key, hashes.SHA256()).public_bytes(pem)


def _endless(handler, seen, body):
    handler.close_connection = True
    handler.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n")
    while not handler.server.stopping.is_set():
        handler.connection.sendall(bytes(1 << 16))


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"

FAULTS: dict[str, Callable] = {
    "good": lambda h, n, body: h.answer(200, body),
    "wrong type": lambda h, n, body: h.answer(200, body, Content_Type="text/html"),
    "gzip": lambda h, n, body: h.answer(200, gzip.compress(body), Content_Encoding="gzip"),
    "500 then good": lambda h, n, body: h.answer(500, b"oops") if n == 1 else h.answer(200, body),
    "429 then good": lambda h, n, body: h.answer(429, b"", Retry_After="1") if n == 1 else h.answer(200, body),
    "reset then good": lambda h, n, body: h.reset() if n == 1 else h.answer(200, body),
    "cut then good": lambda h, n, body: h.answer(200, body[:-9], len(body)) if n == 1 else h.answer(200, body),
    "redirect": lambda h, n, body: h.answer(302, b"", Location=h.path.replace("/redirect/", "/good/")),
    "slow drip": lambda h, n, body: h.drip(_HEAD % len(body), body),
    "slow header": lambda h, n, body: h.drip(b"", _HEAD % len(body) + body),
    "404": lambda h, n, body: h.answer(404, b"gone"),
    "403": lambda h, n, body: h.answer(403, b"no"),
    "always 500": lambda h, n, body: h.answer(500, b"oops"),
    "always reset": lambda h, n, body: h.reset(),
    "always cut": lambda h, n, body: h.answer(200, body[:-9], len(body)),
    "endless": _endless,
    "redirect loop": lambda h, n, body: h.answer(302, b"", Location=h.path),
    "redirect to file": lambda h, n, body: h.answer(302, b"", Location="file:///etc/hostname"),
    "html": lambda h, n, body: h.answer(200, b"<!DOCTYPE html><title>Not found</title>", Content_Type="image/jpeg"),
    "wrong bytes": lambda h, n, body: h.answer(200, body + b"\n"),
    "gzip bomb": lambda h, n, body: h.answer(200, _bomb(), Content_Encoding="gzip"),
}
"""What each family of paths does with a request: functions of handler, times asked and the true body."""


@cache
def _bomb() -> bytes:
    return gzip.compress(bytes(100_000_000))
