"""What the client makes of one URL: a whole body, wherever redirects led, or the reason why there is none."""

import gzip

import pytest

from tests.faulty_server import page
from tests.lib.fetch.asking import BODY, client, get

pytestmark = pytest.mark.usefixtures("quick")


def test_a_body_arrives_whole_wherever_redirects_lead(server):
    server.routes["/a"] = lambda h, n: h.answer(302, b"moved", Location="/b?imageId=1")
    server.routes["/b"] = page(BODY)
    for path in ("/a", "/b?imageId=1"):
        got = get(f"{server.url}{path}")
        assert (got.failure, got.http_code, got.attempts, got.body) == ("", 200, 1, BODY)
        assert got.final_url == f"{server.url}/b?imageId=1"


def test_a_redirect_loop_ends(server):
    server.routes["/a"] = lambda h, n: h.answer(301, b"", Location="/a")
    got = get(f"{server.url}/a")
    assert (got.failure, got.http_code, got.attempts) == ("more than 5 redirects", 301, 1)
    assert len(server.asked) == 6


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/x", "http://[", "data:,x"])
def test_a_redirect_may_not_leave_http(server, target):
    server.routes["/a"] = lambda h, n: h.answer(302, b"", Location=target)
    got = get(f"{server.url}/a")
    assert got.failure.startswith("redirect not followed: ")
    assert (got.http_code, got.attempts, got.body) == (302, 1, None)


def test_a_large_body_is_refused_announced_or_not(server):
    server.routes["/a"] = page(bytes(200_000))
    server.routes["/b"] = lambda h, n: h.answer(body=gzip.compress(bytes(5_000_000)), Content_Encoding="gzip")
    for path in ("/a", "/b"):
        got = get(f"{server.url}{path}", max_mb=0.1)
        assert (got.failure, got.attempts, got.body) == ("larger than 0.1 MB", 1, None)
    assert get(f"{server.url}/a", max_mb=0.2).body == bytes(200_000)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://a/b", "www.a.de/b", "http://", "http://[a", "x"])
def test_what_is_no_http_url_is_not_asked(url):
    got = get(url)
    assert got.failure
    assert (got.http_code, got.attempts, got.final_url) == (None, 0, "")


@pytest.mark.parametrize("url", ["http://a..b/", f"http://{'a' * 70}.invalid/", "http://127.0.0.1:1/a\tb c\u00e4"])
def test_odd_urls_are_answers_not_exceptions(url):
    assert get(url).failure


def test_servers_are_told_who_asks_and_asked_for_the_bytes_as_they_are(server):
    seen = []
    server.default = lambda h, n: (seen.append(h.headers["Accept-Encoding"]), h.answer(200, b"x"))
    get(f"{server.url}/a", client(contact="mailto:a@b.org"))
    assert seen == ["identity"]
    assert "fitzpatrick17k-pipeline" in (agent := server.agents.pop())
    assert "mailto:a@b.org" in agent


def test_a_refusal_is_told_from_a_fault(server):
    for code, refused in ((404, True), (403, True), (429, False), (500, False), (200, False)):
        server.routes[f"/{code}"] = page(BODY, code)
        assert get(f"{server.url}/{code}", client(retries=0)).refused == refused
    assert not get("http://www.x.invalid/").refused
