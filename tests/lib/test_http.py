import datetime
import gzip
import io
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from stages.lib import http
from stages.lib.http import Client, host_of, in_lanes
from stages.lib.params import Fetch

BODY = bytes(range(256)) * 40


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        with server.lock:
            server.paths.append(self.path)
            server.peers.add(self.client_address)
            server.agents.add(self.headers["User-Agent"])
            server.now += 1
            server.most = max(server.most, server.now)
            seen = server.paths.count(self.path)
        try:
            server.routes[self.path.partition("?")[0]](self, seen)
        finally:
            with server.lock:
                server.now -= 1

    def answer(self, status=200, body=BODY, length=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        if length is not None:
            self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.lock, server.routes, server.paths = threading.Lock(), {}, []
    server.peers, server.agents, server.now, server.most = set(), set(), 0, 0
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(http, "BACKOFF_S", 0.01)


def client(**changes):
    settings = {
        "connections_per_host": 2,
        "connect_timeout_s": 1.0,
        "read_timeout_s": 1.0,
        "retries": 2,
        "max_image_mb": 1.0,
    }
    return Client(Fetch(**settings | changes))


def get(url, the_client=None, max_mb=1.0):
    sink = io.BytesIO()
    return (the_client or client()).get(url, sink, max_mb), sink.getvalue()


def test_a_body_arrives_whole(server):
    server.routes["/a"] = lambda h, n: h.answer()
    got, body = get(f"{server.url}/a")
    assert (got.failure, got.http_status, got.attempts, got.final_url) == ("", 200, 1, f"{server.url}/a")
    assert body == BODY
    assert all("fitzpatrick17k" in agent for agent in server.agents)


@pytest.mark.parametrize("status", [401, 403, 404, 410, 204, 400])
def test_a_refusal_is_final(server, status):
    server.routes["/a"] = lambda h, n: h.answer(status, b"")
    got, _ = get(f"{server.url}/a")
    assert (got.failure, got.http_status, got.attempts) == (f"HTTP {status}", status, 1)
    assert len(server.paths) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server, status):
    server.routes["/a"] = lambda h, n: h.answer(status, b"busy") if n == 1 else h.answer()
    got, body = get(f"{server.url}/a")
    assert (got.failure, got.http_status, got.attempts, body) == ("", 200, 2, BODY)


def test_a_server_that_stays_busy_is_given_its_retries_and_no_more(server):
    server.routes["/a"] = lambda h, n: h.answer(500, b"")
    got, _ = get(f"{server.url}/a")
    assert (got.failure, got.attempts, len(server.paths)) == ("HTTP 500", 3, 3)


@pytest.mark.parametrize(("asked", "least", "most"), [("0", 0, 0.9), ("1", 1, 3), ("soon", 0, 0.9)])
def test_retry_after_is_kept(server, asked, least, most):
    server.routes["/a"] = lambda h, n: h.answer(429, b"", Retry_After=asked) if n == 1 else h.answer()
    start = time.monotonic()
    got, _ = get(f"{server.url}/a")
    assert got.failure == ""
    assert least <= time.monotonic() - start < most


def test_an_endless_retry_after_is_cut(server, monkeypatch):
    monkeypatch.setattr(http, "RETRY_AFTER_MAX_S", 0)
    server.routes["/a"] = lambda h, n: h.answer(503, b"", Retry_After="86400") if n == 1 else h.answer()
    assert get(f"{server.url}/a")[0].failure == ""


def test_a_short_body_is_asked_for_again_and_never_passed_off_as_whole(server):
    server.routes["/a"] = lambda h, n: h.answer(length=len(BODY) + 1)
    got, _ = get(f"{server.url}/a")
    assert (got.failure, got.http_status, got.attempts) == ("body cut short", 200, 3)
    server.routes["/b"] = lambda h, n: h.answer(body=BODY * 2, length=len(BODY) * 3) if n == 1 else h.answer()
    got, body = get(f"{server.url}/b")
    assert (got.failure, got.attempts, body) == ("", 2, BODY)


def test_a_reset_is_retried(server):
    def reset_once(handler, n):
        if n == 1:
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
        else:
            handler.answer()

    server.routes["/a"] = reset_once
    got, body = get(f"{server.url}/a")
    assert (got.failure, got.attempts, body) == ("", 2, BODY)


def test_silence_times_out(server):
    server.routes["/a"] = lambda h, n: time.sleep(0.6)
    got, _ = get(f"{server.url}/a", client(read_timeout_s=0.1, retries=1))
    assert (got.failure, got.http_status, got.attempts) == ("no data: timed out", None, 2)


def test_redirects_are_followed_and_their_end_recorded(server):
    server.routes["/a"] = lambda h, n: h.answer(302, b"moved", Location="/b?imageId=1")
    server.routes["/b"] = lambda h, n: h.answer()
    got, body = get(f"{server.url}/a")
    assert (got.failure, got.attempts, got.final_url, body) == ("", 1, f"{server.url}/b?imageId=1", BODY)


def test_a_redirect_loop_ends(server):
    server.routes["/a"] = lambda h, n: h.answer(301, b"", Location="/a")
    got, _ = get(f"{server.url}/a")
    assert (got.failure, got.http_status, got.attempts) == ("more than 5 redirects", 301, 1)
    assert len(server.paths) == 6


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/x", "http://[", "data:,x"])
def test_a_redirect_may_not_leave_http(server, target):
    server.routes["/a"] = lambda h, n: h.answer(302, b"", Location=target)
    got, body = get(f"{server.url}/a")
    assert got.failure.startswith("redirect not followed: ")
    assert (got.http_status, got.attempts, body) == (302, 1, b"")


def test_a_large_body_is_refused_announced_or_not(server):
    server.routes["/a"] = lambda h, n: h.answer(body=bytes(200_000))
    got, body = get(f"{server.url}/a", max_mb=0.1)
    assert (got.failure, got.attempts) == ("larger than 0.1 MB", 1)
    assert len(body) <= 100_000
    bomb = gzip.compress(bytes(5_000_000))
    assert len(bomb) < 10_000
    server.routes["/b"] = lambda h, n: h.answer(body=bomb, Content_Encoding="gzip")
    got, body = get(f"{server.url}/b", max_mb=0.1)
    assert got.failure == "larger than 0.1 MB"
    assert len(body) <= 100_000


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://a/b", "www.a.de/b", "/a", "http://", "http://[a", "x"])
def test_what_is_no_http_url_is_not_asked(url):
    got, _ = get(url)
    assert got.failure
    assert (got.http_status, got.attempts, got.final_url) == (None, 0, "")


@pytest.mark.parametrize("url", ["http://a..b/", f"http://{'a' * 70}.invalid/", "http://127.0.0.1:1/a\tb c\u00e4"])
def test_odd_urls_are_answers_not_exceptions(url):
    assert get(url)[0].failure


def test_a_host_that_does_not_resolve_is_asked_once():
    the_client = client()
    first, _ = get("http://www.x.invalid/a", the_client)
    second, _ = get("http://www.x.invalid/b", the_client)
    assert (first.failure, first.attempts) == ("host www.x.invalid does not resolve", 1)
    assert (second.failure, second.attempts, second.final_url) == (first.failure, 0, "")
    assert the_client.settled("http://www.x.invalid/c")


def test_a_host_that_refuses_three_times_is_given_up():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refuses
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        the_client = client(retries=1)
        gots = [get(f"{url}/{i}", the_client)[0] for i in range(4)]
    assert [got.attempts for got in gots] == [2, 1, 0, 0]
    assert gots[3].failure == "host 127.0.0.1 given up: cannot connect: Connection refused"


def test_a_host_that_accepts_and_never_answers_is_given_up(server):
    server.routes = dict.fromkeys(["/0", "/1", "/2", "/3"], lambda h, n: time.sleep(0.3))
    the_client = client(read_timeout_s=0.05, retries=0)
    gots = [get(f"{server.url}/{i}", the_client)[0] for i in range(4)]
    assert [got.attempts for got in gots] == [1, 1, 1, 0]


def test_a_host_that_answered_is_not_given_up_so_soon(server):
    server.routes["/a"] = lambda h, n: h.answer(404, b"")
    the_client = client(retries=0)
    get(f"{server.url}/a", the_client)
    server.routes["/b"] = lambda h, n: h.connection.shutdown(socket.SHUT_RDWR)
    for _ in range(5):
        assert get(f"{server.url}/b", the_client)[0].attempts == 1


def test_a_certificate_that_does_not_verify_is_refused_at_once(tmp_path):
    certificate = tmp_path / "self-signed.pem"
    certificate.write_bytes(self_signed())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def shake_hands():
            connection, _ = listener.accept()
            with connection, pytest.raises(ssl.SSLError):
                context.wrap_socket(connection, server_side=True)

        thread = threading.Thread(target=shake_hands)
        thread.start()
        got, _ = get(f"https://127.0.0.1:{listener.getsockname()[1]}/")
        thread.join()
    assert got.failure.startswith("TLS: self")
    assert got.attempts == 1


def self_signed():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    return private + builder.sign(key, hashes.SHA256()).public_bytes(pem)


def test_connections_are_used_again_after_redirects_and_refusals(server):
    server.routes["/a"] = lambda h, n: h.answer(302, b"moved", Location="/b")
    server.routes["/b"] = lambda h, n: h.answer(404, b"gone" * 100)
    server.routes["/c"] = lambda h, n: h.answer()
    the_client = client()
    for path in "/a", "/c", "/b", "/c":
        get(f"{server.url}{path}", the_client)
    assert len(server.peers) == 1


def test_lanes_run_every_job_once_and_no_more_than_width_at_a_time(server):
    server.routes["/a"] = lambda h, n: (time.sleep(0.01), h.answer())
    the_client = client()
    jobs = {"one": [f"{server.url}/a?{i}" for i in range(30)]}
    got = list(in_lanes(jobs, lambda url: get(url, the_client)[0], the_client.settled, 3, the_client.stop))
    assert sorted(server.paths) == sorted(f"/a?{i}" for i in range(30))
    assert len(got) == 30
    assert 1 < server.most <= 3


def test_lanes_of_a_host_open_only_when_it_is_settled():
    now, most, lock = 0, 0, threading.Lock()

    def work(job):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.002)
        with lock:
            now -= 1
        return job

    assert list(in_lanes({"a": range(20)}, work, lambda job: False, 8, threading.Event())) == list(range(20))
    assert most == 1


def test_lanes_serve_more_hosts_than_there_are_threads(monkeypatch):
    monkeypatch.setattr(http, "MAX_THREADS", 3)
    jobs = {str(host): [(host, i) for i in range(4)] for host in range(10)}
    got = list(in_lanes(jobs, lambda job: job, lambda job: True, 2, threading.Event()))
    assert sorted(got) == [(host, i) for host in range(10) for i in range(4)]


def test_lanes_pass_an_exception_on_and_stop():
    done, stop = [], threading.Event()

    def work(job):
        if job == 3:
            raise OSError("disk full")
        done.append(job)

    with pytest.raises(OSError, match="disk full"):
        list(in_lanes({"a": range(100_000)}, work, lambda job: False, 1, stop))
    assert stop.is_set()
    assert len(done) < 100_000


def test_no_jobs_no_results():
    assert list(in_lanes({}, len, bool, 4, threading.Event())) == []


def test_stop_ends_a_wait_at_once(server, monkeypatch):
    monkeypatch.setattr(http, "BACKOFF_S", 60)
    server.routes["/a"] = lambda h, n: h.answer(500, b"")
    the_client = client()
    threading.Timer(0.1, the_client.stop.set).start()
    start = time.monotonic()
    assert get(f"{server.url}/a", the_client)[0].failure == "HTTP 500"
    assert time.monotonic() - start < 5


def test_host_of():
    assert host_of("https://Www.A.de:8080/b?c") == "www.a.de"
    assert host_of("x") in ("", "x")
    assert host_of("http://[a") == host_of("") == ""
