import pytest
from yarl import URL

from stages.lib.core.errors import PipelineError
from stages.lib.fetch.session import Proxies

SITE = URL("http://a.de/b")
SAFE = URL("https://a.de:8080/c")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def chosen(monkeypatch, **environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    proxies = Proxies()
    return tuple("" if (proxy := proxies.to(url)) is None else str(proxy) for url in (SITE, SAFE))


def test_without_any_hosts_are_asked_directly(monkeypatch):
    assert chosen(monkeypatch) == ("", "")
    assert chosen(monkeypatch, NO_PROXY="*") == ("", "")


def test_each_scheme_may_have_its_own(monkeypatch):
    assert chosen(monkeypatch, HTTPS_PROXY="https://p:1/") == ("", "https://p:1/")
    assert chosen(monkeypatch, http_proxy="q") == ("http://q/", "https://p:1/")
    assert chosen(monkeypatch, HTTPS_PROXY="https://p/") == ("http://q/", "https://p/")


def test_all_proxy_is_for_what_has_none(monkeypatch):
    assert chosen(monkeypatch, ALL_PROXY="http://p:1/", HTTP_PROXY="http://q:2") == ("http://q:2/", "http://p:1/")


@pytest.mark.parametrize("spared", ["a.de", ".de", "b.de, A.de", "*"])
def test_no_proxy_spares_hosts(monkeypatch, spared):
    assert chosen(monkeypatch, ALL_PROXY="http://p:1/", NO_PROXY=spared) == ("", "")


def test_no_proxy_may_name_a_port(monkeypatch):
    assert chosen(monkeypatch, ALL_PROXY="http://p:1/", NO_PROXY="a.de:8080") == ("http://p:1/", "")


def test_a_login_is_kept(monkeypatch):
    assert chosen(monkeypatch, HTTP_PROXY="http://me:a%40b@p:1")[0] == "http://me:a%40b@p:1/"


@pytest.mark.parametrize("proxy", ["socks5://a:1", "http://[", "ftp://a", "http://", "http://a:b"])
def test_one_that_cannot_be_used_ends_with_one_line(monkeypatch, proxy):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(PipelineError, match="HTTPS_PROXY"):
        Proxies()
