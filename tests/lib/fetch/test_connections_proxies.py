"""Which server is asked, the URL's or the environment's proxy, and for what exactly."""

import pytest

from stages.lib.fetch.faults import Kind
from stages.lib.fetch.urls import BadUrlError
from tests.faulty_server import page, serving
from tests.lib.fetch.reading import failure, read, saying

pytestmark = pytest.mark.usefixtures("no_proxies")


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


def test_a_proxy_that_is_gone_or_refuses_is_said(monkeypatch):
    broken = (Kind.BREAK, "cannot connect to the proxy")
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
