"""What the client makes of one URL: a whole body, wherever redirects led, or the reason why there is none."""

import gzip

import pytest

from tests.faulty_server import page, serving
from tests.lib.fetch.asking import BODY, client, get

pytestmark = pytest.mark.usefixtures("quick")


def test_a_body_arrives_whole(server):
    server.routes["/a"] = lambda h, n: h.answer(body=BODY)
    got, body = get(f"{server.url}/a")
    assert (got.failure, got.http_code, got.attempts, got.final_url) == ("", 200, 1, f"{server.url}/a")
    assert body == BODY
    assert all("fitzpatrick17k" in agent for agent in server.agents)


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


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://a/b", "www.a.de/b", "/a", "http://", "http://[a", "x"])
def test_what_is_no_http_url_is_not_asked(url):
    got, _ = get(url)
    assert got.failure
    assert (got.http_code, got.attempts, got.final_url) == (None, 0, "")


@pytest.mark.parametrize("url", ["http://a..b/", f"http://{'a' * 70}.invalid/", "http://127.0.0.1:1/a\tb c\u00e4"])
def test_odd_urls_are_answers_not_exceptions(url):
    assert get(url)[0].failure


def test_a_certificate_that_does_not_verify_is_refused_at_once():
    with serving(tls=True) as server:
        server.default = page(BODY)
        got, body = get(f"{server.url}/")
        assert server.asked == []
    assert got.failure.startswith("TLS: self")
    assert (got.attempts, body) == (1, b"")


def test_servers_are_told_who_asks(server):
    server.default = page(BODY)
    get(f"{server.url}/a", client(contact="mailto:a@b.org"))
    assert "fitzpatrick17k-pipeline" in (agent := server.agents.pop())
    assert "mailto:a@b.org" in agent


def test_a_refusal_is_told_from_a_fault(server):
    for code, refused in ((404, True), (403, True), (429, False), (500, False), (200, False)):
        server.routes[f"/{code}"] = page(BODY, code)
        assert get(f"{server.url}/{code}", client(retries=0))[0].refused == refused
    assert not get("http://www.x.invalid/")[0].refused
