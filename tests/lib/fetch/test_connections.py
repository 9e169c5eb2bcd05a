import time

import pytest
import urllib3

from stages.lib.core.errors import PipelineError
from stages.lib.fetch.connections import Connections
from tests.faulty_server import page, serving


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def connections():
    return Connections(2, urllib3.Timeout(connect=2.0, read=2.0), {"User-Agent": "me"})


def read(url):
    with connections().get(url, time.monotonic() + 5) as response:
        return response.read()


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


@pytest.mark.parametrize("proxy", ["socks5://a:1", "http://[", "ftp://a"])
def test_a_proxy_that_cannot_be_used_ends_with_one_line(monkeypatch, proxy):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(PipelineError, match="HTTPS_PROXY"):
        connections()
