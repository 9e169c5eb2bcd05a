import contextlib
import gzip
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager

import pytest

from stages.lib.core.sections import Fetch
from stages.lib.fetch.answers import REST_BYTES, Answer
from stages.lib.fetch.connections import Connections
from stages.lib.fetch.downloads import Order
from stages.lib.fetch.faults import Kind, TransferError
from stages.lib.fetch.proxies import Proxies
from stages.lib.fetch.sources import Memory
from stages.lib.fetch.urls import BadUrlError
from tests.faulty_server import SETTINGS, page, self_signed, serving

BODY = bytes(range(256)) * 40


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def read(url, sink=None, due_s=5.0, decode=True, stop=None, **changes):
    """Returns the body; fails as `Connections.get` does."""
    sink = sink or Memory()
    connections = Connections(Fetch(**SETTINGS | changes), "me", Proxies(), stop or threading.Event())
    answer = Answer(Order(sink, 1_000_000, 0.0, lambda: True), lambda: None)
    connections.get(url, time.monotonic() + due_s, answer, decode)
    return sink.getvalue() if answer.status == 200 else answer.status


def failure(url, **how):
    with pytest.raises(TransferError) as caught:
        read(url, **how)
    return caught.value.kind, caught.value.detail


@contextmanager
def saying(*pieces, pause_s=0.0):
    """A server that reads something, says these pieces whatever it was, and hangs up."""

    def run():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection, contextlib.suppress(ConnectionError):
                connection.recv(1 << 16)
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(pause_s)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=run, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def test_the_environments_proxy_is_used_and_told_who_asks(monkeypatch):
    with serving() as proxy:
        proxy.default = page(b"through")
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert read("http://www.x.invalid/a") == b"through"
        assert proxy.asked == ["http://www.x.invalid/a"]
        assert proxy.agents == {"me"}


def test_a_proxy_may_need_a_login(monkeypatch):
    with serving() as proxy:
        seen = []
        proxy.default = lambda h, n: (seen.append(h.headers["Proxy-Authorization"]), h.answer(200, b"x"))
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//me:a%40b@"))
        read("http://www.x.invalid/a")
        assert seen == ["Basic bWU6YUBi"]


def test_hosts_in_no_proxy_are_asked_directly(monkeypatch):
    with serving() as site:
        site.default = page(b"direct")
        monkeypatch.setenv("HTTP_PROXY", "http://www.x.invalid:1")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert read(f"{site.url}/a") == b"direct"


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://a.invalid\\@b.invalid/c", "http://a.invalid/%5C@b.invalid/c"),
        ("http://me:secret@a.invalid/b#c", "http://a.invalid/b"),
        ("http://a.invalid:80@b.invalid/c", "http://b.invalid/c"),
        ("http://a.invalid/b c\t\u00e4", "http://a.invalid/b%20c%09%C3%A4"),
        ("http://a.invalid/b/../c/%2e%2e/d", "http://a.invalid/c/%2E%2E/d"),
        ("http://a.invalid?b=http://c/../d", "http://a.invalid/?b=http://c/../d"),
    ],
)
def test_what_is_asked_is_what_was_read(monkeypatch, url, asked):
    with serving() as proxy:
        proxy.default = page(b"x")
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert read(url) == b"x"
        assert proxy.asked == [asked]


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/a", "/etc/hostname", "gopher://127.0.0.1/"])
def test_no_other_scheme_is_asked(url):
    with pytest.raises(BadUrlError):
        read(url)


def test_an_https_site_is_asked_through_a_tunnel_and_its_certificate_is_verified(monkeypatch, tmp_path):
    with serving() as proxy, serving(tls=True) as site:
        site.default = page(b"secret")
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert failure(f"{site.url}/a") == (Kind.TRUST, "TLS: self-signed certificate")
        (tmp_path / "ca.pem").write_bytes(self_signed())
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert read(f"{site.url}/a") == b"secret"
        assert site.asked == ["/a"]
        assert proxy.asked == [f"CONNECT {site.url[8:]}"] * 2


def test_a_proxy_that_is_gone_or_refuses_is_said(monkeypatch):
    broken = (Kind.BREAK, "cannot connect to the proxy")
    with saying(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\nRetry-After: 9\r\n\r\nno") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy}")
        assert failure("https://www.x.invalid/") == broken
    monkeypatch.setenv("ALL_PROXY", "http://www.x.invalid:1")
    assert failure("http://a.invalid/") == broken
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert failure("http://a.invalid/") == broken


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_a_certificate_is_believed_if_the_environment_vouches_for_it(monkeypatch, tmp_path, variable):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with serving(tls=True) as site:
        site.default = page(b"secret")
        assert failure(f"{site.url}/a") == (Kind.TRUST, "TLS: self-signed certificate")
        (tmp_path / ("ca.pem" if variable == "SSL_CERT_FILE" else hashed_name())).write_bytes(self_signed())
        assert read(f"{site.url}/a") == b"secret"


def hashed_name():
    """The name by which OpenSSL finds the certificate in a folder: the hash of its subject."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the command openssl")
    command = ["openssl", "x509", "-hash", "-noout"]
    return subprocess.run(command, input=self_signed(), capture_output=True, check=True).stdout.decode().strip() + ".0"


def test_a_certificate_of_another_host_is_refused(monkeypatch, tmp_path):
    (tmp_path / "ca.pem").write_bytes(self_signed())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with serving(tls=True) as site:
        site.default = page(b"secret")
        kind, detail = failure(site.url.replace("127.0.0.1", "localhost"))
        assert site.asked == []
    assert kind is Kind.TRUST
    assert detail.startswith("TLS: ")
    assert "localhost" in detail


def test_a_handshake_that_fails_is_told_from_one_that_breaks_off():
    with saying(b"HTTP/1.1 400 Bad Request\r\n\r\n") as place:
        assert failure(f"https://{place}/") == (Kind.TRUST, "TLS: handshake failed")
    # as if a firewall had cut the line: the next attempt may do better
    with socket.create_server(("127.0.0.1", 0)) as server:
        reset = threading.Thread(target=_reset_next, args=(server,))
        reset.start()
        assert failure(f"https://127.0.0.1:{server.getsockname()[1]}/") == (Kind.BREAK, "connection broken off")
        reset.join()


def _reset_next(server):
    connection, _ = server.accept()
    connection.recv(1)  # closed with the rest unread, it is reset
    connection.close()


HEAD = b"HTTP/1.1 200 OK\r\n"
PACKED = gzip.compress(BODY)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"", (Kind.BREAK, "connection broken off")),
        (b"\0garbage\r\n\r\n", (Kind.BREAK, "connection broken off")),
        (HEAD + b"Content-Length: 9\r\n\r\nabc", (Kind.BREAK, "body cut short")),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", (Kind.BREAK, "body cut short")),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab", (Kind.BREAK, "connection broken off")),
        (HEAD + b"Content-Encoding: gzip\r\n\r\nabc", (Kind.BREAK, "body cannot be decoded")),
        (HEAD + b"Content-Encoding: gzip\r\n\r\n" + PACKED + b"abc", (Kind.BREAK, "body cannot be decoded")),
        (HEAD + b"Content-Encoding: utf-8\r\n\r\nabc", (Kind.BREAK, "body cannot be decoded")),
        (HEAD[:-2], (Kind.BREAK, "connection broken off")),
        (HEAD + b"Content-Length: 1000001\r\n\r\n" + bytes(1_000_001), (Kind.FINAL, "larger than 1 MB")),
        (HEAD + (b"A: " + b"x" * 60_000 + b"\r\n") * 9, (Kind.BREAK, "connection broken off")),
    ],
)
def test_an_answer_that_is_not_whole_is_a_failure(said, expected):
    with saying(said) as place:
        assert failure(f"http://{place}/") == expected


@pytest.mark.parametrize(
    "said",
    [
        HEAD + b"\r\nabc",
        HEAD + b"Content-Length: 3\r\n\r\nabcdef",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLocation: /x\r\n\r\n" + HEAD + b"\r\nabc",
        HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"abc"),
        HEAD + b"content-encoding: identity\r\n\r\nabc",
        b"HTTP/1.0 200\r\n\r\nabc",
    ],
)
def test_a_whole_answer_may_take_many_forms(said):
    with saying(said) as place:
        assert read(f"http://{place}/") == b"abc"


def test_a_body_may_be_taken_as_it_is():
    with saying(HEAD + b"Content-Encoding: utf-8\r\n\r\nabc") as place:
        assert read(f"http://{place}/", decode=False) == b"abc"


def test_servers_are_asked_for_the_bytes_as_they_are():
    with serving() as site:
        seen = []
        site.default = lambda h, n: (seen.append(h.headers["Accept-Encoding"]), h.answer(200, b"x"))
        assert read(f"{site.url}/a") == b"x"
        assert seen == ["identity"]


@pytest.mark.parametrize("said", [HEAD, HEAD + b"Content-Length: 9\r\n\r\nabc"])
def test_a_wait_for_data_has_an_end(said):
    start = time.monotonic()
    with saying(said, pause_s=4.0) as place:
        assert failure(f"http://{place}/", read_timeout_s=0.5) == (Kind.BREAK, "no data: timed out")
    assert 0.5 < time.monotonic() - start < 2.0


def test_many_waits_may_be_longer_than_one():
    with saying(HEAD + b"\r\n", *[b"a"] * 8, pause_s=0.3) as place:
        assert read(f"http://{place}/", read_timeout_s=1.5) == b"a" * 8


def test_the_end_of_a_requests_time_is_told_from_silence():
    with saying(HEAD + b"\r\n", *[b"a"] * 50, pause_s=0.1) as place:
        assert failure(f"http://{place}/", due_s=0.5) == (Kind.LATE, "")


def test_stop_ends_a_wait_for_data():
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    start = time.monotonic()
    with saying(HEAD, pause_s=6.0) as place:
        assert failure(f"http://{place}/", stop=stop, read_timeout_s=30.0, due_s=30.0) == (Kind.FINAL, "interrupted")
    assert time.monotonic() - start < 2.0


def test_a_fault_of_the_sink_is_passed_on():
    class Full(Memory):
        def write(self, chunk):
            raise OSError(28, "No space left on device")

    with serving() as site:
        site.default = page(BODY)
        with pytest.raises(OSError, match="No space left"):
            read(f"{site.url}/a", sink=Full())


def test_a_long_refusal_is_not_read_to_its_end():
    class Untouched(Memory):
        def write(self, chunk):
            raise AssertionError

    with saying(b"HTTP/1.1 404 Gone\r\n\r\n", *[bytes(REST_BYTES)] * 9, pause_s=0.1) as place:
        start = time.monotonic()
        assert read(f"http://{place}/", sink=Untouched()) == 404
        assert time.monotonic() - start < 0.5
