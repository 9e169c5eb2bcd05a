"""Which server is asked, the URL's or the environment's proxy, and for what exactly."""

import pytest

from tests.faulty_server import page, serving
from tests.lib.fetch.asking import failure, get
from tests.lib.fetch.saying import saying

pytestmark = pytest.mark.usefixtures("quick")


def test_the_environments_proxy_is_used_and_told_who_asks(monkeypatch, server):
    server.default = page(b"through")
    monkeypatch.setenv("HTTP_PROXY", server.url)
    assert get("http://www.x.invalid/a")[1] == b"through"
    assert server.asked == ["http://www.x.invalid/a"]
    assert all("fitzpatrick17k" in agent for agent in server.agents)


def test_a_proxy_may_need_a_login(monkeypatch, server):
    seen = []
    server.default = lambda h, n: (seen.append(h.headers["Proxy-Authorization"]), h.answer(200, b"x"))
    monkeypatch.setenv("HTTP_PROXY", server.url.replace("//", "//me:a%40b@"))
    get("http://www.x.invalid/a")
    assert seen == ["Basic bWU6YUBi"]


def test_hosts_in_no_proxy_are_asked_directly(monkeypatch, server):
    server.default = page(b"direct")
    monkeypatch.setenv("HTTP_PROXY", "http://www.x.invalid:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert get(f"{server.url}/a")[1] == b"direct"


def test_a_proxy_that_is_gone_or_refuses_is_said(monkeypatch):
    broken = "cannot connect to the proxy"
    with saying(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\nRetry-After: 9\r\n\r\nno") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy}")
        assert failure("https://www.x.invalid/") == broken
    monkeypatch.setenv("ALL_PROXY", "http://www.x.invalid:1")
    assert failure("http://a.invalid/") == broken
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert failure("http://a.invalid/") == broken


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://me:secret@a.invalid/b#c", "http://a.invalid/b"),
        ("http://a.invalid:80@b.invalid/c", "http://b.invalid/c"),
        ("http://a.invalid/b c\u00e4", "http://a.invalid/b%20c%C3%A4"),
        ("http://a.invalid/b/../c/%2e%2e/d", "http://a.invalid/d"),
        ("http://a.invalid?b=http://c/../d", "http://a.invalid/?b=http://c/../d"),
        ("http://a.invalid/b%20c+d?e=f+g%2Bh%26%2F", "http://a.invalid/b%20c+d?e=f+g%2Bh%26/"),
    ],
)
def test_what_is_asked_is_what_was_read(monkeypatch, server, url, asked):
    server.default = page(b"x")
    monkeypatch.setenv("HTTP_PROXY", server.url)
    assert get(url)[1] == b"x"
    assert server.asked == [asked]


def test_an_https_proxy_tunnels(monkeypatch, tmp_path):
    with serving() as proxy, serving(tls=True) as site:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        failure(f"{site.url}/a")
        assert proxy.asked == [f"CONNECT {site.url[8:]}"]
