import email.utils
import gzip
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from stages.lib.core.sections import Fetch
from stages.lib.fetch import http
from stages.lib.fetch.http import Client
from stages.lib.fetch.sources import Memory
from tests.faulty_server import FAULTS, SETTINGS, page, serving

BODY = bytes(range(256)) * 40


@pytest.fixture
def server():
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(http, "BACKOFF_S", 0.01)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def client(say=print, **changes):
    return Client(Fetch(**SETTINGS | changes), say)


def get(url, the_client=None, max_mb=1.0):
    content = Memory()
    return (the_client or client()).get(url, content, max_mb), content.getvalue()


def test_a_body_arrives_whole(server):
    server.routes["/a"] = lambda h, n: h.answer(body=BODY)
    got, body = get(f"{server.url}/a")
    assert (got.failure, got.http_code, got.attempts, got.final_url) == ("", 200, 1, f"{server.url}/a")
    assert body == BODY
    assert all("fitzpatrick17k" in agent for agent in server.agents)


@pytest.mark.parametrize("status", [401, 403, 404, 410, 204, 400])
def test_a_refusal_is_final(server, status):
    server.routes["/a"] = lambda h, n: h.answer(status, b"")
    got, _ = get(f"{server.url}/a")
    assert (got.failure, got.http_code, got.attempts) == (f"HTTP {status}", status, 1)
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server, status):
    server.routes["/a"] = lambda h, n: h.answer(status, b"busy") if n == 1 else h.answer(body=BODY)
    got, body = get(f"{server.url}/a")
    assert (got.failure, got.http_code, got.attempts, body) == ("", 200, 2, BODY)


def test_a_server_that_stays_busy_is_given_its_retries_and_no_more(server):
    server.routes["/a"] = lambda h, n: h.answer(500, b"")
    got, _ = get(f"{server.url}/a")
    assert (got.failure, got.attempts, len(server.asked)) == ("HTTP 500", 3, 3)


@pytest.mark.parametrize(("asked", "least", "most"), [("0", 0, 0.9), ("1", 1, 3), ("soon", 0, 0.9)])
def test_retry_after_is_kept(server, asked, least, most):
    server.routes["/a"] = lambda h, n: h.answer(429, b"", Retry_After=asked) if n == 1 else h.answer(body=BODY)
    start = time.monotonic()
    got, _ = get(f"{server.url}/a")
    assert got.failure == ""
    assert least <= time.monotonic() - start < most


def test_retry_after_may_be_a_date(server):
    def answer(handler, n):
        moment = email.utils.formatdate(time.time() + 2, usegmt=True)  # of whole seconds
        handler.answer(503, b"", Retry_After=moment) if n == 1 else handler.answer(body=BODY)

    server.routes["/a"] = answer
    assert get(f"{server.url}/a")[0].failure == ""
    assert 0.9 < server.starts_s[1] - server.starts_s[0] < 4


def test_an_endless_retry_after_is_cut(server, monkeypatch):
    monkeypatch.setattr(http, "RETRY_AFTER_MAX_S", 0)
    server.routes["/a"] = lambda h, n: h.answer(503, b"", Retry_After="86400") if n == 1 else h.answer(body=BODY)
    assert get(f"{server.url}/a")[0].failure == ""


def test_a_short_body_is_asked_for_again_and_never_passed_off_as_whole(server):
    server.routes["/a"] = lambda h, n: h.answer(body=BODY, length=len(BODY) + 1)
    got, _ = get(f"{server.url}/a")
    assert (got.failure, got.http_code, got.attempts) == ("body cut short", 200, 3)
    server.routes["/b"] = lambda h, n: h.answer(body=BODY * 2, length=len(BODY) * 3) if n == 1 else h.answer(body=BODY)
    got, body = get(f"{server.url}/b")
    assert (got.failure, got.attempts, body) == ("", 2, BODY)


def without_length(body):
    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True

    return answer


def test_a_body_of_no_stated_length_is_asked_for_again_unless_it_is_the_one_wanted(server):
    server.routes["/a"] = lambda h, n: without_length(BODY[:-1] if n == 1 else BODY)(h)
    content = Memory()
    got = client().get(f"{server.url}/a", content, 1.0, lambda: content.getvalue() == BODY)
    assert (got.failure, got.attempts, content.getvalue()) == ("", 2, BODY)
    # where no attempt brings it, what came is the body, for others to judge
    server.routes["/b"] = lambda h, n: without_length(b"another")(h)
    content = Memory()
    got = client().get(f"{server.url}/b", content, 1.0, lambda: content.getvalue() == BODY)
    assert (got.failure, got.http_code, got.attempts, content.getvalue()) == ("", 200, 3, b"another")


def test_a_reset_is_retried(server):
    def reset_once(handler, n):
        if n == 1:
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
        else:
            handler.answer(body=BODY)

    server.routes["/a"] = reset_once
    got, body = get(f"{server.url}/a")
    assert (got.failure, got.attempts, body) == ("", 2, BODY)


def test_silence_times_out(server):
    server.routes["/a"] = lambda h, n: time.sleep(0.6)
    got, _ = get(f"{server.url}/a", client(read_timeout_s=0.1, retries=1))
    assert (got.failure, got.http_code, got.attempts) == ("no data: timed out", None, 2)


def test_redirects_are_followed_and_their_end_recorded(server):
    server.routes["/a"] = lambda h, n: h.answer(302, b"moved", Location="/b?imageId=1")
    server.routes["/b"] = lambda h, n: h.answer(body=BODY)
    got, body = get(f"{server.url}/a")
    assert (got.failure, got.attempts, got.final_url, body) == ("", 1, f"{server.url}/b?imageId=1", BODY)


def test_a_redirect_loop_ends(server):
    server.routes["/a"] = lambda h, n: h.answer(301, b"", Location="/a")
    got, _ = get(f"{server.url}/a")
    assert (got.failure, got.http_code, got.attempts) == ("more than 5 redirects", 301, 1)
    assert len(server.asked) == 6


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/x", "http://[", "data:,x"])
def test_a_redirect_may_not_leave_http(server, target):
    server.routes["/a"] = lambda h, n: h.answer(302, b"", Location=target)
    got, body = get(f"{server.url}/a")
    assert got.failure.startswith("redirect not followed: ")
    assert (got.http_code, got.attempts, body) == (302, 1, b"")


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


def test_an_encoding_of_a_name_that_means_nothing_is_let_be(server):
    server.routes["/a"] = lambda h, n: h.answer(body=BODY, Content_Encoding="utf-8")
    got, body = get(f"{server.url}/a")
    assert (got.failure, got.attempts, body) == ("", 2, BODY)
    server.routes["/b"] = lambda h, n: h.answer(body=BODY, Content_Encoding="gzip")
    assert get(f"{server.url}/b")[0].failure == "body cannot be decoded"


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://a/b", "www.a.de/b", "/a", "http://", "http://[a", "x"])
def test_what_is_no_http_url_is_not_asked(url):
    got, _ = get(url)
    assert got.failure
    assert (got.http_code, got.attempts, got.final_url) == (None, 0, "")


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


def test_a_certificate_that_does_not_verify_is_refused_at_once():
    with serving(tls=True) as server:
        server.default = page(BODY)
        got, body = get(f"{server.url}/")
        assert server.asked == []
    assert got.failure.startswith("TLS: self")
    assert (got.attempts, body) == (1, b"")


def test_connections_are_used_again_after_redirects_and_refusals(server):
    server.routes["/a"] = lambda h, n: h.answer(302, b"moved", Location="/b")
    server.routes["/b"] = lambda h, n: h.answer(404, b"gone" * 100)
    server.routes["/c"] = lambda h, n: h.answer(body=BODY)
    the_client = client()
    for path in "/a", "/c", "/b", "/c":
        get(f"{server.url}{path}", the_client)
    assert len(server.peers) == 1


def test_stop_ends_a_wait_at_once(server, monkeypatch):
    monkeypatch.setattr(http, "BACKOFF_S", 60)
    server.routes["/a"] = lambda h, n: h.answer(500, b"")
    the_client = client()
    threading.Timer(0.1, the_client.stop.set).start()
    start = time.monotonic()
    assert get(f"{server.url}/a", the_client)[0].failure == "HTTP 500"
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("fault", ["slow drip", "slow header"])
def test_a_drip_ends_at_the_deadline_although_no_read_times_out(server, fault):
    server.routes["/a"] = lambda h, n: FAULTS[fault](h, n, BODY)
    the_client = client(image_deadline_s=0.5)
    start = time.monotonic()
    got, _ = get(f"{server.url}/a", the_client)
    assert (got.failure, got.attempts) == ("not complete after 0.5 s", 1)
    assert 0.4 < time.monotonic() - start < 2
    server.routes["/b"] = page(BODY)
    assert get(f"{server.url}/b", the_client)[1] == BODY


def test_stop_ends_a_download_that_waits_for_data(server):
    server.routes["/a"] = lambda h, n: h.server.stopping.wait(10)
    the_client = client(read_timeout_s=30.0)
    threading.Timer(0.1, the_client.stop.set).start()
    start = time.monotonic()
    got, _ = get(f"{server.url}/a", the_client)
    assert (got.failure, got.attempts, got.http_code) == ("interrupted", 1, None)
    assert time.monotonic() - start < 2


def test_no_retry_starts_that_cannot_end_in_time(server, monkeypatch):
    monkeypatch.setattr(http, "BACKOFF_S", 60)
    server.routes["/a"] = page(b"", 500)
    start = time.monotonic()
    got, _ = get(f"{server.url}/a", client(image_deadline_s=5.0))
    assert (got.failure, got.attempts) == ("HTTP 500", 1)
    assert time.monotonic() - start < 2


def test_a_deadline_leaves_other_downloads_alone(server):
    server.routes = {"/a": lambda h, n: FAULTS["slow drip"](h, n, BODY), "/b": lambda h, n: slow(h)}

    def slow(handler):
        time.sleep(0.3)
        handler.answer(body=BODY)

    the_client = client(image_deadline_s=0.5)
    with ThreadPoolExecutor(2) as pool:
        dripping = pool.submit(get, f"{server.url}/a", the_client)
        gots = [get(f"{server.url}/b", the_client)[0] for _ in range(3)]
    assert dripping.result()[0].failure
    assert [got.failure for got in gots] == ["", "", ""]


def test_retry_after_holds_for_the_whole_host(server):
    server.routes["/a"] = lambda h, n: h.answer(429, b"", Retry_After="1") if n == 1 else h.answer(body=BODY)
    server.routes["/b"] = page(BODY)
    the_client = client(retries=0)
    get(f"{server.url}/a", the_client)
    get(f"{server.url}/b", the_client)
    assert server.starts_s[1] - server.starts_s[0] > 0.9


def test_requests_to_one_host_keep_their_distance(server):
    server.default = page(BODY)
    the_client = client(delay_s=0.1)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: get(f"{server.url}/{i}", the_client), range(5)))
    # sent 0.1 s apart; a server that is slow to wake makes one gap shorter and another longer
    assert max(server.starts_s) - min(server.starts_s) > 0.35


def test_servers_are_told_who_asks(server):
    server.default = page(BODY)
    get(f"{server.url}/a", client(contact="mailto:a@b.org"))
    assert "fitzpatrick17k-pipeline" in (agent := server.agents.pop())
    assert "mailto:a@b.org" in agent


def test_a_host_that_is_given_up_is_said_once():
    said = []
    the_client = client(said.append)
    for i in range(3):
        get(f"http://www.x.invalid/{i}", the_client)
    assert len(said) == 1
    assert "www.x.invalid does not resolve" in said[0]


def test_a_refusal_is_told_from_a_fault(server):
    for code, refused in ((404, True), (403, True), (429, False), (500, False), (200, False)):
        server.routes[f"/{code}"] = page(BODY, code)
        assert get(f"{server.url}/{code}", client(retries=0))[0].refused == refused
    assert not get("http://www.x.invalid/")[0].refused
