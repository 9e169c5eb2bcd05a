"""Which server is asked, the URL's or the environment's proxy, and for what exactly."""

import pytest
from yarl import URL

from stages.lib.core.errors import PipelineError
from stages.lib.fetch.session import Proxies
from tests.faulty_server import page
from tests.lib.fetch.asking import failure, get, saying

pytestmark = pytest.mark.usefixtures("quick")


@pytest.mark.parametrize(
    ("environment", "http", "https"),
    [
        ({}, None, None),
        ({"NO_PROXY": "*"}, None, None),
        ({"HTTPS_PROXY": "https://p:1"}, None, "https://p:1/"),
        ({"http_proxy": "q", "HTTPS_PROXY": "https://p/"}, "http://q/", "https://p/"),
        ({"ALL_PROXY": "http://p:1/", "HTTP_PROXY": "http://q:2"}, "http://q:2/", "http://p:1/"),
        ({"HTTP_PROXY": "http://me:a%40b@p:1"}, "http://me:a%40b@p:1/", None),
        *[({"ALL_PROXY": "p", "NO_PROXY": spared}, None, None) for spared in ("a.de", ".de", "b.de, A.de", "*")],
        ({"ALL_PROXY": "http://p:1/", "NO_PROXY": "a.de:8080"}, "http://p:1/", None),
    ],
)
def test_the_environment_says_which_proxy(monkeypatch, environment, http, https):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    chosen = [Proxies().to(URL(url)) for url in ("http://a.de/b", "https://a.de:8080/c")]
    assert chosen == [proxy and URL(proxy) for proxy in (http, https)]


@pytest.mark.parametrize("proxy", ["socks5://a:1", "http://[", "ftp://a", "http://", "http://a:b"])
def test_one_that_cannot_be_used_ends_with_one_line(monkeypatch, proxy):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(PipelineError, match="HTTPS_PROXY"):
        Proxies()


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
def test_a_proxy_is_asked_for_what_was_read_and_told_who_asks(monkeypatch, server, url, asked):
    logins = []
    server.default = lambda h, n: (logins.append(h.headers["Proxy-Authorization"]), h.answer(200, b"through"))
    monkeypatch.setenv("HTTP_PROXY", server.url.replace("//", "//me:a%40b@"))
    assert get(url).body == b"through"
    assert server.asked == [asked]
    assert logins == ["Basic bWU6YUBi"]
    assert all("fitzpatrick17k" in agent for agent in server.agents)


def test_hosts_in_no_proxy_are_asked_directly(monkeypatch, server):
    server.default = page(b"direct")
    monkeypatch.setenv("HTTP_PROXY", "http://www.x.invalid:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert get(f"{server.url}/a").body == b"direct"


def test_a_proxy_that_is_gone_or_refuses_is_said(monkeypatch):
    with saying(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\nRetry-After: 9\r\n\r\nno") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy}")
        assert failure("https://www.x.invalid/") == "cannot connect to the proxy"
    for gone in ("http://www.x.invalid:1", "http://127.0.0.1:1"):
        monkeypatch.setenv("ALL_PROXY", gone)
        assert failure("http://a.invalid/") == "cannot connect to the proxy"
