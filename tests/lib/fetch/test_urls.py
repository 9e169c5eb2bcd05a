import pytest
from urllib3.util import parse_url

from stages.lib.fetch.urls import BadUrlError, Origin, host_of, parse


def asked(url):
    return parse(url)[1]


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/hostname",
        "ftp://a/b",
        "www.a.de/b",
        "/a",
        "http://",
        "http:a",
        "http:/a",
        "http://[a",
        "http://a:99999/",
        "http://a:b/",
        "http://a b/",
        "http://a\nb/",
        "http://\t/",
        " http://a/",
        "",
    ],
)
def test_what_is_no_http_url_is_refused(url):
    with pytest.raises(BadUrlError):
        parse(url)


def test_the_origin_is_scheme_host_and_port():
    assert parse("HTTP://A.de/b")[0] == Origin("http", "a.de", None) == parse("http://a.de?c")[0]
    assert parse("https://a.de:8080/b")[0] == Origin("https", "a.de", 8080) == parse("https://x:y@a.de:8080/b")[0]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a.de", "http://a.de/"),
        ("http://a.de/b.jpg?c=/d.e&f#g", "http://a.de/b.jpg?c=/d.e&f"),
        ("http://a.de/b/../../c/./d", "http://a.de/c/d"),
        ("http://a.de/%2e%2e/b", "http://a.de/%2E%2E/b"),
        ("http://a.de/b c\u00e4\t", "http://a.de/b%20c%C3%A4%09"),
        ("http://a.de\\@b.de/c", "http://a.de/%5C@b.de/c"),
        ("http://a.de@b.de/c", "http://b.de/c"),
        ("http://a.de:80@b.de:81/c", "http://b.de:81/c"),
        ("http://b\u00fccher.de/", "http://xn--bcher-kva.de/"),
        ("http://[::1]:80/a", "http://[::1]:80/a"),
        ("http://a.de//b", "http://a.de//b"),
        ("http://a.de/http://b.de/../c", "http://a.de/http://c"),
    ],
)
def test_what_is_asked_is_what_was_read(url, expected):
    origin, address = parse(url)
    assert address == expected
    assert address.startswith(f"{origin.scheme}://{origin.host}")


@pytest.mark.parametrize("host", ["a.de", "A.de:81", "1.2.3.4", "a-b.de:"])
@pytest.mark.parametrize(
    "target", ["/", "/b", "/b.jpg?c", "/~b/!$&'()*+,;=:@/_-.", "/b/.c", "/b//..", "/b?c=../d", "/é"]
)
def test_a_plain_url_is_read_like_any_other(host, target):
    parts = parse_url(f"http://{host}{target}")
    assert parse(f"http://{host}{target}") == (
        Origin("http", parts.host, parts.port),
        f"http://{parts.netloc}{parts.request_uri}",
    )


def test_host_of():
    assert host_of("https://Www.A.de:8080/b?c") == "www.a.de"
    assert host_of("ftp://a.de/b") == "a.de"
    assert host_of("x") in ("", "x")
    assert host_of("http://[a") == host_of("http://a:99999/") == host_of("") == ""
